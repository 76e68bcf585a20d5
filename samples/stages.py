"""where the sample photos are taken: a studio sweep, and a cluttered table"""

from collections.abc import Sequence

import numpy as np

from samples import prints
from samples.photograph import Lens, Softbox
from samples.shapes import Floats, Paint, Part, lathe, plain, printed, rounded, rounded_box, sheet, there_and_back


def softbox(
    direction: Sequence[float], distance: float, size: float, target: Floats, power: float, tint: float
) -> Softbox:
    """A square light in `direction` from the target and facing it. power: irradiance it gives there, unshadowed."""
    away = np.array(direction, float)
    away /= np.linalg.norm(away)
    right = np.cross([0.0, 1.0, 0.0], away)
    right /= np.linalg.norm(right)
    up = np.cross(away, right)
    color = np.array([1 + tint, 1.0, 1 - tint]) * power * distance**2 / size**2
    return Softbox(target + away * distance, right * size / 2, up * size / 2, color)


def studio_lights(reach: float, target: Floats) -> list[Softbox]:
    """A large key from the upper left, a wide weak fill from the right, a strip from behind."""
    return [
        softbox((-1.0, 0.72, 0.62), 2.5 * reach, 1.3 * reach, target, 2.8, 0.015),
        softbox((1.0, 0.30, 0.45), 2.8 * reach, 1.6 * reach, target, 0.45, -0.01),
        softbox((0.35, 1.0, -0.55), 2.6 * reach, 1.1 * reach, target, 0.6, 0.0),
    ]


def sweep(reach: float) -> list[Part]:
    """White paper that runs from the table up the wall in one curve."""
    far, bend, wide = 1.6 * reach, 2.2 * reach, 9 * reach
    turn = np.linspace(0, np.pi / 2, 24)
    z = np.concatenate([[9 * reach], -far - bend * np.sin(turn), [-far - bend]])
    y = np.concatenate([[0.0], bend - bend * np.cos(turn), [9 * reach]])
    x = np.linspace(-wide, wide, 2)
    points = np.stack(np.broadcast_arrays(x[None, :], y[:, None], z[:, None]), axis=-1)
    return [sheet(points[:, ::-1].copy(), plain(232, 232, 231), roughness=0.9)]


def room_lights(reach: float, target: Floats) -> list[Softbox]:
    """A window on the left and a ceiling lamp."""
    return [
        softbox((-1.0, 0.75, 0.55), 3.2 * reach, 1.9 * reach, target, 2.1, -0.03),
        softbox((0.3, 1.0, 0.4), 4.0 * reach, 1.0 * reach, target, 0.8, 0.08),
    ]


def cluttered_table(reach: float, seed: int) -> list[Part]:
    """A wooden table before a papered wall, things standing at the sides and behind."""
    random = np.random.default_rng(seed)
    wood = printed(prints.wood(1024, 1024, (164, 112, 70), seed=seed, rings=7.0))
    boards: Paint = lambda p, _: wood(p, there_and_back(p[:, [0, 2]] / (2.6 * reach) + 0.4))  # noqa: E731
    span = np.array([[-7.0, 7.0], [-2.3, 7.0]]) * reach
    x, z = np.meshgrid(span[0], span[1])
    table = sheet(np.stack([x, np.zeros_like(x), z], axis=-1), boards, roughness=0.7)
    wall = rounded_box(
        (14 * reach, 8 * reach, 0.1 * reach), (0, 3 * reach, -2.8 * reach), 0.01 * reach, _wallpaper(reach)
    )
    return [table, wall, *_things(reach, random)]


def _wallpaper(reach: float) -> Paint:
    stripe, ground = plain(120, 140, 132), plain(198, 194, 178)

    def paint(positions: Floats, texcoords: Floats) -> Floats:
        across = (positions[:, :1] / (0.36 * reach)) % 1 < 0.45
        return np.where(across, stripe(positions, texcoords), ground(positions, texcoords))

    return paint


def _things(reach: float, random: np.random.Generator) -> list[Part]:
    """Books, jars and fruit, none in front of the product or touching it."""
    parts: list[Part] = []
    places = [(-1.45, -1.1), (-0.75, -1.75), (0.15, -1.7), (0.85, -1.55), (1.5, -1.0), (-1.75, -0.1), (1.65, 0.1)]
    colors = [
        (168, 60, 52),
        (58, 96, 128),
        (222, 178, 76),
        (72, 110, 70),
        (226, 218, 204),
        (96, 70, 110),
        (206, 112, 58),
    ]
    for i, (x, z) in enumerate(places):
        place, color = np.array([x, 0, z]) * reach, plain(*colors[(i * 3) % 7])
        kind = int(random.integers(0, 3))
        if kind == 0:  # a pile of books
            y = 0.0
            for book in range(int(random.integers(2, 5))):
                size = (
                    np.array([random.uniform(0.32, 0.44), random.uniform(0.05, 0.09), random.uniform(0.24, 0.30)])
                    * reach
                )
                paint = plain(*colors[int(random.integers(0, 7))])
                box = rounded_box(size, (0, y + size[1] / 2, 0), 0.004 * reach, paint, roughness=0.6)
                parts.append(box.moved(_standing(place, random.uniform(-0.5, 0.5) + book * 0.1)))
                y += size[1]
        elif kind == 1:  # a jar
            r, h = random.uniform(0.12, 0.18) * reach, random.uniform(0.35, 0.6) * reach
            profile = rounded(
                [
                    (0.0, h, 0),
                    (r * 0.7, h, r * 0.1),
                    (r * 0.7, h * 0.86, r * 0.1),
                    (r, h * 0.8, r * 0.3),
                    (r, 0, r * 0.15),
                    (0, 0, 0),
                ]
            )
            parts.append(lathe(profile, color, segments=48, roughness=0.4).moved(_standing(place, 0.0)))
        else:  # fruit
            for k in range(3):
                r = random.uniform(0.09, 0.12) * reach
                turn = np.linspace(np.pi, 0, 24)
                ball = lathe(
                    [(r * np.sin(t), r - r * np.cos(t) * 0.93) for t in turn], color, segments=40, roughness=0.5
                )
                off = np.array([np.cos(2.1 * k), 0, np.sin(2.1 * k)]) * 0.13 * reach
                parts.append(ball.moved(_standing(place + off, 0.0)))
    return parts


def _standing(place: Floats, turn: float) -> Floats:
    matrix = np.eye(4)
    matrix[:3, :3] = [[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]]
    matrix[:3, 3] = place
    return matrix


def lens_for(positions: Floats, *, elevation: float, fov: float, width: int, height: int, fill: float) -> Lens:
    """A lens in front of a product (points (n, 3)) that centres it and fills the frame to `fill` in one direction."""
    direction = np.array([0.0, np.sin(elevation), np.cos(elevation)])
    target = (positions.min(axis=0) + positions.max(axis=0)) / 2
    distance = 4 * float(np.linalg.norm(np.ptp(positions, axis=0)))
    half = np.tan(fov / 2) * np.array([width / height, 1.0])
    for _ in range(8):
        lens = Lens(target + distance * direction, target, fov, width, height)
        seen = (positions - lens.eye) @ lens.axes.T
        at = seen[:, :2] / -seen[:, 2:] / half
        low, high = at.min(axis=0), at.max(axis=0)
        target = target + ((low + high) / 2 * half * distance) @ lens.axes[:2]
        distance *= float(((high - low) / 2).max()) / fill
    return lens
