"""high-poly mesh -> low-poly mesh"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import fast_simplification
import numpy as np
from numpy.typing import NDArray

from assets_pipeline.asset import Asset, Mesh, StageRecord, frozen
from assets_pipeline.geometry import repair
from assets_pipeline.geometry.distance import closest_points
from assets_pipeline.geometry.measure import diagonal, sample_surface
from assets_pipeline.geometry.surface import Surface
from assets_pipeline.geometry.topology import edges_of

USUAL_ERROR = 0.0006
"""99 % of the surface stays within this share of the diagonal: under a pixel at 1,000 pixels."""

LARGEST_ERROR = 0.0012
"""99.9 % of it does within this, or within what the triangle budget itself cost."""

FLAT_ERROR = 0.00002
"""An error that says the shape is made of planes, so that fewer than `SMOOTH_TRIANGLES` do."""

SMOOTH_TRIANGLES = 3_000
"""Round silhouettes show their corners below this."""

FEWEST = 12
"""The triangles of a box."""

SAMPLES = 20_000

WORKING_SIZE = 4.0
"""Diagonal at which meshes are simplified, in units of nothing."""


@dataclass(frozen=True)
class Decimate:
    """Keep at most `triangles`, fewer where the shape is simple; see `decimate`."""

    triangles: int = 50_000

    def __call__(self, asset: Asset) -> Asset:
        assert asset.highpoly is not None, "decimate comes after clean"
        lowpoly, error = decimate(asset.highpoly, self.triangles)
        counts: Mapping[str, Any] = {
            "triangles_before": asset.highpoly.triangles,
            "triangles": lowpoly.triangles,
            "mean_error": round(error, 7),
        }
        return replace(asset, lowpoly=lowpoly, provenance=(*asset.provenance, StageRecord(repr(self), counts)))


def decimate(mesh: Mesh, triangles: int) -> tuple[Mesh, float]:
    """Collapse edges, cheapest first, until at most `triangles` are left, and on while nobody could see it.

    The result holds welded positions and indices alone: texture coordinates and colours do not survive a collapse, so
    decimate before unwrapping and bake afterwards. Returns it with the mean distance of the surface given from the
    result, as a share of the diagonal. A manifold stays one.
    Source: Garland & Heckbert, "Surface Simplification Using Quadric Error Metrics", SIGGRAPH 1997.
    """
    surface = Surface.of(Mesh(mesh.positions, mesh.indices))
    whole = surface.mesh()
    samples = sample_surface(whole, SAMPLES)[0]
    size = diagonal(whole.positions)
    best, distances = whole, np.zeros(1)
    if whole.triangles > triangles:
        best = _collapsed(whole, triangles)
        distances = _distances(samples, best, size)
    spent = float(np.quantile(distances, 0.999))
    while best.triangles > FEWEST:
        candidate = _collapsed(best, 2 * best.triangles // 3)
        farther = _distances(samples, candidate, size)
        if candidate.triangles > 0.9 * best.triangles or not _looks_same(farther, candidate.triangles, spent):
            break
        best, distances = candidate, farther
    return best, float(distances.mean())


def _looks_same(distances: NDArray[np.float64], triangles: int, spent: float) -> bool:
    """Whether nobody could tell a mesh at such distances; `spent` is what the triangle budget cost already."""
    usual, largest = np.quantile(distances, (0.99, 0.999))
    if triangles < SMOOTH_TRIANGLES:
        return bool(largest <= FLAT_ERROR)
    return bool(usual <= USUAL_ERROR and largest <= max(LARGEST_ERROR, 1.1 * spent))


def _distances(samples: NDArray[np.float32], mesh: Mesh, size: float) -> NDArray[np.float64]:
    """How far each sample is from the mesh, as a share of `size`."""
    return closest_points(samples, mesh.positions, mesh.indices)[0] / size


def _collapsed(mesh: Mesh, triangles: int) -> Mesh:
    """At most `triangles` triangles if collapses can do it, repaired where they left a fault.

    The simplifier takes small determinants for zero whatever the unit: in metres, a mug's rim grew spikes of a third of
    its height. So it works on a mesh of about `WORKING_SIZE`; a power of two keeps every bit.
    """
    scale = 2.0 ** round(np.log2(WORKING_SIZE / diagonal(mesh.positions)))
    positions, indices = mesh.positions.astype(np.float64) * scale, mesh.indices.astype(np.int64)
    result, target = mesh, triangles
    while result.triangles > triangles and target > 0:
        before = len(indices)
        # agg=3 kept the surface ten times nearer than the default 7; it stops early on hard meshes, hence the loop
        positions, indices = fast_simplification.simplify(positions, indices, target_count=target, agg=3)
        if len(indices) == before:
            break
        result = _repaired(Mesh(frozen(positions / scale, np.float32), frozen(indices, np.uint32)))
        # a repair may split a triangle or two: leave room for it
        target = min(target, triangles - max(0, result.triangles - len(indices)))
    return result


def _repaired(mesh: Mesh) -> Mesh:
    surface = Surface.of(mesh)
    surface, _ = repair.drop_collapsed(surface)
    surface, _ = repair.flatten_slivers(surface)
    surface, _ = repair.drop_duplicates(surface)
    if edges_of(surface.indices).non_manifold:
        surface, _ = repair.drop_fins(surface)
        surface, _ = repair.split_non_manifold(surface)
    return surface.mesh()
