"""finished asset -> the same product with another surface, or facing another way

Nothing is generated again: maps and triangles stay what they are, but for what is asked.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assets_pipeline.asset import Asset, Camera, Hints, Material, Mesh, StageRecord, frozen
from assets_pipeline.formats.model import DEFAULT_ROUGHNESS
from assets_pipeline.texture.color import linear_to_srgb, srgb_to_linear, to_bytes
from assets_pipeline.texture.raster import coverage

LAYS = ("", "x90", "x-90", "x180", "z90", "z-90", "z180")
"""Ways to stand a product up: an axis, and the degrees about it, counter-clockwise seen from where it points to."""

ROUGHNESS, METALLIC = 1, 2
"""Their channels in the packed map (glTF 2.0, 3.9.2)."""

CONSTANT = 64
NO_SHIFT = 1e-6
"""A share of the longest side by which nobody needs to move anything."""


@dataclass(frozen=True)
class Edit:
    """Change the surface and turn the product; see `edited_material` and `rotation_of`.

    roughness, metallic: what the map's mean becomes, 0..1; None leaves it. tint: "#rrggbb", multiplied in linear light;
    empty leaves it. lay, then turn_degrees about +Y: 90 brings what faced the front to the right.
    """

    roughness: float | None = None
    metallic: float | None = None
    tint: str = ""
    turn_degrees: int = 0
    lay: str = ""

    def __call__(self, asset: Asset) -> Asset:
        assert asset.lowpoly is not None and asset.material is not None, "only what is finished can be edited"
        material = edited_material(asset.material, asset.lowpoly, self.roughness, self.metallic, self.tint)
        turn = rotation_of(self.lay, self.turn_degrees)
        mesh, shift = turned(asset.lowpoly, turn)
        cameras = tuple(None if camera is None else following(camera, turn, shift) for camera in asset.cameras)
        record = StageRecord(repr(self), {"moved": [round(float(each), 6) for each in shift]})
        return replace(
            asset,
            lowpoly=mesh,
            material=material,
            cameras=cameras,
            hints=turned_hints(asset.hints, turn),
            provenance=(*asset.provenance, record),
        )


def edited_material(
    material: Material, mesh: Mesh, roughness: float | None, metallic: float | None, tint: str
) -> Material:
    """`material` with these means over what `mesh` shows of the map, and its colour multiplied by `tint`."""
    surface = material.metallic_roughness
    if roughness is not None or metallic is not None:
        if surface is None:
            plain = (255, round(255 * DEFAULT_ROUGHNESS), 0)
            surface = np.full((CONSTANT, CONSTANT, 3), plain, np.uint8)
        shown = _shown(mesh, *surface.shape[:2])
        surface = surface.copy()
        for channel, mean in ((ROUGHNESS, roughness), (METALLIC, metallic)):
            if mean is not None:
                surface[..., channel] = with_mean(surface[..., channel], shown, mean)
        surface = frozen(surface)
    base_color = tinted(material.base_color, tint) if tint else material.base_color
    return replace(material, base_color=base_color, metallic_roughness=surface)


def with_mean(channel: NDArray[np.uint8], shown: NDArray[np.bool_], mean: float) -> NDArray[np.uint8]:
    """uint8 (h, w) whose `shown` texels have that mean, 0..1; their differences stay as large as there is room for."""
    values = channel.astype(np.float64) / 255
    seen = values[shown] if shown.any() else values.ravel()
    middle, low, high = float(seen.mean()), float(seen.min()), float(seen.max())
    below, above = middle - low, high - middle
    keep = min(1.0, mean / below if below > 0 else 1.0, (1 - mean) / above if above > 0 else 1.0)
    return to_bytes(mean + keep * (values - middle))


def tinted(base_color: NDArray[np.uint8], tint: str) -> NDArray[np.uint8]:
    """`base_color` seen through a filter of the colour `tint`; alpha stays."""
    factor = srgb_to_linear(np.frombuffer(bytes.fromhex(tint.removeprefix("#")), np.uint8))
    every = np.arange(256, dtype=np.uint8)
    result = base_color.copy()
    for channel in range(3):
        table = to_bytes(linear_to_srgb(srgb_to_linear(every) * factor[channel]))
        result[..., channel] = table[base_color[..., channel]]
    return frozen(result)


def rotation_of(lay: str, turn_degrees: int) -> NDArray[np.float64]:
    """float64 (3, 3): lie as `lay` says, then turn about +Y; quarter turns are exact."""
    stood = _rotation(lay[0], int(lay[1:])) if lay else np.eye(3)
    return _rotation("y", turn_degrees) @ stood


def turned(mesh: Mesh, turn: NDArray[np.float64]) -> tuple[Mesh, NDArray[np.float64]]:
    """`mesh` turned, standing on y = 0 and centred in x and z again; and the shift that took, float64 (3,)."""
    if np.array_equal(turn, np.eye(3)):
        return mesh, np.zeros(3)
    positions = mesh.positions.astype(np.float64) @ turn.T
    low, high = positions.min(axis=0), positions.max(axis=0)
    shift = -np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2])
    shift[np.abs(shift) <= NO_SHIFT * float((high - low).max())] = 0.0
    tangents = mesh.tangents
    if tangents is not None:
        tangents = frozen(np.c_[tangents[:, :3].astype(np.float64) @ turn.T, tangents[:, 3]], np.float32)
    moved = replace(
        mesh,
        positions=frozen(positions + shift, np.float32),
        normals=None if mesh.normals is None else frozen(mesh.normals.astype(np.float64) @ turn.T, np.float32),
        tangents=tangents,
    )
    return moved, shift


def following(camera: Camera, turn: NDArray[np.float64], shift: NDArray[np.float64]) -> Camera:
    """The camera that sees the turned and shifted product as `camera` saw it before."""
    rotation = camera.rotation @ turn.T
    return replace(
        camera, rotation=frozen(rotation), translation=frozen(camera.translation - rotation @ shift, np.float64)
    )


def turned_hints(hints: Hints, turn: NDArray[np.float64]) -> Hints:
    """The merchant's dimensions along the axes that they now lie along; those that lie along none are left out."""
    before = (hints.width, hints.height, hints.depth)
    along = np.abs(turn) > 1 - 1e-9
    width, height, depth = (before[int(row.argmax())] if row.any() else None for row in along)
    return replace(hints, width=width, height=height, depth=depth)


def _rotation(axis: str, degrees: int) -> NDArray[np.float64]:
    """Counter-clockwise seen from where the axis points to."""
    quarters, rest = divmod(degrees % 360, 90)
    exact = ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0))
    angle = math.radians(degrees % 360)
    cos, sin = (math.cos(angle), math.sin(angle)) if rest else exact[quarters]
    first, second = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = cos
    matrix[first, second], matrix[second, first] = -sin, sin
    return matrix + 0.0  # no -0.0


def _shown(mesh: Mesh, height: int, width: int) -> NDArray[Any]:
    """Which texels the mesh shows, bool (h, w)."""
    if mesh.texcoords is None:
        return np.ones((height, width), bool)
    return coverage(mesh.texcoords, mesh.indices, width, height)
