"""photo + where the product is -> figures on light, focus, background and shadow

All are measured at a fixed size, so that they mean the same for every camera.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from assets_pipeline.texture.color import srgb_to_linear

SIDE = 512
CLIPPED = 250


@dataclass(frozen=True)
class PhotoQuality:
    """blur_px: width of the sharpest edges, pixels of the photo. brightest: linear light, the product's top 2 %.

    clipped: share of the product burnt out. clutter: share of the background covered by edges. uniformity: how alike
    the background's four sides are in texture, 0..1. shadow: area that a cast shadow darkens, in areas of the product,
    times how deep it is. see_through: share of the product's inside through which the background shows.
    """

    blur_px: float
    brightest: float
    clipped: float
    clutter: float
    uniformity: float
    shadow: float
    see_through: float


def measure_photo(
    pixels: NDArray[np.uint8], alpha: NDArray[np.float32], mask: NDArray[np.float32], *, background: bool
) -> PhotoQuality:
    """Figures of one photo. mask: what the segmenter said at first. background: whether the photo shows one."""
    scale = min(1.0, SIDE / max(pixels.shape[:2]))
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    inside = np.asarray(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA), np.float32)
    unsure = np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_AREA), np.float32)
    product = inside > 0.9
    light = luminance(small)
    clutter, uniformity = clutter_of(small, inside) if background else (0.0, 0.0)
    expected = background_light(light, inside) if background else None
    half = (unsure > 0.1) & (unsure < 0.85)
    if background:  # a network doubts dark and blurred things too: glass shows the light of what is behind it
        half &= np.abs(light / expected - 1) < 0.15 if expected is not None else False
    core = inner(inside)
    return PhotoQuality(
        blur_px=edge_width(pixels, alpha),
        brightest=float(np.percentile(light[product], 98)) if product.any() else 0.0,
        clipped=float((small.min(axis=2)[product] >= CLIPPED).mean()) if product.any() else 0.0,
        clutter=clutter,
        uniformity=uniformity,
        shadow=0.0 if expected is None else cast_shadow(light, expected, inside),
        see_through=float(half[core].mean()) if core.sum() > 200 else 0.0,
    )


def luminance(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Linear light, float32 (h, w)."""
    return (srgb_to_linear(pixels) @ np.array([0.2126, 0.7152, 0.0722], np.float32)).astype(np.float32)


def edge_width(pixels: NDArray[np.uint8], alpha: NDArray[np.float32]) -> float:
    """Standard deviation, in pixels, of the blur on the product's sharpest edges; 0 when it has none.

    Blurring once more by a known amount weakens a sharp edge more than a soft one.
    Source: Zhuo & Sim, "Defocus map estimation from a single image", Pattern Recognition 2011.
    """
    gray = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    area = cv2.dilate((alpha > 0.5).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    first, again = 1.0, 2.0
    once = gradient(cv2.GaussianBlur(gray, (0, 0), first))
    twice = gradient(cv2.GaussianBlur(gray, (0, 0), again))
    strong = area & (once > 4.0)
    if strong.sum() < 200:
        return 0.0
    strong &= once >= np.percentile(once[strong], 90)
    ratio = np.clip(once[strong] / np.maximum(twice[strong], 1e-3), 1.0001, 1e3)
    # An edge of blur s has gradient ~ 1 / sqrt(s^2 + b^2) after blurring by b.
    variance = (again**2 - ratio**2 * first**2) / (ratio**2 - 1)
    return float(np.sqrt(np.clip(np.percentile(variance, 30), 0, 400)))


def gradient(gray: NDArray[Any]) -> NDArray[np.float32]:
    """Slope of the brightness, levels a pixel."""
    return np.hypot(cv2.Sobel(gray, cv2.CV_32F, 1, 0), cv2.Sobel(gray, cv2.CV_32F, 0, 1)).astype(
        np.float32
    ) / np.float32(8)


def clutter_of(small: NDArray[np.uint8], inside: NDArray[np.float32]) -> tuple[float, float]:
    """(share of the background covered by edges, how alike its four sides are in texture, 0..1).

    A table seen from straight above shows the same texture at the same size all around; seen from the side it does not.
    """
    outside = cv2.dilate((inside > 0.02).astype(np.uint8), np.ones((25, 25), np.uint8)) == 0
    if outside.sum() < 0.02 * outside.size:
        return 0.0, 0.0
    smooth = cv2.GaussianBlur(small, (0, 0), 1.2).astype(np.float32)
    edges = np.max([gradient(np.ascontiguousarray(smooth[..., channel])) for channel in range(3)], axis=0)
    clutter = float((edges[outside] > 4.0).mean())
    rows, columns = outside.shape[0] // 4, outside.shape[1] // 4
    sides = (np.s_[:rows], np.s_[-rows:], np.s_[:, :columns], np.s_[:, -columns:])
    if min(int(outside[side].sum()) for side in sides) < 200:
        return clutter, 0.0
    textures = [float(edges[side][outside[side]].mean()) for side in sides]
    colors = np.array([smooth[side][outside[side]].mean(axis=0) for side in sides])
    hues = colors / np.maximum(colors.sum(axis=1, keepdims=True), 1)
    same_hue = float(np.ptp(hues, axis=0).max()) < 0.08
    return clutter, min(textures) / max(textures) if same_hue and min(textures) > 1.5 else 0.0


def background_light(light: NDArray[np.float32], inside: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """The light that the background would have where the product stands: a quadric fit to what lies farther away."""
    area = float((inside > 0.5).sum())
    reach = int(0.5 * np.sqrt(area)) | 1
    far = cv2.dilate((inside > 0.02).astype(np.uint8), np.ones((reach, reach), np.uint8)) == 0
    if not area or far.sum() < 0.05 * far.size:
        return None
    rows, columns = np.mgrid[0 : light.shape[0], 0 : light.shape[1]].astype(np.float32) / max(light.shape)
    terms = np.stack([np.ones_like(rows), rows, columns, rows**2, columns**2, rows * columns], axis=-1)
    fit = np.linalg.lstsq(terms[far][::7], light[far][::7], rcond=None)[0]
    return np.maximum(terms @ fit, 1e-3).astype(np.float32)


def cast_shadow(light: NDArray[np.float32], expected: NDArray[np.float32], inside: NDArray[np.float32]) -> float:
    """Depth of the shadow around the product times its area, in areas of the product."""
    taken = cv2.dilate((inside > 0.02).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    area = float((inside > 0.5).sum())
    reach = int(0.5 * np.sqrt(area)) | 1
    near = (cv2.dilate(taken.astype(np.uint8), np.ones((reach, reach), np.uint8)) > 0) & ~taken
    missing = np.clip(1 - light / expected, 0, 1)
    return float(missing[near & (missing > 0.25)].sum() / max(area, 1.0))


def inner(inside: NDArray[np.float32]) -> NDArray[np.bool_]:
    """The product, openings closed, away from its outline."""
    silhouette = (inside > 0.1).astype(np.uint8)
    filled = cv2.morphologyEx(silhouette, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    return cv2.erode(filled, np.ones((15, 15), np.uint8)) > 0
