from functools import cache

import cv2
import numpy as np
import pytest

from assets_pipeline.asset import Cutout, Material, Mesh, frozen
from assets_pipeline.generators.primitive.cuboid import cuboid_mesh
from assets_pipeline.generators.primitive.paint import (
    Painting,
    Projector,
    fit_shading,
    gather,
    harmonics,
    paint,
    relit,
    spread,
)
from assets_pipeline.generators.primitive.route import tessellated
from assets_pipeline.generators.primitive.solid import MIRROR_X, TURN, Solid
from assets_pipeline.geometry.cameras import frame
from assets_pipeline.texture.compare import psnr_db
from assets_pipeline.texture.draw import Part, draw
from assets_pipeline.texture.raster import rasterise
from tests.cutouts import BLUE, DARK, RED, WHITE, YELLOW, Product, Shot, box, carton, lettering, photograph, plain

SIZE = np.array([0.2, 0.3, 0.08])


def true_box(*symmetries: np.ndarray) -> Solid:
    """The carton's own shape, so that nothing but painting can go wrong."""
    positions, indices, texcoords = tessellated(*cuboid_mesh(SIZE / 2))
    standing = positions + np.array([0, SIZE[1] / 2, 0])
    return Solid(standing, indices, texcoords, (420, 350), np.eye(3), np.zeros(3), "cuboid", 1.0, symmetries)


def white_pack() -> Product:
    faces = {name: lettering() for name in ("front", "left", "right", "back", "top", "bottom")}
    return carton(*SIZE, faces)


@cache
def shot() -> Shot:
    return photograph(white_pack(), azimuth=30, elevation=15)


@cache
def painted() -> Painting:
    return paint(true_box(TURN), [(shot().cutout, shot().camera)])


def picture(painting: Painting, solid: Solid, *, azimuth: float, elevation: float = 0.0) -> np.ndarray:
    """The painted shape from some side, uint8 (160, 160, 4)."""
    camera = frame(solid.positions, azimuth=azimuth, elevation=elevation, size=160)
    return draw([part_of(painting, solid)], camera, None, floor=False).rgba


def part_of(painting: Painting, solid: Solid) -> Part:
    mesh = Mesh(
        frozen(solid.positions, np.float32), frozen(solid.indices, np.uint32), frozen(solid.texcoords, np.float32)
    )
    return Part(mesh, Material(base_color=painting.base_color))


def likeness(a: np.ndarray, b: np.ndarray) -> float:
    """Correlation of two pictures' brightness well inside the product, -1..1."""
    one, other = (image[24:136, 46:114, :3].mean(axis=2).ravel() for image in (a, b))
    return float(np.corrcoef(one, other)[0, 1])


def true_front() -> np.ndarray:
    camera = frame(true_box().positions, azimuth=0, elevation=0, size=160)
    return draw(white_pack(), camera, None, floor=False).rgba


def normals_of_a_ball(count: int = 4000) -> np.ndarray:
    normals = np.random.default_rng(0).normal(size=(count, 3))
    return (normals / np.linalg.norm(normals, axis=1, keepdims=True)).astype(np.float32)


def test_the_painted_shape_looks_like_its_photo():
    drawn = draw([part_of(painted(), true_box())], shot().camera, None, floor=False).rgba
    inside = (drawn[..., 3] > 250) & (shot().cutout.rgba[..., 3] > 250)
    assert psnr_db(drawn[..., :3], shot().cutout.rgba[..., :3], inside) > 25


def test_sides_of_different_colours_keep_them():
    seen = photograph(carton(*SIZE, {"front": plain(WHITE), "right": plain(BLUE)}), azimuth=30, elevation=15)
    painting = paint(true_box(TURN), [(seen.cutout, seen.camera)])
    front = picture(painting, true_box(), azimuth=0)[80, 80, :3].astype(int)
    right = picture(painting, true_box(), azimuth=90)[80, 80, :3].astype(int)
    assert np.abs(front - WHITE).max() < 25
    assert np.abs(right - BLUE).max() < 25


def test_the_front_is_rectified():
    assert likeness(picture(painted(), true_box(), azimuth=0), true_front()) > 0.95


def test_lettering_on_the_back_can_be_read():
    back = picture(painted(), true_box(), azimuth=180)
    assert likeness(back, true_front()) > 0.95
    assert likeness(back, true_front()[:, ::-1]) < 0.5


def test_a_back_without_likeness_to_the_front_carries_no_print():
    sides = {name: plain(WHITE) for name in ("left", "right", "top", "back")}
    seen = photograph(carton(*SIZE, {"front": lettering()} | sides), azimuth=30, elevation=15)
    solid = true_box(MIRROR_X)
    painting = paint(solid, [(seen.cutout, seen.camera)])
    front, back = (picture(painting, solid, azimuth=azimuth)[24:136, 46:114, :3] for azimuth in (0, 180))
    assert front.std() > 60
    assert back.std() < 0.4 * front.std(), "at most a shimmer of it"


def test_a_mirrored_side_takes_the_colours_of_the_one_that_was_seen():
    seen = photograph(carton(*SIZE, {"front": plain(RED), "right": plain(RED), "top": plain(RED)}), azimuth=40)
    solid = true_box(MIRROR_X)
    left = picture(paint(solid, [(seen.cutout, seen.camera)]), solid, azimuth=-90)
    assert np.abs(left[80, 80, :3].astype(int) - RED).max() < 30


def test_seen_tells_which_faces_the_photo_shows():
    painting, solid = painted(), true_box()
    assert painting.base_color.shape == (*painting.seen.shape, 3) == (350, 420, 3)
    assert painting.base_color.dtype == painting.seen.dtype == np.uint8
    assert set(np.unique(painting.seen)) == {0, 255}
    triangle, _ = rasterise(solid.texcoords, solid.indices, 420, 350, margin=False)
    face = np.where(triangle >= 0, triangle // (len(solid.indices) // 6), -1)
    share = [(painting.seen[face == k] > 0).mean() for k in range(6)]  # left, front, right, back, top, bottom
    assert min(share[1], share[2]) > 0.9 and share[4] > 0.6
    assert max(share[0], share[3], share[5]) == 0


def test_no_background_colour_reaches_the_texture():
    rgba = shot().cutout.rgba.copy()
    rgba[rgba[..., 3] == 0] = (255, 0, 255, 0)
    inside = cv2.erode(rgba[..., 3], np.ones((3, 3), np.uint8)) == 255
    rgba[(rgba[..., 3] > 0) & ~inside, :3] = (255, 0, 255)
    spoilt = Cutout(name="pack.png", rgba=frozen(rgba), focal_px=shot().cutout.focal_px)
    texture = paint(true_box(TURN), [(spoilt, shot().camera)]).base_color.astype(int)
    magenta = np.minimum(texture[..., 0], texture[..., 2]) - texture[..., 1]
    assert magenta.max() < 30


def test_what_stands_in_front_does_not_colour_what_stands_behind():
    parts = [
        box((-0.1, 0, -0.1), (0.1, 0.2, -0.08), {"front": plain(YELLOW)}),
        box((-0.03, 0, 0.08), (0.03, 0.2, 0.1), {"front": plain(DARK)}),
    ]
    seen = photograph(parts, azimuth=0, elevation=0)
    positions = np.concatenate([part.mesh.positions for part in parts]).astype(float)
    indices = np.concatenate([parts[0].mesh.indices, parts[1].mesh.indices.astype(np.int64) + 24])
    solid = Solid(positions, indices, np.zeros((48, 2)), (8, 8), np.eye(3), np.zeros(3), "x", 1.0)
    projector = Projector(seen.cutout, seen.camera, solid)
    points = np.array([[0.0, 0.1, -0.08], [0.08, 0.1, -0.08], [0.0, 0.1, 0.1], [0.0, 0.1, -0.1]], np.float32)
    normals = np.array([[0, 0, 1.0], [0, 0, 1], [0, 0, 1], [0, 0, -1]], np.float32)
    colour, weight = projector.look(points, normals)
    assert weight[0] == 0, "hidden behind the other box"
    assert weight[3] == 0, "faces away"
    assert weight[1] > 0.8 and weight[2] > 0.8
    assert colour[1] * 255 == pytest.approx(np.array(YELLOW), abs=3)
    assert colour[2] * 255 == pytest.approx(np.array(DARK), abs=3)


def test_the_back_of_a_texel_row_is_gathered_through_the_symmetry():
    solid = true_box(TURN)
    projectors = [Projector(shot().cutout, shot().camera, solid)]
    points = np.array([[0.06, 0.25, 0.04], [-0.06, 0.25, -0.04]], np.float32)
    normals = np.array([[0, 0, 1.0], [0, 0, -1.0]], np.float32)
    colour, weight, direct = gather(projectors, solid, points, normals)
    assert direct[0] > 0.5 and direct[1] == 0
    assert weight[1] > 0
    assert colour[1] == pytest.approx(colour[0], abs=1e-5)


def test_a_second_photo_colours_what_the_first_does_not_show():
    product = carton(*SIZE, {name: plain(RED) for name in ("front", "left", "right", "top")} | {"back": plain(YELLOW)})
    front, back = photograph(product, azimuth=0), photograph(product, azimuth=180)
    solid = true_box(TURN)
    both = paint(solid, [(front.cutout, front.camera), (back.cutout, back.camera)])
    for azimuth, color in ((0, RED), (180, YELLOW)):
        found = picture(both, solid, azimuth=azimuth)[80, 80, :3].astype(int)
        assert np.abs(found - color).max() < 40
    alone = paint(solid, [(front.cutout, front.camera)])
    assert (both.seen > 0).mean() > 1.5 * (alone.seen > 0).mean()


def test_harmonics_are_independent_of_each_other_and_of_a_constant():
    basis = harmonics(normals_of_a_ball(40_000)).astype(float)
    basis /= np.sqrt((basis**2).mean(axis=0))
    assert np.abs(basis.mean(axis=0)).max() < 0.03
    assert np.abs(basis.T @ basis / len(basis) - np.eye(8)).max() < 0.03


def test_shading_that_follows_direction_is_taken_out():
    normals = normals_of_a_ball()
    light = np.exp(0.35 * normals[:, 1] + 0.15 * normals[:, 0])
    colour = (np.array([0.5, 0.4, 0.3]) * light[:, None]).astype(np.float32)
    weight = np.ones(len(normals), np.float32)
    shading = fit_shading(normals, colour, weight)
    after = relit(colour, normals, shading)
    assert np.log(after[:, 0]).std() < 0.5 * np.log(colour[:, 0]).std()
    assert after.mean(axis=0) == pytest.approx([0.5, 0.4, 0.3], rel=0.06)
    assert after[:, 0] / after[:, 1] == pytest.approx(np.full(len(after), 1.25), rel=1e-3), "hue stays"


def test_a_plain_product_in_even_light_is_left_alone():
    normals = normals_of_a_ball()
    colour = np.full((len(normals), 3), 0.6, np.float32)
    shading = fit_shading(normals, colour, np.ones(len(normals), np.float32))
    assert relit(colour, normals, shading) == pytest.approx(colour, abs=0.01)
    few = normals[:50]
    assert (fit_shading(few, colour[:50], np.ones(50, np.float32)) == 0).all()


def test_unknown_vertices_take_the_colour_of_what_is_near_and_faces_alike():
    rng = np.random.default_rng(0)
    positions = np.column_stack([rng.uniform(-1, 1, (400, 2)), np.zeros(400)]).astype(np.float32)
    normals = np.broadcast_to(np.float32([0, 0, 1]), (400, 3))
    colour = np.where(positions[:, :1] > 0, np.float32([1, 0, 0]), np.float32([0, 0, 1]))
    weight = np.ones(400, np.float32)
    unknown = np.abs(np.abs(positions[:, 0]) - 0.5) < 0.05
    weight[unknown] = 0
    found = spread(positions, normals, np.where(unknown[:, None], np.float32([0, 1, 0]), colour), weight)
    assert (found[~unknown] == colour[~unknown]).all(), "known ones keep their own"
    assert np.abs(found[unknown] - colour[unknown]).max() < 0.3
    assert found[unknown][:, 1].max() < 0.01, "and what was unknown is not believed"


def test_with_hardly_anything_known_all_becomes_the_mean_and_with_all_known_nothing_changes():
    positions = normals_of_a_ball(100)
    colour = np.random.default_rng(1).uniform(0, 1, (100, 3)).astype(np.float32)
    weight = np.zeros(100, np.float32)
    weight[:5] = 1
    assert spread(positions, positions, colour, weight) == pytest.approx(
        np.broadcast_to(colour[:5].mean(axis=0), (100, 3)), abs=1e-4
    )
    assert (spread(positions, positions, colour, np.ones(100, np.float32)) == colour).all()
