"""Looking colours up in maps, filtered to the size of a pixel."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

COARSEST = 4
"""Levels below this mix neighbouring islands of a texture atlas."""


@dataclass(frozen=True)
class Pyramid:
    """A map and its halved copies: uint8 (h, w, c) each, finest first."""

    levels: tuple[NDArray[np.uint8], ...]


def pyramid(image: NDArray[np.uint8]) -> Pyramid:
    """Halve `image`, (h, w) or (h, w, c), by averaging until it is small."""
    levels = [np.atleast_3d(image)]
    while len(levels) <= COARSEST and min(levels[-1].shape[:2]) >= 16:
        last = levels[-1][: levels[-1].shape[0] // 2 * 2, : levels[-1].shape[1] // 2 * 2].astype(np.uint16)
        rows = last[0::2] + last[1::2]
        levels.append(((rows[:, 0::2] + rows[:, 1::2] + 2) // 4).astype(np.uint8))
    return Pyramid(tuple(levels))


def sample(
    maps: Pyramid, texcoords: NDArray[np.float32], footprint: NDArray[np.float32], values: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Filtered `values[byte]` of the map at texcoords (n, 2), float32 (n, c).

    footprint: (n,), the width of a pixel in texcoords. values: float32 (256,), what each byte means; bytes are
    filtered after they are looked up, so that sRGB is filtered as light.
    """
    widest = max(maps.levels[0].shape[:2])
    level = np.clip(np.log2(np.maximum(footprint * widest, 1)), 0, len(maps.levels) - 1).round().astype(np.int8)
    found = np.empty((len(texcoords), maps.levels[0].shape[2]), np.float32)
    for number, image in enumerate(maps.levels):
        chosen = np.flatnonzero(level == number)
        if len(chosen):
            found[chosen] = bilinear(image, texcoords[chosen], values)
    return found


def bilinear(image: NDArray[np.uint8], texcoords: NDArray[Any], values: NDArray[np.float32]) -> NDArray[np.float32]:
    """`values[byte]` between the four texels around each texcoord, edges repeated; float32 (n, c)."""
    height, width, channels = image.shape
    column = np.clip(texcoords[:, 0] * width - 0.5, 0, width - 1).astype(np.float32)
    row = np.clip(texcoords[:, 1] * height - 0.5, 0, height - 1).astype(np.float32)
    left, top = column.astype(np.int32), row.astype(np.int32)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    x, y = (column - left)[:, None], (row - top)[:, None]
    texels = image.reshape(-1, channels)
    upper = values[texels[top * width + left]] * (1 - x) + values[texels[top * width + right]] * x
    lower = values[texels[bottom * width + left]] * (1 - x) + values[texels[bottom * width + right]] * x
    return (upper * (1 - y) + lower * y).astype(np.float32)
