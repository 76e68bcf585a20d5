"""scalar field on a grid -> smooth mesh"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from skimage.measure import marching_cubes


@dataclass(frozen=True)
class Grid:
    """A lattice of cubic cells: `shape` points from `origin` on, `step` apart; fields over it are indexed [x, y, z]."""

    origin: NDArray[np.float64]
    step: float
    shape: tuple[int, int, int]

    def axes(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """The points' coordinates along x, y and z, shaped to broadcast against a field."""
        x, y, z = (self.origin[i] + self.step * np.arange(self.shape[i]) for i in range(3))
        return x[:, None, None], y[None, :, None], z[None, None, :]

    def points(self) -> NDArray[np.float64]:
        """All points, (nx, ny, nz, 3)."""
        return np.stack(np.broadcast_arrays(*self.axes()), axis=-1)


def grid_over(lower: NDArray[np.float64], upper: NDArray[np.float64], cells: int) -> Grid:
    """A grid over the box with `cells` cells along its longest side and two spare cells all around."""
    extent = np.maximum(upper - lower, 1e-6)
    step = float(extent.max() / cells)
    shape = tuple(int(np.ceil(e / step)) + 5 for e in extent)
    return Grid(np.asarray(lower, float) - 2 * step, step, (shape[0], shape[1], shape[2]))


def surface(
    field: NDArray[np.float32], grid: Grid, *, smoothing: int = 8
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The closed surface where `field` (positive inside) crosses zero: positions (n, 3) and outward indices (m, 3)."""
    closed = field.astype(np.float32, copy=True)
    outside = -abs(float(grid.step))
    closed[[0, -1]] = closed[:, [0, -1]] = closed[:, :, [0, -1]] = outside
    positions, indices, _, _ = marching_cubes(closed, 0.0, allow_degenerate=False)
    positions = positions.astype(np.float64) * grid.step + grid.origin
    indices = indices.astype(np.int64)
    if signed_volume(positions, indices) < 0:
        indices = indices[:, ::-1]
    return taubin(positions, indices, smoothing), np.ascontiguousarray(indices)


def signed_volume(positions: NDArray[np.float64], indices: NDArray[np.int64]) -> float:
    """Volume of a closed mesh, positive if its triangles are counter-clockwise seen from outside."""
    corners = positions[indices]
    return float(np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6)


def taubin(positions: NDArray[np.float64], indices: NDArray[np.int64], rounds: int) -> NDArray[np.float64]:
    """Smooth without shrinking.

    Source: Taubin, "A Signal Processing Approach to Fair Surface Design", SIGGRAPH 1995.
    """
    if rounds == 0:
        return positions
    pairs = np.concatenate([indices[:, [0, 1]], indices[:, [1, 2]], indices[:, [2, 0]]])
    count = len(positions)
    neighbours = sparse.coo_matrix(
        (np.ones(len(pairs), np.float32), (pairs[:, 0], pairs[:, 1])), shape=(count, count)
    ).tocsr()
    neighbours = neighbours.maximum(neighbours.T)
    degree = np.maximum(np.asarray(neighbours.sum(axis=1)), 1)
    for i in range(2 * rounds):
        weight = 0.5 if i % 2 == 0 else -0.53
        positions = positions + weight * (neighbours @ positions / degree - positions)
    return positions
