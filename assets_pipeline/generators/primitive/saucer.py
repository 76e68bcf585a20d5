"""silhouette of a cup on its saucer, seen from above -> two stacked solids of revolution

Seen at a slant, saucer and rim are two ellipses one above the other, which no single turned body explains. Both circles
are fitted to the outline together; the cup's level inside is where the picture changes most along a circle.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from assets_pipeline.generators.primitive.revolve import CIRCLE, rim
from assets_pipeline.generators.primitive.view import Crop, rotation_x, sample_bilinear

SERVED = {"cup", "mug", "teacup", "saucer", "coffee", "tea", "espresso", "cappuccino", "macchiato", "latte"}
"""Kinds that are sold standing on a saucer."""

STEPS = np.array([0.12, 0.12, 0.05, 0.05, 0.08, 0.1, 0.08])
"""First steps of the search, by the order of `Served.of`."""

FINER = 4
STARTS = 4
RIM_SHARE = 0.05
"""Weight of the rim's edge in the picture beside the outline: settles what the outline leaves open."""

SAUCER_RISE = 0.2
"""Height of a saucer over its radius."""

SAUCER_WELL = 0.45
"""Radius of a saucer's flat middle over its own."""

SAUCER_WALL = 0.035
FOOT = 0.6
"""Radius of a cup's foot over that of its rim."""

USUAL_WALL = 0.08
LEAST_EDGE = 0.06
"""Median change of colour across a circle from which on it is taken for an edge."""

ROUNDED_LIP = 0.035
"""How much farther in a lip reaches, over the cup's radius, than where its light top ends."""

VISIBLE_ELEVATIONS = (np.deg2rad(15), np.deg2rad(75))


@dataclass(frozen=True)
class Served:
    """A cup on a saucer in crop units; heights count from the plane of the saucer's edge.

    x, y: centre of that plane in the view frame. radius: the saucer's. rim: the cup's radius. height: of the cup's rim.
    wall: thickness over the cup's radius. level: height of what is in the cup, or of its floor.
    coverage: IoU of the two with the silhouette.
    """

    elevation: float
    roll: float
    x: float
    y: float
    radius: float
    rim: float
    height: float
    wall: float = 0.0
    level: float = 0.0
    coverage: float = 0.0

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> "Served":
        return cls(*(float(value) for value in values))

    @property
    def rotation(self) -> NDArray[np.float64]:
        c, s = np.cos(self.roll), np.sin(self.roll)
        return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]]) @ rotation_x(self.elevation)

    @property
    def offset(self) -> NDArray[np.float64]:
        return np.array([self.x, self.y, 0.0])

    @property
    def standing(self) -> float:
        """Height on which the cup stands: the saucer's well."""
        return self.radius * (SAUCER_WALL - SAUCER_RISE)

    def circle(self, crop: Crop, radius: float, height: float) -> NDArray[np.float64]:
        """Crop pixels (48, 2) of a level circle about the common axis."""
        points = np.column_stack([radius * np.cos(CIRCLE), np.full(len(CIRCLE), height), radius * np.sin(CIRCLE)])
        return crop.to_pixels(points @ self.rotation.T + self.offset)

    def is_plausible(self) -> bool:
        """Whether these could be a cup and its saucer, seen from above."""
        low, high = VISIBLE_ELEVATIONS
        deep = (self.height - self.standing) / (2 * self.rim)
        return bool(
            low < self.elevation < high
            and 1.25 < self.radius / self.rim < 2.6
            and 0.35 < deep < 1.6
            and abs(self.roll) < np.deg2rad(15)
        )


def fit_served(crop: Crop) -> Served:
    """The cup and saucer that cover the outline best, the cup's rim along an edge in the picture."""

    def miss(values: NDArray[np.float64]) -> float:
        served = Served.of(values)
        if not served.is_plausible():
            return 2.0
        return 1 - coverage(crop, served) - RIM_SHARE * rim_edge(crop, served)

    def search(start: NDArray[np.float64], steps: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        simplex = np.concatenate([[start], start + np.diag(steps)])
        found = minimize(miss, start, method="Nelder-Mead", options={"initial_simplex": simplex, "maxfev": 300})
        return float(found.fun), found.x

    starts = sorted(first_guesses(crop), key=miss)[:STARTS]
    _, best = min((search(start, STEPS) for start in starts), key=lambda found: found[0])
    _, best = search(best, STEPS / 2)  # a simplex that has collapsed too early starts anew
    served = Served.of(best)
    served = replace(served, coverage=coverage(crop, served), wall=wall_thickness(crop, served))
    return replace(served, level=drink_level(crop, served))


def first_guesses(crop: Crop) -> list[NDArray[np.float64]]:
    """Saucers as wide as the outline with a cup up to its top, at several elevations."""
    rows, columns = np.flatnonzero(crop.mask.any(axis=1)), np.flatnonzero(crop.mask.any(axis=0))
    left, right = columns[0] / crop.side * 2 - 1, (columns[-1] + 1) / crop.side * 2 - 1
    top, bottom = 1 - rows[0] / crop.side * 2, 1 - (rows[-1] + 1) / crop.side * 2
    radius = (right - left) / 2
    guesses = []
    for elevation in np.deg2rad([25, 35, 45, 55, 65]):
        y = bottom + radius * np.sin(elevation)
        for share in (0.45, 0.55, 0.65):
            height = (top - y - share * radius * np.sin(elevation)) / np.cos(elevation)
            guesses.append(np.array([elevation, 0.0, (left + right) / 2, y, radius, share * radius, height]))
    return guesses


def coverage(crop: Crop, served: Served) -> float:
    """IoU of the two bodies' picture with the silhouette."""
    picture = np.zeros((crop.side, crop.side), np.uint8)
    for points in pictures(crop, served):
        fill(picture, points)
    drawn = picture.astype(np.float32) / 255
    return float(np.minimum(drawn, crop.alpha).sum() / np.maximum(drawn, crop.alpha).sum())


def waist(crop: Crop, served: Served) -> float:
    """How much is wanting to a convex outline, as a share of it, where the cup's picture leaves the saucer's.

    Without such a waist the outline is that of a bowl or a plate as well, whatever its fit.
    """
    apart, together = (np.zeros((FINER * crop.side, FINER * crop.side), np.uint8) for _ in range(2))
    saucer, cup = pictures(crop, served)
    for points in (saucer, cup):
        fill(apart, points * FINER)
    fill(together, np.concatenate([saucer, cup]) * FINER)
    return 1 - float(np.count_nonzero(apart) / np.count_nonzero(together))


def pictures(crop: Crop, served: Served) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Crop pixels whose convex hulls are the pictures of the saucer and of the cup."""
    ends = [served.circle(crop, served.rim, served.height), served.circle(crop, FOOT * served.rim, served.standing)]
    return served.circle(crop, served.radius, 0.0), np.concatenate(ends)


def fill(picture: NDArray[np.uint8], points: NDArray[np.float64]) -> None:
    """Draw the convex hull of `points` into `picture`, with soft edges."""
    hull = cv2.convexHull(points.astype(np.float32))
    cv2.fillConvexPoly(picture, ((hull - 0.5) * 16).round().astype(np.int32), 255, cv2.LINE_AA, shift=4)


def rim_edge(crop: Crop, served: Served) -> float:
    """How much the picture changes, 0..1, across the near half of the cup's rim, which lies within the outline."""
    near = (CIRCLE > 0) & (np.pi > CIRCLE)
    inside, outside = (
        sample_bilinear(crop.rgb, served.circle(crop, served.rim * share, served.height)[near])
        for share in (0.96, 1.04)
    )
    return float(np.minimum(np.linalg.norm(outside - inside, axis=-1), 1).mean())


def wall_thickness(crop: Crop, served: Served) -> float:
    """The wall over the cup's radius: the picture changes at the near side's inner edge; as usual where it does not."""
    near = (0.1 * np.pi < CIRCLE) & (0.9 * np.pi > CIRCLE)
    walls = np.linspace(0.04, 0.22, 46)
    circles = [served.circle(crop, served.rim * (1 - wall), served.height)[near] for wall in walls]
    found = strongest_edge(crop, circles, apart=3)
    return USUAL_WALL if found is None else float(walls[found]) + ROUNDED_LIP


def drink_level(crop: Crop, served: Served) -> float:
    """Height at which the picture changes most along the far inside, or of the floor where it hardly does."""
    top, floor = served.height, inner_floor(served)
    far = np.pi < CIRCLE
    heights = np.linspace(floor + 0.1 * (top - floor), top - 0.12 * (top - floor), 60)
    circles = [served.circle(crop, inner_radius(served, height), height)[far] for height in heights]
    found = strongest_edge(crop, circles, apart=2)
    return floor if found is None else float(heights[found])


def strongest_edge(crop: Crop, lines: list[NDArray[np.float64]], *, apart: int) -> int | None:
    """Which of neighbouring lines of crop pixels lies along the greatest change of colour; None where all is plain."""
    shades = np.stack([sample_bilinear(crop.rgb, line) for line in lines])
    change = np.linalg.norm(np.median(shades[apart:] - shades[:-apart], axis=1), axis=-1)
    best = int(np.argmax(change))
    return best + apart // 2 if change[best] > LEAST_EDGE else None


def inner_radius(served: Served, height: float) -> float:
    """Radius of the cup's inside at a height."""
    return cup_radius(served, height) - served.wall * served.rim


def inner_floor(served: Served) -> float:
    """Height of the cup's floor."""
    return served.standing + 0.1 * (served.height - served.standing)


def cup_radius(served: Served, height: float) -> float:
    """Outer radius of the cup at a height: from its foot it widens fast, then rises to its rim."""
    share = np.clip((height - served.standing) / (served.height - served.standing), 0, 1)
    return float(served.rim * (FOOT + (1 - FOOT) * (1 - (1 - share) ** 2.4)))


def saucer_section(served: Served) -> NDArray[np.float64]:
    """The saucer's closed half section (k, 2) of (radius, height), from below its middle outward and back above it."""
    r, wall = served.radius, SAUCER_WALL * served.radius
    low = -SAUCER_RISE * r
    share = np.linspace(0, 1, 24)
    radii = r * (SAUCER_WELL + (1 - SAUCER_WELL) * share)
    rise = SAUCER_RISE * r * (0.35 * share + 0.65 * share**1.7)
    under, above = np.column_stack([radii, low + rise - wall * share]), np.column_stack([radii, low + wall + rise])
    above[:, 1] -= wall * share
    under[1:, 1] = np.minimum(under[1:, 1], above[1:, 1] - 0.5 * wall)
    edge = rim(under[-1], above[-1] - (0.6 * wall, 0), wall)
    return np.concatenate([[[0, low]], under[:-1], edge, above[-2::-1], [[0, low + wall]]])


def cup_section(served: Served) -> NDArray[np.float64]:
    """The cup's closed half section (k, 2) of (radius, height), its inside filled up to its level."""
    wall = served.wall * served.rim
    foot = served.standing - 0.3 * SAUCER_WALL * served.radius  # stands in the saucer, not on a gap
    ends = np.array([[served.rim, served.height], [inner_radius(served, served.height), served.height]])
    lip = rim(ends[0], ends[1], wall)
    heights = np.linspace(foot, lip[0, 1], 80)
    outer = np.column_stack([[cup_radius(served, height) for height in heights], heights])
    inside = np.linspace(lip[-1, 1], served.level, 48)
    inner = np.column_stack([[inner_radius(served, height) for height in inside], inside])
    return np.concatenate([[[0, foot]], outer[:-1], lip, inner[1:], [[0, served.level]]])
