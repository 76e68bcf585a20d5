import numpy as np
import pytest

from assets_pipeline.asset import frozen
from assets_pipeline.geometry.cameras import look_at
from assets_pipeline.geometry.rays import RayScene
from assets_pipeline.texture.floor import Floor
from assets_pipeline.texture.shade import STUDIO
from tests.models import textured_mug

MUG, _ = textured_mug()


def floor_of(shift: tuple[float, float, float] = (0, 0, 0)) -> Floor:
    positions = frozen(MUG.positions + np.array(shift, np.float32))
    return Floor(RayScene(positions, MUG.indices), positions)


def test_it_is_dark_below_and_lighter_outward_and_ends_before_the_rim() -> None:
    room = floor_of().room
    profile = room[room.shape[0] // 2, room.shape[1] // 2 :]
    assert profile[0] > 0.9
    assert (np.diff(profile) <= 1e-3).all()
    assert profile[-1] < 1e-3


def test_it_lies_where_the_product_stands() -> None:
    top = look_at(np.array([0.0, 1, 0]), np.zeros(3), focal_px=400, width=90, height=90)
    here = floor_of().seen(top, STUDIO)
    moved = floor_of((0.02, 0, 0)).seen(top, STUDIO)
    columns = np.arange(90)
    middles = [float((shadow.sum(axis=0) * columns).sum() / shadow.sum()) for shadow in (here, moved)]
    assert middles[1] - middles[0] == pytest.approx(8, abs=0.3)  # 20 mm at 400 px per metre


def test_from_below_there_is_no_floor() -> None:
    below = look_at(np.array([0.0, -1, 1]), np.zeros(3), focal_px=400, width=90, height=90)
    assert floor_of().seen(below, STUDIO).max() == 0
