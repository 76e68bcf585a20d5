"""photo + fitted shape -> base_color, and which texels the photo showed

Every texel is projected into the photo. Those that it does not show take the colour of their symmetric counterpart,
and what is left that of the nearest coloured surface. Shading that follows the surface's direction is taken out.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from assets_pipeline.asset import Camera, Cutout
from assets_pipeline.generators.primitive.solid import Solid
from assets_pipeline.generators.primitive.view import sample_bilinear
from assets_pipeline.geometry.measure import vertex_normals
from assets_pipeline.geometry.rays import RayScene
from assets_pipeline.texture.dilate import dilate
from assets_pipeline.texture.raster import rasterise

DEPTH_MAP_PX = 900
GRAZING = 0.05
"""Cosine to the eye below which the photo says nothing of a surface."""

DELIGHT = 0.6
"""Share of the shading that is taken out: some of what follows the normal is paint."""


@dataclass(frozen=True)
class Painting:
    """base_color: uint8 (h, w, 3) sRGB. seen: uint8 (h, w), 255 where the photo showed the texel."""

    base_color: NDArray[np.uint8]
    seen: NDArray[np.uint8]


class Projector:
    """Looks up what one photo shows at points of the shape."""

    def __init__(self, cutout: Cutout, camera: Camera, solid: Solid) -> None:
        self.camera = camera
        rgba = cutout.rgba.astype(np.float32) / 255
        solid_alpha = cv2.erode(np.ascontiguousarray(rgba[..., 3]), np.ones((3, 3), np.uint8))
        self.trust = np.clip((solid_alpha - 0.5) * 2, 0, 1)
        inner = solid_alpha > 0.9
        self.rgb = dilate(rgba[..., :3], inner) if inner.any() else np.ascontiguousarray(rgba[..., :3])
        self.eye = -camera.rotation.T @ camera.translation
        self.size = float(np.ptp(solid.positions, axis=0).max())
        self._map_depth(solid)

    def _map_depth(self, solid: Solid) -> None:
        """Distance from the eye over a window of the photo around the shape."""
        pixels = self.to_pixels(solid.positions)
        low, high = pixels.min(axis=0) - 2, pixels.max(axis=0) + 2
        self.step = float((high - low).max() / DEPTH_MAP_PX)
        self.corner = low
        columns, rows = (int(np.ceil(extent / self.step)) for extent in high - low)
        x, y = np.meshgrid(low[0] + (np.arange(columns) + 0.5) * self.step, low[1] + (np.arange(rows) + 0.5) * self.step)
        view = np.stack(
            [(x - self.camera.width / 2) / self.camera.focal_px, (self.camera.height / 2 - y) / self.camera.focal_px, -np.ones_like(x)],
            axis=-1,
        ).reshape(-1, 3)
        directions = view @ self.camera.rotation
        origins = np.broadcast_to(self.eye, directions.shape)
        scene = RayScene(solid.positions.astype(np.float32), solid.indices)
        _, distance, _ = scene.first_hit(origins.astype(np.float32), directions.astype(np.float32))
        self.depth = np.where(np.isfinite(distance), distance, 1e6).reshape(rows, columns).astype(np.float32)

    def to_pixels(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        view = points @ self.camera.rotation.T + self.camera.translation
        scale = self.camera.focal_px / np.maximum(-view[..., 2], 1e-6)
        return np.stack([self.camera.width / 2 + view[..., 0] * scale, self.camera.height / 2 - view[..., 1] * scale], axis=-1)

    def look(self, points: NDArray[np.float64], normals: NDArray[np.float64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(colour (n, 3) 0..1 sRGB, weight (n,) 0..1: how well the photo shows the point)."""
        towards = self.eye - points
        facing = (normals * towards).sum(axis=1) / np.maximum(np.linalg.norm(towards, axis=1), 1e-9)
        pixels = self.to_pixels(points)
        depth = -(points @ self.camera.rotation.T + self.camera.translation)[:, 2]
        cells = (pixels - self.corner) / self.step
        column = np.clip(cells[:, 0].astype(int), 0, self.depth.shape[1] - 1)
        row = np.clip(cells[:, 1].astype(int), 0, self.depth.shape[0] - 1)
        slack = self.size * (0.006 + 0.012 * np.sqrt(np.maximum(1 - facing**2, 0)) / np.maximum(facing, 0.15))
        near = np.abs(self._nearest_depth(row, column, depth) - depth) < slack
        colour = sample_bilinear(self.rgb, pixels)
        trust = sample_bilinear(self.trust, pixels)
        weight = np.clip((facing - GRAZING) / (1 - GRAZING), 0, 1) * trust * near
        return colour, weight.astype(np.float32)

    def _nearest_depth(self, row: NDArray[np.int64], column: NDArray[np.int64], depth: NDArray[np.float64]) -> NDArray[np.float32]:
        """Of the 3 x 3 depths around each cell the one nearest to `depth`: silhouettes must not fail by one pixel."""
        best = self.depth[row, column]
        for dy in (-1, 0, 1):
            for dx in (-1, 0, 1):
                other = self.depth[np.clip(row + dy, 0, self.depth.shape[0] - 1), np.clip(column + dx, 0, self.depth.shape[1] - 1)]
                best = np.where(np.abs(other - depth) < np.abs(best - depth), other, best)
        return best


def paint(solid: Solid, cutout: Cutout, camera: Camera) -> Painting:
    """The texture of `solid` from one photo."""
    width, height = solid.texture
    triangle, barycentric = rasterise(solid.texcoords, solid.indices, width, height)
    covered = triangle >= 0
    corners = solid.indices[triangle[covered]]
    weights = barycentric[covered].astype(np.float64)
    smooth = vertex_normals(solid.positions.astype(np.float32), solid.indices).astype(np.float64)
    projector = Projector(cutout, camera, solid)

    vertex_colour, vertex_weight = gather(projector, solid, solid.positions, smooth)
    shading = fit_shading(smooth, *projector.look(solid.positions, smooth))
    fill = spread(solid.positions, relit(vertex_colour, smooth, shading), vertex_weight)

    base_color = np.zeros((height, width, 3), np.uint8)
    seen = np.zeros((height, width), np.uint8)
    flat_colour, flat_seen = np.empty((len(corners), 3), np.uint8), np.empty(len(corners), np.uint8)
    for start in range(0, len(corners), 1 << 18):
        part = slice(start, start + (1 << 18))
        corner, share = corners[part], weights[part]
        points = np.einsum("ij,ijk->ik", share, solid.positions[corner])
        normals = np.einsum("ij,ijk->ik", share, smooth[corner])
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
        colour, weight = gather(projector, solid, points, normals)
        colour = relit(colour, normals, shading)
        trust = np.clip(weight / 0.02, 0, 1)[:, None]
        under = np.einsum("ij,ijk->ik", share, fill[corner])
        flat_colour[part] = np.clip(np.rint((colour * trust + under * (1 - trust)) * 255), 0, 255)
        flat_seen[part] = (projector.look(points, normals)[1] > 0.02) * 255
    base_color[covered], seen[covered] = flat_colour, flat_seen
    return Painting(dilate(base_color, covered), seen)


def gather(projector: Projector, solid: Solid, points: NDArray[np.float64], normals: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(colour, weight) of points from the photo and, where it shows too little, from their symmetric counterparts."""
    colour, weight = projector.look(points, normals)
    total = (weight.astype(np.float64) ** 4)[:, None]
    mixed = colour * total
    if not solid.plain_back:
        for symmetry in solid.symmetries:
            other, share = projector.look(points @ symmetry.T, normals @ symmetry.T)
            factor = (0.3 * share.astype(np.float64) ** 4 * np.clip(1 - 4 * total[:, 0], 0, 1))[:, None]
            mixed, total = mixed + other * factor, total + factor
    return mixed / np.maximum(total, 1e-12), total[:, 0] ** 0.25


def spread(positions: NDArray[np.float64], colour: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Colour of every vertex: its own where known, else a mean of the nearest known ones."""
    known = weight > 0.12
    if known.sum() < 16:
        return np.broadcast_to(np.average(colour, axis=0, weights=weight + 1e-9), colour.shape).copy()
    if known.all():
        return colour
    count = int(min(24, known.sum()))
    distance, index = cKDTree(positions[known]).query(positions[~known], k=count)
    share = 1 / (distance + 0.03) ** 2
    result = colour.copy()
    result[~known] = (colour[known][index] * share[..., None]).sum(axis=1) / share.sum(axis=1, keepdims=True)
    return result


def harmonics(normals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Spherical harmonics up to degree 2 without constant, (n, 8), unnormalised.

    Source: Ramamoorthi & Hanrahan, "An Efficient Representation for Irradiance Environment Maps", SIGGRAPH 2001.
    """
    x, y, z = normals.T
    return np.stack([x, y, z, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y], axis=1)


def fit_shading(normals: NDArray[np.float64], colour: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float64]:
    """Coefficients (8,) of the log luminance that the surface's direction explains; robust to paint by reweighting."""
    used = weight > 0.05
    if used.sum() < 200:
        return np.zeros(8)
    basis = harmonics(normals[used])
    luminance = np.log(np.maximum(colour[used].astype(np.float64) @ (0.2126, 0.7152, 0.0722), 0.02))
    rows = np.column_stack([np.ones(len(basis)), basis])
    share = weight[used].astype(np.float64)
    ridge = 0.02 * share.sum() * np.diag([0.0] + [1.0] * 8)
    solution = np.zeros(9)
    for _ in range(6):
        solution = np.linalg.solve((rows * share[:, None]).T @ rows + ridge, (rows * share[:, None]).T @ luminance)
        residual = np.abs(luminance - rows @ solution)
        share = weight[used] / (1 + (residual / 0.15) ** 2)
    return solution[1:]


def relit(colour: NDArray[np.float64], normals: NDArray[np.float64], shading: NDArray[np.float64]) -> NDArray[np.float64]:
    """`colour` with most of the fitted shading divided out."""
    light = np.clip(harmonics(normals) @ shading, -0.6, 0.6)
    return np.clip(colour * np.exp(-DELIGHT * light)[:, None], 0, 1)
