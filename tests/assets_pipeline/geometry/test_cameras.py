import numpy as np
import pytest

from assets_pipeline.geometry.cameras import eye_of, frame, look_at, project, rays_through, resized
from tests.models import textured_mug

POSITIONS = textured_mug()[0].positions


def test_the_target_is_in_the_middle_and_up_is_up() -> None:
    camera = look_at(np.array([0, 0, 2.0]), np.zeros(3), focal_px=100, width=80, height=60)
    pixels, depth = project(camera, np.array([[0, 0, 0], [0.1, 0, 0], [0, 0.1, 0]]))
    assert np.allclose(pixels, [[40, 30], [45, 30], [40, 25]])
    assert np.allclose(depth, 2)


@pytest.mark.parametrize("eye", [(0, 3.0, 0), (0, -3.0, 0), (1.0, 2.0, -3.0)])
def test_any_direction_gives_a_rotation(eye: tuple[float, float, float]) -> None:
    camera = look_at(np.array(eye), np.zeros(3), focal_px=100, width=80, height=60)
    assert np.allclose(camera.rotation @ camera.rotation.T, np.eye(3))
    assert np.linalg.det(camera.rotation) == pytest.approx(1)
    assert np.allclose(eye_of(camera), eye)


def test_rays_meet_what_is_projected_to_their_pixel() -> None:
    camera = frame(POSITIONS, azimuth=140, elevation=25, size=200)
    pixels, _ = project(camera, POSITIONS)
    towards = POSITIONS - eye_of(camera)
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    assert np.allclose(rays_through(camera, pixels), towards, atol=1e-5)


@pytest.mark.parametrize("azimuth", [0, 30, 90, 200])
@pytest.mark.parametrize("elevation", [-10, 0, 15, 89])
def test_framing_centres_the_shape_and_fills_the_frame_as_asked(azimuth: float, elevation: float) -> None:
    camera = frame(POSITIONS, azimuth=azimuth, elevation=elevation, size=500, fill=0.7)
    pixels, _ = project(camera, POSITIONS)
    low, high = pixels.min(axis=0), pixels.max(axis=0)
    assert np.allclose((low + high) / 2, 250, atol=2)
    assert (high - low).max() == pytest.approx(350, abs=4)


def test_azimuth_90_stands_toward_plus_x() -> None:
    eye = eye_of(frame(POSITIONS, azimuth=90, elevation=0, size=100))
    assert eye[0] > 0.1
    assert abs(eye[2]) < 0.01


def test_another_size_sees_the_same() -> None:
    camera = frame(POSITIONS, azimuth=10, elevation=10, size=400)
    half, _ = project(resized(camera, 200), POSITIONS)
    assert np.allclose(half * 2, project(camera, POSITIONS)[0])
