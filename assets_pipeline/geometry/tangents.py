"""Normals and tangents per corner of a triangle mesh."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from assets_pipeline.geometry.measure import areas, corner_angles, triangle_normals, unit
from assets_pipeline.geometry.topology import corner_fans, edges_of, paired_half_edges


def corner_normals(
    positions: NDArray[Any], indices: NDArray[Any], crease_degrees: float
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Unit normals smoothed around each vertex, but not across edges sharper than `crease_degrees`.

    Over welded vertices. Returns the normals, float32 (g, 3), and each corner's normal, int64 (m, 3). Triangles weigh
    by their angle at the vertex and by their area, which keeps flats beside bevels flat.
    """
    face = unit(triangle_normals(positions, indices))
    edges = edges_of(indices)
    pairs = paired_half_edges(edges)
    cosine = np.einsum("ij,ij->i", face[pairs[:, 0] // 3], face[pairs[:, 1] // 3])
    flat = edges.forward[pairs[:, 0]] != edges.forward[pairs[:, 1]]
    smooth = flat & (cosine >= np.cos(np.radians(crease_degrees)))
    fans = corner_fans(indices, edges, pairs[smooth])
    weights = corner_angles(positions, indices) * areas(positions, indices)[:, None]
    total = np.stack([np.bincount(fans.ravel(), (weights * face[:, axis, None]).ravel()) for axis in range(3)], axis=1)
    total = unit(total)
    total[~total.any(axis=1)] = (0.0, 1.0, 0.0)  # triangles without area, or fans that cancel out
    return total.astype(np.float32), fans


def tangents(
    positions: NDArray[Any], indices: NDArray[Any], texcoords: NDArray[Any], normals: NDArray[Any]
) -> NDArray[np.float32]:
    """Tangents as glTF wants them, float32 (n, 4): unit xyz along growing u, w such that bitangent = w * n x t.

    texcoords have glTF's origin (top left), and the bitangent points up the texture. Vertices are already split at
    seams and creases. After Mikkelsen, "Simulation of Wrinkled Surfaces Revisited", 2008 (MikkTSpace): each
    triangle's u direction, projected onto the vertex's plane, weighs by its angle there.
    """
    points = positions[indices].astype(np.float64)
    uv = texcoords[indices].astype(np.float64) * (1, -1)
    edge1, edge2 = points[:, 1] - points[:, 0], points[:, 2] - points[:, 0]
    uv1, uv2 = uv[:, 1] - uv[:, 0], uv[:, 2] - uv[:, 0]
    area = uv1[:, 0] * uv2[:, 1] - uv1[:, 1] * uv2[:, 0]
    sign = np.where(area >= 0, 1.0, -1.0)
    along_u = sign[:, None] * (edge1 * uv2[:, 1, None] - edge2 * uv1[:, 1, None])
    total = np.zeros((len(positions), 3))
    handedness = np.zeros(len(positions))
    for k in range(3):
        vertex = indices[:, k].astype(np.int64)
        normal = normals[vertex].astype(np.float64)
        direction = unit(_onto_plane(along_u, normal))
        to_next = unit(_onto_plane(points[:, (k + 1) % 3] - points[:, k], normal))
        to_last = unit(_onto_plane(points[:, (k + 2) % 3] - points[:, k], normal))
        angle = np.arccos(np.clip(np.einsum("ij,ij->i", to_next, to_last), -1, 1))
        for axis in range(3):
            total[:, axis] += np.bincount(vertex, angle * direction[:, axis], minlength=len(positions))
        handedness += np.bincount(vertex, angle * sign, minlength=len(positions))
    return _finished(total, handedness, normals.astype(np.float64))


def _onto_plane(vectors: NDArray[np.float64], normals: NDArray[np.float64]) -> NDArray[np.float64]:
    return vectors - np.einsum("ij,ij->i", vectors, normals)[:, None] * normals


def _finished(
    total: NDArray[np.float64], handedness: NDArray[np.float64], normals: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Unit tangents, at right angles to the normals even where the triangles gave no direction."""
    lost = np.linalg.norm(total, axis=1) < 1e-12
    axis = np.where(np.abs(normals[:, :1]) < 0.9, [[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]])
    total[lost] = np.cross(normals, axis)[lost]
    return np.c_[unit(_onto_plane(total, normals)), np.where(handedness >= 0, 1.0, -1.0)].astype(np.float32)
