"""open objects with known shape -> the photos a shop would have of them

The objects lie beside the repository, in `../shared/data/objects/NAME/{model.glb, meta.json}`. They are read with
trimesh and drawn here, apart from the product's own readers and renderer, which are what is measured.
Frame of a `Truth`: +Y up, front +Z, centred, longest side 2.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from numpy.typing import NDArray
from PIL import Image
from scipy.spatial import cKDTree

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
CACHE = ROOT / "var" / "bench"
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Paint:
    """One material: linear factor over a texture. image: float32 (h, w, 4), 0..1, or None."""

    factor: Floats
    image: NDArray[np.float32] | None


@dataclass(frozen=True, eq=False)
class Truth:
    """One object. positions (n, 3), indices (m, 3), texcoords (n, 2) with the origin at the bottom left.

    normals: (m, 3, 3), one per corner. paint_of: (m,), into `paints`. extents: width, height, depth in metres.
    """

    name: str
    category: str
    extents: tuple[float, float, float]
    positions: Floats
    indices: NDArray[np.int64]
    texcoords: Floats
    normals: Floats
    paint_of: NDArray[np.int64]
    paints: tuple[Paint, ...]
    scene: EmbreeScene

    @property
    def title(self) -> str:
        """What a merchant would call it."""
        return f"{self.category} {self.name.replace('_', ' ')}"


@dataclass(frozen=True)
class Eye:
    """A square pinhole camera. rotation: world to camera, looking along -Z at the origin from `distance`."""

    rotation: Floats
    distance: float
    focal_px: float
    size: int


def names() -> list[str]:
    """Every object that lies beside the repository."""
    return sorted(path.parent.name for path in (DATA / "objects").glob("*/model.glb"))


@cache
def load_object(name: str) -> Truth:
    """The object `name`, centred, longest side 2."""
    folder = DATA / "objects" / name
    meta = json.loads((folder / "meta.json").read_text())
    parts: list[trimesh.Trimesh] = trimesh.load_scene(folder / "model.glb", process=False).dump(concatenate=False)
    positions = np.concatenate([part.vertices for part in parts])
    starts = np.cumsum([0] + [len(part.vertices) for part in parts])
    indices = np.concatenate([part.faces + start for part, start in zip(parts, starts, strict=False)])
    low, high = positions.min(axis=0), positions.max(axis=0)
    extents = high - low
    positions = (positions - (low + high) / 2) * (2 / extents.max())
    return Truth(
        name=name,
        category=meta["category"],
        extents=(float(extents[0]), float(extents[1]), float(extents[2])),
        positions=positions,
        indices=indices,
        texcoords=np.concatenate([texcoords_of(part) for part in parts]),
        normals=corner_normals(positions, indices),
        paint_of=np.concatenate([np.full(len(part.faces), i) for i, part in enumerate(parts)]),
        paints=tuple(paint_of(part) for part in parts),
        scene=embree_scene(positions, indices),
    )


def texcoords_of(part: trimesh.Trimesh) -> Floats:
    uv = getattr(part.visual, "uv", None)
    return np.zeros((len(part.vertices), 2)) if uv is None else np.asarray(uv, float)


def paint_of(part: trimesh.Trimesh) -> Paint:
    material = getattr(part.visual, "material", None)
    factor = getattr(material, "baseColorFactor", None)
    picture = getattr(material, "baseColorTexture", None)
    image = None if picture is None else np.asarray(picture.convert("RGBA"), np.float32) / 255
    return Paint(np.ones(4) if factor is None else np.asarray(factor, float) / 255, image)


def corner_normals(positions: Floats, indices: NDArray[np.int64]) -> Floats:
    """(m, 3, 3): smooth normals of the welded surface; the face's own where they differ by more than 60 degrees."""
    welded = trimesh.Trimesh(positions, indices, process=True)
    flat = np.cross(
        positions[indices[:, 1]] - positions[indices[:, 0]], positions[indices[:, 2]] - positions[indices[:, 0]]
    )
    flat /= np.linalg.norm(flat, axis=1, keepdims=True) + 1e-12
    smooth = welded.vertex_normals[cKDTree(welded.vertices).query(positions)[1]][indices]
    sharp = (smooth * flat[:, None]).sum(axis=-1) < 0.5
    return np.where(sharp[..., None], flat[:, None], smooth)


def embree_scene(positions: Floats, indices: NDArray[Any]) -> EmbreeScene:
    scene = EmbreeScene()
    TriangleMesh(scene, np.ascontiguousarray(positions[indices], np.float32))
    return scene


def rotation_x(radians: float) -> Floats:
    c, s = np.cos(radians), np.sin(radians)
    return np.array([[1.0, 0, 0], [0, c, -s], [0, s, c]])


def rotation_y(radians: float) -> Floats:
    c, s = np.cos(radians), np.sin(radians)
    return np.array([[c, 0, s], [0, 1.0, 0], [-s, 0, c]])


def eye_on(positions: Floats, azimuth: float, elevation: float, fov: float, size: int, fill: float = 0.86) -> Eye:
    """The camera at `azimuth` (90 is +X) and `elevation`, in degrees, far enough that `positions` fill `fill` of it."""
    rotation = rotation_x(np.deg2rad(elevation)) @ rotation_y(-np.deg2rad(azimuth))
    seen = positions @ rotation.T
    half = np.tan(np.deg2rad(fov) / 2)
    distance = 3.0
    for _ in range(40):
        reach = (np.abs(seen[:, :2]) / (distance - seen[:, 2:])).max() / half
        distance *= 1 + 0.7 * (reach / fill - 1)
    return Eye(rotation, distance, size / 2 / half, size)


def render_cutout(
    truth: Truth, azimuth: float, elevation: float, fov: float = 20.0, size: int = 576
) -> NDArray[np.uint8]:
    """The object cut out, uint8 (size, size, 4), straight alpha, lit from beside the camera; kept under `var/bench`."""
    path = CACHE / "cutouts" / f"{truth.name}_{azimuth:g}_{elevation:g}_{fov:g}_{size}.png"
    if path.exists():
        return np.array(Image.open(path))
    supersampling = 2
    eye = eye_on(truth.positions, azimuth, elevation, fov, size * supersampling)
    premultiplied = shade(truth, eye).reshape(size, supersampling, size, supersampling, 4).mean(axis=(1, 3))
    alpha = premultiplied[..., 3:]
    straight = np.concatenate([premultiplied[..., :3] / np.maximum(alpha, 1e-3), alpha], axis=-1)
    rgba = (np.clip(straight, 0, 1) * 255 + 0.5).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rgba).save(path)
    return rgba


def rays(eye: Eye) -> tuple[Floats, Floats]:
    """(origins, unit directions), each (size * size, 3), row by row from the top left."""
    across = np.arange(eye.size) + 0.5 - eye.size / 2
    x, y = np.meshgrid(across / eye.focal_px, -across / eye.focal_px)
    directions = np.stack([x, y, -np.ones_like(x)], axis=-1).reshape(-1, 3) @ eye.rotation
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    origin = np.array([0.0, 0.0, eye.distance]) @ eye.rotation
    return np.broadcast_to(origin, directions.shape).copy(), directions


def shade(truth: Truth, eye: Eye) -> Floats:
    """Premultiplied sRGB (size * size, 4). Texels with alpha below one half let the ray through, five times at most."""
    origins, directions = rays(eye)
    result = np.zeros((len(origins), 4))
    waiting = np.arange(len(origins))
    for _ in range(5):
        hits = truth.scene.run(origins[waiting].astype(np.float32), directions[waiting].astype(np.float32), output=1)
        hit = hits["primID"] >= 0
        waiting, face = waiting[hit], hits["primID"][hit]
        u, v, far = hits["u"][hit], hits["v"][hit], hits["tfar"][hit]
        weights = np.stack([1 - u - v, u, v], axis=1)
        colour = surface_colour(truth, face, weights)
        solid = colour[:, 3] >= 0.5
        normals = (truth.normals[face] * weights[..., None]).sum(axis=1)
        lit = light(normals[solid], directions[waiting[solid]], eye)
        result[waiting[solid], :3] = np.clip(colour[solid, :3] * lit[:, :1] + lit[:, 1:], 0, 1)
        result[waiting[solid], 3] = 1
        origins[waiting] += directions[waiting] * (far[:, None] + 1e-4)
        waiting = waiting[~solid]
    return result


def surface_colour(truth: Truth, face: NDArray[np.int64], weights: Floats) -> Floats:
    """sRGB and alpha (k, 4) at points on faces."""
    texcoords = (truth.texcoords[truth.indices[face]] * weights[..., None]).sum(axis=1) % 1
    result = np.ones((len(face), 4))
    for index, paint in enumerate(truth.paints):
        chosen = truth.paint_of[face] == index
        result[chosen] = np.append(paint.factor[:3] ** (1 / 2.2), 1.0)
        if paint.image is not None:
            height, width = paint.image.shape[:2]
            column = (texcoords[chosen, 0] * width).astype(int).clip(0, width - 1)
            row = ((1 - texcoords[chosen, 1]) * height).astype(int).clip(0, height - 1)
            result[chosen] *= paint.image[row, column]
    return result


def light(normals: Floats, directions: Floats, eye: Eye) -> Floats:
    """(k, 2): diffuse factor and a small highlight, of a key and a fill light fixed to the camera."""
    normals = normals / (np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12)
    normals = np.where((normals * directions).sum(axis=1, keepdims=True) > 0, -normals, normals)
    key, fill = np.array([-0.37, 0.66, 0.52]) @ eye.rotation, np.array([0.79, 0.1, 0.6]) @ eye.rotation
    diffuse = 0.42 + 0.12 * normals[:, 1] + 0.42 * np.clip(normals @ key, 0, 1) + 0.18 * np.clip(normals @ fill, 0, 1)
    halfway = key - directions
    halfway /= np.linalg.norm(halfway, axis=1, keepdims=True)
    return np.stack([diffuse, 0.12 * np.clip((normals * halfway).sum(axis=1), 0, 1) ** 30], axis=1)
