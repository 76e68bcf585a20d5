"""Small holes -> triangles."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from assets_pipeline.geometry.measure import diagonal
from assets_pipeline.geometry.surface import Surface
from assets_pipeline.geometry.topology import edges_of


def fill_holes(surface: Surface, longest_rim: float = 0.5) -> tuple[Surface, int, int]:
    """Close holes whose rim is shorter than `longest_rim` diagonals by a fan around their middle.

    Larger openings are taken for the product's own (a vase without an inner wall, a sleeve) and stay. The fan's colour
    is that of the rim, drawn inward, so that nothing is read from beyond a texture seam. Returns how many were filled
    and how many stay open. The surface must be wound alike, and manifold.
    """
    edges = edges_of(surface.indices)
    half_edges = np.flatnonzero(edges.count[edges.edge] == 1)
    if not len(half_edges):
        return surface, 0, 0
    limit = longest_rim * diagonal(surface.positions)
    filled = left = 0
    for rim in _rims(surface.indices, half_edges):
        vertices = surface.indices.ravel()[rim]
        points = surface.positions[vertices]
        length = float(np.linalg.norm(points - np.roll(points, -1, axis=0), axis=1).sum())
        if length > limit:
            left += 1
            continue
        surface = _fan(surface, rim)
        filled += 1
    return surface, filled, left


def _rims(indices: NDArray[np.int64], half_edges: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Closed chains of open half-edges, each in order; chains that do not close are left out."""
    start = indices.ravel()[half_edges].tolist()
    leaving = dict(zip(start, half_edges.tolist(), strict=True))
    following = np.where(half_edges % 3 == 2, half_edges - 2, half_edges + 1)
    end = dict(zip(half_edges.tolist(), indices.ravel()[following].tolist(), strict=True))
    rims = []
    for first in start:
        chain, vertex = [], first
        while vertex in leaving:
            half_edge = leaving.pop(vertex)
            chain.append(half_edge)
            vertex = end[half_edge]
        if len(chain) >= 3 and vertex == first:
            rims.append(np.array(chain, np.int64))
    return rims


def _fan(surface: Surface, rim: NDArray[np.int64]) -> Surface:
    """Close one rim, given as its half-edges in order."""
    following = np.where(rim % 3 == 2, rim - 2, rim + 1)
    start, end = surface.indices.ravel()[rim], surface.indices.ravel()[following]
    at_start, at_end = surface.corners.ravel()[rim], surface.corners.ravel()[following]
    if len(rim) == 3:
        colour = np.stack([at_end[0], at_start[0], at_end[0]])[None]
        return surface.with_triangles(np.stack([end[0], start[0], end[1]])[None], colour)
    middle = len(surface.positions)
    centre = surface.positions[start].mean(axis=0, keepdims=True)
    surface = replace(surface, positions=np.concatenate([surface.positions, centre]))
    surface, between = surface.with_blended_corners(at_start, at_end, np.full(len(rim), 0.5))
    indices = np.stack([end, start, np.full(len(rim), middle)], axis=1)
    return surface.with_triangles(indices, np.stack([at_end, at_start, between], axis=1))
