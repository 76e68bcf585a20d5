"""the sample products: name -> parts and what a shop would say about them"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from skimage import measure

from assets_pipeline.geometry.rays import RayScene
from samples import prints
from samples.shapes import (
    Floats,
    Paint,
    Part,
    extruded,
    lathe,
    linear,
    plain,
    printed,
    rounded,
    rounded_box,
    sheet,
    smooth_normals,
    there_and_back,
    tube,
)


@dataclass(frozen=True)
class Product:
    """What is for sale. `build` gives its parts, standing on y = 0, front toward +Z."""

    name: str
    title: str
    category: str
    build: Callable[[], list[Part]]


def mug() -> list[Part]:
    """A dipped mug with a handle on the viewer's right."""
    outside = rounded([(0.0412, 0.0935, 0), (0.0408, 0.012, 0), (0.0375, 0.0, 0.009), (0.0285, 0.0, 0)], 7)
    lip = [(0.0385, 0.0932), (0.0392, 0.0946), (0.0402, 0.0950), (0.0410, 0.0945), (0.0412, 0.0935)]
    inside = rounded([(0.0, 0.0075, 0), (0.0365, 0.0075, 0.008), (0.0382, 0.05, 0.01), (0.0385, 0.0932, 0)], 7)
    foot = [(0.0285, 0.0), (0.0270, 0.0018), (0.0, 0.0018)]
    cream = plain(246, 239, 222)
    glossy = {"roughness": 0.16}
    turn = np.linspace(np.pi / 2, -np.pi / 2, 40)
    path = np.stack([0.0400 + 0.0285 * np.cos(turn), 0.0485 + 0.0285 * np.sin(turn), np.zeros(40)], axis=1)
    radii = np.stack([np.full(40, 0.0042), np.full(40, 0.0066)], axis=1)
    handle = tube(path, radii, cream, segments=24, caps=False, **glossy)
    return [
        lathe(outside, _by_height(prints.mug_glaze(), 0.0, 0.0935), **glossy),
        lathe(lip, cream, **glossy),
        lathe(inside, cream, **glossy),
        lathe(foot, plain(214, 202, 180), roughness=0.8),
        handle,
    ]


def _by_height(image: np.ndarray, bottom: float, top: float) -> Paint:
    """A print around the axis: u from the angle, v from the height."""
    paint = printed(image)

    def at(positions: Floats, _: Floats) -> Floats:
        u = np.arctan2(positions[:, 0], positions[:, 2]) / (2 * np.pi) + 0.5
        return paint(positions, np.stack([u, (top - positions[:, 1]) / (top - bottom)], axis=1))

    return at


def bottle() -> list[Part]:
    """A shampoo bottle: green body, paper label all around, black cap with grip."""
    body = rounded(
        [(0.0165, 0.150, 0), (0.0165, 0.143, 0.002), (0.033, 0.130, 0.012), (0.033, 0.0, 0.006), (0.0, 0.0, 0)], 9
    )
    label = [(0.0332, 0.112), (0.0332, 0.022)]
    cap = rounded([(0.0, 0.182, 0), (0.0185, 0.182, 0.003), (0.0192, 0.150, 0.001), (0.0150, 0.150, 0)], 5)
    ribs = []
    for turn in np.linspace(0, 2 * np.pi, 40, endpoint=False):
        foot = np.array([np.sin(turn), 0, np.cos(turn)])
        path = np.stack([foot * 0.0191 + [0, y, 0] for y in np.linspace(0.153, 0.177, 5)])
        ribs.append(tube(path, np.full((5, 2), 0.0008), plain(28, 28, 30), segments=6, roughness=0.4))
    return [
        lathe(body, plain(30, 86, 62), roughness=0.18),
        lathe(label, printed(prints.bottle_label()), roughness=0.55),
        lathe(cap, plain(28, 28, 30), roughness=0.4),
        *ribs,
    ]


CARTON = (0.125, 0.180, 0.065)


def carton() -> list[Part]:
    """A tea carton, printed on every side."""
    height = CARTON[1]
    pixels = 5200  # per metre
    w, h, d = (round(side * pixels) for side in CARTON)
    sides = {
        "front": printed(prints.carton_front(w, h)),
        "back": printed(prints.carton_back(w, h)),
        "right": printed(prints.carton_side(d, h, left=False)),
        "left": printed(prints.carton_side(d, h, left=True)),
        "top": printed(prints.carton_top(w, d)),
        "bottom": plain(206, 196, 178),
    }

    def paint(positions: Floats, texcoords: Floats) -> Floats:
        from_centre = (positions - [0, height / 2, 0]) / (np.array(CARTON) / 2)
        axis = np.abs(from_centre).argmax(axis=1)
        x, y, z = np.clip(from_centre / 2 + 0.5, 0, 1).T
        faces = {
            "front": ((axis == 2) & (z > 0.5), x, 1 - y),
            "back": ((axis == 2) & (z <= 0.5), 1 - x, 1 - y),
            "right": ((axis == 0) & (x > 0.5), 1 - z, 1 - y),
            "left": ((axis == 0) & (x <= 0.5), z, 1 - y),
            "top": ((axis == 1) & (y > 0.5), x, z),
            "bottom": ((axis == 1) & (y <= 0.5), x, z),
        }
        color = np.zeros_like(positions)
        for name, (where, u, v) in faces.items():
            color[where] = sides[name](positions[where], np.stack([u, v], axis=1)[where])
        return color

    return [rounded_box(CARTON, (0, height / 2, 0), 0.0009, paint, roughness=0.5)]


def chair() -> list[Part]:
    """A dining chair: splayed legs, upholstered seat, curved back rest."""
    oak, board = (_grain((190, 142, 92), 11, along=axis) for axis in (1, 0))
    legs = []
    for x, z, top in ((-0.19, 0.18, 0.43), (0.19, 0.18, 0.43), (-0.185, -0.19, 0.82), (0.185, -0.19, 0.82)):
        y = np.linspace(0, top, 24)
        lean = np.where(y < 0.43, (0.43 - y) * 0.09, 0)
        rake = np.where(y > 0.43, (y - 0.43) * 0.16, 0)
        path = np.stack([x + np.sign(x) * lean, y, z + np.sign(z) * lean - rake], axis=1)
        thick = np.interp(y, [0, 0.43, top], [0.0135, 0.019, 0.0145])
        legs.append(tube(path, np.stack([thick, thick], axis=1), oak, segments=16, roughness=0.45))
    rails = []
    for a, b, y in (
        ((-0.19, 0.18), (0.19, 0.18), 0.395),
        ((-0.19, -0.19), (0.19, -0.19), 0.395),
        ((-0.19, 0.18), (-0.185, -0.19), 0.395),
        ((0.19, 0.18), (0.185, -0.19), 0.395),
        ((-0.205, 0.19), (-0.205, -0.205), 0.18),
        ((0.205, 0.19), (0.205, -0.205), 0.18),
    ):
        t = np.linspace(0, 1, 12)[:, None]
        path = np.hstack([np.array(a) * (1 - t) + np.array(b) * t, np.full((12, 1), y)])[:, [0, 2, 1]]
        size = (0.020, 0.010) if y > 0.3 else (0.009, 0.009)
        wood = board if a[0] != b[0] and abs(a[1] - b[1]) < 0.1 else _grain((190, 142, 92), 11, along=2)
        rails.append(tube(path, np.tile(size, (12, 1)), wood, segments=12, roughness=0.45))
    return [*legs, *rails, _seat(), *_back_rest(board)]


def _grain(color: tuple[int, int, int], seed: int, *, along: int) -> Paint:
    """Wood in space, its grain along one axis."""
    paint = printed(prints.wood(512, 1024, color, seed=seed, rings=5.0))
    a, b = (along + 1) % 3, (along + 2) % 3

    def at(positions: Floats, _: Floats) -> Floats:
        across = positions[:, a] * 3.1 + positions[:, b] * 4.3
        return paint(positions, there_and_back(np.stack([positions[:, along] * 1.4, across], axis=1)))

    return at


def _seat() -> Part:
    across, along = np.meshgrid(np.linspace(0, 2 * np.pi, 97), np.linspace(-np.pi / 2, np.pi / 2, 33), indexing="xy")
    squash = lambda angle, power: np.sign(angle) * np.abs(angle) ** power  # noqa: E731
    ring, rise = squash(np.cos(along), 0.35), squash(np.sin(along), 0.6)
    x = 0.222 * ring * squash(np.cos(across), 0.28)
    z = 0.215 * ring * squash(np.sin(across), 0.28)
    dome = 0.012 * (1 - (x / 0.222) ** 2) * (1 - (z / 0.215) ** 2)
    y = 0.435 + 0.027 * rise + np.where(rise > 0, dome, 0)
    points = np.stack([x, y, z], axis=-1)
    points[:, -1] = points[:, 0]
    cloth = printed(prints.weave(512, (92, 112, 128), contrast=0.28, threads=44, seed=5))
    weave: Paint = lambda positions, _: cloth(positions, (positions[:, [0, 2]] * 6.0) % 1.0)  # noqa: E731
    return sheet(points[::-1].copy(), weave, roughness=0.95)


def _back_rest(wood: Paint) -> list[Part]:
    boards = []
    for y, tall in ((0.765, 0.050), (0.665, 0.030), (0.575, 0.030)):
        turn = np.linspace(-1, 1, 32)
        z = -0.19 - (y - 0.43) * 0.16 - 0.028 * (1 - turn**2)
        path = np.stack([turn * 0.187, np.full(32, y), z], axis=1)
        boards.append(tube(path, np.tile((0.0085, tall), (32, 1)), wood, segments=24, roughness=0.45))
    return boards


def lamp() -> list[Part]:
    """A table lamp: round brass foot and pole, linen shade open at both ends."""
    brass = {"roughness": 0.28, "metallic": 1.0}
    gold = plain(214, 170, 96)
    foot = rounded([(0.0, 0.022, 0), (0.082, 0.016, 0.01), (0.085, 0.0, 0.004), (0.0, 0.0, 0)], 7)
    knob = [(0.0001, 0.020), (0.018, 0.022), (0.016, 0.034), (0.0085, 0.042), (0.0065, 0.06)]
    pole = [(0.0065, 0.29), (0.0065, 0.06)]
    neck = rounded([(0.0, 0.305, 0), (0.014, 0.305, 0.003), (0.014, 0.272, 0.003), (0.0065, 0.268, 0)], 4)
    cloth = printed(prints.weave(512, (232, 220, 198), contrast=0.14, threads=52, seed=8))
    linen: Paint = lambda positions, texcoords: cloth(  # noqa: E731
        positions, np.stack([(texcoords[:, 0] * 9) % 1, (positions[:, 1] * 14) % 1], axis=1)
    )
    trim = plain(190, 172, 140)
    arms = [
        tube(
            np.stack([foot_at * r + [0, 0.292 + 0.02 * r / 0.14, 0] for r in np.linspace(0.01, 0.139, 6)]),
            np.full((6, 2), 0.0014),
            gold,
            segments=8,
            **brass,
        )
        for foot_at in (np.array([np.sin(a), 0, np.cos(a)]) for a in (0.5, 2.6, 4.7))
    ]
    return [
        lathe(foot, gold, **brass),
        lathe(knob[::-1], gold, **brass),
        lathe(pole, gold, **brass),
        lathe(neck, gold, **brass),
        lathe([(0.105, 0.435), (0.158, 0.245)], linen, roughness=0.95),
        lathe([(0.1555, 0.245), (0.1025, 0.435)], linen, roughness=0.95),
        lathe([(0.1025, 0.435), (0.1025, 0.437), (0.1058, 0.437), (0.1062, 0.428)], trim, roughness=0.9),
        lathe([(0.1565, 0.254), (0.1592, 0.243), (0.1545, 0.243), (0.1555, 0.246)], trim, roughness=0.9),
        *arms,
    ]


def shoe() -> list[Part]:
    """A low sneaker, toe toward the front."""
    positions, indices = _upper()
    stitched = _upper_paint()
    upper = Part(
        positions, indices, smooth_normals(positions, indices), np.zeros((len(positions), 2)), stitched, roughness=0.85
    )
    white = plain(238, 236, 230)
    sole = extruded(_footprint(0.0), 0.0, 0.026, white, bevel=0.003, roughness=0.6)
    stripe = extruded(_footprint(0.0006), 0.010, 0.014, plain(196, 84, 58), roughness=0.6)[:1]
    return [*sole, *stripe, upper, *_laces(upper)]


def _footprint(grow: float) -> Floats:
    """The sole's outline: (x, z) of 160 points, heel at -z."""
    turn = np.linspace(0, 2 * np.pi, 160, endpoint=False)
    z = 0.143 * np.cos(turn)
    half = np.interp(z, [-0.14, -0.09, -0.02, 0.06, 0.14], [0.042, 0.043, 0.042, 0.050, 0.048])
    x = half * np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** 0.72
    x += 0.006 * np.cos(np.pi * (z + 0.03) / 0.28)
    return np.stack([x, z], axis=1) * (1 + grow / 0.04) + [0, 0]


def _blob(points: Floats, centre: Floats, size: Floats) -> Floats:
    """About the signed distance to an ellipsoid, positive inside."""
    scaled = (points - centre) / size
    length = np.linalg.norm(scaled, axis=-1)
    return (1 - length) * np.linalg.norm(scaled * size, axis=-1) / np.maximum(length, 1e-6)


def _join(a: Floats, b: Floats, soft: float) -> Floats:
    """Smooth union. Source: Quilez, "Smooth minimum" (polynomial)."""
    mix = np.clip(0.5 + 0.5 * (a - b) / soft, 0, 1)
    return b * (1 - mix) + a * mix + soft * mix * (1 - mix)


def _upper() -> tuple[Floats, np.ndarray]:
    """The shoe's shell: blobs joined, the foot's opening taken out."""
    step = 0.0021
    axes = [np.arange(low, high, step) for low, high in ((-0.058, 0.062), (0.012, 0.130), (-0.146, 0.146))]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    solid = _blob(points, np.array([0.001, 0.012, 0.082]), np.array([0.043, 0.047, 0.057]))
    for centre, size in (
        ((0.004, 0.014, 0.025), (0.041, 0.068, 0.075)),
        ((0.002, 0.012, -0.070), (0.036, 0.075, 0.064)),
        ((0.001, 0.060, -0.080), (0.031, 0.048, 0.052)),
    ):
        solid = _join(solid, _blob(points, np.array(centre), np.array(size)), 0.022)
    base = _base(axes[0], axes[2], step)[:, None]
    solid = _join(solid, base - 8 * np.maximum(points[..., 1] - 0.026, 0), 0.012)
    opening = _join(
        _blob(points, np.array([0.001, 0.098, -0.070]), np.array([0.0255, 0.055, 0.046])),
        _blob(points, np.array([0.001, 0.108, -0.030]), np.array([0.022, 0.030, 0.034])),
        0.014,
    )
    collar = 0.101 + 0.06 * np.maximum(-points[..., 2] - 0.085, 0) - points[..., 1]
    inside = -_join(_join(-solid, opening, 0.003), -collar, 0.003)
    welt = base + 3 * np.maximum(points[..., 1] - 0.024, 0)  # nothing bulges over the sole's edge
    inside = np.minimum.reduce([inside, welt, points[..., 1] - 0.0165])
    found, faces, _, _ = measure.marching_cubes(np.pad(inside, 1, constant_values=-0.01), 0.0, spacing=(step,) * 3)
    found = found - step + [axis[0] for axis in axes]
    return found, faces.astype(np.int64)


def _base(x: Floats, z: Floats, step: float) -> Floats:
    """Distance to the line where the upper meets the sole, positive inside, over a grid (x, z)."""
    covered = measure.grid_points_in_poly((len(x), len(z)), (_footprint(-0.0022) - [x[0], z[0]]) / step)
    return (ndimage.distance_transform_edt(covered) - ndimage.distance_transform_edt(~covered)) * step


def _upper_paint() -> Paint:
    """Knitted blue, darker heel counter and toe cap, a stripe on each side, a grey lining."""
    knit = printed(prints.weave(512, (58, 92, 150), contrast=0.35, threads=26, seed=21))
    navy, coral, lining = linear(np.array([[34, 48, 84], [214, 96, 66], [150, 152, 158]]) / 255)

    def paint(positions: Floats, _: Floats) -> Floats:
        x, y, z = positions.T
        color = knit(positions, np.stack([z * 8, np.arctan2(x, y + 0.02) * 0.55 % 1], axis=1)).copy()
        color[(z > 0.108 - 0.25 * np.abs(x)) | (z < -0.108 + 0.4 * (y - 0.03))] = navy
        along = z + 0.55 * (y - 0.05)
        for start in (-0.018, 0.004, 0.026):
            color[(np.abs(along - start) < 0.0062) & (y > 0.024) & (y < 0.074) & (np.abs(x) > 0.018)] = coral
        hole = (np.abs(x - 0.001) / 0.0245) ** 2 + ((z + 0.062) / 0.054) ** 2 < 1
        color[hole & (y > 0.04)] = lining
        return color

    return paint


def _laces(upper: Part) -> list[Part]:
    """Five laces that lie on the upper."""
    white, scene = plain(240, 238, 232), RayScene(upper.positions, upper.indices)
    laces = []
    for i, z in enumerate(np.linspace(-0.002, 0.060, 5)):
        turn = np.linspace(-1, 1, 18)
        path = np.stack([0.002 + turn * 0.020, np.full(18, 0.2), z + turn * (0.005 if i % 2 else -0.005)], axis=1)
        _, fallen, _ = scene.first_hit(path, np.tile([0.0, -1.0, 0.0], (18, 1)))
        path[:, 1] = ndimage.gaussian_filter1d(0.2 - fallen + 0.0006, 1.5, mode="nearest")
        laces.append(tube(path, np.full((18, 2), 0.0019), white, segments=10, roughness=0.9))
    return laces


PRODUCTS = (
    Product("mug", "Coffee mug", "mug", mug),
    Product("bottle", "Herbal shampoo, 300 ml", "bottle", bottle),
    Product("carton", "Mountain tea, 40 bags", "box", carton),
    Product("chair", "Dining chair in oak", "chair", chair),
    Product("lamp", "Table lamp with linen shade", "lamp", lamp),
    Product("shoe", "Knitted sneaker", "shoe", shoe),
)
