"""meshes with materials -> a picture, by casting rays on the processor"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from assets_pipeline.asset import Camera, Material, Mesh, frozen
from assets_pipeline.geometry.cameras import eye_of, project, rays_through
from assets_pipeline.geometry.cores import usable_cores
from assets_pipeline.geometry.measure import triangle_normals, unit, vertex_normals
from assets_pipeline.geometry.rays import RayScene
from assets_pipeline.geometry.tangents import tangents
from assets_pipeline.texture.color import linear_to_srgb, srgb_to_linear, to_bytes
from assets_pipeline.texture.directions import lamp_cone, lamps_in_world
from assets_pipeline.texture.floor import Floor
from assets_pipeline.texture.sample import Pyramid, pyramid, sample
from assets_pipeline.texture.shade import STUDIO, Studio, Surface, shade

DEFAULT_ROUGHNESS = 0.6
SHADOW_RAYS = 8
PIXELS_PER_TASK = 1 << 14
"""So few that a task's arrays stay in a core's cache."""

BEND = 0.8
"""Cosine between the facets of neighbouring pixels below which the pixels are smoothed."""

SUBPIXELS = (np.array([[0, 0], [1, 4], [2, 2], [3, 6], [4, 1], [5, 5], [6, 3], [7, 7]]) + 0.5) / 8
"""Where edge pixels are looked at: one place in each eighth across and down, so that upright edges come out even."""

LINEAR = srgb_to_linear(np.arange(256, dtype=np.uint8))
UNIT = np.linspace(0, 1, 256, dtype=np.float32)


@dataclass(frozen=True)
class Part:
    """One thing to draw. A mesh without texcoords shows its vertex colours, or else white."""

    mesh: Mesh
    material: Material


@dataclass(frozen=True)
class Picture:
    """What a camera saw. color: float32 (h, w, 3), linear light times coverage. coverage: float32 (h, w), 0..1.

    shadow: float32 (h, w), how much the floor y = 0 is darkened where it is seen, 0..1.
    depth: float32 (h, w), metres along the ray through the pixel's centre, infinite where nothing is.
    """

    color: NDArray[np.float32]
    coverage: NDArray[np.float32]
    shadow: NDArray[np.float32]
    depth: NDArray[np.float32]

    @property
    def rgba(self) -> NDArray[np.uint8]:
        """uint8 (h, w, 4) sRGB, straight alpha, on nothing, the shadow as black in alpha."""
        covered = self.coverage[..., None]
        seen = linear_to_srgb(self.color / np.maximum(covered, 1e-6)) * covered
        alpha = covered + (1 - covered) * self.shadow[..., None]
        return to_bytes(np.concatenate([seen / np.maximum(alpha, 1e-6), alpha], axis=2))

    def over(self, background: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """uint8 (h, w, 3) sRGB, before `background` (h, w, 3) or one colour (3,), whose light the shadow dims."""
        light = srgb_to_linear(background) * (1 - self.shadow[..., None])
        return to_bytes(linear_to_srgb(self.color + light * (1 - self.coverage[..., None])))


class Scene:
    """Parts ready to be drawn, from any number of cameras.

    Alpha below one half is taken as nothing there. Surfaces are seen from both sides.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = [_Prepared(part) for part in parts]
        self.positions = np.concatenate([part.mesh.positions for part in parts])
        starts = np.cumsum([0] + [len(part.mesh.positions) for part in parts])
        indices = [part.mesh.indices.astype(np.int64) + start for part, start in zip(parts, starts, strict=False)]
        self.indices = np.concatenate(indices)
        self.first_triangle = np.cumsum([0] + [part.mesh.triangles for part in parts])
        self.rays = RayScene(self.positions, self.indices)
        self.facets = unit(triangle_normals(self.positions, self.indices)).astype(np.float32)
        self.size = float(np.linalg.norm(np.ptp(self.positions, axis=0)))

    @cached_property
    def floor(self) -> Floor:
        return Floor(self.rays, self.positions)

    def draw(self, camera: Camera, studio: Studio | None = STUDIO, *, floor: bool = True) -> Picture:
        """The picture that `camera` takes, edges smoothed; without a studio, base colours as they are.

        floor: whether to work out the shadow on y = 0, which is itself not drawn.
        """
        rows, columns = self._window(camera)
        shape = (rows.stop - rows.start, columns.stop - columns.start)
        row, column = np.mgrid[rows, columns].reshape(2, -1)
        color, depth, facet = self._look(camera, studio, np.stack([column, row], axis=1) + 0.5)
        coverage = np.isfinite(depth).astype(np.float32)
        edges = np.flatnonzero(_edges(depth.reshape(shape), facet.reshape(*shape, 3)))
        if len(edges):
            at = np.stack([column[edges], row[edges]], axis=1)[:, None, :] + SUBPIXELS
            fine, fine_depth, _ = self._look(camera, studio, at.reshape(-1, 2))
            color[edges] = fine.reshape(len(edges), -1, 3).mean(axis=1)
            coverage[edges] = np.isfinite(fine_depth).reshape(len(edges), -1).mean(axis=1)
        whole = (camera.height, camera.width)
        return Picture(
            color=_placed(color.reshape(*shape, 3), (*whole, 3), rows, columns, 0),
            coverage=_placed(coverage.reshape(shape), whole, rows, columns, 0),
            shadow=frozen(self.floor.seen(camera, studio or STUDIO) if floor else np.zeros(whole, np.float32)),
            depth=_placed(depth.reshape(shape), whole, rows, columns, np.inf),
        )

    def _window(self, camera: Camera) -> tuple[slice, slice]:
        """The rows and columns in which anything can be seen."""
        pixels, depth = project(camera, self.positions)
        if depth.min() <= 0:  # partly behind the camera: its projection bounds nothing
            return slice(0, camera.height), slice(0, camera.width)
        low, high = np.floor(pixels.min(axis=0)).astype(int) - 1, np.ceil(pixels.max(axis=0)).astype(int) + 1
        low, high = np.maximum(low, 0), np.minimum(high, (camera.width, camera.height))
        high = np.maximum(high, low + 1)
        return slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))

    def _look(
        self, camera: Camera, studio: Studio | None, pixels: NDArray[np.float64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Light, distance and facet normal at pixels (n, 2), worked out on every core that we may use."""
        parts = [pixels[start : start + PIXELS_PER_TASK] for start in range(0, len(pixels), PIXELS_PER_TASK)]
        with ThreadPoolExecutor(usable_cores()) as pool:
            looks = list(pool.map(lambda part: self._look_at(camera, studio, part), parts))
        color, depth, facet = (np.concatenate(found) for found in zip(*looks, strict=True))
        return color, depth, facet

    def _look_at(
        self, camera: Camera, studio: Studio | None, pixels: NDArray[np.float64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        directions = rays_through(camera, pixels)
        origins = np.broadcast_to(eye_of(camera).astype(np.float32), directions.shape)
        triangle, depth, weights = self.rays.first_hit(origins, directions)
        color = np.zeros((len(pixels), 3), np.float32)
        facet = np.zeros((len(pixels), 3), np.float32)
        hit = np.flatnonzero(triangle >= 0)
        facet[hit] = self.facets[triangle[hit]]
        part_of = np.searchsorted(self.first_triangle, triangle[hit], side="right") - 1
        for number, part in enumerate(self.parts):
            mine = hit[part_of == number]
            if len(mine):
                pixel = depth[mine] / camera.focal_px
                local = triangle[mine] - self.first_triangle[number]
                surface, opaque = part.surface(local, weights[mine], -directions[mine], pixel, facet[mine])
                points = origins[mine] + depth[mine, None] * directions[mine]
                color[mine] = self._light(surface, points, facet[mine], camera, studio)
                color[mine[~opaque]] = 0
                depth[mine[~opaque]] = np.inf
        return color, depth, facet

    def _light(
        self,
        surface: Surface,
        points: NDArray[np.float32],
        facet: NDArray[np.float32],
        camera: Camera,
        studio: Studio | None,
    ) -> NDArray[np.float32]:
        if studio is None:
            return surface.base_color
        lamps = lamps_in_world(studio, camera)
        outward = facet * np.sign(np.einsum("ij,ij->i", facet, surface.view))[:, None]
        start = points + outward * np.float32(2e-3 * self.size)
        seen = np.zeros(len(points), np.float32)
        for direction in lamp_cone(lamps[0], studio.lamps[0].width, SHADOW_RAYS):
            lit = np.flatnonzero(outward @ direction > -0.1)
            blocked = self.rays.any_hit(start[lit], np.broadcast_to(direction, (len(lit), 3)))
            seen[lit] += ~blocked
        return shade(surface, studio, lamps, seen[:, None] / np.float32(SHADOW_RAYS))


def draw(parts: Sequence[Part], camera: Camera, studio: Studio | None = STUDIO, *, floor: bool = True) -> Picture:
    """One picture of `parts`; see `Scene.draw`."""
    return Scene(parts).draw(camera, studio, floor=floor)


class _Prepared:
    """A part with what every look at it needs."""

    def __init__(self, part: Part) -> None:
        mesh, material = part.mesh, part.material
        self.mesh = mesh
        self.normals = mesh.normals if mesh.normals is not None else vertex_normals(mesh.positions, mesh.indices)
        self.base_color = pyramid(material.base_color)
        self.surface_map = _optional(material.metallic_roughness)
        self.normal_map = _optional(material.normal)
        self.occlusion_map = _optional(material.occlusion)
        corners = mesh.positions[mesh.indices].astype(np.float64)
        area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
        if mesh.texcoords is not None:
            at = mesh.texcoords[mesh.indices].astype(np.float64)
            across, along = at[:, 1] - at[:, 0], at[:, 2] - at[:, 0]
            covered = np.abs(across[:, 0] * along[:, 1] - across[:, 1] * along[:, 0])
            self.density = np.sqrt(covered / np.maximum(area, 1e-20)).astype(np.float32)
        if self.normal_map and mesh.texcoords is not None:
            # as viewers do for files without tangents
            frames = mesh.tangents
            if frames is None:
                frames = tangents(mesh.positions, mesh.indices, mesh.texcoords, self.normals)
            self.tangents, self.handedness = frames[:, :3], frames[:, 3]

    def surface(
        self,
        triangle: NDArray[np.int64],
        weights: NDArray[np.float32],
        view: NDArray[np.float32],
        pixel: NDArray[np.float32],
        facet: NDArray[np.float32],
    ) -> tuple[Surface, NDArray[np.bool_]]:
        """The material at points of triangles, `pixel` metres apart, and whether anything is there."""
        corners = self.mesh.indices[triangle]
        normal = unit(_mixed(self.normals, corners, weights))
        ones = np.ones((len(triangle), 1), np.float32)
        base_color, opaque = np.repeat(ones, 3, axis=1), np.ones(len(triangle), bool)
        roughness, metallic, occlusion = ones * np.float32(DEFAULT_ROUGHNESS), 0 * ones, ones
        if self.mesh.texcoords is not None:
            texcoords = _mixed(self.mesh.texcoords, corners, weights)
            facing = np.abs(np.einsum("ij,ij->i", facet, view))
            footprint = self.density[triangle] * pixel / np.sqrt(np.maximum(facing, 0.1))
            base_color = sample(self.base_color, texcoords, footprint, LINEAR)
            if base_color.shape[1] == 4:
                opaque = base_color[:, 3] >= LINEAR[128]
                base_color = base_color[:, :3]
            if self.surface_map:
                found = sample(self.surface_map, texcoords, footprint, UNIT)
                roughness, metallic = found[:, 1:2], found[:, 2:3]
            if self.occlusion_map:
                occlusion = sample(self.occlusion_map, texcoords, footprint, UNIT)[:, :1]
            if self.normal_map:
                bump = sample(self.normal_map, texcoords, footprint, UNIT * 2 - 1)
                normal = self._bent(normal, bump, corners, weights)
        elif self.mesh.colors is not None:
            base_color = srgb_to_linear(
                _mixed(self.mesh.colors[:, :3].astype(np.float32) / np.float32(255), corners, weights)
            )
        normal = np.where(np.einsum("ij,ij->i", facet, view)[:, None] < 0, -normal, normal)
        return Surface(normal, view, base_color, np.maximum(roughness, 0.05), metallic, occlusion), opaque

    def _bent(
        self,
        normal: NDArray[np.float32],
        bump: NDArray[np.float32],
        corners: NDArray[np.uint32],
        weights: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """`normal` turned as the normal map says, in the frame of the tangents (glTF 2.0, 3.7.2.1)."""
        tangent = _mixed(self.tangents, corners, weights)
        bitangent = np.cross(normal, tangent) * self.handedness[corners[:, 0]][:, None]
        bent: NDArray[np.float32] = unit(tangent * bump[:, :1] + bitangent * bump[:, 1:2] + normal * bump[:, 2:3])
        return bent


def _optional(image: NDArray[np.uint8] | None) -> Pyramid | None:
    return None if image is None else pyramid(image)


def _mixed(
    values: NDArray[np.float32], corners: NDArray[np.uint32], weights: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Vertex values (n, c) between the corners of triangles."""
    mixed: NDArray[np.float32] = (
        values[corners[:, 0]] * weights[:, :1]
        + values[corners[:, 1]] * weights[:, 1:2]
        + values[corners[:, 2]] * weights[:, 2:]
    )
    return mixed


def _placed(
    seen: NDArray[np.float32], shape: tuple[int, ...], rows: slice, columns: slice, empty: float
) -> NDArray[np.float32]:
    """`seen` in its window of a whole frame that is `empty` elsewhere."""
    whole = np.full(shape, empty, np.float32)
    whole[rows, columns] = seen
    return frozen(whole)


def _edges(depth: NDArray[np.float32], facet: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Pixels with a neighbour that shows something else: another depth, nothing, or a sharp bend. bool (h * w,)."""
    nearness = np.where(np.isfinite(depth), 1 / np.maximum(depth, 1e-9), 0)
    edges = np.zeros(depth.shape, bool)
    for one, other in (((slice(1, None),), (slice(-1),)), ((slice(None), slice(1, None)), (slice(None), slice(-1)))):
        step = np.abs(nearness[one] - nearness[other]) > 0.02 * np.maximum(nearness[one], nearness[other])
        step |= np.einsum("ijk,ijk->ij", facet[one], facet[other]) < BEND * (nearness[one] > 0)
        edges[one] |= step
        edges[other] |= step
    return edges.ravel()
