"""numbers -> triangles: the forms that the sample products are put together from. Metres, +Y up, front +Z."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Paint = Callable[[Floats, Floats], Floats]
"""(positions (n, 3), texcoords (n, 2)) -> linear RGB (n, 3)."""


@dataclass(frozen=True)
class Part:
    """Triangles of one material. positions, normals: (n, 3). indices: (m, 3). texcoords: (n, 2), origin top left."""

    positions: Floats
    indices: NDArray[np.int64]
    normals: Floats
    texcoords: Floats
    paint: Paint
    roughness: float = 0.6
    metallic: float = 0.0

    def moved(self, matrix: Floats) -> "Part":
        """The part under a rigid motion (4, 4); its paint stays on it."""
        rotation, shift, paint = matrix[:3, :3], matrix[:3, 3], self.paint
        return Part(
            self.positions @ rotation.T + shift,
            self.indices,
            self.normals @ rotation.T,
            self.texcoords,
            lambda positions, texcoords: paint((positions - shift) @ rotation, texcoords),
            self.roughness,
            self.metallic,
        )


def linear(srgb: NDArray[np.floating] | Sequence[float]) -> Floats:
    """sRGB 0..1 -> linear. Source: IEC 61966-2-1."""
    value = np.asarray(srgb, float)
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def plain(*srgb: int) -> Paint:
    """One colour, 0..255 sRGB."""
    color = linear(np.array(srgb) / 255)
    return lambda positions, _: np.broadcast_to(color, positions.shape)


def printed(image: NDArray[np.uint8]) -> Paint:
    """A picture (h, w, 3) over the texcoords, sampled bilinearly; u wraps around, v does not."""
    texels = linear(image / 255.0)
    height, width = texels.shape[:2]

    def paint(_: Floats, texcoords: Floats) -> Floats:
        x = texcoords[:, 0] * width - 0.5
        y = np.clip(texcoords[:, 1] * height - 0.5, 0, height - 1)
        left, top = np.floor(x).astype(int), np.floor(y).astype(int)
        fx, fy = (x - left)[:, None], (y - top)[:, None]
        below, right = np.minimum(top + 1, height - 1), (left + 1) % width
        left = left % width
        upper = texels[top, left] * (1 - fx) + texels[top, right] * fx
        lower = texels[below, left] * (1 - fx) + texels[below, right] * fx
        return upper * (1 - fy) + lower * fy

    return paint


def there_and_back(value: Floats) -> Floats:
    """0..1..0..1: lays a picture that doesn't tile without a seam."""
    return 1 - np.abs(value % 2 - 1)


def smooth_normals(positions: Floats, indices: NDArray[np.int64]) -> Floats:
    """Area-weighted vertex normals; vertices in one place share theirs only when they are one vertex."""
    corners = positions[indices]
    face = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros_like(positions)
    for corner in range(3):
        np.add.at(normals, indices[:, corner], face)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-20)


def grid_indices(rows: int, columns: int) -> NDArray[np.int64]:
    """Two triangles per cell of a grid of rows x columns vertices."""
    first = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    quads = np.stack([first, first + columns, first + columns + 1, first + 1], axis=1)
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def sheet(points: Floats, paint: Paint, **material: float) -> Part:
    """A smooth surface through a grid of points (rows, columns, 3); v runs down the rows, u along the columns."""
    rows, columns = points.shape[:2]
    v, u = np.meshgrid(np.linspace(0, 1, rows), np.linspace(0, 1, columns), indexing="ij")
    positions, indices = points.reshape(-1, 3), grid_indices(rows, columns)
    normals = smooth_normals(positions, indices).reshape(rows, columns, 3)
    if np.allclose(points[:, 0], points[:, -1], atol=1e-9):  # closed around: the seam is one line
        seam = normals[:, 0] + normals[:, -1]
        normals[:, 0] = normals[:, -1] = seam / np.maximum(np.linalg.norm(seam, axis=1, keepdims=True), 1e-20)
    texcoords = np.stack([u, v], axis=-1).reshape(-1, 2)
    return Part(positions, indices, normals.reshape(-1, 3), texcoords, paint, **material)


def lathe(profile: Sequence[tuple[float, float]], paint: Paint, *, segments: int = 96, **material: float) -> Part:
    """Turn (radius, height) points about +Y, outside on the left of the way down; u = 0.5 faces the front."""
    radius, height = np.array(profile, float).T
    turn = np.linspace(-np.pi, np.pi, segments + 1)
    points = np.stack(
        [
            radius[:, None] * np.sin(turn),
            np.broadcast_to(height[:, None], (len(radius), len(turn))),
            radius[:, None] * np.cos(turn),
        ],
        axis=-1,
    )
    points[:, -1] = points[:, 0]
    return sheet(points, paint, **material)


def rounded(corners: Sequence[tuple[float, float, float]], steps: int = 6) -> list[tuple[float, float]]:
    """A polyline through (x, y, radius) corners, each cut by a quadratic curve that starts `radius` before it."""
    points = np.array([corner[:2] for corner in corners], float)
    line: list[tuple[float, float]] = [(points[0, 0], points[0, 1])]
    for before, here, after, radius in zip(
        points[:-2], points[1:-1], points[2:], [corner[2] for corner in corners[1:-1]], strict=True
    ):
        start = here + (before - here) * min(0.5, radius / max(float(np.linalg.norm(before - here)), 1e-9))
        end = here + (after - here) * min(0.5, radius / max(float(np.linalg.norm(after - here)), 1e-9))
        for t in np.linspace(0, 1, steps if radius > 0 else 1):
            x, y = (1 - t) ** 2 * start + 2 * t * (1 - t) * here + t**2 * end
            line.append((float(x), float(y)))
    line.append((points[-1, 0], points[-1, 1]))
    return line


def tube(
    path: Floats, radii: Floats, paint: Paint, *, segments: int = 20, caps: bool = True, **material: float
) -> Part:
    """A tube of elliptical section along `path` (n, 3). radii: (n, 2), across and along the frame's second axis."""
    tangents = np.gradient(path, axis=0)
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
    start = np.eye(3)[np.abs(tangents[0]).argmin()]
    across = np.zeros_like(path)
    across[0] = np.cross(tangents[0], start)
    for i in range(1, len(path)):  # carry the frame along without twist
        across[i] = across[i - 1] - tangents[i] * (across[i - 1] @ tangents[i])
    across[0] -= tangents[0] * (across[0] @ tangents[0])
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    up = np.cross(tangents, across)
    turn = np.linspace(0, 2 * np.pi, segments + 1)
    ring = (
        across[:, None] * np.cos(turn)[:, None] * radii[:, None, :1]
        + up[:, None] * np.sin(turn)[:, None] * radii[:, None, 1:]
    )
    points = path[:, None] + ring
    if caps:
        points = np.concatenate(
            [np.repeat(path[:1, None], segments + 1, 1), points, np.repeat(path[-1:, None], segments + 1, 1)]
        )
    points[:, -1] = points[:, 0]
    return sheet(points[:, ::-1].copy(), paint, **material)


def rounded_box(
    size: Sequence[float], centre: Sequence[float], radius: float, paint: Paint, *, steps: int = 3, **material: float
) -> Part:
    """A box with rounded edges; texcoords in units of its faces."""
    half = np.array(size, float) / 2
    positions, indices, normals, texcoords = [], [], [], []
    offset = 0
    for axis in range(3):
        for sign in (-1.0, 1.0):
            a, b = (axis + 1) % 3, (axis + 2) % 3
            lines = [_with_edges(half[k], radius, steps) for k in (a, b)]
            u, v = np.meshgrid(*lines, indexing="ij")
            point = np.zeros((*u.shape, 3))
            point[..., a], point[..., b], point[..., axis] = u, v, sign * half[axis]
            core = np.clip(point, -(half - radius), half - radius)
            normal = point - core
            normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
            face = grid_indices(*u.shape)
            positions.append((core + normal * radius).reshape(-1, 3))
            normals.append(normal.reshape(-1, 3))
            indices.append((face if sign < 0 else face[:, ::-1]) + offset)
            texcoords.append(np.stack([u / half[a], v / half[b]], -1).reshape(-1, 2) / 2 + 0.5)
            offset += u.size
    return Part(
        np.concatenate(positions) + np.asarray(centre, float),
        np.concatenate(indices)[:, ::-1],
        np.concatenate(normals),
        np.concatenate(texcoords),
        paint,
        **material,
    )


def _with_edges(half: float, radius: float, steps: int) -> Floats:
    edge = np.tan(np.linspace(0, np.pi / 4, steps + 1)) * radius
    return np.concatenate([-(half - radius) - edge[::-1], (half - radius) + edge])


def extruded(
    outline: Floats, bottom: float, top: float, paint: Paint, *, bevel: float = 0.0, **material: float
) -> list[Part]:
    """A plate standing on `bottom` over a star-shaped outline (n, 2) of (x, z), wall and both lids."""
    closed = np.concatenate([outline, outline[:1]])
    inner = (closed - outline.mean(axis=0)) * (1 - bevel / np.abs(outline).max()) + outline.mean(axis=0)
    rings = [(inner, top), (closed, top - bevel), (closed, bottom + bevel), (inner, bottom)]
    wall = np.stack([np.stack([ring[:, 0], np.full(len(ring), y), ring[:, 1]], -1) for ring, y in rings])
    lids = []
    for ring, y in (rings[0], rings[-1]):
        centre = np.broadcast_to(ring[:-1].mean(axis=0), ring.shape)
        flat = np.stack([centre, ring] if y == top else [ring, centre])
        lids.append(np.stack([flat[..., 0], np.full(flat.shape[:2], y), flat[..., 1]], -1))
    return [sheet(points, paint, **material) for points in (wall, *lids)]
