"""clean mesh with texcoords and maps of its own -> low-poly mesh and material, as a person laid them out"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from assets_pipeline.asset import Asset, Material, Mesh, RawShape, StageRecord, frozen
from assets_pipeline.formats.images import resized
from assets_pipeline.geometry.topology import weld
from assets_pipeline.stages.bake import constant_surface
from assets_pipeline.stages.unwrap import with_texcoords
from assets_pipeline.texture.raster import count_layers

CHECKED_SIZE = 1024
"""Texels a side at which overlaps are looked for."""

MOST_OVERLAP = 0.02
"""Of the covered texels; with more, edges that touch are not the reason: two places share one spot of the maps."""

LEAST_COVERAGE = 0.02
"""Of the atlas; with less there is nothing to see on the product."""


@dataclass(frozen=True)
class Reuse:
    """Take mesh and maps over, the maps no larger than `texture_size`; see `reuse`."""

    texture_size: int = 2048

    def __call__(self, asset: Asset) -> Asset:
        assert asset.raw is not None and asset.highpoly is not None, "reuse comes after clean"
        lowpoly, material = reuse(asset.highpoly, asset.raw, self.texture_size)
        counts = {"triangles": lowpoly.triangles, "size": max(material.base_color.shape[:2])}
        record = StageRecord(repr(self), counts)
        return replace(asset, lowpoly=lowpoly, material=material, provenance=(*asset.provenance, record))


def reuse(mesh: Mesh, raw: RawShape, texture_size: int) -> tuple[Mesh, Material]:
    """`mesh` with normals and tangents of our own, and the raw shape's maps."""
    assert raw.base_color is not None and mesh.texcoords is not None, "there is nothing to reuse"
    positions, indices, _ = weld(mesh.positions, mesh.indices)
    lowpoly = with_texcoords(positions, indices, np.clip(mesh.texcoords, 0, 1), mesh.indices.astype(np.int64))
    surface = raw.metallic_roughness
    return lowpoly, Material(
        base_color=_limited(raw.base_color, texture_size),
        metallic_roughness=constant_surface(raw) if surface is None else _limited(surface, texture_size),
        normal=None if raw.normal is None else _limited(raw.normal, texture_size),
        occlusion=None if raw.occlusion is None else _limited(raw.occlusion, texture_size),
    )


def usable_texcoords(mesh: Mesh) -> bool:
    """Whether every texel of an atlas over `mesh` belongs to one place: within 0..1 and without overlaps."""
    if mesh.texcoords is None or mesh.texcoords.min() < -1e-4 or mesh.texcoords.max() > 1 + 1e-4:
        return False
    layers = count_layers(mesh.texcoords, mesh.indices, CHECKED_SIZE)
    covered = int((layers > 0).sum())
    return covered >= LEAST_COVERAGE * layers.size and int((layers > 1).sum()) <= MOST_OVERLAP * covered


def _limited(pixels: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """The map with sides that are powers of two, at most `size`: what every viewer and shop takes."""
    height, width = (min(size, 1 << max(round(np.log2(side)), 2)) for side in pixels.shape[:2])
    return frozen(resized(pixels, width, height), np.uint8)
