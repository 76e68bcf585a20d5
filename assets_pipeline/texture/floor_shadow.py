"""a cut-out's own transparency -> the product's alone, without the soft shadow that packshots carry in it"""

import cv2
import numpy as np
from numpy.typing import NDArray

OPAQUE, HALF_SEEN = 240, 150
DARK = 110
"""Brightest channel of a shadow's colour; nearly transparent pixels hold it coarsely."""
FADES_TO = 14
"""A shadow's transparency where it ends, of 255; glass and hair end at an edge."""
EDGE = 3.0
"""Pixels around the opaque product that are its own soft edge."""


def without_floor_shadow(
    rgb: NDArray[np.uint8], alpha: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """(the product's opacity, float32 (h, w) in 0..1; where the shadow lay).

    A shadow is dark, nowhere opaque and ends without an edge. Where it passes behind the product's soft edge,
    pixels hold both: opacity = product + (1 - product) * shadow.
    """
    shadow = floor_shadow(rgb, alpha)
    opacity = (alpha / np.float32(255)).astype(np.float32)
    if not shadow.any():
        return opacity, shadow
    behind = spread(np.where(shadow, opacity, 0).astype(np.float32), shadow, pixels=EDGE + 2)
    product = (opacity - behind) / np.maximum(1 - behind, 1e-3)
    product = np.where(shadow, 0, np.clip(product, 0, 1)).astype(np.float32)
    product[alpha >= OPAQUE] = opacity[alpha >= OPAQUE]
    product[product < 0.02] = 0
    return product.astype(np.float32), shadow


def floor_shadow(rgb: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where the transparency holds nothing but a shadow."""
    to_core = cv2.distanceTransform((alpha < OPAQUE).astype(np.uint8), cv2.DIST_L2, 5)
    dim = (rgb.max(axis=2) <= DARK) | (alpha < 24)
    candidate = (alpha > 0) & (alpha < HALF_SEEN) & dim & (to_core > EDGE)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(candidate.astype(np.uint8), connectivity=8)
    clear = cv2.dilate((alpha <= 2).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    smallest = 1e-4 * alpha.size
    shadow = np.zeros(alpha.shape, bool)
    for label in range(1, count):
        x, y, width, height, area = stats[label]
        window = (slice(y, y + height), slice(x, x + width))
        inside = labels[window] == label
        rim = inside & clear[window]
        weighty = inside & (alpha[window] >= 24)
        dark = not weighty.any() or np.median(rgb[window][weighty].max(axis=1)) <= DARK
        if area >= smallest and dark and rim.any() and np.median(alpha[window][rim]) <= FADES_TO:
            shadow[window] |= inside
    return shadow


def spread(values: NDArray[np.float32], known: NDArray[np.bool_], *, pixels: float) -> NDArray[np.float32]:
    """`values` carried on from where they are `known` to about `pixels` around; 0 beyond."""
    sigma = pixels / 2
    weight = cv2.GaussianBlur(known.astype(np.float32), (0, 0), sigma)
    blurred = cv2.GaussianBlur(values, (0, 0), sigma)
    near = cv2.dilate(known.astype(np.uint8), np.ones((2 * round(pixels) + 1,) * 2, np.uint8)) > 0
    return np.where(near & (weight > 1e-4), blurred / np.maximum(weight, 1e-4), 0).astype(np.float32)
