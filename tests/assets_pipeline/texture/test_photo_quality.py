import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from assets_pipeline.texture.photo_quality import PhotoQuality, measure_photo
from tests.photos import on_paper, product

CUTOUT = product(640)
ALPHA = np.asarray(CUTOUT.getchannel("A"), np.float32) / 255
PLAIN = np.asarray(on_paper(CUTOUT))


def measure(pixels: NDArray[np.uint8], mask: NDArray[np.float32] = ALPHA) -> PhotoQuality:
    return measure_photo(pixels, ALPHA, mask, background=True)


def with_background(background: NDArray[np.float64]) -> NDArray[np.uint8]:
    share = ALPHA[..., None]
    return np.clip(PLAIN * share + background * (1 - share), 0, 255).astype(np.uint8)


def test_a_good_photo_has_nothing_to_be_told() -> None:
    good = measure(PLAIN)
    assert good.blur_px < 1 and good.brightest > 0.5 and good.clipped == 0
    assert good.clutter < 0.01 and good.shadow < 0.02 and good.see_through < 0.02


@pytest.mark.parametrize("sigma", [2.0, 4.0, 8.0])
def test_blur_is_measured_in_pixels(sigma: float) -> None:
    blurred = cv2.GaussianBlur(PLAIN, (0, 0), sigma)
    assert measure(blurred).blur_px == pytest.approx(sigma, rel=0.25)


def test_a_blurred_background_behind_a_sharp_product_is_no_blur() -> None:
    scene = np.kron(np.random.default_rng(0).uniform(0, 255, (20, 20, 3)), np.ones((32, 32, 1)))
    assert measure(with_background(cv2.GaussianBlur(scene, (0, 0), 8))).blur_px < 1


def test_a_dark_photo_has_no_bright_part_and_a_black_product_is_not_dark() -> None:
    assert measure((PLAIN * 0.15).astype(np.uint8)).brightest < 0.03
    black = np.where(ALPHA[..., None] > 0.5, PLAIN // 4 + 8, PLAIN).astype(np.uint8)
    assert measure(black).brightest > 0.05


def test_burnt_out_parts_are_counted() -> None:
    assert measure(np.clip(PLAIN * 2.2, 0, 255).astype(np.uint8)).clipped > 0.2


def test_a_patterned_room_is_clutter_and_paper_is_not() -> None:
    scene = np.kron(np.random.default_rng(0).uniform(0, 255, (40, 40, 3)), np.ones((16, 16, 1)))
    assert measure(with_background(scene)).clutter > 0.3


def test_the_same_table_all_around_looks_as_from_above() -> None:
    rows, columns = np.mgrid[0:640, 0:640]
    planks = 150 + 40 * np.sin(columns / 4) * np.sin(rows / 5)
    table = np.stack([planks, planks * 0.8, planks * 0.6], axis=-1)
    assert measure(with_background(table)).uniformity > 0.9
    table[:320] = 220  # a wall behind it
    assert measure(with_background(table)).uniformity == 0


def test_a_cast_shadow_counts_by_area_and_depth() -> None:
    rows, columns = np.mgrid[0:640, 0:640]
    fall = ((columns - 420) / 150) ** 2 + ((rows - 520) / 60) ** 2
    papers = [226 * (1 - depth * np.exp(-fall))[..., None] * np.ones(3) for depth in (0.1, 0.7)]
    depths = [measure(with_background(paper)).shadow for paper in papers]
    assert depths[0] < 0.02 and depths[1] > 0.1


def test_the_background_shining_through_is_glass_and_a_doubtful_dark_area_is_not() -> None:
    doubt = ALPHA.copy()
    doubt[320:500, 220:400] = 0.5
    clear = PLAIN.copy()
    clear[320:500, 220:400] = 224
    assert measure(clear, doubt).see_through > 0.2
    clear[320:500, 220:400] = 40
    assert measure(clear, doubt).see_through < 0.02
