"""Fewer triangles, the same shape."""

import numpy as np
import pytest
import trimesh

from assets_pipeline.asset import Asset, Mesh, frozen
from assets_pipeline.geometry.distance import closest_points
from assets_pipeline.geometry.measure import diagonal, sample_surface
from assets_pipeline.geometry.surface import Surface
from assets_pipeline.geometry.topology import edges_of
from assets_pipeline.stages.decimate import SMOOTH_TRIANGLES, Decimate, decimate


def mesh_of(shape: trimesh.Trimesh) -> Mesh:
    return Mesh(frozen(shape.vertices, np.float32), frozen(shape.faces, np.uint32))


@pytest.fixture(scope="module")
def bumpy() -> Mesh:
    """A ball with relief, 82,000 triangles."""
    ball = trimesh.creation.icosphere(6)
    x, y, z = ball.vertices.T
    return mesh_of(
        trimesh.Trimesh(ball.vertices * (1 + 0.04 * np.sin(9 * x) * np.sin(9 * y) * np.sin(9 * z))[:, None], ball.faces)
    )


@pytest.mark.parametrize("triangles", [20_000, 1_000])
def test_the_budget_holds_and_the_shape_stays(bumpy: Mesh, triangles: int) -> None:
    low, error = decimate(bumpy, triangles)
    assert low.triangles <= triangles
    assert low.extents == pytest.approx(bumpy.extents, rel=0.01)
    assert 0 < error < 0.002


def test_the_error_reported_is_the_distance_of_the_surface(bumpy: Mesh) -> None:
    low, error = decimate(bumpy, 2_000)
    samples = sample_surface(bumpy, 5_000, seed=9)[0]
    measured = closest_points(samples, low.positions, low.indices)[0].mean() / diagonal(bumpy.positions)
    assert error == pytest.approx(measured, rel=0.1)


def test_a_closed_manifold_stays_one(bumpy: Mesh) -> None:
    for triangles in (10_000, 500):
        edges = edges_of(Surface.of(decimate(bumpy, triangles)[0]).indices)
        assert edges.watertight and edges.inconsistent == 0


def test_a_box_of_thousands_of_triangles_needs_only_a_few() -> None:
    box = trimesh.creation.box((1, 0.6, 0.3))
    for _ in range(4):
        box = box.subdivide()
    low, error = decimate(mesh_of(box), 50_000)
    assert low.triangles <= 40 and error < 1e-6
    assert low.extents == pytest.approx([1, 0.6, 0.3], rel=1e-5)


def test_a_round_shape_keeps_a_smooth_outline() -> None:
    ball = mesh_of(trimesh.creation.icosphere(6))
    low, _ = decimate(ball, 50_000)
    assert SMOOTH_TRIANGLES <= low.triangles < 10_000


def test_a_small_mesh_that_needs_its_triangles_is_returned_as_it_is() -> None:
    ball = mesh_of(trimesh.creation.icosphere(2))
    low, error = decimate(ball, 50_000)
    assert np.array_equal(low.positions[low.indices], ball.positions[ball.indices]) and error == 0


def test_the_stage_counts_before_and_after_and_repeats_itself(bumpy: Mesh) -> None:
    one, other = (Decimate(5_000)(Asset(highpoly=bumpy)) for _ in range(2))
    assert one.lowpoly.positions.tobytes() == other.lowpoly.positions.tobytes()
    assert one.lowpoly.indices.tobytes() == other.lowpoly.indices.tobytes()
    counts = one.provenance[-1].counts
    assert counts["triangles_before"] == bumpy.triangles and counts["triangles"] == one.lowpoly.triangles


def test_a_small_product_is_decimated_as_a_large_one(bumpy: Mesh) -> None:
    """The simplifier's own thresholds are absolute: thin rims of things a few centimetres tall used to grow spikes."""
    small = Mesh(frozen(bumpy.positions / 32, np.float32), bumpy.indices)
    large, reduced = decimate(bumpy, 5_000)[0], decimate(small, 5_000)[0]
    assert reduced.triangles == large.triangles
    assert reduced.positions * 32 == pytest.approx(large.positions, abs=1e-5)
