import numpy as np
import pytest

from assets_pipeline.generators.primitive.field import grid_over, surface
from assets_pipeline.generators.primitive.solid import MIRROR_X, MIRROR_Z, QUARTERS, TURN, Solid, joined, unwrapped
from assets_pipeline.geometry.topology import edges_of, weld
from assets_pipeline.texture.raster import count_layers


def ball(cells: int = 40) -> tuple[np.ndarray, np.ndarray]:
    grid = grid_over(np.full(3, -0.5), np.full(3, 0.5), cells)
    return surface((0.5 - np.linalg.norm(grid.points(), axis=-1)).astype(np.float32), grid)


def solid(texture: tuple[int, int] = (200, 100)) -> Solid:
    positions, indices, texcoords, _ = unwrapped(*ball(16), 60)
    return Solid(positions, indices, texcoords, texture, np.eye(3), np.zeros(3), "inflation", 1.0)


def test_unwrapping_keeps_the_surface_and_lays_charts_side_by_side():
    positions, indices = ball()
    found, faces, texcoords, (width, height) = unwrapped(positions, indices, 100)
    assert len(faces) == len(indices)
    assert weld(found, faces)[0].shape == positions.shape
    assert texcoords.min() >= 0 and texcoords.max() <= 1
    layers = count_layers(texcoords * (width, height) / max(width, height), faces, 512)
    assert layers.max() == 1
    assert 256 <= max(width, height) <= 2560


def test_a_surface_of_too_many_triangles_is_reduced_and_stays_closed():
    positions, indices, _, _ = unwrapped(*ball(), 100, triangles=2000)
    assert len(indices) <= 2000
    assert edges_of(weld(positions, indices)[1]).watertight
    assert np.linalg.norm(positions, axis=1) == pytest.approx(0.5, abs=0.02)


def test_texels_are_as_fine_as_asked_for():
    areas = []
    for px in (200, 400):
        _, indices, texcoords, size = unwrapped(*ball(), px)
        u, v = (texcoords * size)[indices].transpose(2, 0, 1)
        area = np.abs((u[:, 1] - u[:, 0]) * (v[:, 2] - v[:, 0]) - (u[:, 2] - u[:, 0]) * (v[:, 1] - v[:, 0])).sum() / 2
        areas.append(area)
    assert areas[0] == pytest.approx(np.pi * 200**2, rel=0.3)
    assert areas[1] / areas[0] == pytest.approx(4, rel=0.15)


def test_a_joined_part_keeps_its_own_place_in_the_texture():
    body = solid()
    positions, indices = ball(12)
    both = joined(body, [(positions + 2, indices)], 60)
    assert both.texture[1] > body.texture[1]
    pixels = both.texcoords * both.texture
    count = len(body.positions)
    assert pixels[:count] == pytest.approx(body.texcoords * body.texture)
    assert pixels[count:, 1].min() >= body.texture[1] + 4, "with a gap below the body's charts"
    assert pixels[:, 0].max() <= both.texture[0] and pixels[:, 1].max() <= both.texture[1]
    welded, faces, _ = weld(both.positions, both.indices)
    assert edges_of(faces).watertight
    assert len(welded) > count, "the part is there"


def test_turns_keep_lettering_readable_and_mirrors_do_not():
    for turn in (TURN, *QUARTERS):
        assert np.linalg.det(turn) == pytest.approx(1)
        assert turn @ turn.T == pytest.approx(np.eye(3))
        assert turn @ (0, 1, 0) == pytest.approx([0, 1, 0]), "upright stays upright"
    assert np.array_equal(TURN @ (0, 0, 1), (0, 0, -1))
    assert np.linalg.det(MIRROR_X) == np.linalg.det(MIRROR_Z) == -1
