"""Raw shapes with known faults and sizes."""

import numpy as np
import pytest
import trimesh

from assets_pipeline.asset import Asset, Camera, Hints, Mesh, RawShape, frozen
from assets_pipeline.geometry.measure import volume
from assets_pipeline.geometry.surface import Surface
from assets_pipeline.geometry.topology import edges_of
from assets_pipeline.stages.clean import Clean, clean


def mesh_of(shape: trimesh.Trimesh, texcoords: np.ndarray | None = None) -> Mesh:
    coords = None if texcoords is None else frozen(texcoords, np.float32)
    return Mesh(frozen(shape.vertices, np.float32), frozen(shape.faces, np.uint32), texcoords=coords)


NOTHING = Hints()


def cleaned(shape: trimesh.Trimesh, hints: Hints = NOTHING, **raw: object) -> Asset:
    return Clean()(Asset(hints=hints, raw=RawShape(mesh_of(shape), "test", **raw)))


def ball_with_faults() -> trimesh.Trimesh:
    """A closed ball, then: a hole, turned triangles, a doubled and a collapsed one, a speck far off."""
    ball = trimesh.creation.icosphere(4)
    faces = np.delete(ball.faces, np.arange(3), axis=0)
    faces[100:140] = faces[100:140, ::-1]
    faces = np.concatenate([faces, faces[200:201], [[5, 5, 9]]])
    speck = trimesh.creation.icosphere(1, radius=0.02)
    speck.apply_translation([2, 2, 2])
    broken = trimesh.Trimesh(ball.vertices, faces, process=False)
    return trimesh.util.concatenate([broken, speck])


def test_every_fault_is_mended_and_counted() -> None:
    mesh, counts = clean(mesh_of(ball_with_faults()))
    edges = edges_of(Surface.of(mesh).indices)
    assert edges.watertight and edges.inconsistent == 0
    assert volume(mesh.positions, mesh.indices) == pytest.approx(4 / 3 * np.pi, rel=0.01)
    assert counts["duplicates"] == 1 and counts["degenerate"] == 1 and counts["floaters"] == 1
    assert counts["turned_to_match"] == 40 and counts["holes_filled"] >= 1


def test_a_sound_mesh_keeps_every_triangle_and_its_texture_seams() -> None:
    box = trimesh.creation.box()
    corners = box.vertices[box.faces].reshape(-1, 3)
    texcoords = np.random.default_rng(0).random((36, 2))
    soup = trimesh.Trimesh(corners, np.arange(36).reshape(-1, 3), process=False)
    mesh, counts = clean(mesh_of(soup, texcoords))
    assert mesh.triangles == 12 and edges_of(Surface.of(mesh).indices).watertight
    assert mesh.texcoords[mesh.indices].reshape(-1, 2) == pytest.approx(texcoords, abs=1e-6)
    assert {name for name, count in counts.items() if count} == {"welded"}


def test_the_product_stands_on_the_floor_in_the_middle() -> None:
    shape = trimesh.creation.icosphere(3)
    shape.apply_translation([3, -7, 1])
    mesh = cleaned(shape).highpoly
    lower, upper = mesh.positions.min(axis=0), mesh.positions.max(axis=0)
    assert lower[1] == 0
    assert (lower + upper)[[0, 2]] == pytest.approx([0, 0], abs=1e-6)


@pytest.mark.parametrize(
    ("hints", "extents"),
    [
        (Hints(height=0.1), (0.05, 0.1, 0.15)),
        (Hints(width=0.1), (0.1, 0.2, 0.3)),
        (Hints(depth=0.3), (0.1, 0.2, 0.3)),
        (Hints(), (1, 2, 3)),
        (Hints(width=0.051, height=0.1, depth=0.14), (0.051, 0.1, 0.14)),
    ],
)
def test_the_first_dimension_given_scales_and_the_others_fit(hints: Hints, extents: tuple[float, ...]) -> None:
    assert cleaned(trimesh.creation.box((1, 2, 3)), hints).highpoly.extents == pytest.approx(extents, rel=0.005)


def test_a_known_scale_is_kept_where_it_agrees() -> None:
    shape = trimesh.creation.box((0.1, 0.2, 0.3))
    asset = cleaned(shape, Hints(height=0.2005), scale_known=True)
    assert asset.highpoly.extents == pytest.approx((0.1, 0.2, 0.3))
    assert asset.provenance[-1].counts["scale"] == 1
    assert cleaned(shape, Hints(height=0.4), scale_known=True).highpoly.extents == pytest.approx((0.2, 0.4, 0.6))


def test_cameras_see_the_placed_product_where_they_saw_the_raw_one() -> None:
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    camera = Camera(turn, np.array([0.2, -0.1, -6.0]), 900.0, 800, 600)
    shape = trimesh.creation.icosphere(2)
    shape.apply_translation([0.5, 0.7, -0.2])
    raw = RawShape(mesh_of(shape), "test", cameras=(camera, None))
    asset = Clean()(Asset(hints=Hints(height=0.12), raw=raw))
    moved, none = asset.cameras
    assert none is None
    before, after = (mesh.positions[mesh.indices].reshape(-1, 3) for mesh in (raw.mesh, asset.highpoly))
    assert seen_at(moved, after) == pytest.approx(seen_at(camera, before), abs=0.01)


def seen_at(camera: Camera, points: np.ndarray) -> np.ndarray:
    at = points @ camera.rotation.T + camera.translation
    return camera.focal_px * at[:, :2] / -at[:, 2:]


def test_the_same_shape_gives_the_same_bytes() -> None:
    one, other = (cleaned(ball_with_faults(), Hints(height=0.3)).highpoly for _ in range(2))
    assert one.positions.tobytes() == other.positions.tobytes()
    assert one.indices.tobytes() == other.indices.tobytes()
    assert not one.positions.flags.writeable
