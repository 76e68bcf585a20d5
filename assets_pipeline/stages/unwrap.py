"""low-poly mesh -> low-poly mesh with texcoords, normals and tangents"""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import uvunwrap
import xatlas
from numpy.typing import NDArray

from assets_pipeline.asset import Asset, Mesh, StageRecord, frozen
from assets_pipeline.geometry.tangents import corner_normals, tangents
from assets_pipeline.geometry.topology import weld
from assets_pipeline.texture.detail import atlas_size
from assets_pipeline.texture.raster import count_layers

CREASE_DEGREES = 50.0
"""Edges sharper than this get a normal on each side; a bevel of two steps stays smooth, the edge of a box does not."""


@dataclass(frozen=True)
class Unwrap:
    """Lay the mesh out in one atlas of up to `texture_size`, charts `padding` texels apart; see `unwrap`."""

    texture_size: int = 2048
    padding: int = 4

    def __call__(self, asset: Asset) -> Asset:
        assert asset.lowpoly is not None and asset.highpoly is not None, "unwrap comes after decimate"
        base_color = None if asset.raw is None else asset.raw.base_color
        size = atlas_size(asset.highpoly, base_color, self.texture_size)
        lowpoly, counts = unwrap(asset.lowpoly, size, self.padding)
        return replace(asset, lowpoly=lowpoly, provenance=(*asset.provenance, StageRecord(repr(self), counts)))


def unwrap(mesh: Mesh, size: int, padding: int) -> tuple[Mesh, Mapping[str, Any]]:
    """Give `mesh` texcoords without overlaps for an atlas of `size` texels, normals and tangents, and count charts.

    Triangles keep their order. Vertices are split where charts part and at edges sharper than `CREASE_DEGREES`.
    """
    positions, indices, _ = weld(mesh.positions, mesh.indices)
    best = _best_layout(positions, indices, size, padding)
    laid_out = with_texcoords(positions, indices, best.texcoords, best.corners)
    counts = {"method": best.method, "charts": best.charts, "coverage": best.coverage, "overlap": best.overlap}
    return laid_out, {**counts, "size": size, "vertices": len(laid_out.positions)}


def with_texcoords(
    positions: NDArray[Any], indices: NDArray[np.int64], texcoords: NDArray[Any], corners: NDArray[np.int64]
) -> Mesh:
    """Welded `positions` under `texcoords`, with normals and tangents. corners: int64 (m, 3), into texcoords."""
    normals, normal_of = corner_normals(positions, indices, CREASE_DEGREES)
    span = int(normal_of.max()) + 1
    pairs, at = np.unique(corners.ravel() * span + normal_of.ravel(), return_inverse=True)
    texcoord, normal = np.divmod(pairs, span)
    at = at.reshape(-1, 3)
    vertex = np.empty(len(pairs), np.int64)
    vertex[at.ravel()] = indices.ravel()
    split = Mesh(
        positions=frozen(positions[vertex], np.float32),
        indices=frozen(at, np.uint32),
        texcoords=frozen(texcoords[texcoord], np.float32),
        normals=frozen(normals[normal], np.float32),
    )
    assert split.texcoords is not None and split.normals is not None
    return replace(split, tangents=frozen(tangents(split.positions, split.indices, split.texcoords, split.normals)))


@dataclass(frozen=True)
class Layout:
    """texcoords: float32 (n, 2), origin top left. corners: int64 (m, 3) into them, triangles in the mesh's order.

    overlap: the share of covered texels whose centre lies in two triangles or more. coverage: of the whole atlas.
    """

    method: str
    texcoords: NDArray[np.float32]
    corners: NDArray[np.int64]
    charts: int
    overlap: float
    coverage: float


def _best_layout(positions: NDArray[Any], indices: NDArray[Any], size: int, padding: int) -> Layout:
    """uvunwrap's layout (fewer charts, ten times faster); if that overlaps or fails, the better one of two."""
    layouts = []
    with contextlib.suppress(uvunwrap.UnwrapError):  # a mesh it does not take; xatlas takes all
        layouts.append(_with_uvunwrap(positions, indices, size, padding))
    if not layouts or layouts[0].overlap > 0:
        layouts.append(_with_xatlas(positions, indices, size, padding))
    return min(layouts, key=lambda layout: layout.overlap)


def _layout(method: str, texcoords: NDArray[Any], corners: NDArray[Any], charts: int, size: int) -> Layout:
    texcoords = np.clip(texcoords, 0, 1).astype(np.float32)
    layers = count_layers(texcoords, corners, size)
    covered = int((layers > 0).sum())
    overlap = round(int((layers > 1).sum()) / max(covered, 1), 6)
    return Layout(method, texcoords, corners.astype(np.int64), charts, overlap, round(covered / layers.size, 4))


def _with_uvunwrap(positions: NDArray[Any], indices: NDArray[Any], size: int, padding: int) -> Layout:
    mesh = uvunwrap.Mesh(np.ascontiguousarray(positions, np.float32), np.ascontiguousarray(indices, np.uint32))
    atlas = uvunwrap.generate([mesh], page_size=size, padding=padding)
    result = atlas.meshes[0]
    texcoords = np.asarray(result.uv, np.float32).reshape(-1, 2)
    texcoords = np.stack([texcoords[:, 0], 1 - texcoords[:, 1]], axis=1)  # its v runs upward
    corners = np.asarray(result.indices, np.int64).reshape(-1, 3)
    return _layout("uvunwrap", texcoords, corners, atlas.chart_count, size)


def _with_xatlas(positions: NDArray[Any], indices: NDArray[Any], size: int, padding: int) -> Layout:
    atlas = xatlas.Atlas()
    atlas.add_mesh(np.ascontiguousarray(positions, np.float32), np.ascontiguousarray(indices, np.uint32))
    packing = xatlas.PackOptions()
    packing.resolution, packing.padding, packing.bilinear = size, padding, True
    atlas.generate(xatlas.ChartOptions(), packing)
    _, corners, texcoords = atlas[0]
    # one atlas, whatever resolution it came to: its longer side becomes the texture's
    texcoords = texcoords * (np.array([atlas.width, atlas.height]) / max(atlas.width, atlas.height))
    texcoords = np.stack([texcoords[:, 0], 1 - texcoords[:, 1]], axis=1)
    return _layout("xatlas", texcoords, corners, atlas.chart_count, size)
