import cv2
import numpy as np
from numpy.typing import NDArray

from assets_pipeline.texture.floor_shadow import without_floor_shadow


def cutout(side: int = 400) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """(colours, transparency) of a blue bottle with soft, antialiased edges."""
    large = np.zeros((side * 4, side * 4), np.uint8)
    cv2.ellipse(large, (side * 2, 640), (280, 520), 0, 0, 360, 255, -1)
    alpha = cv2.resize(large, (side, side), interpolation=cv2.INTER_AREA)
    return np.full((side, side, 3), (30, 90, 200), np.uint8), alpha


def shadow_below(side: int = 400, row: int = 330, depth: float = 0.35) -> NDArray[np.float32]:
    rows, columns = np.mgrid[0:side, 0:side].astype(np.float32)
    fall = ((columns - side / 2) / 110) ** 2 + ((rows - row) / 34) ** 2
    return (depth * np.clip(1 - fall, 0, 1) ** 2).astype(np.float32)


def with_shadow(
    rgb: NDArray[np.uint8], alpha: NDArray[np.uint8], shadow: NDArray[np.float32]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The cut-out over a black shadow, as an editor merges the two layers."""
    product = alpha.astype(np.float32) / 255
    both = product + (1 - product) * shadow
    color = rgb * (product / np.maximum(both, 1e-6))[..., None]
    return np.rint(color).astype(np.uint8), np.rint(both * 255).astype(np.uint8)


def test_a_shadow_apart_from_the_product_is_cut_away() -> None:
    rgb, alpha = cutout()
    opacity, shadow = without_floor_shadow(*with_shadow(rgb, alpha, shadow_below(row=350)))
    assert shadow.any()
    assert np.abs(opacity - alpha / 255).max() < 0.03


def test_a_shadow_that_touches_leaves_the_products_soft_edge() -> None:
    rgb, alpha = cutout()
    merged = with_shadow(rgb, alpha, shadow_below(row=290))
    opacity, _ = without_floor_shadow(*merged)
    before, after = np.abs(merged[1] / 255 - alpha / 255), np.abs(opacity - alpha / 255)
    assert before.sum() > 20 * after.sum()
    edge = (alpha > 40) & (alpha < 215)
    assert after[edge].mean() < 0.05


def test_a_plain_cut_out_is_left_alone() -> None:
    rgb, alpha = cutout()
    opacity, shadow = without_floor_shadow(rgb, alpha)
    assert not shadow.any() and np.array_equal(opacity, alpha.astype(np.float32) / 255)


def test_glass_is_no_shadow_though_light_passes() -> None:
    rgb, alpha = cutout()
    rgb[300:380, 150:250], alpha[300:380, 150:250] = (40, 44, 50), 90  # a smoked foot with a hard edge
    opacity, shadow = without_floor_shadow(rgb, alpha)
    assert not shadow.any() and np.allclose(opacity[340, 200], 90 / 255)


def test_hair_is_no_shadow() -> None:
    rgb, alpha = cutout()
    hair = np.zeros_like(alpha)
    for x in range(110, 300, 9):
        cv2.line(hair, (200, 150), (x, 20), 120, 1, cv2.LINE_AA)
    dark = hair > alpha
    rgb[dark], alpha = (20, 14, 10), np.maximum(alpha, hair)
    opacity, shadow = without_floor_shadow(rgb, alpha)
    assert not shadow.any() and np.array_equal(opacity, alpha.astype(np.float32) / 255)
