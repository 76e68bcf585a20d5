"""what a body of revolution leaves over -> handles, spouts and pan handles"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from assets_pipeline.generators.primitive.field import Grid, grid_over, surface
from assets_pipeline.generators.primitive.inflate import ball_heights, smooth_inside
from assets_pipeline.generators.primitive.revolve import Profile, body_picture
from assets_pipeline.generators.primitive.view import Crop, rotation_x, sample_bilinear, signed_distance

STEEP_ENOUGH = np.deg2rad(12.0)
"""Elevation from which on the picture tells where in a level plane a flat handle lies."""


def leftover(crop: Crop, profile: Profile, *, single: bool) -> NDArray[np.bool_] | None:
    """The parts of the silhouette beside the body, with a root inside it, or None when there are none to speak of.

    `single` keeps only the largest: a pan has one handle.
    """
    body = body_picture(crop, profile)
    margin = max(2, crop.side // 96)
    beside = crop.mask & ~ndimage.binary_dilation(body, iterations=margin)
    beside = ndimage.binary_opening(beside, iterations=1)
    labels, count = ndimage.label(beside)
    sizes = ndimage.sum(beside, labels, range(1, count + 1)) if count else np.zeros(0)
    large = [i + 1 for i in range(count) if sizes[i] > 0.008 * crop.mask.sum()]
    if not large:
        return None
    if single:
        large = [max(large, key=lambda label: sizes[label - 1])]
    kept = np.isin(labels, large)
    root = ndimage.binary_dilation(kept, iterations=3 * margin) & crop.mask
    return root & (ndimage.binary_dilation(kept, iterations=margin + 1) | body) | kept


def handle_surface(
    crop: Crop, profile: Profile, region: NDArray[np.bool_], *, flat: bool, keep_clear: float, cells: int = 96
) -> tuple[NDArray[np.float64], NDArray[np.int64]] | None:
    """The leftover `region` as a rounded body in the product frame, in the upright plane through the axis.

    `flat` lays it into a level plane instead, where the view is steep enough to tell. `keep_clear`: share of the body's
    radius that stays free of it, so that it does not reach into an open vessel.
    """
    level = flat and profile.elevation > STEEP_ENOUGH
    height_of_plane = attachment_height(crop, profile, region) if level else 0.0
    heights = smooth_inside(ball_heights(region) / (crop.side / 2), region, 0.004 * crop.side)
    if heights.max() <= 0:
        return None
    in_plane = plane_points(crop, profile, region, level, height_of_plane)
    reach = float(heights.max()) * 1.1
    low, high = in_plane.min(axis=0) - 0.03, in_plane.max(axis=0) + 0.03
    if level:  # room for the bridge to the wall
        low, high = np.minimum(low, low * 0.5), np.maximum(high, high * 0.5)
    if level:
        grid = grid_over(
            np.array([low[0], height_of_plane - reach, low[2]]),
            np.array([high[0], height_of_plane + reach, high[2]]),
            cells,
        )
    else:
        grid = grid_over(np.array([low[0], low[1], -reach]), np.array([high[0], high[1], reach]), cells)
    field = handle_field(
        crop, profile, grid, heights, signed_distance(region), in_plane, level, height_of_plane, keep_clear
    )
    if not (field > 0).any():
        return None
    return surface(field, grid, smoothing=6)


def attachment_height(crop: Crop, profile: Profile, region: NDArray[np.bool_]) -> float:
    """Where a flat handle meets the body: just below the rim."""
    span = profile.heights[-1] - profile.heights[0]
    return float(profile.heights[-1] - 0.15 * span)


def plane_points(
    crop: Crop, profile: Profile, region: NDArray[np.bool_], level: bool, height: float
) -> NDArray[np.float64]:
    """Where the rays through the region's pixels meet the handle's plane, (n, 3), product frame."""
    rows, columns = np.nonzero(region)
    x = (columns + 0.5) / crop.side * 2 - 1
    y = 1 - (rows + 0.5) / crop.side * 2
    rotation = rotation_x(profile.elevation)
    eye = (np.array([0, 0, crop.distance]) - profile.offset) @ rotation
    target = (np.column_stack([x, y, np.zeros(len(x))]) - profile.offset) @ rotation
    direction = target - eye
    axis, level_at = (1, height) if level else (2, 0.0)
    step = (level_at - eye[axis]) / direction[:, axis]
    return eye + direction * step[:, None]


def handle_field(
    crop: Crop,
    profile: Profile,
    grid: Grid,
    heights: NDArray[np.float32],
    sdf: NDArray[np.float32],
    in_plane: NDArray[np.float64],
    level: bool,
    plane: float,
    keep_clear: float,
) -> NDArray[np.float32]:
    """Positive inside the handle."""
    points = grid.points()
    if level:
        field = rods(points, *centre_line(crop, profile, sdf, plane))
        field = np.maximum(field, bridge(points, in_plane, heights.max() * 0.7, profile, plane))
    else:
        away, foot = np.abs(points[..., 2] - plane), points * (1, 1, 0) + (0, 0, plane)
        pixels = crop.to_pixels(foot @ rotation_x(profile.elevation).T + profile.offset)
        rise = sample_bilinear(heights, pixels)
        edge = sample_bilinear(sdf, pixels) / (crop.side / 2)
        field = np.where(edge > 0, np.minimum(rise - away, edge + 0.02), np.minimum(edge, rise - away))
    radius = np.interp(points[..., 1], profile.heights, profile.radii * keep_clear, left=0, right=0)
    return np.minimum(field, np.hypot(points[..., 0], points[..., 2]) - radius).astype(np.float32)


def centre_line(
    crop: Crop, profile: Profile, sdf: NDArray[np.float32], plane: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(points (k, 3) of a level handle's middle line in the product frame, its half thickness (k,) there)."""
    ridge = (sdf > 0.5) & (sdf >= ndimage.maximum_filter(sdf, 3) - 0.05)
    return plane_points(crop, profile, ridge, True, plane), sdf[ridge].astype(np.float64) / (crop.side / 2)


def rods(points: NDArray[np.float64], centres: NDArray[np.float64], radii: NDArray[np.float64]) -> NDArray[np.float64]:
    """Signed distance, positive inside, to the union of the balls: handles are about as broad as they look thick."""
    field = np.full(points.shape[:-1], -1.0)
    for centre, radius in zip(centres, radii, strict=True):
        np.maximum(field, radius - np.linalg.norm(points - centre, axis=-1), out=field)
    return field


def bridge(
    points: NDArray[np.float64], in_plane: NDArray[np.float64], thickness: float, profile: Profile, plane: float
) -> NDArray[np.float64]:
    """Signed distance, positive inside, to a rod from the handle's root into the body's wall.

    The picture hides where a level handle meets the wall behind the rim.
    """
    away = np.hypot(in_plane[:, 0], in_plane[:, 2])
    wall = float(np.interp(plane, profile.heights, profile.radii))
    beside = in_plane[away > 1.02 * wall]
    if not len(beside):
        return np.full(points.shape[:-1], -1.0)
    away = away[away > 1.02 * wall]
    root = beside[away <= np.quantile(away, 0.3)].mean(axis=0)
    start = root * min(1.0, 0.95 * wall / max(float(np.hypot(root[0], root[2])), 1e-6))
    start[1] = root[1] = plane
    along = root - start
    share = np.clip((points - start) @ along / max(float(along @ along), 1e-9), 0, 1)
    return thickness - np.linalg.norm(points - start - share[..., None] * along, axis=-1)
