"""high-poly colour and relief -> texture maps of the low-poly mesh"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from assets_pipeline.asset import Asset, Material, Mesh, RawShape, StageRecord, frozen
from assets_pipeline.geometry.measure import diagonal, unit
from assets_pipeline.geometry.rays import RayScene
from assets_pipeline.geometry.tangents import corner_normals
from assets_pipeline.geometry.topology import weld
from assets_pipeline.stages.unwrap import CREASE_DEGREES
from assets_pipeline.texture.color import to_bytes
from assets_pipeline.texture.detail import atlas_size, texture_densities
from assets_pipeline.texture.dilate import dilate, nearest_covered, pad
from assets_pipeline.texture.occlusion import openness
from assets_pipeline.texture.raster import coverage
from assets_pipeline.texture.resample import sample_area, sample_nearest
from assets_pipeline.texture.transfer import Hits, Texels, covered_texels, find_hits, interpolate, same_triangles

CONSTANT = 64
"""Side of a map that is the same everywhere; smaller ones upset some viewers' mip chains."""

OCCLUSION_SIZE = 512
"""Occlusion is smooth: 512 texels show it, at a sixteenth of the rays of 2,048."""

OCCLUSION_RAYS = 64

OCCLUSION_REACH = 0.3
"""As a share of the diagonal: a handle shades its mug, but one end of a bench not the other."""

FLAT = (128, 128, 255)
"""The normal map's value where there is no relief."""

UNCOLOURED = 200
"""The grey of a shape that came without colour."""


@dataclass(frozen=True)
class Bake:
    """Bring the high-poly mesh's colour and relief into maps of up to `texture_size`; see `bake`."""

    texture_size: int = 2048

    def __call__(self, asset: Asset) -> Asset:
        assert asset.raw is not None and asset.highpoly is not None, "bake comes after clean"
        assert asset.lowpoly is not None and asset.lowpoly.tangents is not None, "bake comes after unwrap"
        material, unseen, counts = bake(asset.lowpoly, asset.highpoly, asset.raw, self.texture_size)
        record = StageRecord(repr(self), counts)
        return replace(asset, material=material, unseen=unseen, provenance=(*asset.provenance, record))


def bake(
    lowpoly: Mesh, highpoly: Mesh, raw: RawShape, texture_size: int
) -> tuple[Material, float | None, Mapping[str, Any]]:
    """The maps of `lowpoly`, the share of its texels that no photo showed, and counts.

    Colour comes from `raw.base_color` over the high-poly texcoords, or else from its vertex colours. Maps are no larger
    than what there is to show; texels outside the charts are filled, so that mipmaps do not bleed.
    """
    size = atlas_size(highpoly, raw.base_color, texture_size)
    texels = covered_texels(lowpoly, size)
    scene = RayScene(highpoly.positions, highpoly.indices)
    hits = find_hits(texels, lowpoly, highpoly, scene)
    base_color = _base_color(texels, hits, lowpoly, highpoly, raw)
    normal = _normal(texels, hits, lowpoly, highpoly)
    occlusion, occluded = _occlusion(lowpoly, highpoly, scene, min(OCCLUSION_SIZE, size))
    material = Material(
        base_color=_map(base_color, texels),
        metallic_roughness=_metallic_roughness(texels, hits, lowpoly, highpoly, raw),
        normal=_map(normal, texels) if _has_relief(normal) else _constant(*FLAT),
        occlusion=occlusion,
    )
    unseen = _unseen(hits, highpoly, raw)
    counts = {"size": size, "texels": len(texels.at), "without_ray": hits.fallback, "occluded": occluded}
    return material, unseen, counts


def _map(values: NDArray[np.uint8], texels: Texels) -> NDArray[np.uint8]:
    """The square map of one value per covered texel, uint8 (n, c), with the open texels filled."""
    flat = np.zeros((texels.size * texels.size, values.shape[1]), np.uint8)
    flat[texels.at] = values
    return frozen(pad(flat.reshape(texels.size, texels.size, -1), texels.mask))


def _constant(*value: int) -> NDArray[np.uint8]:
    return frozen(np.full((CONSTANT, CONSTANT, len(value)), value, np.uint8))


def _metallic_roughness(texels: Texels, hits: Hits, lowpoly: Mesh, highpoly: Mesh, raw: RawShape) -> NDArray[np.uint8]:
    """The map of a shape that has one, else one value for the whole product."""
    if raw.metallic_roughness is None or highpoly.texcoords is None:
        return constant_surface(raw)
    return _map(_read(raw.metallic_roughness, texels, hits, lowpoly, highpoly), texels)


def constant_surface(raw: RawShape) -> NDArray[np.uint8]:
    """A metallic_roughness map that is the same everywhere."""
    roughness, metallic = to_bytes(np.array([raw.roughness, raw.metallic]))
    return _constant(255, int(roughness), int(metallic))


def _base_color(texels: Texels, hits: Hits, lowpoly: Mesh, highpoly: Mesh, raw: RawShape) -> NDArray[np.uint8]:
    """The colour of each texel, uint8 (n, 3) sRGB, or (n, 4) where the shape has alpha."""
    if raw.base_color is not None and highpoly.texcoords is not None:
        return _read(raw.base_color, texels, hits, lowpoly, highpoly)
    result = np.full((len(texels.at), 3), UNCOLOURED, np.uint8)
    if highpoly.colors is not None:
        colors = highpoly.colors[:, :3].astype(np.float32)
        corners = highpoly.indices.astype(np.int64)
        for batch in texels.batches():
            result[batch] = np.rint(interpolate(colors, corners, hits.triangle[batch], hits.weights[batch]))
    return result


def _read(image: NDArray[np.uint8], texels: Texels, hits: Hits, lowpoly: Mesh, highpoly: Mesh) -> NDArray[np.uint8]:
    """What `image`, a map over the high-poly texcoords, shows at each texel, uint8 (n, c)."""
    assert highpoly.texcoords is not None, "a map lies over texcoords"
    corners = highpoly.indices.astype(np.int64)
    source = _padded(image, highpoly)
    result = np.empty((len(texels.at), source.shape[2]), np.uint8)
    pixels = texture_densities(highpoly, source.shape[1], source.shape[0])
    texel = texture_densities(lowpoly, texels.size, texels.size)
    texel = np.where(texel > 0, texel, np.inf)
    for batch in texels.batches():
        place = (hits.triangle[batch], hits.weights[batch])
        footprint = pixels[hits.triangle[batch]] / texel[texels.triangle[batch]]
        read = sample_area(source, interpolate(highpoly.texcoords, corners, *place), footprint)
        result[batch] = np.clip(np.rint(read), 0, 255)
    return result


def _padded(image: NDArray[np.uint8], mesh: Mesh) -> NDArray[np.uint8]:
    """`image` with the pixels around the mesh's charts continued, so that reads at a chart's rim stay inside."""
    assert mesh.texcoords is not None, "charts are made of texcoords"
    covered = coverage(mesh.texcoords, mesh.indices, image.shape[1], image.shape[0])
    rim = cv2.dilate(covered.astype(np.uint8), np.ones((9, 9), np.uint8)).astype(bool) & ~covered
    if not covered.any() or not rim.any():
        return image
    result = image.copy()
    result[rim] = image.reshape(-1, image.shape[2])[nearest_covered(covered)[rim]]
    return result


def _has_relief(normal: NDArray[np.uint8]) -> bool:
    """Whether more than a texel in a thousand bends by a degree or more, two steps of a byte."""
    return bool((np.abs(normal.astype(np.int16) - FLAT).max(axis=1) > 2).mean() > 0.001)


def _normal(texels: Texels, hits: Hits, lowpoly: Mesh, highpoly: Mesh) -> NDArray[np.uint8]:
    """The high-poly normal of each texel in the low-poly tangent space, uint8 (n, 3)."""
    if same_triangles(lowpoly, highpoly):
        return np.full((len(texels.at), 3), FLAT, np.uint8)
    assert lowpoly.normals is not None and lowpoly.tangents is not None, "tangent space needs both"
    positions, indices, _ = weld(highpoly.positions, highpoly.indices)
    fine, fine_corners = corner_normals(positions, indices, CREASE_DEGREES)
    corners = lowpoly.indices.astype(np.int64)
    result = np.empty((len(texels.at), 3), np.uint8)
    for batch in texels.batches():
        place = (corners, texels.triangle[batch], texels.weights[batch])
        normal = unit(interpolate(lowpoly.normals, *place))
        frame = interpolate(lowpoly.tangents, *place)
        tangent = unit(frame[:, :3])
        bitangent = unit(np.cross(normal, tangent)) * np.sign(frame[:, 3:])
        seen = unit(interpolate(fine, fine_corners, hits.triangle[batch], hits.weights[batch]))
        result[batch] = to_bytes(_in_frame(seen, tangent, bitangent, normal) * 0.5 + 0.5)
    return result


def _in_frame(
    vectors: NDArray[np.float32], x: NDArray[np.float32], y: NDArray[np.float32], z: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Unit coordinates of `vectors` such that a renderer's x * a + y * b + z * c gives them back.

    Interpolated frames are not quite at right angles, hence Cramer's rule. Vectors that turn away get (0, 0, 1).
    """
    by, bx, bz = np.cross(z, x), np.cross(y, z), np.cross(x, y)
    scale = np.einsum("ij,ij->i", x, bx)[:, None]
    inside = np.stack([np.einsum("ij,ij->i", vectors, axis) for axis in (bx, by, bz)], axis=1)
    inside = unit(inside / np.where(np.abs(scale) > 1e-6, scale, 1))
    inside[inside[:, 2] < 0.02] = (0, 0, 1)
    return inside


def _occlusion(lowpoly: Mesh, highpoly: Mesh, scene: RayScene, size: int) -> tuple[NDArray[np.uint8], float]:
    """The occlusion map, uint8 (size, size), and its mean darkness 0..1 over covered texels."""
    texels = covered_texels(lowpoly, size)
    hits = find_hits(texels, lowpoly, highpoly, scene)
    positions, indices, _ = weld(highpoly.positions, highpoly.indices)
    normals, normal_of = corner_normals(positions, indices, CREASE_DEGREES)
    extent = diagonal(highpoly.positions)
    points = interpolate(highpoly.positions, highpoly.indices.astype(np.int64), hits.triangle, hits.weights)
    outward = unit(interpolate(normals, normal_of, hits.triangle, hits.weights))
    free = openness(scene, points, outward, reach=OCCLUSION_REACH * extent, bias=5e-4 * extent, rays=OCCLUSION_RAYS)
    image = np.zeros((size, size), np.float32)
    image.ravel()[texels.at] = free
    mask = texels.mask
    smooth = cv2.GaussianBlur(image, (0, 0), 1.0) / np.maximum(
        cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1.0), 1e-6
    )
    return frozen(to_bytes(dilate(smooth, mask))), round(float(1 - free.mean()), 4)


def _unseen(hits: Hits, highpoly: Mesh, raw: RawShape) -> float | None:
    """The share of covered texels that no photo showed."""
    if raw.seen is None or highpoly.texcoords is None:
        return None
    where = interpolate(highpoly.texcoords, highpoly.indices.astype(np.int64), hits.triangle, hits.weights)
    return round(float((sample_nearest(raw.seen, where) < 128).mean()), 4)
