import numpy as np
import pytest

from assets_pipeline.asset import Cutout, frozen
from assets_pipeline.generators.primitive.view import (
    MARGIN,
    Crop,
    camera_of,
    crop_product,
    rotation_x,
    rotation_y,
    sample_bilinear,
    signed_distance,
    view_rotation,
)
from assets_pipeline.geometry.cameras import eye_of, project


def rectangle(
    rows: slice, columns: slice, *, shape: tuple[int, int] = (300, 400), focal_px: float | None = None
) -> Cutout:
    """A red block on green that no one may see."""
    rgba = np.zeros((*shape, 4), np.uint8)
    rgba[:] = (0, 255, 0, 0)
    rgba[rows, columns] = (200, 30, 20, 255)
    return Cutout(name="block.png", rgba=frozen(rgba), focal_px=focal_px)


def test_the_crop_is_centred_on_the_product_which_fills_its_margin():
    crop = crop_product(rectangle(slice(40, 240), slice(250, 330)), 256)
    rows, columns = np.flatnonzero(crop.mask.any(axis=1)), np.flatnonzero(crop.mask.any(axis=0))
    assert crop.side == 256
    assert len(rows) == pytest.approx(MARGIN * 256, abs=1)
    assert len(columns) == pytest.approx(MARGIN * 256 * 80 / 200, abs=1)
    assert rows.mean() == pytest.approx(127.5, abs=0.6) and columns.mean() == pytest.approx(127.5, abs=0.6)
    assert crop.centre == (290, 140)
    assert crop.half_px == pytest.approx(100 / MARGIN)


@pytest.mark.parametrize("side", [64, 256, 700])
def test_no_background_colour_reaches_the_crops_product(side):
    crop = crop_product(rectangle(slice(40, 240), slice(250, 330)), side)
    assert crop.rgb.dtype == crop.alpha.dtype == np.float32
    assert np.abs(crop.rgb[crop.alpha > 0.05] * 255 - (200, 30, 20)).max() < 1.5


def test_a_known_focal_length_sets_the_distance_and_an_unknown_one_is_assumed():
    told = crop_product(rectangle(slice(40, 240), slice(250, 330), focal_px=1000.0), 128)
    assert told.distance == pytest.approx(1000 / told.half_px)
    unknown = crop_product(rectangle(slice(40, 240), slice(250, 330)), 128)
    assert 2 * np.rad2deg(np.arctan(MARGIN / unknown.distance)) == pytest.approx(21, abs=0.1)
    wild = crop_product(rectangle(slice(40, 240), slice(250, 330), focal_px=5.0), 128)
    assert wild.distance == 2.5, "no lens sees a product from inside"


def test_the_signed_distance_is_that_to_a_circle():
    y, x = np.mgrid[0:128, 0:128]
    radius = np.hypot(x - 63.5, y - 63.5)
    distance = signed_distance(radius < 40)
    assert np.abs(distance - (40 - radius)).max() < 1.2
    assert ((distance > 0) == (radius < 40)).all()


def test_the_distance_inside_counts_the_frame_as_an_edge():
    assert signed_distance(np.ones((32, 32), bool))[:, 0].max() <= 1


def test_sampling_between_pixels_is_linear_and_extends_the_edges():
    y, x = np.mgrid[0:8, 0:20]
    image = np.stack([x + 0.5, y + 0.5], axis=-1).astype(np.float32)
    at = np.random.default_rng(0).uniform((0.5, 0.5), (19.5, 7.5), (5, 7, 2))
    assert np.abs(sample_bilinear(image, at) - at).max() < 0.04  # OpenCV keeps 1/32 of a pixel
    assert sample_bilinear(image, np.array([[-5.0, 100.0]])) == pytest.approx(np.array([[0.5, 7.5]]))
    assert sample_bilinear(image[..., 0], at).shape == (5, 7)


def test_sampling_takes_more_points_than_opencv_takes_columns():
    image = np.arange(16, dtype=np.float32).reshape(1, 16)
    columns = np.arange(4096 * 20 + 5) % 16
    found = sample_bilinear(image, np.stack([columns + 0.5, np.full(len(columns), 0.5)], axis=-1))
    assert (found == columns).all()


def test_an_eye_toward_plus_x_sees_the_right_side_and_one_above_sees_the_top():
    to_eye = np.array([0.0, 0, 1])
    assert to_eye @ view_rotation(np.deg2rad(90), 0) == pytest.approx([1, 0, 0])
    assert to_eye @ view_rotation(0, np.deg2rad(90)) == pytest.approx([0, 1, 0])
    assert to_eye @ view_rotation(np.deg2rad(30), np.deg2rad(20)) == pytest.approx(
        [np.sin(np.deg2rad(30)) * np.cos(np.deg2rad(20)), np.sin(np.deg2rad(20)), np.cos(np.deg2rad(30)) * 0.9396926]
    )
    for rotation in (rotation_x(0.3), rotation_y(0.7), view_rotation(0.4, -0.2)):
        assert rotation @ rotation.T == pytest.approx(np.eye(3))
        assert np.linalg.det(rotation) == pytest.approx(1)


def in_photo(crop: Crop, points: np.ndarray) -> np.ndarray:
    """Where points in the view frame appear in the photo, by way of the crop."""
    return np.array(crop.centre) + (crop.to_pixels(points) - crop.side / 2) * (2 * crop.half_px / crop.side)


def test_the_photos_camera_sees_a_product_in_the_middle_where_the_crop_does():
    cutout = rectangle(slice(50, 250), slice(150, 250), focal_px=900.0)
    crop = crop_product(cutout, 200)
    rotation, offset = view_rotation(0.4, 0.3), np.array([0.1, -0.05, 0.0])
    camera = camera_of(cutout, crop, rotation, offset)
    points = np.random.default_rng(1).uniform(-0.5, 0.5, (50, 3))
    assert (camera.width, camera.height) == (400, 300)
    assert project(camera, points)[0] == pytest.approx(in_photo(crop, points @ rotation.T + offset))


def test_a_product_in_the_corner_is_seen_there_too():
    cutout = rectangle(slice(10, 130), slice(320, 390), focal_px=900.0)
    crop = crop_product(cutout, 200)
    rotation = view_rotation(0.4, 0.3)
    camera = camera_of(cutout, crop, rotation, np.zeros(3))
    in_view = np.random.default_rng(1).uniform(-0.5, 0.5, (50, 3))
    found = project(camera, in_view @ rotation)[0]
    assert np.linalg.norm(found - in_photo(crop, in_view), axis=1).max() < 0.12 * crop.half_px
    upright = in_view * (1, 1, 0)  # in the picture's own plane through the product, nothing moves
    assert project(camera, upright @ rotation)[0] == pytest.approx(in_photo(crop, upright))


def test_the_camera_stands_before_the_product():
    cutout = rectangle(slice(50, 250), slice(150, 250), focal_px=900.0)
    crop = crop_product(cutout, 200)
    camera = camera_of(cutout, crop, view_rotation(0.0, np.deg2rad(30)), np.zeros(3))
    eye = eye_of(camera)
    assert np.linalg.norm(eye) == pytest.approx(crop.distance)
    assert np.rad2deg(np.arcsin(eye[1] / crop.distance)) == pytest.approx(30)
    assert eye[2] > 0
