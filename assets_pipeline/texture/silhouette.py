"""soft masks -> one clean silhouette: what belongs to the product, and what its outline says"""

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

FRAME_SIDES = ("top", "bottom", "left", "right")
SMALL_PART, LARGE_PART = 0.004, 0.35
"""Share of the largest part's area: below the first a speck, from the second on a product of its own."""
NEAR, APART = 0.12, 0.5
"""Gap to the largest part, times the smaller one's size: within the first it belongs, beyond the second it does not."""


@dataclass(frozen=True)
class Parts:
    """alpha: float32 (h, w), what was kept. separate: parts about as large as the largest. left_out: others dropped.

    apart: the widest gap between parts of similar size, in sizes of the smaller one. large, dropped: where the separate
    ones and those left out are.
    """

    alpha: NDArray[np.float32]
    separate: int
    left_out: int
    apart: float
    large: tuple["Box", ...] = ()
    dropped: tuple["Box", ...] = ()

    def inside(self, window: "Box", alpha: NDArray[np.float32]) -> "Parts":
        """As parts of the whole photo, whose silhouette is `alpha`, where these were found in `window` of it."""
        move = (window.top, window.left)
        large, dropped = (tuple(box.moved(*move) for box in boxes) for boxes in (self.large, self.dropped))
        return replace(self, alpha=alpha, large=large, dropped=dropped)


@dataclass(frozen=True)
class Box:
    """Rows top..bottom and columns left..right of a photo, ends excluded."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def longest(self) -> int:
        return max(self.bottom - self.top, self.right - self.left)

    @property
    def window(self) -> tuple[slice, slice]:
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def moved(self, rows: int, columns: int) -> "Box":
        """Further down and to the right."""
        return Box(self.top + rows, self.bottom + rows, self.left + columns, self.right + columns)

    def shares(self, shape: tuple[int, ...]) -> tuple[float, float, float, float]:
        """(left, top, width, height) as shares of a photo of that shape."""
        height, width = shape[:2]
        across, down = self.right - self.left, self.bottom - self.top
        return (
            round(self.left / width, 4),
            round(self.top / height, 4),
            round(across / width, 4),
            round(down / height, 4),
        )

    def grown(self, pixels: int, shape: tuple[int, ...]) -> "Box":
        """With a margin, inside a photo of that shape."""
        return Box(
            max(0, self.top - pixels),
            min(shape[0], self.bottom + pixels),
            max(0, self.left - pixels),
            min(shape[1], self.right + pixels),
        )


def box_of(mask: NDArray[np.bool_]) -> Box | None:
    """The smallest box around `mask`, or None when it is empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return None
    return Box(int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1)


def merge_zoom(whole: NDArray[np.float32], zoom: NDArray[np.float32], blur: float) -> NDArray[np.float32]:
    """The mask of the whole photo with the detail of a second look at the product alone.

    The second look decides on what is thin or small; on large areas, which it judges without their surroundings, the
    first one stands. blur: pixels over which the first one's edges are spread.
    """
    differ = ((whole > 0.5) != (zoom > 0.5)).astype(np.uint8)
    most = 0.02 * max(1, int((whole > 0.5).sum()))
    depth = cv2.distanceTransform(differ, cv2.DIST_L2, 3)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(differ, connectivity=4)
    overruled = np.zeros(count, np.uint8)
    for label in range(1, count):
        x, y, width, height, area = stats[label]
        if area <= most:
            continue
        window = (slice(y, y + height), slice(x, x + width))
        overruled[label] = depth[window][labels[window] == label].max() > 1.5 * blur
    if not overruled.any():
        return zoom
    size = 2 * round(2 * blur) + 1
    area = cv2.dilate(overruled[labels], cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
    share = cv2.GaussianBlur(area.astype(np.float32), (0, 0), blur)
    return (whole * share + zoom * (1 - share)).astype(np.float32)


def settle(mask: NDArray[np.float32], grain: float) -> NDArray[np.float32]:
    """`mask` with its doubts kept near its outline alone: solid inside, empty outside.

    A network doubts whole areas that are shiny, dark or out of focus; a product is never half there. grain: pixels that
    one of the network's own pixels spans.
    """
    size = 2 * max(1, round(2 * grain)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    body = (mask > 0.4).astype(np.uint8)
    settled = np.clip((mask - 0.2) / 0.6, 0, 1)
    settled[cv2.erode(body, kernel) > 0] = 1
    settled[cv2.dilate(body, kernel) == 0] = 0
    return settled.astype(np.float32)


def keep_parts(alpha: NDArray[np.float32]) -> Parts:
    """The largest part and what belongs to it: parts close by, and others of its own size."""
    body = (alpha > 0.3).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(body, connectivity=8)
    areas = stats[1:, cv2.CC_STAT_AREA]
    if count <= 2:
        only = box_of(body > 0)
        return Parts(alpha, separate=min(1, count - 1), left_out=0, apart=0.0, large=(only,) if only else ())
    largest = 1 + int(areas.argmax())
    to_largest = cv2.distanceTransform((labels != largest).astype(np.uint8), cv2.DIST_L2, 5)
    keep, separate, left_out, apart = [largest], 1, 0, 0.0
    large, dropped = [_box_of_part(stats[largest])], []
    for label in range(1, count):
        share = areas[label - 1] / areas.max()
        if label == largest or share < SMALL_PART:
            continue
        x, y, width, height, _ = stats[label]
        window = (slice(y, y + height), slice(x, x + width))
        gap = float(to_largest[window][labels[window] == label].min())
        if share >= LARGE_PART:
            separate, apart = separate + 1, max(apart, gap / max(width, height))
            keep.append(label)
            large.append(_box_of_part(stats[label]))
        elif gap <= NEAR * np.sqrt(areas.max()):
            keep.append(label)
        elif share > 0.03:
            left_out += 1
            dropped.append(_box_of_part(stats[label]))
    return Parts(_only(alpha, labels, keep), separate, left_out, apart, tuple(large), tuple(dropped))


def _box_of_part(stats: NDArray[Any]) -> Box:
    x, y, width, height = (int(value) for value in stats[:4])
    return Box(y, y + height, x, x + width)


def _only(alpha: NDArray[np.float32], labels: NDArray[Any], keep: list[int]) -> NDArray[np.float32]:
    """`alpha` on the labels to keep and on the faint pixels around them."""
    chosen = np.zeros(int(labels.max()) + 1, np.uint8)
    chosen[keep] = 1
    kept = chosen[labels]
    dropped = (labels > 0) & (kept == 0)
    near = cv2.dilate(kept, np.ones((7, 7), np.uint8)) > 0
    return np.where(near & ~dropped, alpha, 0).astype(np.float32)


def fill_pinholes(alpha: NDArray[np.float32], pixels: float) -> NDArray[np.float32]:
    """Close holes smaller than a square of that many pixels a side: a network's slips, no openings."""
    holes = (alpha < 0.5).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(holes, connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] < pixels**2
    small[0] = False
    filled = small[labels]
    if not filled.any():
        return alpha
    around = cv2.dilate(filled.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    return np.where(around, np.maximum(alpha, filled), alpha).astype(np.float32)


def frame_contact(mask: NDArray[np.bool_], margin: int = 2) -> dict[str, float]:
    """For each side of the frame the share of it that the product touches."""
    strips = (mask[:margin].T, mask[-margin:].T, mask[:, :margin], mask[:, -margin:])
    return {side: float(strip.any(axis=1).mean()) for side, strip in zip(FRAME_SIDES, strips, strict=True)}


def contact_box(mask: NDArray[np.bool_], side: str, margin: int = 2) -> Box | None:
    """The strip along that side of the frame where the product touches it, a twentieth of the photo deep."""
    height, width = mask.shape
    deep, wide = max(1, height // 20), max(1, width // 20)
    strip = {"top": mask[:margin].T, "bottom": mask[-margin:].T, "left": mask[:, :margin], "right": mask[:, -margin:]}
    places = np.flatnonzero(strip[side].any(axis=1))
    if not places.size:
        return None
    first, last = int(places[0]), int(places[-1]) + 1
    return {
        "top": Box(0, deep, first, last),
        "bottom": Box(height - deep, height, first, last),
        "left": Box(first, last, 0, wide),
        "right": Box(first, last, width - wide, width),
    }[side]


def edge_sharpness(alpha: NDArray[np.float32]) -> float:
    """How crisp the outline is, 0..1: its length over the number of pixels that are neither product nor background."""
    soft = int(((alpha > 0.05) & (alpha < 0.95)).sum())
    outlines, _ = cv2.findContours((alpha > 0.5).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    length = sum(len(outline) for outline in outlines)
    return float(min(1.0, length / max(soft, length, 1)))
