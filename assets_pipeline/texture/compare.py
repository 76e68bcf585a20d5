"""How alike two pictures are."""

import numpy as np
from numpy.typing import NDArray

from assets_pipeline.texture.color import srgb_to_linear

SAME_DB = 99.0
"""Stands for pictures without any difference, whose ratio is infinite."""

XYZ_OF_RGB = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE_D65 = np.array([0.95047, 1.0, 1.08883])


def psnr_db(a: NDArray[np.uint8], b: NDArray[np.uint8], mask: NDArray[np.bool_] | None = None) -> float:
    """Peak signal-to-noise ratio of two pictures of one size, over the mask's pixels; at most SAME_DB."""
    difference = a.astype(np.float32) - b.astype(np.float32)
    error = float(np.mean((difference if mask is None else difference[mask]) ** 2))
    return SAME_DB if error == 0 else min(SAME_DB, float(10 * np.log10(255**2 / error)))


def iou(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Intersection over union of two masks; 0 when both are empty."""
    union = int((a | b).sum())
    return int((a & b).sum()) / union if union else 0.0


def color_difference(drawn: NDArray[np.uint8], photo: NDArray[np.uint8]) -> float:
    """Mean CIE76 distance of sRGB colours (n, 3), after the one exposure that brings the drawn ones nearest.

    Below 2 nobody sees a difference; above 20 it is another colour.
    """
    light, target = srgb_to_linear(drawn), srgb_to_linear(photo)
    exposure = float((light * target).sum() / max(float((light * light).sum()), 1e-9))
    return float(np.linalg.norm(lab(light * exposure) - lab(target), axis=1).mean())


def lab(light: NDArray[np.float32]) -> NDArray[np.float64]:
    """CIE L*a*b* (D65) of linear sRGB light, (n, 3)."""
    ratio = np.clip(light, 0, 1) @ XYZ_OF_RGB.T / WHITE_D65
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = f.T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)
