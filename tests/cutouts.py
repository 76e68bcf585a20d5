"""Products whose shape, colours and camera are known, and cut-outs of them, for tests of generators.

Products stand on y = 0, centred, in metres, front toward +Z, and are photographed without light: a colour in the
picture is the colour of the paint.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assets_pipeline.asset import Camera, Cutout, Material, Mesh, View, frozen
from assets_pipeline.geometry.cameras import frame
from assets_pipeline.texture.draw import Part, draw
from tests.models import lathe

RED, GREEN, BLUE = (200, 40, 30), (40, 150, 60), (40, 60, 190)
YELLOW, WHITE, GREY, DARK = (230, 200, 40), (235, 235, 235), (140, 140, 140), (50, 45, 40)

Product = Sequence[Part]

BOTTLE = np.array([[0, 0], [0.04, 0], [0.04, 0.14], [0.015, 0.19], [0.015, 0.235], [0, 0.235]])
CAN = np.array([[0, 0], [0.033, 0], [0.033, 0.12], [0, 0.12]])
BOWL = np.array(
    [[0, 0], [0.04, 0], [0.065, 0.025], [0.083, 0.06], [0.085, 0.07], [0.081, 0.07], [0.06, 0.027], [0, 0.01]]
)
MUG = np.array([[0, 0], [0.041, 0], [0.041, 0.095], [0.037, 0.095], [0.037, 0.008], [0, 0.006]])
PAN = np.array([[0, 0], [0.12, 0], [0.135, 0.045], [0.131, 0.045], [0.116, 0.004], [0, 0.004]])


@dataclass(frozen=True)
class Shot:
    """A cut-out and the camera that saw the true product."""

    cutout: Cutout
    camera: Camera


def photograph(
    product: Product,
    *,
    azimuth: float = 0.0,
    elevation: float = 10.0,
    size: int = 320,
    name: str = "photo.jpg",
    view: View | None = None,
    tells_focal: bool = True,
) -> Shot:
    """A square picture of the product alone. Angles in degrees, as for `frame`."""
    positions = np.concatenate([part.mesh.positions for part in product])
    camera = frame(positions, azimuth=azimuth, elevation=elevation, size=size, fill=0.75)
    rgba = draw(product, camera, None, floor=False).rgba
    focal_px = camera.focal_px if tells_focal else None
    return Shot(Cutout(name=name, rgba=frozen(rgba), focal_px=focal_px, view=view), camera)


def painted(mesh: Mesh, image: np.ndarray) -> Part:
    """`mesh` under `image`, uint8 (h, w, 3)."""
    return Part(mesh, Material(base_color=frozen(np.asarray(image, np.uint8))))


def plain(color: tuple[int, int, int], size: int = 8) -> np.ndarray:
    """One colour, uint8 (size, size, 3)."""
    return np.full((size, size, 3), color, np.uint8)


def halves(front: tuple[int, int, int], back: tuple[int, int, int]) -> np.ndarray:
    """A wrapping for a lathe: `front` on the half toward +Z, `back` on the other."""
    image = np.empty((16, 256, 3), np.uint8)
    image[:] = front
    image[:, 64:192] = back
    return image


def turned(profile: np.ndarray, image: np.ndarray) -> Part:
    """A solid of revolution wrapped in `image`, whose left edge lies in front."""
    return painted(lathe(profile, 96, 60), image)


def box(
    lower: Sequence[float],
    upper: Sequence[float],
    faces: dict[str, np.ndarray],
    other: tuple[int, int, int] = GREY,
) -> Part:
    """A block between two corners. faces: pictures, uint8 (n, n, 3), by side, upright as seen from outside."""
    low, high = np.asarray(lower, float), np.asarray(upper, float)
    sides = {
        "front": ((0, 0, 1), (1, 0, 0), (0, 1, 0)),
        "back": ((0, 0, -1), (-1, 0, 0), (0, 1, 0)),
        "right": ((1, 0, 0), (0, 0, -1), (0, 1, 0)),
        "left": ((-1, 0, 0), (0, 0, 1), (0, 1, 0)),
        "top": ((0, 1, 0), (1, 0, 0), (0, 0, -1)),
        "bottom": ((0, -1, 0), (1, 0, 0), (0, 0, 1)),
    }
    side = 96
    atlas = np.empty((side, 6 * side, 3), np.uint8)
    atlas[:] = other
    positions, texcoords = [], []
    for number, (name, directions) in enumerate(sides.items()):
        normal, right, up = (np.array(direction, float) for direction in directions)
        if name in faces:
            texel = np.arange(side) * len(faces[name]) // side
            atlas[:, number * side : (number + 1) * side] = faces[name][texel][:, texel]
        for s, t in ((0, 0), (1, 0), (1, 1), (0, 1)):
            corner = normal + (2 * s - 1) * right + (2 * t - 1) * up
            positions.append((low + high) / 2 + corner * (high - low) / 2)
            texcoords.append([(number + 0.01 + 0.98 * s) / 6, 0.01 + 0.98 * (1 - t)])
    quads = np.arange(24).reshape(6, 4)
    indices = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    mesh = Mesh(frozen(positions, np.float32), frozen(indices, np.uint32), frozen(texcoords, np.float32))
    return painted(mesh, atlas)


def carton(width: float, height: float, depth: float, faces: dict[str, np.ndarray] | None = None) -> Product:
    """A block standing in the middle, each side of a colour of its own where `faces` has none."""
    colors = {"front": RED, "back": GREEN, "left": YELLOW, "right": BLUE, "top": WHITE, "bottom": DARK}
    images = {name: plain(color) for name, color in colors.items()} | (faces or {})
    return [box((-width / 2, 0, -depth / 2), (width / 2, height, depth / 2), images)]


def lettering(ground: tuple[int, int, int] = WHITE, ink: tuple[int, int, int] = DARK, size: int = 96) -> np.ndarray:
    """A print that looks different in a mirror: a capital L, large, uint8 (size, size, 3)."""
    image = plain(ground, size)
    image[size // 8 : 7 * size // 8, size // 8 : 3 * size // 8] = ink
    image[5 * size // 8 : 7 * size // 8, size // 8 : 7 * size // 8] = ink
    return image


def tube(path: np.ndarray, radius: float, color: tuple[int, int, int], sides: int = 20) -> Part:
    """A round rod along points (n, 3), its ends open."""
    tangent = np.gradient(path, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    bend = np.cross(tangent[0], tangent[-1])
    upright = (0.0, 1.0, 0.0) if abs(tangent[0, 1]) < 0.9 else (0.0, 0.0, 1.0)
    across = np.cross(tangent, bend if np.linalg.norm(bend) > 1e-6 else upright)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    other = np.cross(tangent, across)
    angle = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    ring = across[:, None] * np.cos(angle)[:, None] + other[:, None] * np.sin(angle)[:, None]
    positions = (path[:, None] + radius * ring).reshape(-1, 3)
    low = (np.arange(len(path) - 1)[:, None] * sides + np.arange(sides)).ravel()
    following = (np.arange(len(path) - 1)[:, None] * sides + (np.arange(sides) + 1) % sides).ravel()
    indices = np.concatenate(
        [np.column_stack([low, following, following + sides]), np.column_stack([low, following + sides, low + sides])]
    )
    texcoords = np.full((len(positions), 2), 0.5)
    mesh = Mesh(frozen(positions, np.float32), frozen(indices, np.uint32), frozen(texcoords, np.float32))
    return painted(mesh, plain(color))


def mug(color: tuple[int, int, int] = BLUE) -> Product:
    """A mug 82 mm wide and 95 mm high with a round handle toward +X that a finger fits through."""
    angle = np.linspace(-np.pi / 2, np.pi / 2, 24)
    path = np.column_stack([0.039 + 0.034 * np.cos(angle), 0.05 + 0.03 * np.sin(angle), 0 * angle])
    return [turned(MUG, plain(color)), tube(path, 0.005, color)]


def pan(heading: float, color: tuple[int, int, int] = DARK) -> Product:
    """A pan 270 mm wide with a level handle, 180 mm long, turned `heading` degrees from +X toward the front."""
    toward = np.array([np.cos(np.deg2rad(heading)), 0, np.sin(np.deg2rad(heading))])
    path = np.linspace(0.13, 0.31, 8)[:, None] * toward + (0, 0.038, 0)
    return [turned(PAN, plain(color)), tube(path, 0.011, RED)]


def chair(color: tuple[int, int, int] = GREEN) -> Product:
    """Seat 0.45 wide and deep at 0.45, back up to 0.9 at the rear, four legs 0.04 thick."""
    parts = [
        box((-0.22, 0.41, -0.22), (0.22, 0.46, 0.22), {}, color),
        box((-0.22, 0.46, -0.22), (0.22, 0.9, -0.18), {}, color),
    ]
    return parts + _legs(0.22, 0.22, 0.41, 0.045, color)


def table(color: tuple[int, int, int] = YELLOW) -> Product:
    """A top 1.2 wide and 0.7 deep at 0.75, four legs 0.06 thick."""
    return [box((-0.6, 0.7, -0.35), (0.6, 0.75, 0.35), {}, color), *_legs(0.6, 0.35, 0.7, 0.06, color)]


def _legs(half_width: float, half_depth: float, height: float, thick: float, color: tuple[int, int, int]) -> list[Part]:
    return [
        box(
            (x if x < 0 else x - thick, 0, z if z < 0 else z - thick),
            (x + thick if x < 0 else x, height, z + thick if z < 0 else z),
            {},
            color,
        )
        for x in (-half_width, half_width)
        for z in (-half_depth, half_depth)
    ]
