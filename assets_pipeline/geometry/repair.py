"""Surface -> surface with one fault less; each repair returns how many it mended."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from assets_pipeline.geometry.measure import areas, diagonal, sample_surface, volume
from assets_pipeline.geometry.surface import Surface
from assets_pipeline.geometry.topology import Edges, compact, components, corner_fans, edges_of, paired_half_edges

THINNEST = 1e-7
"""A triangle whose height is under this share of the diagonal has no side to look at."""

HAIR = 1e-5
"""How far parted vertices move, as a share of the diagonal: ten times what float32 keeps, and invisible."""

PASSES = 12
"""Rounds of flips or peels before a repair gives up; each round mends every fault it can reach."""


def drop_collapsed(surface: Surface) -> tuple[Surface, int]:
    """Drop triangles that use a vertex twice."""
    a, b, c = surface.indices.T
    whole = (a != b) & (b != c) & (c != a)
    return surface.keep(whole), int((~whole).sum())


def drop_duplicates(surface: Surface) -> tuple[Surface, int]:
    """Keep the first of triangles over the same three vertices, whichever way they face."""
    _, first = np.unique(np.sort(surface.indices, axis=1), axis=0, return_index=True)
    return surface.keep(np.sort(first)), len(surface.indices) - len(first)


def flatten_slivers(surface: Surface) -> tuple[Surface, int]:
    """Remove triangles without height by flipping their longest edge, so that no crack opens.

    The vertex that lies on that edge then divides the neighbour; without a neighbour the triangle just goes.
    """
    mended = 0
    for _ in range(PASSES):
        thin = _slivers(surface)
        if not len(thin):
            break
        surface, done = _flip_slivers(surface, thin)
        mended += done
        if not done:
            break
    return surface, mended


def _slivers(surface: Surface) -> NDArray[np.int64]:
    """The numbers of triangles without height."""
    points = surface.positions[surface.indices]
    longest = np.linalg.norm(points - np.roll(points, -1, axis=1), axis=2).max(axis=1)
    twice = 2 * areas(surface.positions, surface.indices)
    return np.flatnonzero(twice <= THINNEST * diagonal(surface.positions) * longest)


def _flip_slivers(surface: Surface, thin: NDArray[np.int64]) -> tuple[Surface, int]:
    """Flip the longest edge of each triangle in `thin` once, where that makes no edge twice."""
    edges = edges_of(surface.indices)
    order = np.argsort(edges.edge, kind="stable")
    starts = np.cumsum(edges.count) - edges.count
    ends = np.sort(_ends(surface.indices), axis=1)
    known = set(map(tuple, ends[np.isin(ends, surface.indices[thin]).any(axis=1)].tolist()))
    indices, corners = surface.indices.copy(), surface.corners.copy()
    touched: set[int] = set()
    dropped: list[int] = []
    for t in thin.tolist():
        points = surface.positions[indices[t]]
        k = int(np.argmax(np.linalg.norm(points - np.roll(points, -1, axis=0), axis=1)))
        a, b, m = (int(indices[t, (k + step) % 3]) for step in range(3))
        edge = int(edges.edge[3 * t + k])
        across = [h for h in order[starts[edge] : starts[edge] + edges.count[edge]].tolist() if h != 3 * t + k]
        if not across and t not in touched:
            dropped.append(t)
        if len(across) != 1:
            continue
        g, j = divmod(across[0], 3)
        c = int(indices[g, (j + 2) % 3])
        if t in touched or g in touched or indices[g, j] != b or c == m or (min(m, c), max(m, c)) in known:
            continue
        share = _share_along(surface.positions[b], surface.positions[a], surface.positions[m])
        at_b, at_a, at_c = (corners[g, (j + step) % 3] for step in range(3))
        surface, at_m = surface.with_blended_corners(np.array([at_b]), np.array([at_a]), np.array([share]))
        indices[t], corners[t] = (a, c, m), (at_a, at_c, at_m[0])
        indices[g], corners[g] = (c, b, m), (at_c, at_b, at_m[0])
        known.add((min(m, c), max(m, c)))
        touched.update((t, g))
    keep = np.ones(len(indices), bool)
    keep[dropped] = False
    return replace(surface, indices=indices, corners=corners).keep(keep), len(touched) // 2 + len(dropped)


def _ends(indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Both vertices of each half-edge, int64 (3 m, 2)."""
    return np.stack([indices.ravel(), np.roll(indices, -1, axis=1).ravel()], axis=1)


def _share_along(start: NDArray[Any], end: NDArray[Any], point: NDArray[Any]) -> float:
    """How far along start -> end the point lies, 0..1."""
    along = end - start
    return float(np.clip(along @ (point - start) / max(along @ along, 1e-300), 0, 1))


def drop_fins(surface: Surface) -> tuple[Surface, int]:
    """Peel triangles that hang on an edge of three or more with an open edge on another side."""
    before = len(surface.indices)
    for _ in range(PASSES):
        edges = edges_of(surface.indices)
        count = edges.count[edges.edge].reshape(-1, 3)
        fin = (count > 2).any(axis=1) & (count == 1).any(axis=1)
        if not fin.any():
            break
        surface = surface.keep(~fin)
    return surface, before - len(surface.indices)


def wind_alike(surface: Surface) -> tuple[Surface, int]:
    """Turn triangles round where neighbours disagree, the fewer ones of each connected part.

    Works on the graph that holds every triangle twice, as given and turned: neighbours that agree are linked alike,
    others crosswise. A part that splits in two this way is orientable; a Moebius band stays as it is.
    """
    edges = edges_of(surface.indices)
    if not edges.inconsistent:
        return surface, 0
    n = len(surface.indices)
    pairs = paired_half_edges(edges)
    crossed = (edges.forward[pairs[:, 0]] == edges.forward[pairs[:, 1]]).astype(np.int64) * n
    f, g = pairs[:, 0] // 3, pairs[:, 1] // 3
    rows, columns = np.r_[f, f + n], np.r_[g + crossed, g + n - crossed]
    links = coo_matrix((np.ones(len(rows), bool), (rows, columns)), shape=(2 * n, 2 * n))
    count, label = connected_components(links, directed=False)
    as_given, turned = label[:n], label[n:]
    votes = np.bincount(as_given, minlength=count)
    turn = votes[turned] > votes[as_given]
    turn |= (votes[turned] == votes[as_given]) & (turned < as_given)
    return _turned(surface, turn), int(turn.sum())


def face_outward(surface: Surface) -> tuple[Surface, int]:
    """Turn each connected part that encloses a negative volume, unless it lines a cavity inside another part."""
    label = components(surface.indices, len(surface.positions))
    turned = 0
    for part in range(int(label.max(initial=-1)) + 1):
        own = label == part
        vertex, indices = compact(surface.indices[own], len(surface.positions))
        if volume(surface.positions[vertex], indices) >= 0:
            continue
        others = surface.indices[~own]
        if len(others) and winding_number(surface.positions, others, surface.positions[vertex[0]]) > 0.5:
            continue
        surface = _turned(surface, own)
        turned += int(own.sum())
    return surface, turned


def winding_number(positions: NDArray[Any], indices: NDArray[Any], point: NDArray[Any]) -> float:
    """How often the triangles wrap around `point`: 1 inside a closed mesh, 0 outside.

    Source: Van Oosterom & Strackee, "The Solid Angle of a Plane Triangle", IEEE Trans. Biomed. Eng. 30(2), 1983.
    """
    a, b, c = (positions[indices[:, k]] - point for k in range(3))
    la, lb, lc = (np.linalg.norm(v, axis=1) for v in (a, b, c))
    above = np.einsum("ij,ij->i", a, np.cross(b, c))
    dots = (np.einsum("ij,ij->i", p, q) * r for p, q, r in ((a, b, lc), (b, c, la), (c, a, lb)))
    return float(np.arctan2(above, la * lb * lc + sum(dots)).sum() / (2 * np.pi))


def _turned(surface: Surface, turn: NDArray[np.bool_]) -> Surface:
    indices, corners = surface.indices.copy(), surface.corners.copy()
    indices[turn], corners[turn] = indices[turn][:, ::-1], corners[turn][:, ::-1]
    return replace(surface, indices=indices, corners=corners)


def drop_floaters(surface: Surface, stray: float = 0.01, speck: float = 0.0002) -> tuple[Surface, int]:
    """Drop groups of parts under `stray` of the whole area that touch nothing larger, and every part under `speck`.

    Parts touch where they come within about 1 % of the diagonal, so a string of beads is one group. Returns the number
    of parts dropped.
    """
    label = components(surface.indices, len(surface.positions))
    size = np.bincount(label, areas(surface.positions, surface.indices))
    if len(size) == 1:
        return surface, 0
    group = _touching(surface, label)
    of_group = np.bincount(group, size)
    keep = (of_group[group] >= min(stray * size.sum(), of_group.max())) & (size >= min(speck * size.sum(), size.max()))
    return surface.keep(keep[label]), int((~keep).sum())


def _touching(surface: Surface, label: NDArray[np.int64]) -> NDArray[np.int64]:
    """The group of each part: parts with points in one cell of any of eight shifted grids belong together."""
    sampled, of_sample = sample_surface(surface.mesh(), 50_000)  # large triangles have few vertices
    points = np.concatenate([surface.positions[surface.indices[:, 0]], sampled])
    part = np.concatenate([label, label[of_sample]])
    cell = 0.01 * diagonal(surface.positions)
    rows, columns = [], []
    for shift in np.ndindex(2, 2, 2):
        place = np.floor(points / cell + np.array(shift) / 2).astype(np.int64)
        _, of_cell = np.unique(place @ np.array([1, 1 << 20, 1 << 40]), return_inverse=True)
        first = np.zeros(int(of_cell.max()) + 1, np.int64)
        first[of_cell] = part
        rows.append(first[of_cell])
        columns.append(part)
    rows_of, columns_of = np.concatenate(rows), np.concatenate(columns)
    count = int(label.max()) + 1
    links = coo_matrix((np.ones(len(rows_of), bool), (rows_of, columns_of)), shape=(count, count))
    return connected_components(links, directed=False)[1]


def split_non_manifold(surface: Surface) -> tuple[Surface, int]:
    """Part the surface along edges with more than two triangles, and at vertices where it only touches itself.

    At such an edge, triangles that bound the same solid stay together. The parted vertices move apart by a hair, so
    that whoever welds by position gets the same manifold. Returns the number of edges parted.
    """
    edges = edges_of(surface.indices)
    crowded = np.flatnonzero(edges.count > 2)
    joined = np.concatenate([paired_half_edges(edges), *_pairs_at(surface, edges, crowded)])
    fans = corner_fans(surface.indices, edges, joined)
    _, vertex_of = np.unique(fans, return_inverse=True)
    indices = vertex_of.reshape(-1, 3).astype(np.int64)
    origin = np.empty(int(indices.max()) + 1, np.int64)
    origin[indices.ravel()] = surface.indices.ravel()
    positions = surface.positions[origin]
    apart = np.bincount(origin)[origin] > 1
    if apart.any():
        positions = _drawn_in(positions, indices, apart, HAIR * diagonal(positions))
    surface = replace(surface, positions=positions, indices=indices)
    return _split_pinched(surface), len(crowded)


def _split_pinched(surface: Surface) -> Surface:
    """Give all but one pair of triangles a vertex of their own in the middle of an edge that several pairs share.

    Such an edge is left where the fans at both its ends hang together some other way round.
    """
    edges = edges_of(surface.indices)
    crowded = np.flatnonzero(edges.count > 2)
    spare = [pair for pairs in _pairs_at(surface, edges, crowded) for pair in pairs[1:].tolist()]
    taken: set[int] = set()
    for one, other in spare:
        if taken.isdisjoint((one // 3, other // 3)):
            surface = _with_middle(surface, one, other)
        taken.update((one // 3, other // 3))
    return surface


def _with_middle(surface: Surface, one: int, other: int) -> Surface:
    """Split the two triangles of a pair of half-edges at a new vertex in the edge's middle, a hair inward."""
    place = len(surface.positions)
    ends = surface.indices.ravel()[[one, one - 2 if one % 3 == 2 else one + 1]]
    middle = surface.positions[ends].mean(axis=0)
    apices = surface.positions[[surface.indices[h // 3, (h + 2) % 3] for h in (one, other)]].mean(axis=0)
    inward = apices - middle
    hair = HAIR * diagonal(surface.positions) / max(float(np.linalg.norm(inward)), 1e-300)
    surface = replace(surface, positions=np.concatenate([surface.positions, (middle + inward * hair)[None]]))
    for half_edge in (one, other):
        t, k = divmod(half_edge, 3)
        (a, b, c), (at_a, at_b, at_c) = np.roll(surface.indices[t], -k), np.roll(surface.corners[t], -k)
        surface, at_m = surface.with_blended_corners(np.array([at_a]), np.array([at_b]), np.array([0.5]))
        indices, corners = surface.indices.copy(), surface.corners.copy()
        indices[t], corners[t] = (a, place, c), (at_a, at_m[0], at_c)
        surface = replace(surface, indices=indices, corners=corners)
        surface = surface.with_triangles(np.array([[place, b, c]]), np.array([[at_m[0], at_b, at_c]]))
    return surface


def _pairs_at(surface: Surface, edges: Edges, crowded: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """For each crowded edge its half-edges in pairs that bound the same solid, int64 (p, 2)."""
    order = np.argsort(edges.edge, kind="stable") if len(crowded) else np.empty(0, np.int64)
    starts = np.cumsum(edges.count) - edges.count
    around = [order[starts[edge] : starts[edge] + edges.count[edge]] for edge in crowded.tolist()]
    return [_pairs_around(surface, half_edges, edges.forward[half_edges]) for half_edges in around]


def _pairs_around(surface: Surface, around: NDArray[np.int64], forward: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Pair the half-edges of one edge: each forward one with the next backward one across the solid between them."""
    triangle, k = np.divmod(around, 3)
    start = surface.positions[surface.indices[triangle, k]]
    end = surface.positions[surface.indices[triangle, (k + 1) % 3]]
    apex = surface.positions[surface.indices[triangle, (k + 2) % 3]]
    lower, upper = (start[0], end[0]) if forward[0] else (end[0], start[0])
    axis = (upper - lower) / max(np.linalg.norm(upper - lower), 1e-300)
    towards = apex - lower - ((apex - lower) @ axis)[:, None] * axis
    across = np.cross(axis, towards[0])
    angle = np.arctan2(towards @ across, towards @ towards[0])
    pairs: list[tuple[int, int]] = []
    free = set(np.flatnonzero(~forward).tolist())
    for f in np.flatnonzero(forward).tolist():
        if free:
            # outside lies on the side of growing angle, so the solid is met while the angle falls
            g = min(sorted(free), key=lambda other: (angle[f] - angle[other]) % (2 * np.pi))
            free.remove(g)
            pairs.append((int(around[f]), int(around[g])))
    return np.array(pairs, np.int64).reshape(-1, 2)


def _drawn_in(
    positions: NDArray[np.float64], indices: NDArray[np.int64], which: NDArray[np.bool_], by: float
) -> NDArray[np.float64]:
    """Move vertices `which` toward the middle of their own triangles."""
    middle = positions[indices].mean(axis=1)
    towards = np.zeros_like(positions)
    for k in range(3):
        np.add.at(towards, indices[:, k], middle - positions[indices[:, k]])
    length = np.linalg.norm(towards, axis=1, keepdims=True)
    return positions + which[:, None] * towards / np.where(length > 0, length, 1) * by


def weld_cracks(surface: Surface, tolerance: float) -> tuple[Surface, int]:
    """Merge open edges' vertices nearer than `tolerance`, and nothing else. Returns the number of vertices merged."""
    edges = edges_of(surface.indices)
    open_edges = edges.count[edges.edge] == 1
    rim = np.unique(_ends(surface.indices)[open_edges])
    if not len(rim):
        return surface, 0
    near = cKDTree(surface.positions[rim]).query_pairs(tolerance, output_type="ndarray")
    if not len(near):
        return surface, 0
    links = coo_matrix((np.ones(len(near), bool), (near[:, 0], near[:, 1])), shape=(len(rim), len(rim)))
    cluster = connected_components(links, directed=False)[1]
    _, first = np.unique(cluster, return_index=True)
    target = np.arange(len(surface.positions))
    target[rim] = rim[first[cluster]]
    merged = int((target != np.arange(len(target))).sum())
    return replace(surface, indices=target[surface.indices]), merged
