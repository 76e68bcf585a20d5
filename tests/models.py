"""A textured mug made from arithmetic, for tests that need a finished low-poly mesh and its maps."""

import numpy as np

from assets_pipeline.asset import Asset, Hints, Material, Mesh, RawShape, frozen

PROFILE = np.array(  # radius, height in metres: from the middle of the base outward, up, over the rim, down inside
    [
        [0, 0],
        [0.038, 0],
        [0.041, 0.003],
        [0.041, 0.092],
        [0.040, 0.0945],
        [0.0385, 0.095],
        [0.037, 0.0935],
        [0.037, 0.008],
        [0.034, 0.006],
        [0, 0.006],
    ]
)


def textured_mug(segments: int = 48, rows: int = 40, size: int = 256) -> tuple[Mesh, Material]:
    """A solid of revolution, 82 mm wide and 95 mm high, all its maps `size` wide."""
    return lathe(PROFILE, segments, rows), patterned_material(size)


def lathe(profile: np.ndarray, segments: int, rows: int) -> Mesh:
    """Turn a profile around y: u runs counter-clockwise seen from above, v against the profile. Tangents are exact."""
    length = np.r_[0, np.cumsum(np.linalg.norm(np.diff(profile, axis=0), axis=1))]
    at = np.unique(np.r_[np.linspace(0, length[-1], rows), length])
    radius, height = (np.interp(at, length, column) for column in profile.T)
    slope_r, slope_h = np.gradient(radius, at), np.gradient(height, at)
    around = np.linspace(0, 2 * np.pi, segments + 1)
    around[-1] = 0.0
    sin, cos = np.sin(around), np.cos(around)
    ones = np.ones_like(sin)

    def turned(r: np.ndarray, h: np.ndarray) -> np.ndarray:
        return np.stack([np.outer(r, sin), np.outer(h, ones), np.outer(r, cos)], axis=2).reshape(-1, 3)

    normals = turned(slope_h, -slope_r)
    tangents = np.tile(np.stack([cos, 0 * ones, -sin, ones], axis=1), (len(at), 1))
    v, u = np.meshgrid(1 - at / at[-1], np.linspace(0, 1, segments + 1), indexing="ij")
    return Mesh(
        positions=frozen(turned(radius, height), np.float32),
        indices=frozen(_quads(len(at), segments, radius), np.uint32),
        texcoords=frozen(np.stack([u.ravel(), v.ravel()], axis=1), np.float32),
        normals=frozen(normals / np.linalg.norm(normals, axis=1, keepdims=True), np.float32),
        tangents=frozen(tangents, np.float32),
    )


def _quads(rows: int, segments: int, radius: np.ndarray) -> np.ndarray:
    faces = []
    for row in range(rows - 1):
        for column in range(segments):
            a = row * (segments + 1) + column
            b, c, d = a + 1, a + segments + 2, a + segments + 1
            if radius[row] > 0:
                faces.append([a, b, c])
            if radius[row + 1] > 0:
                faces.append([a, c, d])
    return np.array(faces)


def patterned_material(size: int = 256) -> Material:
    """Maps that look different turned or mirrored any way: coloured squares, a shiny band, dimples, dark edges."""
    y, x = np.mgrid[0:size, 0:size] / size
    squares = (np.floor(x * 8) + np.floor(y * 8)) % 2
    base = np.stack([60 + 180 * x, 200 - 150 * y, 90 + 120 * squares], axis=2)
    base[(y > 0.55) & (y < 0.7) & (x > 0.05) & (x < 0.3)] = (250, 210, 40)
    surface = np.stack([0 * x, 90 + 120 * squares, 0 * x], axis=2)
    slope_x, slope_y = 0.25 * np.sin(x * 60), 0.25 * np.sin(y * 50)
    normal = np.stack([slope_x, slope_y, np.sqrt(1 - slope_x**2 - slope_y**2)], axis=2)
    return Material(
        base_color=frozen(base.round(), np.uint8),
        metallic_roughness=frozen(surface.round(), np.uint8),
        normal=frozen((normal * 127.5 + 127.5).round(), np.uint8),
        occlusion=frozen((255 - 80 * y).round(), np.uint8),
    )


def mug_asset(title: str = "Test mug", **mug: int) -> Asset:
    """An asset as it stands before export."""
    mesh, material = textured_mug(**mug)
    raw = RawShape(mesh=mesh, generator="primitive", family="revolve_open", size_source="given", scale_known=True)
    hints = Hints(title=title, height=0.095)
    return Asset(hints=hints, raw=raw, highpoly=mesh, lowpoly=mesh, material=material)
