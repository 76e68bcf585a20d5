from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from assets_pipeline.asset import Cutout, View, frozen
from assets_pipeline.generators.primitive.cuboid import cuboid_mesh
from assets_pipeline.generators.primitive.others import DIRECTIONS, GOOD_FIT, camera_for_view, overlap
from assets_pipeline.generators.primitive.solid import Solid
from assets_pipeline.geometry.cameras import eye_of, project
from tests.cutouts import carton, mug, photograph

SIZE = np.array([0.3, 0.2, 0.16])


@cache
def pack() -> Solid:
    positions, indices, texcoords = cuboid_mesh(SIZE / 2)
    return Solid(positions, indices, texcoords, (64, 64), np.eye(3), np.zeros(3), "cuboid", 1.0)


def photo(view: View | None, *, moved: tuple[int, int] = (0, 0)) -> Cutout:
    azimuth, elevation = DIRECTIONS[view] if view else (0.0, 0.0)
    shot = photograph(carton(*SIZE), azimuth=np.rad2deg(azimuth), elevation=np.rad2deg(elevation), view=view)
    return replace(shot.cutout, rgba=frozen(np.roll(shot.cutout.rgba, moved, axis=(0, 1))))


@pytest.mark.parametrize("view", DIRECTIONS)
@pytest.mark.parametrize("moved", [(0, 0), (30, -20)], ids=["centred", "aside"])
def test_a_named_side_is_seen_from_there_and_where_the_photo_shows_it(view, moved):
    cutout = photo(view, moved=moved)
    camera = camera_for_view(pack(), cutout)
    assert camera is not None
    direction = {
        View.FRONT: (0, 0, 1),
        View.BACK: (0, 0, -1),
        View.RIGHT: (1, 0, 0),
        View.LEFT: (-1, 0, 0),
        View.TOP: (0, 1, 0),
        View.BOTTOM: (0, -1, 0),
    }[view]
    eye = eye_of(camera)
    assert eye @ direction / np.linalg.norm(eye) > 0.97
    pixels, depth = project(camera, pack().positions)
    assert (depth > 0).all()
    rows, columns = np.nonzero(cutout.rgba[..., 3] > 127)
    assert pixels.min(axis=0) == pytest.approx([columns.min(), rows.min()], abs=3)
    assert pixels.max(axis=0) == pytest.approx([columns.max() + 1, rows.max() + 1], abs=3)


def test_a_photo_without_a_named_side_has_no_camera():
    assert camera_for_view(pack(), photo(None)) is None
    assert camera_for_view(pack(), replace(photo(None), view=View.THREE_QUARTER)) is None


def test_a_photo_of_something_else_has_no_camera():
    other = photograph(mug(), elevation=5, view=View.FRONT).cutout
    assert camera_for_view(pack(), other) is None


def test_the_overlap_is_that_of_shape_and_outline():
    cutout = photo(View.FRONT)
    camera = camera_for_view(pack(), cutout)
    inside = cutout.rgba[..., 3] > 127
    assert overlap(pack(), camera, inside) > 0.97
    half = inside.copy()
    half[:, : inside.shape[1] // 2] = False
    assert overlap(pack(), camera, half) == pytest.approx(0.5, abs=0.03)
    assert overlap(pack(), camera, ~inside) < 0.05 < GOOD_FIT
