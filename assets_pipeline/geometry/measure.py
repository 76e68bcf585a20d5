"""Sizes, volumes, normals and samples of triangle meshes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from assets_pipeline.asset import Mesh


def triangle_normals(positions: NDArray[Any], indices: NDArray[Any]) -> NDArray[np.float64]:
    """Normals of twice the triangles' areas in length, float64 (m, 3)."""
    a, b, c = (positions[indices[:, k]].astype(np.float64) for k in range(3))
    return np.cross(b - a, c - a)


def unit(vectors: NDArray[Any]) -> NDArray[Any]:
    """`vectors` (n, 3) at length 1; a zero vector stays zero."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(length > 0, length, 1)


def areas(positions: NDArray[Any], indices: NDArray[Any]) -> NDArray[np.float64]:
    """Area of each triangle, float64 (m,)."""
    return np.linalg.norm(triangle_normals(positions, indices), axis=1) / 2


def volume(positions: NDArray[Any], indices: NDArray[Any]) -> float:
    """Signed volume: positive for a closed mesh that is counter-clockwise seen from outside."""
    centre = positions.mean(axis=0, dtype=np.float64)
    a, b, c = (positions[indices[:, k]].astype(np.float64) - centre for k in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def diagonal(positions: NDArray[Any]) -> float:
    """Length of the bounding box's diagonal."""
    return float(np.linalg.norm(np.ptp(positions.astype(np.float64), axis=0)))


def corner_angles(positions: NDArray[Any], indices: NDArray[Any]) -> NDArray[np.float64]:
    """The angle at each corner of each triangle in radians, float64 (m, 3)."""
    points = positions[indices].astype(np.float64)
    angles = np.empty(indices.shape)
    for k in range(3):
        to_next = points[:, (k + 1) % 3] - points[:, k]
        to_last = points[:, (k + 2) % 3] - points[:, k]
        sine = np.linalg.norm(np.cross(to_next, to_last), axis=1)
        angles[:, k] = np.arctan2(sine, np.einsum("ij,ij->i", to_next, to_last))
    return angles


def vertex_normals(positions: NDArray[Any], indices: NDArray[Any]) -> NDArray[np.float32]:
    """Smooth unit normals, triangles weighted by their angle at the vertex, float32 (n, 3).

    Vertices that share a position are smoothed apart: weld first where a seam must not show.
    Source: Thurmer & Wuthrich, "Computing Vertex Normals from Polygonal Facets", JGT 3(1), 1998.
    """
    face = unit(triangle_normals(positions, indices))
    weights = corner_angles(positions, indices)
    total = np.empty((len(positions), 3))
    for axis in range(3):
        weighted = (weights * face[:, axis, None]).ravel()
        total[:, axis] = np.bincount(indices.ravel(), weighted, minlength=len(positions))
    return unit(total).astype(np.float32)


def sample_surface(mesh: Mesh, n: int, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """`n` points spread evenly by area: positions float32 (n, 3), and the triangle each lies in, int64 (n,)."""
    random = np.random.default_rng(seed)
    total = np.cumsum(areas(mesh.positions, mesh.indices))
    # stratified: one point in each nth of the area, which spreads better than independent points
    at = (np.arange(n) + random.random(n)) / n * total[-1]
    triangle = np.minimum(np.searchsorted(total, at, side="right"), len(total) - 1)
    root, along = np.sqrt(random.random(n)), random.random(n)
    weights = np.stack([1 - root, root * (1 - along), root * along], axis=1)
    points = np.einsum("ij,ijk->ik", weights, mesh.positions[mesh.indices[triangle]].astype(np.float64))
    return points.astype(np.float32), triangle
