"""silhouette -> what its base line and rim say about the family"""

from enum import Enum

import numpy as np
from numpy.typing import NDArray

from assets_pipeline.generators.primitive.revolve import Profile


class BaseLine(Enum):
    """How the lower contour runs: straight, two edges of a box's corner, the arc of a round foot, or neither."""

    FLAT = "flat"
    VEE = "vee"
    ARC = "arc"
    OTHER = "other"


def base_line(mask: NDArray[np.bool_]) -> BaseLine:
    """Which line fits the part of the lower contour that stands on the ground."""
    columns = np.flatnonzero(mask.any(axis=0))
    low = len(mask) - 1 - mask[::-1, columns].argmax(axis=0).astype(float)
    half = len(columns) / 2
    ground = np.percentile(low, 99)
    standing = (ground - low) < 0.42 * 2 * half
    x, y = columns[standing].astype(float), (ground - low[standing]) / half
    if len(x) < 12:
        return BaseLine.OTHER
    centre, radius = (x.min() + x.max()) / 2, (x.max() - x.min()) / 2
    t, y = (x - centre) / radius, y / (radius / half)
    inner = np.abs(t) < 0.93
    t, y = t[inner], y[inner]
    if np.abs(y - np.median(y)).mean() < 0.012:
        return BaseLine.FLAT
    arc_error, sag = residual(np.column_stack([1 - np.sqrt(1 - t**2), np.ones_like(t), t]), y)
    vee_error = min(
        residual(np.column_stack([np.maximum(t - k, 0), np.maximum(k - t, 0), np.ones_like(t)]), y)[0]
        for k in np.linspace(-0.7, 0.7, 29)
    )
    if arc_error < 1.15 * vee_error and sag > 0.03:
        return BaseLine.ARC if arc_error < 0.05 else BaseLine.OTHER
    return BaseLine.VEE if vee_error < 0.05 else BaseLine.OTHER


def residual(basis: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    """(mean absolute error of the least-squares fit, its first coefficient)."""
    solution = np.linalg.lstsq(basis, y, rcond=None)[0]
    return float(np.abs(y - basis @ solution).mean()), float(solution[0])


def looks_open(profile: Profile) -> bool:
    """Whether a body is a bowl: widest at its rim, and wider than high."""
    span = profile.heights[-1] - profile.heights[0]
    rim = profile.radii[-max(2, len(profile.radii) // 12) :].max()
    return bool(rim > 0.97 * profile.radii.max() and span < 1.6 * rim)


def stands_on_legs(mask: NDArray[np.bool_]) -> bool:
    """Whether the lowest part of the silhouette is two or more thin runs far apart, as under a chair or a table."""
    rows = np.flatnonzero(mask.any(axis=1))
    row = mask[rows[-1] - (rows[-1] - rows[0]) // 8]
    inside = np.flatnonzero(row)
    starts = np.flatnonzero(np.diff(row.astype(np.int8)) == 1)
    return bool(len(starts) >= 2 and len(inside) < 0.45 * (inside[-1] - inside[0] + 1))
