import cv2
import numpy as np
from numpy.typing import NDArray

from assets_pipeline.texture.matting import foreground, refine_alpha, unknown_band


def scene(side: int = 240) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A red disc with a thin strap before grey paper, and its true opacity."""
    large = np.zeros((side * 4, side * 4), np.uint8)
    cv2.circle(large, (side * 2, side * 2), side, 255, -1)
    cv2.line(large, (side * 2, side * 2), (side * 2 + 700, 240), 255, 12)
    alpha = cv2.resize(large, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    noise = np.random.default_rng(0).normal(size=(side, side, 1)) * 1.5
    color = alpha[..., None] * np.array([200.0, 40, 30]) + (1 - alpha[..., None]) * np.array([210.0, 214, 220])
    return np.clip(color + noise, 0, 255).astype(np.uint8), alpha


def as_a_network_sees(alpha: NDArray[np.float32], grain: int = 5) -> NDArray[np.float32]:
    return cv2.GaussianBlur(alpha, (0, 0), grain / 1.5)


def test_a_blurred_mask_is_brought_back_to_the_photos_own_edges() -> None:
    pixels, truth = scene()
    mask = as_a_network_sees(truth)
    alpha = refine_alpha(pixels, mask, unknown_band(mask, 6))
    assert np.abs(alpha - truth).mean() < 0.1 * np.abs(mask - truth).mean()
    assert np.percentile(np.abs(alpha - truth), 99.5) < 0.1


def test_a_thin_strap_is_kept_though_the_mask_hardly_shows_it() -> None:
    pixels, truth = scene()
    mask = as_a_network_sees(truth)
    strap = np.s_[70:105, 195:232]
    alpha = refine_alpha(pixels, mask, unknown_band(mask, 6))
    assert mask[strap].max() < 0.6
    assert alpha[strap].sum() > 0.6 * truth[strap].sum()


def test_nothing_changes_outside_the_band() -> None:
    pixels, truth = scene()
    mask = as_a_network_sees(truth)
    band = unknown_band(mask, 6)
    alpha = refine_alpha(pixels, mask, band)
    assert set(np.unique(alpha[~band])) == {0.0, 1.0}


def test_without_a_band_the_mask_is_cut_at_half() -> None:
    pixels, truth = scene()
    alpha = refine_alpha(pixels, truth, np.zeros(truth.shape, bool))
    assert np.array_equal(alpha, (truth > 0.5).astype(np.float32))


def test_where_colours_agree_the_mask_has_its_way() -> None:
    mask = as_a_network_sees(scene()[1])
    grey = np.full((*mask.shape, 3), 128, np.uint8)
    alpha = refine_alpha(grey, mask, unknown_band(mask, 6))
    assert ((alpha > 0.5) != (mask > 0.5)).mean() < 0.02


def test_the_same_photo_gives_the_same_alpha() -> None:
    pixels, truth = scene()
    mask = as_a_network_sees(truth)
    band = unknown_band(mask, 6)
    assert np.array_equal(refine_alpha(pixels, mask, band), refine_alpha(pixels, mask, band))


def test_soft_edges_get_the_products_colour_without_the_background() -> None:
    pixels, truth = scene()
    edge = (truth > 0.2) & (truth < 0.8)
    colors = foreground(pixels, truth)
    assert pixels[edge][:, 1].mean() > 100
    assert np.abs(colors[edge].astype(int) - (200, 40, 30)).mean() < 12
    assert np.array_equal(colors[truth == 1], pixels[truth == 1])
