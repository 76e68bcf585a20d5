"""silhouette -> chair, sofa, stool, table or bed: a few boards and legs, fitted in perspective, trimmed by the outline

A seat cannot be told from its outline alone, but furniture is built alike: a slab at sitting height, a back at the
rear, legs at the corners. Those parts, a dozen numbers and the viewpoint are fitted together.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from assets_pipeline.generators.primitive.cuboid import CORNERS, fit_cuboid
from assets_pipeline.generators.primitive.field import grid_over, surface
from assets_pipeline.generators.primitive.view import Crop, view_rotation

FIT_SIDE = 112
UNIT = (CORNERS + 1) / 2

Boxes = NDArray[np.float64]
"""Parts (k, 8, 3) by their corners, in the order of `cuboid.CORNERS`, in a unit cube: x, z in -1..1, y in 0..1."""


@dataclass(frozen=True)
class Template:
    """Free numbers of one sort of furniture: first guess, lower and upper bound each, and the parts they make.

    depth: usual depth over width.
    """

    name: str
    depth: float
    guess: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    parts: Callable[[NDArray[np.float64]], Boxes]


def box(
    x0: float, x1: float, y0: float, y1: float, z0: float, z1: float, *, lean: float = 0.0, flare: float = 0.0
) -> NDArray[np.float64]:
    """One part (8, 3). `lean` moves its top back; `flare` moves its foot outward, away from the axis."""
    part = np.empty((8, 3))
    part[:, 0] = x0 + (x1 - x0) * UNIT[:, 0] + flare * np.sign(x0 + x1) * (1 - UNIT[:, 1])
    part[:, 1] = y0 + (y1 - y0) * UNIT[:, 1]
    part[:, 2] = z0 + (z1 - z0) * UNIT[:, 2] - lean * UNIT[:, 1] + flare * np.sign(z0 + z1) * (1 - UNIT[:, 1])
    return part


def legs(height: float, width: float, inset: float, flare: float, depth_width: float) -> list[NDArray[np.float64]]:
    """Four legs at the corners, `inset` from the edge, `width` by `depth_width`, flared outward at the foot."""
    near, far = 1 - inset, 1 - inset - width
    deep = 1 - inset - depth_width
    return [
        box(
            far * sx if sx > 0 else -near,
            near if sx > 0 else -far,
            0,
            height,
            deep if sz > 0 else -near,
            near if sz > 0 else -deep,
            flare=flare,
        )
        for sx in (-1, 1)
        for sz in (-1, 1)
    ]


def chair_parts(p: NDArray[np.float64]) -> Boxes:
    """Seat, back on two posts, four legs."""
    seat_top, seat_thick, back_foot, back_thick, lean, leg, inset, flare = p
    under = max(seat_top - seat_thick, 0.02)
    foot = seat_top + back_foot * (1 - seat_top)
    parts = [
        box(-1, 1, under, seat_top, -1, 1),
        box(-1, 1, foot, 1, -1, -1 + 2 * back_thick, lean=lean),
        box(-0.8, -0.8 + leg, under, foot + 0.04, -1, -1 + 1.2 * back_thick),
        box(0.8 - leg, 0.8, under, foot + 0.04, -1, -1 + 1.2 * back_thick),
    ]
    return np.array(parts + legs(under + 0.01, leg, inset, flare, leg))


def sofa_parts(p: NDArray[np.float64]) -> Boxes:
    """Seat block, back, two arms, four feet."""
    seat_top, leg_height, back_thick, lean, arm_top, arm_width = p
    arm = seat_top + arm_top * (1 - seat_top)
    parts = [
        box(-1, 1, leg_height, seat_top, -1, 0.97),
        box(-1 + arm_width, 1 - arm_width, leg_height, 1, -1, -1 + 2 * back_thick, lean=lean),
        box(-1, -1 + 2 * arm_width, leg_height, arm, -0.97, 1),
        box(1 - 2 * arm_width, 1, leg_height, arm, -0.97, 1),
    ]
    return np.array(parts + legs(leg_height + 0.01, 0.08, 0.03, 0.0, 0.14))


def table_parts(p: NDArray[np.float64]) -> Boxes:
    """Top and four legs."""
    thick, leg, inset, flare = p
    return np.array([box(-1, 1, 1 - thick, 1, -1, 1), *legs(1 - thick + 0.01, leg, inset, flare, leg * 1.3)])


def bed_parts(p: NDArray[np.float64]) -> Boxes:
    """Mattress, head and foot board, four legs."""
    top, leg_height, head_thick, foot_top = p
    parts = [
        box(-1, 1, leg_height, top, -1, 1),
        box(-1, 1, 0, 1, -1, -1 + 2 * head_thick),
        box(-1, 1, 0, top + foot_top * (1 - top), 1 - 2 * head_thick, 1),
    ]
    return np.array(parts + legs(leg_height + 0.01, 0.07, 0.02, 0.0, 0.05))


CHAIR = Template(
    "chair",
    0.95,
    (0.5, 0.1, 0.25, 0.07, 0.08, 0.12, 0.06, 0.03),
    (0.3, 0.03, 0.0, 0.03, 0.0, 0.04, 0.0, -0.05),
    (0.68, 0.3, 0.7, 0.25, 0.35, 0.3, 0.3, 0.25),
    chair_parts,
)
SOFA = Template(
    "sofa",
    0.42,
    (0.45, 0.1, 0.15, 0.05, 0.4, 0.08),
    (0.3, 0.0, 0.06, 0.0, 0.0, 0.02),
    (0.65, 0.3, 0.35, 0.2, 0.95, 0.22),
    sofa_parts,
)
ARMCHAIR = Template(
    "armchair",
    0.95,
    (0.45, 0.12, 0.14, 0.08, 0.4, 0.12),
    (0.3, 0.0, 0.06, 0.0, 0.0, 0.03),
    (0.65, 0.35, 0.35, 0.3, 0.95, 0.25),
    sofa_parts,
)
TABLE = Template("table", 0.6, (0.08, 0.1, 0.03, 0.0), (0.02, 0.03, 0.0, -0.05), (0.4, 0.4, 0.4, 0.3), table_parts)
STOOL = Template("stool", 1.0, (0.1, 0.16, 0.05, 0.05), (0.03, 0.05, 0.0, -0.05), (0.5, 0.5, 0.4, 0.35), table_parts)
BED = Template("bed", 1.3, (0.5, 0.15, 0.04, 0.1), (0.2, 0.0, 0.01, 0.0), (0.8, 0.4, 0.1, 0.9), bed_parts)

TEMPLATES: dict[str, tuple[Template, ...]] = {
    **dict.fromkeys(("chair", "seat", "rocker"), (CHAIR, ARMCHAIR)),
    **dict.fromkeys(("armchair", "recliner"), (ARMCHAIR, CHAIR)),
    **dict.fromkeys(("sofa", "couch", "loveseat", "settee"), (SOFA,)),
    **dict.fromkeys(("stool", "barstool", "footstool"), (STOOL, CHAIR)),
    "bench": (TABLE, CHAIR),
    **dict.fromkeys(("table", "desk", "workbench"), (TABLE,)),
    **dict.fromkeys(("bed", "daybed"), (BED,)),
}


@dataclass(frozen=True)
class Furniture:
    """parts (k, 8, 3) in the product frame, crop units, about their centre, which the view frame has at `offset`."""

    template: str
    parts: Boxes
    half: NDArray[np.float64]
    azimuth: float
    elevation: float
    offset: NDArray[np.float64]
    coverage: float


class Fit:
    """The loss of one silhouette under one template."""

    def __init__(self, crop: Crop, template: Template, size: NDArray[np.float64] | None) -> None:
        self.crop, self.template = crop, template
        self.mask = (cv2.resize(crop.alpha, (FIT_SIDE, FIT_SIDE), interpolation=cv2.INTER_AREA) > 0.5).astype(np.uint8)
        self.area = int(self.mask.sum())
        self.size = None if size is None else np.log(size / size.max())
        self.canvas = np.zeros((FIT_SIDE, FIT_SIDE), np.uint8)
        self.lower, self.upper = np.array(template.lower), np.array(template.upper)
        self.guess = np.array(template.guess)

    def unpack(self, p: NDArray[np.float64]) -> tuple[Boxes, NDArray[np.float64], NDArray[np.float64]]:
        """(parts in crop units about their centre, half extents, centre)."""
        half = np.exp(p[4:7]) if self.size is None else np.exp(p[4] + self.size)
        shape = np.clip(p[7:] if self.size is None else p[5:], self.lower, self.upper)
        parts = self.template.parts(shape)
        if self.size is not None:  # leaning backs and flared legs count: the parts together have the given size
            low, high = parts.min(axis=(0, 1)), parts.max(axis=(0, 1))
            parts = (parts - low) / (high - low) * (2, 1, 2) - (1, 0, 1)
        return (parts - (0, 0.5, 0)) * (half * (1, 2, 1)), half, np.array([p[2], p[3], 0.0])

    def overlap(self, p: NDArray[np.float64]) -> float:
        parts, _, centre = self.unpack(p)
        points = parts @ view_rotation(p[0], p[1]).T + centre
        scale = self.crop.distance / np.maximum(self.crop.distance - points[..., 2], 0.2) * FIT_SIDE / 2
        pixels = np.stack([FIT_SIDE / 2 + points[..., 0] * scale, FIT_SIDE / 2 - points[..., 1] * scale], axis=-1) - 0.5
        pixels = np.clip(pixels * 16, -30000, 30000).astype(np.int32)
        self.canvas[:] = 0
        for part in pixels:
            cv2.fillConvexPoly(self.canvas, cv2.convexHull(part), 1, shift=4)
        shared = cv2.countNonZero(cv2.bitwise_and(self.canvas, self.mask))
        return shared / max(cv2.countNonZero(self.canvas) + self.area - shared, 1)

    def loss(self, p: NDArray[np.float64]) -> float:
        azimuth, elevation = p[0], p[1]
        shape = p[7:] if self.size is None else p[5:]
        beyond = np.maximum(self.lower - shape, 0) + np.maximum(shape - self.upper, 0)
        loss = 1 - self.overlap(p) + float(beyond.sum())
        loss += 0.5 * max(0.0, -elevation) + 0.5 * max(0.0, elevation - 0.7) + 0.3 * max(0.0, abs(azimuth) - 0.9)
        loss += 0.01 * float((((shape - self.guess) / (self.upper - self.lower)) ** 2).sum())
        if self.size is None:
            loss += 0.02 * (p[6] - p[4] - np.log(self.template.depth)) ** 2
        return loss + 0.004 * abs(elevation - 0.14)


def fit_furniture(crop: Crop, word: str, *, size: NDArray[np.float64] | None = None) -> Furniture:
    """The best of the templates that `word` may mean. `size`: width, height, depth where all are known, in any unit."""
    fitted = [fit_template(crop, template, size) for template in TEMPLATES.get(word, (CHAIR, ARMCHAIR, TABLE))]
    return max(fitted, key=lambda found: found.coverage)


def fit_template(crop: Crop, template: Template, size: NDArray[np.float64] | None) -> Furniture:
    """One template at the viewpoint and proportions that cover the silhouette best, from several starts."""
    fit = Fit(crop, template, size)
    outer = fit_cuboid(crop, size=size, depth_ratio=template.depth)
    rows, columns = crop.mask.any(axis=1).sum() / crop.side, crop.mask.any(axis=0).sum() / crop.side
    results = []
    for azimuth, elevation in ((0.0, 0.1), (outer.azimuth, outer.elevation), (0.6, 0.3), (-0.6, 0.3)):
        turned = 1 / (np.cos(azimuth) + template.depth * abs(np.sin(azimuth)))
        half_width = columns * turned
        free = [np.log(half_width), np.log(0.9 * rows), np.log(half_width * template.depth)]
        if size is not None:
            free = [np.log(max(half_width, rows) * 0.95)]
        start = np.array([azimuth, elevation, 0.0, 0.0, *free, *template.guess])
        spread = np.concatenate([[0.15, 0.1, 0.05, 0.05], [0.12] * len(free), (fit.upper - fit.lower) * 0.25])
        results.append(descend(fit, start, spread))
    _, best = min(results, key=lambda found: found[0])
    parts, half, centre = fit.unpack(best)
    return Furniture(template.name, parts, half, float(best[0]), float(best[1]), centre, fit.overlap(best))


def descend(fit: Fit, start: NDArray[np.float64], spread: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Nelder-Mead, restarted with smaller simplices: in a dozen dimensions one run stalls."""
    best = start
    for shrink, evaluations in ((1.0, 700), (0.5, 600), (0.25, 400)):
        first = np.vstack([best, best + np.diag(spread * shrink)])
        found = minimize(
            fit.loss,
            best,
            method="Nelder-Mead",
            options={"maxfev": evaluations, "initial_simplex": first, "adaptive": True},
        )
        best = found.x
    return float(found.fun), best


def furniture_surface(
    crop: Crop, found: Furniture, *, cells: int = 160
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The parts, slightly rounded and grown, trimmed to the photo's outline; product frame."""
    low, high = found.parts.min(axis=(0, 1)), found.parts.max(axis=(0, 1))
    grid = grid_over(low - 0.04, high + 0.04, cells)
    points = grid.points()
    field = np.full(points.shape[:3], -1.0, np.float32)
    for part in found.parts:
        first = np.maximum(((part.min(axis=0) - 0.05 - grid.origin) / grid.step).astype(int), 0)
        last = ((part.max(axis=0) + 0.05 - grid.origin) / grid.step).astype(int) + 2
        near = tuple(slice(a, b) for a, b in zip(first, last, strict=True))
        np.maximum(field[near], rounded_part(points[near], part), out=field[near])
    seen = crop.sample_sdf(points @ view_rotation(found.azimuth, found.elevation).T + found.offset) / (crop.side / 2)
    return surface(np.minimum(field + GROWTH, seen).astype(np.float32), grid, smoothing=10)


GROWTH = 0.02
"""Crop units by which parts may swell to meet the photo's own outline."""


def rounded_part(points: NDArray[np.float64], part: NDArray[np.float64]) -> NDArray[np.float32]:
    """Signed distance, positive inside, to one part: a box whose cross-section slides with height."""
    low, high = part[CORNERS[:, 1] < 0], part[CORNERS[:, 1] > 0]
    y0, y1 = low[0, 1], high[0, 1]
    t = np.clip((points[..., 1] - y0) / max(y1 - y0, 1e-6), 0, 1)[..., None]
    lower = low.min(axis=0) + t * (high.min(axis=0) - low.min(axis=0))
    upper = low.max(axis=0) + t * (high.max(axis=0) - low.max(axis=0))
    middle, half = (lower + upper) / 2, (upper - lower) / 2
    middle[..., 1], half[..., 1] = (y0 + y1) / 2, (y1 - y0) / 2
    rounding = 0.3 * np.minimum(half.min(axis=-1), 0.08)
    outside = np.abs(points - middle) - (half - rounding[..., None])
    distance = np.linalg.norm(np.maximum(outside, 0), axis=-1) + np.minimum(outside.max(axis=-1), 0)
    return (rounding - distance).astype(np.float32)
