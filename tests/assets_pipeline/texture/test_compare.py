import numpy as np
import pytest

from assets_pipeline.texture.compare import SAME_DB, color_difference, iou, lab, psnr_db

PHOTO = np.random.default_rng(1).integers(20, 200, (500, 3)).astype(np.uint8)


def test_equal_pictures_are_the_same() -> None:
    assert psnr_db(PHOTO, PHOTO) == SAME_DB
    assert psnr_db(np.zeros((9, 3), np.uint8), np.full((9, 3), 255, np.uint8)) == pytest.approx(0)


def test_only_the_mask_counts() -> None:
    other = PHOTO.copy()
    other[:10] = 0
    mask = np.arange(500) >= 10
    assert psnr_db(PHOTO, other, mask) == SAME_DB > psnr_db(PHOTO, other)


def test_overlap_of_masks() -> None:
    a, b = np.array([1, 1, 0, 0], bool), np.array([0, 1, 1, 0], bool)
    assert (iou(a, b), iou(a, a), iou(~a & a, ~b & b)) == (pytest.approx(1 / 3), 1.0, 0.0)


def test_another_exposure_is_no_other_colour() -> None:
    from assets_pipeline.texture.color import linear_to_srgb, srgb_to_linear, to_bytes

    darker = to_bytes(linear_to_srgb(srgb_to_linear(PHOTO) * 0.6))
    assert color_difference(darker, PHOTO) < 1
    assert color_difference(PHOTO[:, ::-1], PHOTO) > 20


def test_lab_of_known_colours() -> None:
    assert np.allclose(
        lab(np.array([[1, 1, 1], [0, 0, 0], [1, 0, 0]], np.float32)),
        [[100, 0, 0], [0, 0, 0], [53.2, 80.1, 67.2]],
        atol=0.2,
    )
