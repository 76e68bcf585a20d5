"""How much detail a coloured mesh holds -> how large its atlas need be."""

import numpy as np
from numpy.typing import NDArray

from assets_pipeline.asset import Mesh
from assets_pipeline.geometry.measure import areas

SMALLEST = 256
"""Atlases below this save nothing worth having."""

TYPICAL_COVERAGE = 0.65
"""The share of an atlas that charts cover (measured: 0.45 to 0.87)."""

ENOUGH = 0.8
"""An atlas with this share of the source's density looks the same on a phone; the next size weighs four times that."""


def texture_densities(mesh: Mesh, width: int, height: int) -> NDArray[np.float64]:
    """Pixels per metre that a (height, width) texture has on each triangle, float64 (m,)."""
    assert mesh.texcoords is not None, "density counts over texcoords"
    pixels = mesh.texcoords.astype(np.float64) * (width, height)
    flat = np.c_[pixels, np.zeros(len(pixels))]
    surface = areas(mesh.positions, mesh.indices)
    return np.sqrt(areas(flat, mesh.indices) / np.where(surface > 0, surface, np.inf))


def atlas_size(mesh: Mesh, base_color: NDArray[np.uint8] | None, limit: int) -> int:
    """The power of two, at most `limit`, that holds the finest tenth of what `mesh` shows.

    Counts the pixels of `base_color` over the mesh's texcoords, or else its vertices.
    """
    surface = areas(mesh.positions, mesh.indices)
    if base_color is not None and mesh.texcoords is not None:
        density = texture_densities(mesh, base_color.shape[1], base_color.shape[0])
        order = np.argsort(density, kind="stable")
        rank = np.cumsum(surface[order])
        finest = float(density[order[min(int(np.searchsorted(rank, 0.9 * rank[-1])), len(order) - 1)]])
    else:
        finest = 2 * float(
            np.sqrt(len(mesh.positions) / surface.sum())
        )  # two texels keep what lies between two vertices
    needed = ENOUGH * finest * np.sqrt(surface.sum() / TYPICAL_COVERAGE)
    fitting = 1 << max(int(np.ceil(np.log2(max(needed, 1)))), SMALLEST.bit_length() - 1)
    return min(fitting, 1 << (limit.bit_length() - 1))
