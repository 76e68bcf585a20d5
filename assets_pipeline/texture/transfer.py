"""Texels of a low-poly atlas -> points of the high-poly surface."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from assets_pipeline.asset import Mesh, frozen
from assets_pipeline.geometry.distance import closest_points
from assets_pipeline.geometry.measure import diagonal, triangle_normals, unit
from assets_pipeline.geometry.rays import RayScene
from assets_pipeline.texture.raster import rasterise

CAGE = 0.01
"""How far a ray looks for the high-poly surface, as a share of the diagonal; 50,000 triangles stay 10 times nearer."""

NEAR = 0.001
"""Where nearly every low-poly texel has its surface, as a share of the diagonal; thinner than any wall."""

FACING = 0.1
"""The least cosine between a texel's normal and that of the surface it shows."""

TEXELS_PER_BATCH = 1 << 18
"""Bounds the memory of a bake, whatever the atlas."""


@dataclass(frozen=True)
class Texels:
    """The covered texels of a square atlas.

    at: int64 (n,) flat texel numbers. triangle: int64 (n,) of the low-poly mesh. weights: float32 (n, 3).
    """

    size: int
    at: NDArray[np.int64]
    triangle: NDArray[np.int64]
    weights: NDArray[np.float32]

    @property
    def mask(self) -> NDArray[np.bool_]:
        """bool (size, size): which texels are covered."""
        mask = np.zeros(self.size * self.size, bool)
        mask[self.at] = True
        return mask.reshape(self.size, self.size)

    def batches(self) -> Iterator[slice]:
        """Slices of the texels, small enough to work on at once."""
        for start in range(0, len(self.at), TEXELS_PER_BATCH):
            yield slice(start, start + TEXELS_PER_BATCH)


@dataclass(frozen=True)
class Hits:
    """The high-poly point of each texel: triangle int64 (n,), weights float32 (n, 3). fallback: found without a ray."""

    triangle: NDArray[np.int64]
    weights: NDArray[np.float32]
    fallback: int = 0


def covered_texels(mesh: Mesh, size: int) -> Texels:
    """The texels of a `size` atlas that `mesh` covers or touches."""
    assert mesh.texcoords is not None, "an atlas needs texcoords"
    triangle, weights = rasterise(mesh.texcoords, mesh.indices, size, size)
    at = np.flatnonzero(triangle.ravel() >= 0)
    return Texels(size, at, triangle.ravel()[at].astype(np.int64), weights.reshape(-1, 3)[at])


def interpolate(
    values: NDArray[np.float32], indices: NDArray[np.int64], triangle: NDArray[np.int64], weights: NDArray[np.float32]
) -> NDArray[np.float32]:
    """`values` (v, c) at the corners `indices` (m, 3), blended at points given by triangle and weights: (n, c)."""
    result = np.empty((len(triangle), values.shape[1]), np.float32)
    _blend(
        frozen(values, np.float32),
        frozen(indices, np.int64),
        frozen(triangle, np.int64),
        frozen(weights, np.float32),
        result,
    )
    return result


@numba.njit(cache=True)
def _blend(values: Any, indices: Any, triangle: Any, weights: Any, result: Any) -> None:
    for i in range(len(triangle)):
        a, b, c = indices[triangle[i]]
        for k in range(values.shape[1]):
            result[i, k] = values[a, k] * weights[i, 0] + values[b, k] * weights[i, 1] + values[c, k] * weights[i, 2]


def same_triangles(one: Mesh, other: Mesh) -> bool:
    """Whether both meshes hold the same triangles in the same order, whatever their seams."""
    return one.triangles == other.triangles and np.array_equal(
        one.positions[one.indices], other.positions[other.indices]
    )


def find_hits(texels: Texels, lowpoly: Mesh, highpoly: Mesh, scene: RayScene) -> Hits:
    """The high-poly point behind each texel of the low-poly surface.

    Where both are the same triangles, that is the texel's own. Else a ray against the smooth normal looks through the
    thin layer `NEAR` around the texel; where it meets nothing that faces the same way, two rays out and in look as far
    as `CAGE`, and the nearer hit counts. Where those fail too, the nearest point of the surface is taken.
    """
    if same_triangles(lowpoly, highpoly):
        return Hits(texels.triangle, texels.weights)
    triangle = np.empty(len(texels.at), np.int64)
    weights = np.empty((len(texels.at), 3), np.float32)
    facing = unit(triangle_normals(highpoly.positions, highpoly.indices)).astype(np.float32)
    extent = diagonal(highpoly.positions)
    for batch in texels.batches():
        points, normals = _points(texels, batch, lowpoly)
        at, where = _near_hit(scene, facing, points, normals, NEAR * extent)
        lost = np.flatnonzero(at < 0)
        if len(lost):
            at[lost], where[lost] = _nearer_hit(scene, facing, points[lost], normals[lost], CAGE * extent)
        triangle[batch], weights[batch] = at, where
    missed = np.flatnonzero(triangle < 0)
    if len(missed):
        points = _points(texels, missed, lowpoly)[0]
        _, triangle[missed], weights[missed] = closest_points(points, highpoly.positions, highpoly.indices)
    return Hits(triangle, weights, len(missed))


def _points(
    texels: Texels, which: slice | NDArray[np.int64], lowpoly: Mesh
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Positions and unit normals of texels on the low-poly surface, each float32 (n, 3)."""
    assert lowpoly.normals is not None, "a bake needs normals"
    corners = lowpoly.indices.astype(np.int64)
    place = (corners, texels.triangle[which], texels.weights[which])
    return interpolate(lowpoly.positions, *place), unit(interpolate(lowpoly.normals, *place))


def _near_hit(
    scene: RayScene,
    facing: NDArray[np.float32],
    points: NDArray[np.float32],
    normals: NDArray[np.float32],
    reach: float,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The hit within `reach` above or below each point that faces along its normal; -1 for none."""
    triangle, distance, weights = scene.first_hit(points + normals * np.float32(reach), -normals)
    good = (triangle >= 0) & (distance <= 2 * reach)
    good[good] &= np.einsum("ij,ij->i", facing[triangle[good]], normals[good]) > FACING
    return np.where(good, triangle, -1), weights


def _nearer_hit(
    scene: RayScene,
    facing: NDArray[np.float32],
    points: NDArray[np.float32],
    normals: NDArray[np.float32],
    reach: float,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Of the hits outward and inward from each point the nearer one that faces along its normal; -1 for none."""
    back = np.float32(reach / 100)  # start a little behind, so that a surface at the point itself is met
    best = np.full(len(points), reach, np.float32)
    triangle = np.full(len(points), -1, np.int64)
    weights = np.zeros((len(points), 3), np.float32)
    for direction in (normals, -normals):
        found, distance, where = scene.first_hit(points - direction * back, direction)
        away = np.abs(distance - back)
        good = (found >= 0) & (away < best)
        good[good] &= np.einsum("ij,ij->i", facing[found[good]], normals[good]) > FACING
        best[good], triangle[good], weights[good] = away[good], found[good], where[good]
    return triangle, weights
