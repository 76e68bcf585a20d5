import numpy as np
import pytest

from assets_pipeline.generators.primitive.field import Grid, grid_over, signed_volume, surface, taubin
from assets_pipeline.geometry.topology import edges_of


def ball(radius: float, cells: int = 40) -> tuple[Grid, np.ndarray]:
    grid = grid_over(np.full(3, -radius), np.full(3, radius), cells)
    return grid, (radius - np.linalg.norm(grid.points(), axis=-1)).astype(np.float32)


def test_a_grid_covers_its_box_with_cells_to_spare():
    grid = grid_over(np.array([-1.0, 0.0, 2.0]), np.array([1.0, 0.5, 2.0]), 20)
    assert grid.step == pytest.approx(0.1)
    points = grid.points()
    assert points.shape == (*grid.shape, 3)
    assert (points.min(axis=(0, 1, 2)) <= np.array([-1, 0, 2]) - 1.9 * grid.step).all()
    assert (points.max(axis=(0, 1, 2)) >= np.array([1, 0.5, 2]) + 1.9 * grid.step).all()
    assert points[3, 1, 2] == pytest.approx(grid.origin + grid.step * np.array([3, 1, 2]))


@pytest.mark.parametrize("smoothing", [0, 8])
def test_a_ball_stays_a_ball_and_faces_outward(smoothing):
    grid, field = ball(0.7)
    positions, indices = surface(field, grid, smoothing=smoothing)
    assert np.linalg.norm(positions, axis=1) == pytest.approx(0.7, abs=0.01)
    assert signed_volume(positions, indices) == pytest.approx(4 / 3 * np.pi * 0.7**3, rel=0.02)
    edges = edges_of(indices)
    assert edges.watertight and edges.inconsistent == 0


def test_what_reaches_the_grids_border_is_closed_there():
    grid, field = ball(0.7)
    positions, indices = surface(field + 0.5, grid)
    assert edges_of(indices).watertight
    assert signed_volume(positions, indices) > 0


def test_the_field_is_left_as_it_was():
    grid, field = ball(0.7, cells=12)
    before = field.copy()
    surface(field + 0, grid)
    assert (field == before).all()


def test_smoothing_takes_out_noise_and_keeps_the_size():
    grid, field = ball(0.7)
    smooth, indices = surface(field, grid, smoothing=0)
    noisy = smooth + np.random.default_rng(0).normal(0, 0.01, smooth.shape)
    radii = np.linalg.norm(taubin(noisy, indices, 8), axis=1)
    assert radii.std() < 0.4 * np.linalg.norm(noisy, axis=1).std()
    assert radii.mean() == pytest.approx(0.7, rel=0.01)
    assert taubin(noisy, indices, 0) is noisy
