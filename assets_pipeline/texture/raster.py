"""Triangles in texture space -> texels."""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from assets_pipeline.asset import frozen


def rasterise(
    texcoords: NDArray[Any], indices: NDArray[Any], width: int, height: int, *, margin: bool = True
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Which triangle each texel shows: triangle int32 (h, w), -1 for none, and barycentric float32 (h, w, 3).

    texcoords: (n, 2), origin top left, texel centres at + 0.5. With `margin`, texels that a triangle only touches
    belong to it too, with weights of the nearest point inside, unless the centre lies in another triangle.
    """
    triangle = np.full((height, width), -1, np.int32)
    barycentric = np.zeros((height, width, 3), np.float32)
    pixels = _pixels(texcoords, width, height)
    corners = frozen(indices, np.int64)
    _fill(pixels, corners, triangle, barycentric)
    if margin:
        _fill_margin(pixels, corners, triangle, barycentric)
        np.copyto(triangle, -2 - triangle, where=triangle < -1)
    return triangle, barycentric


def coverage(texcoords: NDArray[Any], indices: NDArray[Any], width: int, height: int) -> NDArray[np.bool_]:
    """Which texels' centres lie in a triangle, bool (h, w)."""
    layers = np.zeros((height, width), np.uint16)
    _count(_pixels(texcoords, width, height), frozen(indices, np.int64), layers, 0.0)
    return layers > 0


def count_layers(texcoords: NDArray[Any], indices: NDArray[Any], size: int) -> NDArray[np.uint16]:
    """How many triangles lie over each texel's centre, uint16 (size, size); a centre on an edge counts for none."""
    layers = np.zeros((size, size), np.uint16)
    _count(_pixels(texcoords, size, size), frozen(indices, np.int64), layers, 1e-6)
    return layers


def _pixels(texcoords: NDArray[Any], width: int, height: int) -> NDArray[np.float64]:
    """Texcoords in texels, such that texel centres are whole numbers; read-only, so that numba compiles one variant."""
    return frozen(np.asarray(texcoords, np.float64) * (width, height) - 0.5)


@numba.njit(cache=True)
def _weights(p: Any, i: int, j: int, k: int, x: float, y: float, scale: float) -> tuple[float, float, float]:
    """Barycentric weights of (x, y); `scale` is 1 / twice the triangle's signed area."""
    a = ((p[j, 0] - x) * (p[k, 1] - y) - (p[k, 0] - x) * (p[j, 1] - y)) * scale
    b = ((p[k, 0] - x) * (p[i, 1] - y) - (p[i, 0] - x) * (p[k, 1] - y)) * scale
    return a, b, 1.0 - a - b


@numba.njit(cache=True)
def _box(p: Any, i: int, j: int, k: int, grow: float, width: int, height: int) -> tuple[int, int, int, int]:
    """The texels that can meet the triangle grown by `grow`: first and last column, first and last row."""
    left = int(np.ceil(min(p[i, 0], p[j, 0], p[k, 0]) - grow))
    right = int(np.floor(max(p[i, 0], p[j, 0], p[k, 0]) + grow))
    top = int(np.ceil(min(p[i, 1], p[j, 1], p[k, 1]) - grow))
    bottom = int(np.floor(max(p[i, 1], p[j, 1], p[k, 1]) + grow))
    return max(left, 0), min(right, width - 1), max(top, 0), min(bottom, height - 1)


@numba.njit(cache=True)
def _twice_area(p: Any, i: int, j: int, k: int) -> float:
    return (p[j, 0] - p[i, 0]) * (p[k, 1] - p[i, 1]) - (p[k, 0] - p[i, 0]) * (p[j, 1] - p[i, 1])


@numba.njit(cache=True)
def _fill(p: Any, corners: Any, triangle: Any, barycentric: Any) -> None:
    height, width = triangle.shape
    for t in range(len(corners)):
        i, j, k = corners[t]
        twice = _twice_area(p, i, j, k)
        if abs(twice) < 1e-12:
            continue
        left, right, top, bottom = _box(p, i, j, k, 0.0, width, height)
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                a, b, c = _weights(p, i, j, k, x, y, 1.0 / twice)
                if a >= 0 and b >= 0 and c >= 0:
                    triangle[y, x] = t
                    barycentric[y, x, 0], barycentric[y, x, 1], barycentric[y, x, 2] = a, b, c


@numba.njit(cache=True)
def _fill_margin(p: Any, corners: Any, triangle: Any, barycentric: Any) -> None:
    """Give open texels that touch a triangle to it, as -2 - triangle until all are done; the closest one wins."""
    height, width = triangle.shape
    for t in range(len(corners)):
        i, j, k = corners[t]
        twice = _twice_area(p, i, j, k)
        if abs(twice) < 1e-12:
            continue
        left, right, top, bottom = _box(p, i, j, k, 0.75, width, height)
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                if triangle[y, x] >= 0:
                    continue
                a, b, c = _nearest_inside(p, i, j, k, x, y)
                away = _away(p, i, j, k, a, b, c, x, y)
                if away > 0.5:
                    continue
                if triangle[y, x] < -1:
                    u, v, w = corners[-2 - triangle[y, x]]
                    e, f, g = barycentric[y, x, 0], barycentric[y, x, 1], barycentric[y, x, 2]
                    if _away(p, u, v, w, e, f, g, x, y) <= away:
                        continue
                triangle[y, x] = -2 - t
                barycentric[y, x, 0], barycentric[y, x, 1], barycentric[y, x, 2] = a, b, c


@numba.njit(cache=True)
def _away(p: Any, i: int, j: int, k: int, a: float, b: float, c: float, x: float, y: float) -> float:
    """Squared distance of (x, y) from the triangle's point with weights (a, b, c)."""
    dx = a * p[i, 0] + b * p[j, 0] + c * p[k, 0] - x
    dy = a * p[i, 1] + b * p[j, 1] + c * p[k, 1] - y
    return dx * dx + dy * dy


@numba.njit(cache=True)
def _nearest_inside(p: Any, i: int, j: int, k: int, x: float, y: float) -> tuple[float, float, float]:
    """Weights of the point on the triangle's rim nearest to (x, y), which lies outside."""
    best, result = np.inf, (1.0, 0.0, 0.0)
    for side in range(3):
        m, n = (i, j) if side == 0 else ((j, k) if side == 1 else (k, i))
        dx, dy = p[n, 0] - p[m, 0], p[n, 1] - p[m, 1]
        length = dx * dx + dy * dy
        s = 0.0 if length == 0 else ((x - p[m, 0]) * dx + (y - p[m, 1]) * dy) / length
        s = min(1.0, max(0.0, s))
        ex, ey = p[m, 0] + s * dx - x, p[m, 1] + s * dy - y
        away = ex * ex + ey * ey
        if away < best:
            best = away
            result = (1 - s, s, 0.0) if side == 0 else ((0.0, 1 - s, s) if side == 1 else (s, 0.0, 1 - s))
    return result


@numba.njit(cache=True)
def _count(p: Any, corners: Any, layers: Any, inside: float) -> None:
    """Count the triangles over each texel's centre, at weights of `inside` or more."""
    height, width = layers.shape
    for t in range(len(corners)):
        i, j, k = corners[t]
        twice = _twice_area(p, i, j, k)
        if abs(twice) < 1e-12:
            continue
        left, right, top, bottom = _box(p, i, j, k, 0.0, width, height)
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                a, b, c = _weights(p, i, j, k, x, y, 1.0 / twice)
                if min(a, b, c) >= inside:
                    layers[y, x] += 1
