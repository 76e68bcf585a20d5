"""photos + fitted shape -> base_color, and which texels a photo showed

Every texel is projected into the photos. Those that none shows take the colour of their symmetric counterpart, and what
is left that of the nearest coloured surface. Shading that follows the surface's direction is taken out.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from assets_pipeline.asset import Camera, Cutout
from assets_pipeline.generators.primitive.solid import Solid
from assets_pipeline.generators.primitive.view import sample_bilinear
from assets_pipeline.generators.primitive.words import Family
from assets_pipeline.geometry.measure import unit, vertex_normals
from assets_pipeline.geometry.rays import RayScene
from assets_pipeline.texture.dilate import dilate
from assets_pipeline.texture.raster import rasterise

FOLLOWING = 0.2
"""Weight of the further photos beside the first: they colour what it shows at a slant or not at all."""

STAND_IN = 0.012
"""Fourth power of the photo's weight, below which a symmetric counterpart may stand in for it."""

SOURCES = 4000
"""Known vertices, evenly picked, that colour the unknown ones: enough for a guess."""

RANKING = 1e-5
"""Weight of each further symmetry relative to the one before: they take turns rather than blend."""

TEXELS_AT_ONCE = 1 << 17
DEPTH_MAP_PX = 900
GRAZING = 0.05
"""Cosine to the eye below which the photo says nothing of a surface."""

FADE = 0.6
"""Distance, as a share of the product's size, over which a guessed colour fades into the product's usual one."""

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
        solid_alpha = cv2.erode(np.ascontiguousarray(rgba[..., 3]), np.ones((5, 5), np.uint8))
        self.trust = np.clip((solid_alpha - 0.5) * 2, 0, 1)
        inner = solid_alpha > 0.9
        self.rgb = dilate(rgba[..., :3], inner) if inner.any() else np.ascontiguousarray(rgba[..., :3])
        self.rotation, self.translation = camera.rotation.astype(np.float32), camera.translation.astype(np.float32)
        self.eye = (-camera.rotation.T @ camera.translation).astype(np.float32)
        self.size = float(np.ptp(solid.positions, axis=0).max())
        self._map_depth(solid)

    def _map_depth(self, solid: Solid) -> None:
        """Nearest and farthest depth in front of the eye over each 3 x 3 cells of a window around the shape."""
        pixels, _ = self.to_pixels(solid.positions.astype(np.float32))
        low, high = pixels.min(axis=0) - 2, pixels.max(axis=0) + 2
        self.step = float((high - low).max() / DEPTH_MAP_PX)
        self.corner = low
        columns, rows = (int(np.ceil(extent / self.step)) for extent in high - low)
        x, y = np.meshgrid(
            low[0] + (np.arange(columns) + 0.5) * self.step, low[1] + (np.arange(rows) + 0.5) * self.step
        )
        view = np.stack(
            [
                (x - self.camera.width / 2) / self.camera.focal_px,
                (self.camera.height / 2 - y) / self.camera.focal_px,
                -np.ones_like(x),
            ],
            axis=-1,
        ).reshape(-1, 3)
        directions = view @ self.camera.rotation
        origins = np.broadcast_to(self.eye, directions.shape)
        scene = RayScene(solid.positions.astype(np.float32), solid.indices)
        _, distance, _ = scene.first_hit(origins.astype(np.float32), directions.astype(np.float32))
        depth = np.where(np.isfinite(distance), distance, 1e6).reshape(rows, columns).astype(np.float32)
        around = np.ones((3, 3), np.uint8)  # silhouettes must not fail by one pixel
        self.nearest, self.farthest = cv2.erode(depth, around), cv2.dilate(depth, around)

    def to_pixels(self, points: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Where points (n, 3) appear in the photo, (n, 2), and how far in front of the eye they lie, (n,)."""
        view = points @ self.rotation.T + self.translation
        depth = np.maximum(-view[:, 2], 1e-6)
        scale = np.float32(self.camera.focal_px) / depth
        middle = np.array([self.camera.width / 2, self.camera.height / 2], np.float32)
        return middle + view[:, :2] * (scale[:, None] * np.array([1, -1], np.float32)), depth

    def look(
        self, points: NDArray[np.float32], normals: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(colour (n, 3) 0..1 sRGB, weight (n,) 0..1: how well the photo shows the point)."""
        towards = self.eye - points
        length = np.sqrt(np.einsum("ij,ij->i", towards, towards))
        facing = np.einsum("ij,ij->i", normals, towards) / np.maximum(length, 1e-9)
        colour, weight = np.zeros((len(points), 3), np.float32), np.zeros(len(points), np.float32)
        turned = np.flatnonzero(facing > GRAZING)
        if not len(turned):
            return colour, weight
        facing = facing[turned]
        pixels, depth = self.to_pixels(points[turned])
        cells = ((pixels - self.corner) / self.step).astype(np.int32)
        column = np.clip(cells[:, 0], 0, self.nearest.shape[1] - 1)
        row = np.clip(cells[:, 1], 0, self.nearest.shape[0] - 1)
        slack = self.size * (0.006 + 0.012 * np.sqrt(np.maximum(1 - facing**2, 0)) / np.maximum(facing, 0.15))
        shown = (depth > self.nearest[row, column] - slack) & (depth < self.farthest[row, column] + slack)
        colour[turned] = sample_bilinear(self.rgb, pixels)
        weight[turned] = (facing - GRAZING) / (1 - GRAZING) * sample_bilinear(self.trust, pixels) * shown
        return colour, weight


def paint(solid: Solid, shots: Sequence[tuple[Cutout, Camera]]) -> Painting:
    """The texture of `solid` from its photos; the first is the one that it was fitted to, and leads."""
    width, height = solid.texture
    triangle, barycentric = rasterise(solid.texcoords, solid.indices, width, height)
    covered = triangle >= 0
    corners, shares = solid.indices[triangle[covered]], barycentric[covered]
    positions = solid.positions.astype(np.float32)
    normals = vertex_normals(positions, solid.indices)
    projectors = [Projector(cutout, camera, solid) for cutout, camera in shots]

    colour, weight, _ = gather(projectors, solid, positions, normals)
    shading = fit_shading(normals, *projectors[0].look(positions, normals))
    if solid.family == Family.CUBOID:
        shading[:] = 0  # three directions cannot tell light from paint
    fill = spread(positions, normals, relit(colour, normals, shading), weight)

    flat_colour, flat_seen = np.empty((len(corners), 3), np.uint8), np.empty(len(corners), np.uint8)

    def paint_part(start: int) -> None:
        part = slice(start, start + TEXELS_AT_ONCE)
        corner, share = corners[part], shares[part]
        texel_normals = unit(np.einsum("ij,ijk->ik", share, normals[corner]))
        points = np.einsum("ij,ijk->ik", share, positions[corner])
        colour, weight, direct = gather(projectors, solid, points, texel_normals)
        trust = np.clip(weight / 0.02, 0, 1)[:, None]
        guessed = np.einsum("ij,ijk->ik", share, fill[corner])
        mixed = relit(colour, texel_normals, shading) * trust + guessed * (1 - trust)
        flat_colour[part] = np.clip(np.rint(mixed * 255), 0, 255)
        flat_seen[part] = (direct > 0.02) * 255

    with ThreadPoolExecutor(2) as pool:  # each part writes to texels of its own
        list(pool.map(paint_part, range(0, len(corners), TEXELS_AT_ONCE)))
    base_color, seen = np.zeros((height, width, 3), np.uint8), np.zeros((height, width), np.uint8)
    base_color[covered], seen[covered] = flat_colour, flat_seen
    return Painting(dilate(base_color, covered), seen)


def gather(
    projectors: Sequence[Projector], solid: Solid, points: NDArray[np.float32], normals: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """(colour, weight, the photos' own weight) of points: from the photos, else from their symmetric counterparts."""
    direct = np.zeros(len(points), np.float32)
    total, mixed = np.zeros(len(points), np.float32), np.zeros((len(points), 3), np.float32)
    for projector, lead in zip(projectors, [1.0] + [FOLLOWING] * len(projectors), strict=False):
        colour, share = projector.look(points, normals)
        direct = np.maximum(direct, share)
        factor = np.float32(lead) * share**4
        mixed += colour * factor[:, None]
        total += factor
    for rank, symmetry in enumerate(solid.symmetries):
        wanting = np.flatnonzero(total < STAND_IN)
        matrix = symmetry.T.astype(np.float32)
        other, share = projectors[0].look(points[wanting] @ matrix, normals[wanting] @ matrix)
        factor = share**4 * (0.2 * RANKING**rank) * (STAND_IN - total[wanting])
        mixed[wanting] += other * factor[:, None]
        total[wanting] += factor
    mixed /= np.maximum(total, 1e-12)[:, None]
    return mixed, np.sqrt(np.sqrt(total)), direct


def spread(
    positions: NDArray[np.float32],
    normals: NDArray[np.float32],
    colour: NDArray[np.float32],
    weight: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Colour of every vertex: its own where known, else a mean of the nearest known ones.

    Near means near in place, at its height first, and facing alike: the two sides of a thin wall are far apart.
    """
    known = weight > 0.12
    if known.sum() < 16:
        return np.broadcast_to(np.average(colour, axis=0, weights=weight + 1e-9), colour.shape).copy()
    if known.all():
        return colour
    sources = np.flatnonzero(known)[:: max(1, int(known.sum()) // SOURCES)]
    size = float(np.ptp(positions, axis=0).max())
    place = np.column_stack([positions * (1, 3, 1) / size, 0.25 * normals])
    distance, index = cKDTree(place[sources]).query(place[~known], k=min(16, len(sources)), workers=2)
    share = 1 / (distance + 0.02) ** 2
    result = colour.copy()
    near = (colour[sources][index] * share[..., None]).sum(axis=1) / share.sum(axis=1, keepdims=True)
    trust = np.exp(-((distance.mean(axis=1) / FADE) ** 2))[:, None]
    result[~known] = near * trust + np.median(colour[known], axis=0) * (1 - trust)
    return result


def harmonics(normals: NDArray[np.float32]) -> NDArray[np.float32]:
    """Spherical harmonics up to degree 2 without constant, (n, 8), unnormalised.

    Source: Ramamoorthi & Hanrahan, "An Efficient Representation for Irradiance Environment Maps", SIGGRAPH 2001.
    """
    x, y, z = normals.T
    return np.stack([x, y, z, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y], axis=1)


def fit_shading(
    normals: NDArray[np.float32], colour: NDArray[np.float32], weight: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Coefficients (8,) of the log luminance that the surface's direction explains; robust to paint by reweighting."""
    used = weight > 0.05
    if used.sum() < 200:
        return np.zeros(8, np.float32)
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
    return solution[1:].astype(np.float32)


def relit(
    colour: NDArray[np.float32], normals: NDArray[np.float32], shading: NDArray[np.float32]
) -> NDArray[np.float32]:
    """`colour` with most of the fitted shading divided out."""
    light = np.clip(harmonics(normals) @ shading, -0.6, 0.6)
    return np.clip(colour * np.exp(np.float32(-DELIGHT) * light)[:, None], 0, 1)
