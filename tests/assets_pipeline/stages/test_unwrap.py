"""Atlases without overlaps, and frames over them."""

import numpy as np
import pytest
import trimesh

from assets_pipeline.asset import Mesh, frozen
from assets_pipeline.stages import unwrap as stage
from assets_pipeline.stages.unwrap import unwrap
from assets_pipeline.texture.raster import count_layers

SHAPES = {
    "box": lambda: trimesh.creation.box((1, 0.6, 0.3)),
    "ball": lambda: trimesh.creation.icosphere(4),
    "ring": lambda: trimesh.creation.torus(0.4, 0.1, major_sections=48, minor_sections=24),
    "tube": lambda: trimesh.creation.annulus(0.3, 0.5, 1.0, sections=64),
}


@pytest.fixture(params=SHAPES, scope="module")
def shape(request: pytest.FixtureRequest) -> Mesh:
    made = SHAPES[request.param]()
    return Mesh(frozen(made.vertices, np.float32), frozen(made.faces, np.uint32))


@pytest.fixture(scope="module")
def laid_out(shape: Mesh) -> Mesh:
    return unwrap(shape, 1024, 4)[0]


def test_charts_do_not_overlap_and_use_the_atlas(laid_out: Mesh) -> None:
    layers = count_layers(laid_out.texcoords, laid_out.indices, 2048)
    assert layers.max() == 1
    assert (layers > 0).mean() > 0.4
    assert laid_out.texcoords.min() >= 0 and laid_out.texcoords.max() <= 1


def test_charts_keep_their_distance(laid_out: Mesh) -> None:
    import cv2
    from scipy.ndimage import label

    covered = count_layers(laid_out.texcoords, laid_out.indices, 1024) > 0
    charts, count = label(covered, np.ones((3, 3)))
    for chart in range(1, count + 1):
        near = cv2.dilate((charts == chart).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        assert not (near & covered & (charts != chart)).any()


def test_triangles_keep_their_order_and_place(shape: Mesh, laid_out: Mesh) -> None:
    assert np.array_equal(laid_out.positions[laid_out.indices], shape.positions[shape.indices])


def test_frames_are_unit_and_upright(laid_out: Mesh) -> None:
    assert np.linalg.norm(laid_out.normals, axis=1) == pytest.approx(1, abs=1e-5)
    assert np.linalg.norm(laid_out.tangents[:, :3], axis=1) == pytest.approx(1, abs=1e-5)
    assert np.einsum("ij,ij->i", laid_out.normals, laid_out.tangents[:, :3]) == pytest.approx(0, abs=1e-5)
    assert (laid_out.tangents[:, 3] == 1).all(), "no chart is a mirror image"


def test_texels_are_spread_evenly(laid_out: Mesh) -> None:
    points, flat = laid_out.positions[laid_out.indices], laid_out.texcoords[laid_out.indices]
    area = np.linalg.norm(np.cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0]), axis=1)
    one, other = flat[:, 1] - flat[:, 0], flat[:, 2] - flat[:, 0]
    density = 0.5 * np.log2(np.abs(one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]) / area)
    assert np.sqrt(np.average((density - np.average(density, weights=area)) ** 2, weights=area)) < 0.3


def test_a_box_has_flat_sides_and_a_ball_no_edges() -> None:
    for name, vertices in (("box", 24), ("ball", None)):
        made = SHAPES[name]()
        mesh, _ = unwrap(Mesh(frozen(made.vertices, np.float32), frozen(made.faces, np.uint32)), 512, 4)
        if vertices:
            assert len(mesh.positions) == vertices
            assert np.abs(mesh.normals).max(axis=1) == pytest.approx(1)
        else:
            assert np.einsum("ij,ij->i", mesh.normals, mesh.positions).min() > 0.99


def test_the_second_method_lays_out_as_well(shape: Mesh) -> None:
    layout = stage._with_xatlas(shape.positions, shape.indices, 512, 4)
    assert layout.overlap == 0 and layout.coverage > 0.3
    assert layout.texcoords.min() >= 0 and layout.texcoords.max() <= 1
    assert layout.corners.shape == shape.indices.shape


def test_the_same_mesh_gives_the_same_bytes(shape: Mesh, laid_out: Mesh) -> None:
    again, counts = unwrap(shape, 1024, 4)
    for name in ("positions", "indices", "texcoords", "normals", "tangents"):
        assert getattr(again, name).tobytes() == getattr(laid_out, name).tobytes()
    assert counts["method"] == "uvunwrap" and counts["overlap"] == 0
