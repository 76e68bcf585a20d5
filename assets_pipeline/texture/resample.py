"""One texture read into the texels of another, with no lettering lost."""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from assets_pipeline.asset import frozen


def sample_area(image: NDArray[np.uint8], texcoords: NDArray[Any], footprint: NDArray[Any]) -> NDArray[np.float32]:
    """Read `image` (h, w, c) at texcoords (n, 2), each over a square `footprint` (n,) of its pixels wide.

    A footprint up to a pixel is read by Catmull-Rom interpolation, which keeps lettering sharp; a larger one is the
    mean of bilinear reads, at most 4 x 4. Outside the image its border goes on. Returns float32 (n, c), 0..255.
    """
    result = np.empty((len(texcoords), image.shape[2]), np.float32)
    _read_all(frozen(image, np.uint8), frozen(texcoords, np.float64), frozen(footprint, np.float32), result)
    return result


def sample_nearest(image: NDArray[Any], texcoords: NDArray[Any]) -> NDArray[Any]:
    """The pixel of `image` (h, w) or (h, w, c) that each of texcoords (n, 2) lies in."""
    height, width = image.shape[:2]
    column = np.clip(np.floor(texcoords[:, 0] * width).astype(np.int64), 0, width - 1)
    row = np.clip(np.floor(texcoords[:, 1] * height).astype(np.int64), 0, height - 1)
    return image[row, column]


@numba.njit(cache=True, nogil=True)
def _read_all(image: Any, texcoords: Any, footprint: Any, result: Any) -> None:
    height, width, channels = image.shape
    for i in range(len(texcoords)):
        x = texcoords[i, 0] * width - 0.5
        y = texcoords[i, 1] * height - 0.5
        if footprint[i] <= 1.0:
            _read_cubic(image, x, y, result[i])
            continue
        taps = min(4, int(np.ceil(footprint[i])))
        for c in range(channels):
            result[i, c] = 0.0
        for row in range(taps):
            for column in range(taps):
                dx = ((column + 0.5) / taps - 0.5) * footprint[i]
                dy = ((row + 0.5) / taps - 0.5) * footprint[i]
                _add_linear(image, x + dx, y + dy, 1.0 / (taps * taps), result[i])


@numba.njit(cache=True)
def _add_linear(image: Any, x: float, y: float, weight: float, total: Any) -> None:
    height, width, channels = image.shape
    x, y = min(max(x, 0.0), width - 1.0), min(max(y, 0.0), height - 1.0)
    left, top = int(x), int(y)
    right, bottom = min(left + 1, width - 1), min(top + 1, height - 1)
    fx, fy = x - left, y - top
    for c in range(channels):
        upper = image[top, left, c] * (1 - fx) + image[top, right, c] * fx
        lower = image[bottom, left, c] * (1 - fx) + image[bottom, right, c] * fx
        total[c] += weight * (upper * (1 - fy) + lower * fy)


@numba.njit(cache=True)
def _cubic(f: float) -> tuple[float, float, float, float]:
    """Catmull-Rom weights of the pixels at -1, 0, 1 and 2. Source: Keys, IEEE Trans. ASSP 29(6), 1981, a = -1/2."""
    a = f * (-0.5 + f * (1.0 - 0.5 * f))
    b = 1.0 + f * f * (-2.5 + 1.5 * f)
    c = f * (0.5 + f * (2.0 - 1.5 * f))
    return a, b, c, f * f * (-0.5 + 0.5 * f)


@numba.njit(cache=True)
def _read_cubic(image: Any, x: float, y: float, result: Any) -> None:
    height, width, channels = image.shape
    left, top = int(np.floor(x)), int(np.floor(y))
    across, down = _cubic(x - left), _cubic(y - top)
    for c in range(channels):
        total, lowest, highest = 0.0, 255.0, 0.0
        for j in range(4):
            row = min(max(top - 1 + j, 0), height - 1)
            for i in range(4):
                value = float(image[row, min(max(left - 1 + i, 0), width - 1), c])
                total += across[i] * down[j] * value
                if 1 <= i <= 2 and 1 <= j <= 2:
                    lowest, highest = min(lowest, value), max(highest, value)
        # no ringing: the result stays between the four pixels around it
        result[c] = min(max(total, lowest), highest)
