"""silhouette -> cuboid, by perspective fit"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from assets_pipeline.generators.primitive.view import Crop, view_rotation

CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=float)
FIT_SIDE = 128
FACES_PER_EDGE = 24

USUAL_DEPTH = 0.5
"""Depth over width of a packed good when the photo shows only its front."""


@dataclass(frozen=True)
class Cuboid:
    """half: half width, height and depth in crop units. offset: its centre in the view frame. coverage: IoU."""

    half: NDArray[np.float64]
    azimuth: float
    elevation: float
    offset: NDArray[np.float64]
    coverage: float

    @property
    def rotation(self) -> NDArray[np.float64]:
        return view_rotation(self.azimuth, self.elevation)


class Fit:
    """The loss of one silhouette, kept together with what it needs at each of thousands of evaluations."""

    def __init__(self, crop: Crop, size: NDArray[np.float64] | None, depth_ratio: float) -> None:
        self.crop = crop
        small = cv2.resize(crop.alpha, (FIT_SIDE, FIT_SIDE), interpolation=cv2.INTER_AREA)
        self.mask = (small > 0.5).astype(np.uint8)
        self.area = int(self.mask.sum())
        self.size = None if size is None else np.log(size / size.max())
        self.depth_ratio = depth_ratio
        self.canvas = np.zeros((FIT_SIDE, FIT_SIDE), np.uint8)

    def unpack(self, p: NDArray[np.float64]) -> tuple[NDArray[np.float64], float, float, NDArray[np.float64]]:
        """(half extents, azimuth, elevation, centre) from the free parameters."""
        half = np.exp(p[4:7]) if self.size is None else np.exp(p[4] + self.size)
        return half, p[0], p[1], np.array([p[2], p[3], 0.0])

    def overlap(self, p: NDArray[np.float64]) -> float:
        half, azimuth, elevation, centre = self.unpack(p)
        points = CORNERS * half @ view_rotation(azimuth, elevation).T + centre
        scale = self.crop.distance / np.maximum(self.crop.distance - points[:, 2], 0.2) * FIT_SIDE / 2
        pixels = np.column_stack([FIT_SIDE / 2 + points[:, 0] * scale, FIT_SIDE / 2 - points[:, 1] * scale]) - 0.5
        hull = cv2.convexHull(np.clip(pixels * 16, -30000, 30000).astype(np.int32))
        self.canvas[:] = 0
        cv2.fillConvexPoly(self.canvas, hull, 1, shift=4)
        shared = cv2.countNonZero(cv2.bitwise_and(self.canvas, self.mask))
        return shared / max(cv2.countNonZero(self.canvas) + self.area - shared, 1)

    def loss(self, p: NDArray[np.float64]) -> float:
        """1 - IoU, with a slight preference for usual views and depths: they decide only what the silhouette cannot."""
        azimuth, elevation = p[0], p[1]
        loss = 1 - self.overlap(p)
        loss += 0.5 * max(0.0, -elevation) + 0.5 * max(0.0, elevation - 0.8) + 0.15 * max(0.0, abs(azimuth) - 0.8)
        loss += 0.006 * abs(azimuth) + 0.004 * abs(elevation - 0.12)
        if self.size is None:
            loss += 0.006 * abs(p[6] - p[4] - np.log(self.depth_ratio))
        return loss

    def starts(self) -> list[NDArray[np.float64]]:
        rows, columns = np.flatnonzero(self.mask.any(axis=1)), np.flatnonzero(self.mask.any(axis=0))
        width, height = len(columns) / FIT_SIDE, len(rows) / FIT_SIDE
        result = []
        for azimuth in (-0.8, -0.45, -0.15, 0.0, 0.15, 0.45, 0.8):
            for elevation in (0.06, 0.32):
                pose = [azimuth, elevation, 0.0, 0.0]
                if self.size is None:
                    free = [np.log(0.85 * width), np.log(0.9 * height), np.log(0.85 * width * self.depth_ratio)]
                else:
                    free = [np.log(max(width, height) * 0.95)]
                result.append(np.array(pose + free))
        return result


def fit_cuboid(crop: Crop, *, size: NDArray[np.float64] | None = None, depth_ratio: float = USUAL_DEPTH) -> Cuboid:
    """The cuboid whose picture covers the silhouette best.

    `size`: width, height and depth where all are known, in any unit. `depth_ratio`: depth over width, used where the
    photo does not tell.
    """
    fit = Fit(crop, size, depth_ratio)
    steps = np.array([0.15, 0.1, 0.05, 0.05, 0.12, 0.12, 0.3])
    tried = [simplex(fit, start, steps[: len(start)], evaluations=160) for start in fit.starts()]
    tried.sort(key=lambda result: result[0])
    refined = [simplex(fit, p, steps[: len(p)] * 0.4, evaluations=700) for _, p in tried[:4]]
    _, best = min(refined, key=lambda result: result[0])
    half, azimuth, elevation, offset = fit.unpack(best)
    return Cuboid(half, float(azimuth), float(elevation), offset, fit.overlap(best))


def simplex(
    fit: Fit, start: NDArray[np.float64], steps: NDArray[np.float64], *, evaluations: int
) -> tuple[float, NDArray[np.float64]]:
    """(loss, parameters) where Nelder-Mead ends."""
    first = np.vstack([start, start + np.diag(steps)])
    result = minimize(fit.loss, start, method="Nelder-Mead", options={"maxfev": evaluations, "initial_simplex": first})
    return float(result.fun), result.x


def cuboid_mesh(
    half: NDArray[np.float64], *, aspect_padding: float = 0.02
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Six faces with texcoords of their own: positions (24, 3), indices (12, 3), texcoords (24, 2).

    The charts lie like an unfolded carton: left, front, right, back in one row, top above and bottom below the front.
    """
    w, h, d = half * 2
    pad = aspect_padding * max(w, h, d)
    total_w, total_h = 2 * (w + d) + 5 * pad, h + 2 * d + 4 * pad
    row = d + 2 * pad
    charts = [
        ((-1, 0, 0), (0, 0, 1), (0, 1, 0), (pad, row, d, h)),
        ((0, 0, 1), (1, 0, 0), (0, 1, 0), (d + 2 * pad, row, w, h)),
        ((1, 0, 0), (0, 0, -1), (0, 1, 0), (d + w + 3 * pad, row, d, h)),
        ((0, 0, -1), (-1, 0, 0), (0, 1, 0), (2 * d + w + 4 * pad, row, w, h)),
        ((0, 1, 0), (1, 0, 0), (0, 0, -1), (d + 2 * pad, pad, w, d)),
        ((0, -1, 0), (1, 0, 0), (0, 0, 1), (d + 2 * pad, row + h + pad, w, d)),
    ]
    positions, texcoords = [], []
    for normal, right, up, (x, y, chart_w, chart_h) in charts:
        for s, t in ((0, 0), (1, 0), (1, 1), (0, 1)):
            corner = np.array(normal) + (2 * s - 1) * np.array(right) + (2 * t - 1) * np.array(up)
            positions.append(corner * half)
            texcoords.append([(x + s * chart_w) / total_w, (y + (1 - t) * chart_h) / total_h])
    quads = np.arange(24).reshape(6, 4)
    indices = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    return np.array(positions), indices, np.array(texcoords)


def tessellated(
    positions: NDArray[np.float64], indices: NDArray[np.int64], texcoords: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """The six faces as grids, so that colour can vary over a face the photo does not show."""
    t = np.linspace(0, 1, FACES_PER_EDGE + 1)
    s, r = np.meshgrid(t, t)
    weights = np.stack([(1 - s) * (1 - r), s * (1 - r), s * r, (1 - s) * r], axis=-1).reshape(-1, 4)
    count = FACES_PER_EDGE + 1
    low = (np.arange(FACES_PER_EDGE)[:, None] * count + np.arange(FACES_PER_EDGE)).ravel()
    face = np.concatenate(
        [np.column_stack([low, low + 1, low + count + 1]), np.column_stack([low, low + count + 1, low + count])]
    )
    quads = np.arange(24).reshape(6, 4)
    grid_positions = np.concatenate([weights @ positions[quad] for quad in quads])
    grid_texcoords = np.concatenate([weights @ texcoords[quad] for quad in quads])
    grid_indices = np.concatenate([face + i * count**2 for i in range(6)])
    return grid_positions, grid_indices, grid_texcoords
