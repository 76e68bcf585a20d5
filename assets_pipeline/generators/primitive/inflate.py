"""silhouette -> rounded body: the union of the largest balls that fit behind the silhouette

Free form: used when no simpler family explains the product. Also makes the handles and spouts of revolved bodies.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from assets_pipeline.generators.primitive.field import Grid, grid_over, surface
from assets_pipeline.generators.primitive.view import Crop, sample_bilinear


def ball_heights(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Height in pixels, float32 (h, w), of the union of all balls centred in the mask's plane that fit into `mask`.

    The squared height is the parabolic dilation of the squared distance transform: max over c of d(c)^2 - |x - c|^2,
    exact and separable. Source: Felzenszwalb & Huttenlocher, "Distance Transforms of Sampled Functions", 2012.
    """
    distance = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    squared = np.where(mask, distance**2, -1e6).astype(np.float32)
    for axis in (0, 1):
        squared = parabolic_dilation(squared, axis, reach=int(np.ceil(distance.max())) + 1)
    return np.sqrt(np.maximum(squared, 0)) * mask


def parabolic_dilation(values: NDArray[np.float32], axis: int, *, reach: int) -> NDArray[np.float32]:
    """max over s of values shifted by s along `axis`, minus s^2, for |s| <= reach."""
    moved = np.moveaxis(values, axis, 0)
    result = moved.copy()
    for shift in range(1, min(reach, len(moved) - 1) + 1):
        np.maximum(result[shift:], moved[:-shift] - shift**2, out=result[shift:])
        np.maximum(result[:-shift], moved[shift:] - shift**2, out=result[:-shift])
    return np.moveaxis(result, 0, axis)


def smooth_inside(heights: NDArray[np.float32], mask: NDArray[np.bool_], sigma: float) -> NDArray[np.float32]:
    """Gaussian blur of `heights` that takes nothing from outside `mask`."""
    weight = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), sigma)
    return np.where(mask, cv2.GaussianBlur(heights * mask, (0, 0), sigma) / np.maximum(weight, 1e-3), 0).astype(
        np.float32
    )


def inflate(
    crop: Crop, *, half_depth: float | None = None, squareness: float = 2.0, cells: int = 176
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """A body with the silhouette of `crop`, symmetric to the view plane, in the view frame.

    `half_depth` in crop units stretches or flattens it; `squareness` 2 is round, larger is boxier.
    """
    heights = ball_heights(crop.mask) / (crop.side / 2)
    top = float(heights.max())
    if squareness > 2:
        share = np.clip(heights / top, 0, 1)
        heights = top * (1 - (1 - share) ** (squareness / 2)) ** (1 / (squareness / 2))
    scale = 1.0 if half_depth is None else half_depth / top
    heights = smooth_inside((heights * scale).astype(np.float32), crop.mask, 0.006 * crop.side)
    reach = float(heights.max()) * 1.05
    grid = grid_over(np.array([-1.0, -1.0, -reach]), np.array([1.0, 1.0, reach]), cells)
    return surface(slab_field(crop, heights, grid), grid)


def slab_field(crop: Crop, heights: NDArray[np.float32], grid: Grid) -> NDArray[np.float32]:
    """Positive inside the body that rises `heights` (crop units, over the crop) on both sides of the view plane."""
    points = grid.points()
    pixels = crop.to_pixels(points)
    height = sample_bilinear(heights, pixels)
    edge = sample_bilinear(crop.sdf, pixels) / (crop.side / 2)
    depth = np.abs(points[..., 2]).astype(np.float32)
    return np.where(edge > 0, np.minimum(height - depth, edge + 0.02), np.minimum(edge, height - depth)).astype(
        np.float32
    )


def plate(crop: Crop, *, half_depth: float, cells: int = 176) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """A plate with the silhouette of `crop`, 2 `half_depth` crop units thick, edges slightly rounded; view frame."""
    rounding = min(0.35 * half_depth, 0.03)
    inward = np.clip(crop.sdf / (crop.side / 2) / rounding, 0, 1)
    heights = (half_depth - rounding * (1 - np.sqrt(1 - (1 - inward) ** 2))).astype(np.float32) * crop.mask
    grid = grid_over(np.array([-1.0, -1.0, -half_depth]), np.array([1.0, 1.0, half_depth]), cells)
    return surface(slab_field(crop, heights, grid), grid, smoothing=3)
