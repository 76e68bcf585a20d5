import numpy as np
import pytest

from assets_pipeline.geometry.cameras import look_at
from assets_pipeline.texture.directions import hemisphere, lamp_cone, lamps_in_world
from assets_pipeline.texture.shade import STUDIO


def test_the_hemisphere_looks_up_and_favours_the_zenith() -> None:
    directions = hemisphere(2000)
    assert np.allclose(np.linalg.norm(directions, axis=1), 1, atol=1e-5)
    assert directions[:, 1].min() >= 0
    assert directions[:, 1].mean() == pytest.approx(2 / 3, abs=0.01)  # of a cosine-weighted hemisphere
    assert np.abs(directions[:, [0, 2]].mean(axis=0)).max() < 0.01


@pytest.mark.parametrize("direction", [(0, 1, 0), (1, 0, 0), (0.6, 0.8, 0)])
def test_a_lamp_is_seen_within_its_width(direction: tuple[float, float, float]) -> None:
    cone = lamp_cone(np.array(direction, np.float32), 0.3, 200)
    assert (cone @ np.array(direction)).min() > np.cos(np.arctan(0.3)) - 1e-5
    assert np.allclose(cone.mean(axis=0), direction, atol=0.05)


@pytest.mark.parametrize("eye", [(0, 0, 2), (0, 1.5, 2)])
def test_lamps_turn_with_the_camera_but_do_not_tilt(eye: tuple[float, float, float]) -> None:
    front = lamps_in_world(STUDIO, look_at(np.array(eye, float), np.zeros(3), focal_px=9, width=9, height=9))
    side = lamps_in_world(STUDIO, look_at(np.array([2.0, 0, 0]), np.zeros(3), focal_px=9, width=9, height=9))
    expected = np.array(STUDIO.lamps[0].direction) / np.linalg.norm(STUDIO.lamps[0].direction)
    assert np.allclose(front[0], expected, atol=1e-5)
    assert np.allclose(side[0], expected[[2, 1, 0]] * (1, 1, -1), atol=1e-5)
