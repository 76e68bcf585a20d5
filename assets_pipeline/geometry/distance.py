"""Nearest points on a triangle mesh, over libigl."""

from typing import Any

import igl
import numpy as np
from numpy.typing import NDArray


def closest_points(
    points: NDArray[Any], positions: NDArray[Any], indices: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """The surface's point nearest to each of `points`, (n, 3).

    Returns distance float64 (n,), triangle int64 (n,) and barycentric float64 (n, 3).
    """
    assert len(points), "libigl wants at least one point"
    squared, triangle, nearest = igl.point_mesh_squared_distance(
        np.ascontiguousarray(points, np.float64),
        np.ascontiguousarray(positions, np.float64),
        np.ascontiguousarray(indices, np.int64),
    )
    triangle = np.asarray(triangle, np.int64).ravel()
    a, b, c = (positions[indices[triangle, k]].astype(np.float64) for k in range(3))
    return np.sqrt(np.maximum(squared, 0)), triangle, barycentric(np.asarray(nearest), a, b, c)


def barycentric(
    points: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Weights of points that lie in the planes of triangles a b c, float64 (n, 3), never negative.

    Source: Ericson, "Real-Time Collision Detection", 2004, section 3.4.
    """
    ab, ac, ap = b - a, c - a, points - a
    d00, d01, d11 = (np.einsum("ij,ij->i", x, y) for x, y in ((ab, ab), (ab, ac), (ac, ac)))
    d20, d21 = np.einsum("ij,ij->i", ap, ab), np.einsum("ij,ij->i", ap, ac)
    scale = d00 * d11 - d01 * d01
    scale = np.where(np.abs(scale) > 1e-300, scale, np.inf)  # a triangle without area: all weight on its first corner
    v, w = (d11 * d20 - d01 * d21) / scale, (d00 * d21 - d01 * d20) / scale
    weights = np.clip(np.stack([1 - v - w, v, w], axis=1), 0, None)
    return weights / weights.sum(axis=1, keepdims=True)
