"""silhouette -> surface of revolution, closed or open with an inner wall, plus handles and spouts

The axis is the line of best mirror symmetry. The elevation is the steepest one that both ends of the silhouette allow:
a flat base or rim seen from above must appear as an ellipse, and no ellipse rounder than the contour fits into it. The
radius at each height is that of the largest circle whose picture stays inside the silhouette.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from assets_pipeline.generators.primitive.view import Crop, rotation_x, signed_distance

CIRCLE = np.linspace(0, 2 * np.pi, 48, endpoint=False)
HEIGHTS = 257
MAX_ELEVATION = 38


@dataclass(frozen=True)
class Profile:
    """Radius over height, bottom to top, in crop units, of a body whose axis stands at `offset` in the view frame.

    axis_x: column of the axis in crop pixels. symmetry: share of the mask that its mirror image covers.
    core: bool (n, n), the part of the mask that is symmetric. coverage: IoU of the body's picture with the core.
    """

    heights: NDArray[np.float64]
    radii: NDArray[np.float64]
    elevation: float
    axis_x: float
    symmetry: float
    core: NDArray[np.bool_]
    coverage: float = 0.0

    @property
    def mouth(self) -> float:
        """Radius at the upper end over the largest radius."""
        return float(self.radii[-8:].max() / self.radii.max())

    @property
    def offset(self) -> NDArray[np.float64]:
        return np.array([self.axis_x / len(self.core) * 2 - 1, 0.0, 0.0])


def symmetry_axis(mask: NDArray[np.bool_]) -> tuple[float, float]:
    """(column of the upright axis whose mirror image covers `mask` best, share covered)."""
    columns = np.flatnonzero(mask.any(axis=0))
    first, last = columns[0], columns[-1]
    span = last - first + 1
    best = (-1.0, 0)
    for twice in range(int(2 * (first + 0.2 * span)), int(2 * (first + 0.8 * span)) + 1):
        reach = min(twice - first, last - twice if last > twice else twice)
        mirrored = twice - np.arange(mask.shape[1])
        valid = (mirrored >= 0) & (mirrored < mask.shape[1])
        shared = float((mask[:, valid] & mask[:, mirrored[valid]]).sum())
        if reach >= 0 and shared > best[0]:
            best = (shared, twice)
    return best[1] / 2 + 0.5, best[0] / mask.sum()


def symmetric_core(mask: NDArray[np.bool_], axis_x: float) -> NDArray[np.bool_]:
    """The largest connected part of `mask` that the mirror image about `axis_x` covers."""
    twice = round(2 * (axis_x - 0.5))
    mirrored = twice - np.arange(mask.shape[1])
    valid = (mirrored >= 0) & (mirrored < mask.shape[1])
    core = np.zeros_like(mask)
    core[:, valid] = mask[:, valid] & mask[:, mirrored[valid]]
    core = ndimage.binary_fill_holes(core)
    opened = ndimage.binary_opening(core, iterations=max(1, len(mask) // 128))
    labels, count = ndimage.label(opened)
    if count == 0:
        return core
    sizes = ndimage.sum(opened, labels, range(1, count + 1))
    grown = ndimage.binary_dilation(labels == 1 + int(np.argmax(sizes)), iterations=max(2, len(mask) // 64))
    return core & grown


def circles(
    heights: NDArray[np.float64], radii: NDArray[np.float64], elevation: float, offset: NDArray[np.float64]
) -> NDArray[np.float64]:
    """View points of the circles (k, 48, 3)."""
    points = np.empty((len(heights), len(CIRCLE), 3))
    points[..., 0] = radii[:, None] * np.cos(CIRCLE)
    points[..., 1] = heights[:, None]
    points[..., 2] = radii[:, None] * np.sin(CIRCLE)
    return points @ rotation_x(elevation).T + offset


def largest_circles(
    crop: Crop, sdf: NDArray[np.float32], axis_x: float, elevation: float, heights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Radius, per height, of the largest circle whose picture stays inside the silhouette `sdf`; 0 where none."""
    offset = np.array([axis_x / crop.side * 2 - 1, 0.0, 0.0])
    low, high = np.zeros(len(heights)), np.full(len(heights), 1.3)
    for _ in range(13):
        middle = (low + high) / 2
        pixels = crop.to_pixels(circles(heights, middle, elevation, offset))
        column = np.clip(pixels[..., 0] - 0.5, 0, crop.side - 1.001).astype(np.float32)
        row = np.clip(pixels[..., 1] - 0.5, 0, crop.side - 1.001).astype(np.float32)
        inside = cv2.remap(sdf, column, row, cv2.INTER_LINEAR) > -0.3
        fits = inside.all(axis=1)
        low, high = np.where(fits, middle, low), np.where(fits, high, middle)
    return np.where(low > 1e-3, low, 0.0)


def end_gaps(
    crop: Crop,
    profile_heights: NDArray[np.float64],
    radii: NDArray[np.float64],
    axis_x: float,
    elevation: float,
    core: NDArray[np.bool_],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How much of the silhouette's lower and upper contour stays uncovered when the body starts or ends at each height.

    Two arrays (k,): mean gap in pixels over the columns near that end.
    """
    offset = np.array([axis_x / crop.side * 2 - 1, 0.0, 0.0])
    pixels = crop.to_pixels(circles(profile_heights, radii, elevation, offset))
    columns = np.flatnonzero(core.any(axis=0))
    low = core.shape[0] - 1 - core[::-1, columns].argmax(axis=0) + 1.0
    high = core[:, columns].argmax(axis=0).astype(float)
    half = len(CIRCLE) // 2
    gaps = []
    for contour, front in ((low, True), (high, False)):
        arc = pixels[:, :half] if front else pixels[:, half:]
        order = slice(None, None, -1) if front else slice(None)
        xs, ys = arc[:, order, 0], arc[:, order, 1]
        rows = np.full((len(profile_heights), len(columns)), -1e9 if front else 1e9)
        for i in np.flatnonzero(radii > 0):
            reach = (columns + 0.5 >= xs[i, 0]) & (columns + 0.5 <= xs[i, -1])
            rows[i, reach] = np.interp(columns[reach] + 0.5, xs[i], ys[i])
        if front:
            covered = np.maximum.accumulate(rows[::-1], axis=0)[::-1]
            near = contour > contour.max() - 0.18 * core.any(axis=1).sum()
            gap = np.maximum(contour - covered, 0)
        else:
            covered = np.minimum.accumulate(rows, axis=0)
            near = contour < contour.min() + 0.18 * core.any(axis=1).sum()
            gap = np.maximum(covered - contour, 0)
        gaps.append(np.minimum(gap, 12.0)[:, near].mean(axis=1))
    return gaps[0], gaps[1]


def fit_profile(
    crop: Crop, *, open_top: bool, height_over_diameter: float | None = None, elevation: float | None = None
) -> Profile:
    """The body of revolution behind the silhouette; a known proportion decides between the elevations nearby."""
    axis_x, symmetry = symmetry_axis(crop.mask)
    core = symmetric_core(crop.mask, axis_x)
    sdf = signed_distance(core)
    if elevation is None:
        elevation = fit_elevation(crop, sdf, core, axis_x, open_top=open_top)
    heights, radii = body(crop, sdf, core, axis_x, elevation, open_top=open_top)
    if height_over_diameter is not None:
        elevation, heights, radii = best_proportion(
            crop, sdf, core, axis_x, elevation, height_over_diameter, open_top=open_top
        )
    profile = Profile(heights, radii, elevation, axis_x, symmetry, core)
    picture = body_picture(crop, profile)
    coverage = float((picture & core).sum() / max((picture | core).sum(), 1))
    return replace(profile, coverage=coverage)


def best_proportion(
    crop: Crop,
    sdf: NDArray[np.float32],
    core: NDArray[np.bool_],
    axis_x: float,
    start: float,
    wanted: float,
    *,
    open_top: bool,
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """(elevation, heights, radii) near `start` whose height over diameter is closest to `wanted`."""
    tried = []
    for degrees in np.clip(np.rad2deg(start) + np.arange(-6, 6.1, 2), 0, MAX_ELEVATION):
        heights, radii = body(crop, sdf, core, axis_x, np.deg2rad(degrees), open_top=open_top)
        error = abs(np.log((heights[-1] - heights[0]) / (2 * radii.max()) / wanted)) + 0.004 * abs(
            degrees - np.rad2deg(start)
        )
        tried.append((error, np.deg2rad(degrees), heights, radii))
    _, elevation, heights, radii = min(tried, key=lambda found: found[0])
    return float(elevation), heights, radii


def fit_elevation(
    crop: Crop, sdf: NDArray[np.float32], core: NDArray[np.bool_], axis_x: float, *, open_top: bool
) -> float:
    """The steepest elevation, in radians, at which a flat base and a flat rim still cover their ends of the contour."""
    coarse = np.linspace(-1.25, 1.25, 257)
    angles = np.arange(0, MAX_ELEVATION + 1, 2.0)
    lower, upper = [], []
    for degrees in angles:
        elevation = np.deg2rad(degrees)
        radii = largest_circles(crop, sdf, axis_x, elevation, coarse)
        base, rim = end_gaps(crop, coarse, radii, axis_x, elevation, core)
        flat_base, flat_rim = wide_end(radii), wide_end(radii[::-1])
        lower.append(base[flat_base] if flat_base is not None else 9.0)
        upper.append(rim[len(coarse) - 1 - flat_rim] if flat_rim is not None else 9.0)
    tolerance = 0.0015 * crop.side
    allowed = [steepest(angles, np.array(lower), tolerance)]
    top_width = rim_width(core)
    if open_top or top_width > 0.5:
        allowed.append(steepest(angles, np.array(upper), tolerance))
    return float(np.deg2rad(min(allowed)))


def wide_end(radii: NDArray[np.float64]) -> int | None:
    """Index, counted from the start, where the radius first reaches nearly that of the end it belongs to."""
    used = np.flatnonzero(radii > 0)
    if len(used) < 3:
        return None
    near = used[: max(3, len(used) // 4)]
    target = 0.93 * np.median(radii[near[len(near) // 4 : len(near) // 2]])
    return int(near[np.argmax(radii[near] >= target)])


def rim_width(core: NDArray[np.bool_]) -> float:
    """Width of the contour's upper end relative to the widest row."""
    rows = np.flatnonzero(core.any(axis=1))
    widths = core.sum(axis=1)
    top = rows[max(1, len(rows) // 8)]
    return float(widths[top] / widths.max())


def steepest(angles: NDArray[np.float64], gaps: NDArray[np.float64], tolerance: float) -> float:
    """The largest angle whose gap stays within `tolerance` of the smallest, between two samples by interpolation."""
    limit = gaps.min() + tolerance
    allowed = np.flatnonzero(gaps <= limit)
    last = allowed[-1]
    if last + 1 >= len(angles):
        return float(angles[last])
    rise = gaps[last + 1] - gaps[last]
    return float(
        angles[last] + (angles[last + 1] - angles[last]) * np.clip((limit - gaps[last]) / max(rise, 1e-6), 0, 1)
    )


def body(
    crop: Crop, sdf: NDArray[np.float32], core: NDArray[np.bool_], axis_x: float, elevation: float, *, open_top: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(heights, radii) between the flat base and the rim, smoothed, bottom to top."""
    heights = np.linspace(-1.25, 1.25, 2 * HEIGHTS)
    radii = largest_circles(crop, sdf, axis_x, elevation, heights)
    lower, upper = end_gaps(crop, heights, radii, axis_x, elevation, core)
    used = np.flatnonzero(radii > 0)
    slack = 0.003 * crop.side
    first = used[lower[used] <= lower[used].min() + slack][-1]
    last = used[upper[used] <= upper[used].min() + slack][0]
    # an end's ellipse reaches beyond the end itself by the end's radius, foreshortened
    quarter, step = (used[-1] - used[0]) // 4, heights[1] - heights[0]
    foot, lip = (max(quarter, int(1.15 * np.tan(elevation) * radii[end] / step)) for end in (first, last))
    first, last = min(first, used[0] + foot), max(last, used[-1] - lip)
    heights, radii = heights[first : last + 1], radii[first : last + 1].copy()
    if open_top:
        lip = max(2, len(radii) // 8)
        radii[-lip:] = np.maximum.accumulate(radii[-lip:])
    radii = smooth_profile(radii)
    grid = np.linspace(heights[0], heights[-1], HEIGHTS)
    return grid, np.maximum(np.interp(grid, heights, radii), 1e-3)


def smooth_profile(radii: NDArray[np.float64]) -> NDArray[np.float64]:
    """Without the pixels' steps, which would shine as rings; edges and grooves that are larger stay."""
    light = ndimage.gaussian_filter1d(
        ndimage.median_filter(radii, 5, mode="nearest"), max(1.0, len(radii) / 110), mode="nearest"
    )
    strong = ndimage.gaussian_filter1d(light, max(1.0, len(radii) / 26), mode="nearest")
    feature = np.clip(np.abs(light - strong) / (0.012 * radii.max()) - 0.5, 0, 1)
    feature = ndimage.gaussian_filter1d(ndimage.maximum_filter1d(feature, 9), max(1.0, len(radii) / 60), mode="nearest")
    return feature * light + (1 - feature) * strong


def body_picture(crop: Crop, profile: Profile) -> NDArray[np.bool_]:
    """The body's silhouette, bool (n, n)."""
    pixels = crop.to_pixels(circles(profile.heights[::4], profile.radii[::4], profile.elevation, profile.offset))
    picture = np.zeros((crop.side, crop.side), np.uint8)
    for lower, upper in pairwise(pixels):
        hull = cv2.convexHull(np.concatenate([lower, upper]).astype(np.float32))
        cv2.fillConvexPoly(picture, ((hull - 0.5) * 16).round().astype(np.int32), 1, shift=4)
    return picture > 0


def outline(profile: Profile, *, wall: float | None) -> NDArray[np.float64]:
    """The closed half section (k, 2) of (radius, height) from the base's centre outward and up.

    `wall`: thickness of an open vessel's wall relative to its largest radius; None closes the top with a flat lid.
    """
    radii, heights = profile.radii, profile.heights
    outer = np.column_stack([radii, heights])
    base = [[0.0, heights[0]]]
    if wall is None:
        return np.concatenate([base, outer, [[0.0, heights[-1]]]])
    thickness = wall * radii.max()
    floor = inner_floor(profile, thickness)
    slope = np.gradient(radii, heights)
    offset = thickness * np.sqrt(1 + np.clip(slope, -6, 6) ** 2)
    kept = heights > floor
    inner = np.column_stack([np.maximum(radii - np.minimum(offset, 0.5 * radii), 1e-3), heights])[kept][::-1]
    inner[:, 0] = np.minimum(inner[:, 0], radii[-1] - thickness + np.maximum(0, radii[kept][::-1] - radii[-1]))
    lip = rim(outer[-1], inner[0], thickness)
    fillet = floor_fillet(inner[-1], thickness)
    return np.concatenate([base, outer[:-1], lip, inner[1:], fillet, [[0.0, fillet[-1][1]]]])


def inner_floor(profile: Profile, thickness: float) -> float:
    """Height of an open vessel's inside floor: above the foot ring, where the body has grown wider than its foot."""
    radii, heights = profile.radii, profile.heights
    span = heights[-1] - heights[0]
    foot = radii[: max(2, len(radii) // 20)].mean()
    wider = np.flatnonzero(radii > 1.12 * foot)
    foot_top = heights[wider[0]] if len(wider) else heights[0]
    if foot_top > heights[0] + 0.2 * span:
        foot_top = heights[0]
    return float(foot_top + min(1.2 * thickness, 0.3 * span))


def rim(outer: NDArray[np.float64], inner: NDArray[np.float64], thickness: float) -> NDArray[np.float64]:
    """A rounded lip from `outer` over to `inner`, (7, 2)."""
    turn = np.linspace(0, np.pi, 7)
    middle, half = (outer + inner) / 2, (outer - inner) / 2
    lift = 0.35 * thickness
    return np.column_stack([middle[0] + half[0] * np.cos(turn), outer[1] - lift + lift * np.sin(turn)])


def floor_fillet(corner: NDArray[np.float64], thickness: float) -> NDArray[np.float64]:
    """A rounded corner between the inner wall's foot and the floor, (5, 2)."""
    radius = min(2 * thickness, 0.4 * corner[0])
    turn = np.linspace(0, np.pi / 2, 6)[1:]
    drop = min(0.5 * thickness, radius)
    return np.column_stack([corner[0] - radius * (1 - np.cos(turn)), corner[1] - drop * np.sin(turn)])


def lathe(
    section: NDArray[np.float64], *, segments: int = 160
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Turn a half section (k, 2) about the y axis: positions (n, 3), indices (m, 3), texcoords (n, 2).

    u runs around the axis with its seam at the back (-Z), v along the section from its end (0) to its start (1).
    """
    angle = np.linspace(0, 2 * np.pi, segments + 1)
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(section, axis=0), axis=1))])
    radius, height = section[:, :1], section[:, 1:]
    x, z = -radius * np.sin(angle), -radius * np.cos(angle)
    positions = np.stack([x, np.broadcast_to(height, x.shape), z], axis=-1).reshape(-1, 3)
    u, v = np.meshgrid(angle / (2 * np.pi), 1 - along / along[-1])
    ring = segments + 1
    low = (np.arange(len(section) - 1)[:, None] * ring + np.arange(segments)).ravel()
    first = np.column_stack([low, low + 1, low + ring + 1])
    second = np.column_stack([low, low + ring + 1, low + ring])
    first = first[np.repeat(section[:-1, 0] > 1e-9, segments)]
    second = second[np.repeat(section[1:, 0] > 1e-9, segments)]
    return positions, np.concatenate([first, second]), np.stack([u, v], axis=-1).reshape(-1, 2)
