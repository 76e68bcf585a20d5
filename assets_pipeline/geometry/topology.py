"""How triangles hang together: welding, edges, components."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree


def weld(
    positions: NDArray[Any], indices: NDArray[Any], tolerance: float = 0.0
) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64]]:
    """Merge vertices at the same place, closer than `tolerance`.

    Returns the merged positions, the indices over them (int64; triangles that collapsed are still there) and, for each
    vertex given, the merged vertex it went to. Attributes with seams stay with the mesh given: its indices and the
    returned ones describe the same triangles.
    """
    rows = np.ascontiguousarray(positions + 0.0)  # + 0.0 makes -0.0 equal to 0.0 in the bytes compared
    keys = rows.view(np.dtype((np.void, rows.dtype.itemsize * 3))).ravel()
    _, first, target = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first)  # keep the order of first appearance
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    merged, target = positions[first[order]], place[target.ravel()]
    if tolerance > 0:
        near = _merge_near(merged, tolerance)
        keep, group = np.unique(near, return_inverse=True)
        merged, target = merged[keep], group.ravel()[target]
    return merged, target[np.asarray(indices, np.int64)], target.astype(np.int64)


def _merge_near(points: NDArray[Any], tolerance: float) -> NDArray[np.int64]:
    """For each point the first point of its cluster, clusters chained over gaps of at most `tolerance`."""
    pairs = cKDTree(points).query_pairs(tolerance, output_type="ndarray")
    if not len(pairs):
        return np.arange(len(points))
    links = coo_matrix((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(len(points), len(points)))
    count, cluster = connected_components(links, directed=False)
    first = np.full(count, len(points), np.int64)
    np.minimum.at(first, cluster, np.arange(len(points)))
    return first[cluster]


@dataclass(frozen=True)
class Edges:
    """The edges of a triangle mesh.

    Half-edge h = 3 * triangle + k runs from corner k to corner k + 1. `edge` int64 (3 m,): each half-edge's edge.
    `count` int64 (e,): half-edges of each edge. `forward` bool (3 m,): whether it runs from the lower vertex number.
    """

    edge: NDArray[np.int64]
    count: NDArray[np.int64]
    forward: NDArray[np.bool_]

    @property
    def boundary(self) -> int:
        """Edges with one triangle."""
        return int((self.count == 1).sum())

    @property
    def non_manifold(self) -> int:
        """Edges with more than two triangles."""
        return int((self.count > 2).sum())

    @property
    def inconsistent(self) -> int:
        """Edges whose two triangles run the same way, so that one of them faces inward."""
        balance = np.bincount(self.edge, np.where(self.forward, 1, -1), minlength=len(self.count))
        return int(((self.count == 2) & (balance != 0)).sum())

    @property
    def watertight(self) -> bool:
        """Whether every edge has exactly two triangles."""
        return bool((self.count == 2).all())


def edges_of(indices: NDArray[Any]) -> Edges:
    """The edges of triangles over welded vertices."""
    start = np.asarray(indices, np.int64).ravel()
    end = np.roll(np.asarray(indices, np.int64), -1, axis=1).ravel()
    forward = start < end
    key = np.minimum(start, end) * (int(start.max(initial=0)) + 1) + np.maximum(start, end)
    _, edge, count = np.unique(key, return_inverse=True, return_counts=True)
    return Edges(edge.ravel(), count, forward)


def paired_half_edges(edges: Edges) -> NDArray[np.int64]:
    """The two half-edges of every edge that has two, int64 (p, 2)."""
    order = np.argsort(edges.edge, kind="stable")
    starts = np.cumsum(edges.count) - edges.count
    two = starts[edges.count == 2]
    return np.stack([order[two], order[two + 1]], axis=1)


def components(indices: NDArray[Any], vertices: int) -> NDArray[np.int64]:
    """For each triangle the number of its connected part, over welded vertices, int64 (m,), counted from 0."""
    a, b, c = np.asarray(indices, np.int64).T
    links = coo_matrix((np.ones(2 * len(a), bool), (np.r_[a, b], np.r_[b, c])), shape=(vertices, vertices))
    label = connected_components(links, directed=False)[1]
    return np.unique(label[a], return_inverse=True)[1].ravel().astype(np.int64)


def corner_fans(indices: NDArray[Any], edges: Edges, joined: NDArray[np.int64]) -> NDArray[np.int64]:
    """Group corners that meet at a vertex and are joined across edges.

    joined: pairs of half-edges (p, 2), each pair over one edge, that hold their corners together. Returns int64 (m, 3):
    the number of each corner's group. Cutting an edge (leaving its pair out) splits the vertices along it where
    that parts the fan of triangles around them.
    """
    corners = 3 * len(indices)
    one, other = joined[:, 0], joined[:, 1]
    one_end, other_end = _next_corner(one), _next_corner(other)
    opposed = edges.forward[one] != edges.forward[other]  # normally the two run against each other
    start_of = np.where(opposed, other_end, other)
    end_of = np.where(opposed, other, other_end)
    rows, columns = np.r_[one, one_end], np.r_[start_of, end_of]
    links = coo_matrix((np.ones(len(rows), bool), (rows, columns)), shape=(corners, corners))
    return connected_components(links, directed=False)[1].reshape(-1, 3).astype(np.int64)


def _next_corner(corner: NDArray[np.int64]) -> NDArray[np.int64]:
    """The corner after each in its triangle."""
    return np.where(corner % 3 == 2, corner - 2, corner + 1)


def compact(indices: NDArray[Any], vertices: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Leave out unused vertices: the old number of each one kept, and the indices over them."""
    used = np.zeros(vertices, bool)
    used[np.asarray(indices, np.int64).ravel()] = True
    place = np.cumsum(used) - 1
    return np.flatnonzero(used), place[np.asarray(indices, np.int64)]
