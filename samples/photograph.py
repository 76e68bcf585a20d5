"""parts + a set + a camera -> a photo: path-traced with soft boxes, one bounce, reflections; then a sensor's flaws

Direct light is sampled on the soft boxes, indirect light with one cosine-weighted bounce, gloss with one reflection
drawn from the GGX distribution (Walter et al., "Microfacet Models for Refraction", EGSR 2007). Light and gloss lose
their sampling noise in an edge-stopping wavelet filter (Dammertz et al., "Edge-Avoiding À-Trous Wavelet Transform",
HPG 2010) before they meet the paint.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from assets_pipeline.geometry.rays import RayScene
from samples.shapes import Floats, Part

RAYS_AT_A_TIME = 1 << 16


@dataclass(frozen=True)
class Softbox:
    """A rectangular light. right, up: half its width and height as vectors (3,); it shines along -(right x up)."""

    centre: Floats
    right: Floats
    up: Floats
    radiance: Floats

    @property
    def facing(self) -> Floats:
        normal = np.cross(self.up, self.right)
        return normal / np.linalg.norm(normal)

    @property
    def area(self) -> float:
        return 4.0 * float(np.linalg.norm(np.cross(self.right, self.up)))


@dataclass(frozen=True)
class Lens:
    """A camera at `eye` that looks at `target`. fov: vertical angle in radians."""

    eye: Floats
    target: Floats
    fov: float
    width: int
    height: int

    @property
    def axes(self) -> Floats:
        """Right, up, back (3, 3) as rows."""
        back = self.eye - self.target
        back = back / np.linalg.norm(back)
        up = np.array([0.0, 1.0, 0.0]) if abs(back[1]) < 0.999 else np.array([0.0, 0.0, -1.0])
        right = np.cross(up, back)
        right /= np.linalg.norm(right)
        return np.stack([right, np.cross(back, right), back])

    def rays(self, columns: Floats, rows: Floats) -> Floats:
        """Unit directions (n, 3) through pixel places."""
        scale = 2 * np.tan(self.fov / 2) / self.height
        x, y = (columns - self.width / 2) * scale, (self.height / 2 - rows) * scale
        directions = np.stack([x, y, -np.ones_like(x)], axis=1) @ self.axes
        return directions / np.linalg.norm(directions, axis=1, keepdims=True)


@dataclass(frozen=True)
class Hits:
    """Where rays arrived. Arrays over the rays that hit something; `rays` are their places among all rays."""

    rays: NDArray[np.int64]
    positions: Floats
    facing: Floats
    normals: Floats
    color: Floats
    roughness: Floats
    metallic: Floats
    product: NDArray[np.bool_]


class Set:
    """Everything in front of the lens, ready to be asked."""

    def __init__(self, product: Sequence[Part], stage: Sequence[Part], lights: Sequence[Softbox], sky: float) -> None:
        self.parts, self.lights, self.sky = [*product, *stage], lights, sky
        counts = np.cumsum([0] + [len(part.positions) for part in self.parts])
        self.positions = np.concatenate([part.positions for part in self.parts])
        self.normals = np.concatenate([part.normals for part in self.parts])
        self.texcoords = np.concatenate([part.texcoords for part in self.parts])
        self.indices = np.concatenate(
            [part.indices + start for part, start in zip(self.parts, counts[:-1], strict=True)]
        )
        self.owner = np.repeat(np.arange(len(self.parts)), [len(part.indices) for part in self.parts])
        self.products = len(product)
        self.scene = RayScene(self.positions, self.indices)
        self.reach = float(np.linalg.norm(np.ptp(np.concatenate([part.positions for part in product]), axis=0)))

    def look(self, origins: Floats, directions: Floats) -> Hits:
        """What the rays meet first."""
        triangle, distance, weights = self.scene.first_hit(origins, directions)
        rays = np.flatnonzero(triangle >= 0)
        triangle, weights = triangle[rays], weights[rays].astype(float)
        corners = self.indices[triangle]
        positions = origins[rays] + directions[rays] * distance[rays, None]
        mix = lambda values: np.einsum("nk,nkd->nd", weights, values[corners])  # noqa: E731
        edge = self.positions[corners]
        facing = _unit(np.cross(edge[:, 1] - edge[:, 0], edge[:, 2] - edge[:, 0]))
        normals, texcoords = _unit(mix(self.normals)), mix(self.texcoords)
        facing *= -np.sign(np.einsum("nd,nd->n", facing, directions[rays]))[:, None]
        normals *= np.where(np.einsum("nd,nd->n", facing, normals) < 0, -1.0, 1.0)[:, None]
        owner, color = self.owner[triangle], np.zeros_like(positions)
        for part in np.unique(owner):
            chosen = owner == part
            color[chosen] = self.parts[part].paint(positions[chosen], texcoords[chosen])
        roughness = np.array([part.roughness for part in self.parts])[owner]
        metallic = np.array([part.metallic for part in self.parts])[owner]
        return Hits(rays, positions, facing, normals, color, roughness, metallic, owner < self.products)

    def backdrop(self, origins: Floats, directions: Floats, *, boxes: bool) -> Floats:
        """Radiance (n, 3) where rays leave the set: a grey room, and the soft boxes themselves if `boxes`."""
        radiance = np.repeat(self.sky * (0.75 + 0.35 * directions[:, 1:2]), 3, axis=1)
        if not boxes:
            return radiance
        for light in self.lights:
            facing = light.facing
            towards = directions @ facing
            with np.errstate(divide="ignore", invalid="ignore"):
                distance = ((light.centre - origins) @ facing) / towards
            at = origins + directions * np.where(np.isfinite(distance), distance, 0)[:, None] - light.centre
            across, along = at @ light.right / (light.right @ light.right), at @ light.up / (light.up @ light.up)
            rim = np.clip((1.02 - np.maximum(np.abs(across), np.abs(along))) / 0.1, 0, 1)
            lit = (distance > 0) & (towards < 0)
            radiance += np.where(lit, rim, 0)[:, None] * light.radiance
        return radiance

    def direct(self, hits: Hits, random: np.random.Generator, *, every: bool) -> Floats:
        """Light from the soft boxes, over pi (n, 3): one shadow ray to each, or unless `every` to one drawn by lot."""
        start = hits.positions + hits.facing * (self.reach * 2e-4)
        total = np.zeros_like(start)
        lot = random.integers(len(self.lights), size=len(start))
        for number, light in enumerate(self.lights):
            spread = random.uniform(-1, 1, (len(start), 2))
            to = light.centre + spread[:, :1] * light.right + spread[:, 1:] * light.up - start
            squared = np.einsum("nd,nd->n", to, to)
            direction = to / np.sqrt(squared)[:, None]
            cosine = np.clip(np.einsum("nd,nd->n", direction, hits.normals), 0, None)
            cosine *= np.clip(np.einsum("nd,nd->n", direction, hits.facing) * 8, 0, 1)
            if not every:
                cosine *= np.where(lot == number, len(self.lights), 0)
            emitted = np.clip(-direction @ light.facing, 0, None) * light.area / squared
            useful = np.flatnonzero(cosine * emitted > 1e-6)
            blocked = self.scene.any_hit(start[useful], to[useful], 0.999)
            cosine[useful[blocked]] = 0
            total += (cosine * emitted / np.pi)[:, None] * light.radiance
        return total

    def radiance(self, origins: Floats, directions: Floats, random: np.random.Generator, *, boxes: bool) -> Floats:
        """What arrives along rays, seen once removed: matte surfaces under direct light and a flat room."""
        result = self.backdrop(origins, directions, boxes=boxes)
        hits = self.look(origins, directions)
        ambient = self.sky * (0.55 + 0.25 * hits.normals[:, 1:2])
        result[hits.rays] = hits.color * (self.direct(hits, random, every=False) + ambient)
        return result


def _unit(vectors: Floats) -> Floats:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def _around(normals: Floats, local: Floats) -> Floats:
    """Directions given about +Z, turned to be about `normals`. Source: Duff et al., "Building an Orthonormal Basis"."""
    x, y, z = normals.T
    sign = np.where(z >= 0, 1.0, -1.0)
    a = -1 / (sign + z)
    b = x * y * a
    first = np.stack([1 + sign * x * x * a, sign * b, -sign * x], axis=1)
    second = np.stack([b, sign + y * y * a, -y], axis=1)
    return first * local[:, :1] + second * local[:, 1:2] + normals * local[:, 2:]


def trace(stage: Set, lens: Lens, *, samples: int, seed: int) -> Floats:
    """Linear radiance (h, w, 3)."""
    shape = (lens.height, lens.width, 3)
    count = lens.height * lens.width
    paint, light, gloss, normal, place, own = (np.zeros((count, 3)) for _ in range(6))
    random = np.random.default_rng(seed)
    for sample in range(samples):
        for first in range(0, count, RAYS_AT_A_TIME):
            pixels = np.arange(first, min(first + RAYS_AT_A_TIME, count))
            strata = (sample + random.uniform(size=len(pixels))) / samples
            columns = pixels % lens.width + strata
            rows = (
                pixels // lens.width + (strata * 1.618034 * samples + random.uniform(size=len(pixels)) / samples) % 1.0
            )
            directions = lens.rays(columns, rows)
            origins = np.broadcast_to(lens.eye, directions.shape).copy()
            hits = stage.look(origins, directions)
            missed = np.setdiff1d(np.arange(len(pixels)), hits.rays)
            gloss[pixels[missed]] += stage.backdrop(origins[missed], directions[missed], boxes=False)
            at = pixels[hits.rays]
            matte, shine = _shade(stage, hits, directions[hits.rays], random)
            paint[at] += hits.color * (1 - hits.metallic[:, None])
            light[at] += matte
            gloss[at] += shine
            normal[at] += hits.normals
            place[at] += hits.positions
            own[at] += hits.product[:, None]
    guides = [(array / samples).reshape(shape) for array in (normal, place, own)]
    light, gloss, paint = ((array / samples).reshape(shape) for array in (light, gloss, paint))
    return paint * smooth(light, guides, stage.reach, rounds=5) + smooth(gloss, guides, stage.reach, rounds=2)


def _shade(stage: Set, hits: Hits, directions: Floats, random: np.random.Generator) -> tuple[Floats, Floats]:
    """Light on the matte part of the paint, and what the surface mirrors, both (n, 3)."""
    start = hits.positions + hits.facing * (stage.reach * 2e-4)
    u, v = random.uniform(size=(2, len(start)))
    flat = np.sqrt(u)
    local = np.stack([flat * np.cos(2 * np.pi * v), flat * np.sin(2 * np.pi * v), np.sqrt(1 - u)], axis=1)
    bounce = stage.radiance(start, _around(hits.normals, local), random, boxes=False)
    matte = stage.direct(hits, random, every=True) + bounce
    shine = np.zeros_like(start)
    glossy = np.flatnonzero(hits.product)
    if len(glossy):
        shine[glossy] = _mirror(stage, hits, glossy, directions[glossy], start[glossy], random)
    return matte, shine


def _mirror(
    stage: Set, hits: Hits, chosen: NDArray[np.int64], directions: Floats, start: Floats, random: np.random.Generator
) -> Floats:
    """One reflection, its half vector drawn from the GGX distribution."""
    alpha = hits.roughness[chosen] ** 2
    u, v = random.uniform(size=(2, len(chosen)))
    cosine = np.sqrt((1 - u) / (1 + (alpha**2 - 1) * u))
    sine = np.sqrt(np.clip(1 - cosine**2, 0, 1))
    normals = hits.normals[chosen]
    half = _around(normals, np.stack([sine * np.cos(2 * np.pi * v), sine * np.sin(2 * np.pi * v), cosine], axis=1))
    facing = np.clip(-np.einsum("nd,nd->n", directions, half), 0, 1)
    away = directions + 2 * facing[:, None] * half
    metallic = hits.metallic[chosen][:, None]
    base = 0.04 * (1 - metallic) + hits.color[chosen] * metallic
    fresnel = base + (np.maximum(1 - hits.roughness[chosen][:, None], base) - base) * (1 - facing[:, None]) ** 5
    above = np.einsum("nd,nd->n", away, hits.facing[chosen]) > 0
    seen = np.minimum(stage.radiance(start, _unit(away), random, boxes=True), 12.0)
    return np.where(above[:, None], fresnel * seen, 0)


def smooth(image: Floats, guides: Sequence[Floats], reach: float, *, rounds: int) -> Floats:
    """The à-trous filter: wide, but never across a crease, a step or the product's outline."""
    normal, place, own = (np.ascontiguousarray(guide, np.float32) for guide in guides)
    image = image.astype(np.float32)
    for step in (2**k for k in range(rounds)):
        image = _wavelet(image, normal, place / np.float32(reach), own[..., 0], step)
    return image.astype(float)


@numba.njit(cache=True)
def _wavelet(image, normal, place, own, step):  # type: ignore[no-untyped-def]
    """One round: a 5 x 5 kernel whose taps lie `step` apart."""
    height, width = own.shape
    kernel = np.array([1, 4, 6, 4, 1], np.float32) / 16
    result = np.empty_like(image)
    for y in range(height):
        for x in range(width):
            total, sums = np.float32(0), np.zeros(3, np.float32)
            for i in range(5):
                row = min(max(y + (i - 2) * step, 0), height - 1)
                for j in range(5):
                    column = min(max(x + (j - 2) * step, 0), width - 1)
                    away, lift = np.float32(0), np.float32(0)
                    for k in range(3):
                        away += (normal[row, column, k] - normal[y, x, k]) ** 2
                        lift += (place[row, column, k] - place[y, x, k]) * normal[y, x, k]
                    other = abs(own[row, column] - own[y, x])
                    weight = kernel[i] * kernel[j] * np.exp(-60 * away - (250 * lift) ** 2 - 8 * other)
                    total += weight
                    for k in range(3):
                        sums[k] += weight * image[row, column, k]
            for k in range(3):
                result[y, x, k] = sums[k] / total
    return result


def develop(radiance: Floats, *, exposure: float, warmth: float, seed: int) -> NDArray[np.uint8]:
    """Linear radiance -> an 8 bit sRGB photo, with a lens's softness and falloff and a sensor's noise and shoulder."""
    height, width = radiance.shape[:2]
    light = radiance * exposure * np.array([1 + warmth, 1.0, 1 - warmth])
    light = ndimage.gaussian_filter(light, (0.55, 0.55, 0))
    y, x = np.mgrid[:height, :width]
    off = ((x - width / 2) ** 2 + (y - height / 2) ** 2) / (width**2 + height**2) * 4
    light *= (1 - 0.10 * off)[..., None]
    random = np.random.default_rng(seed)
    light += random.normal(0, 1, light.shape) * np.sqrt(np.clip(light, 0, None) * 1e-4 + 4e-6)
    light = np.where(light > 0.7, 0.7 + 0.3 * (1 - np.exp(-(light - 0.7) / 0.3)), light)
    light = np.clip(light, 0, 1)
    encoded = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return (encoded * 255 + 0.5).astype(np.uint8)
