from dataclasses import replace

import numpy as np
import pytest

from assets_pipeline.asset import Material, Mesh, frozen
from assets_pipeline.geometry.cameras import frame, project
from assets_pipeline.texture.compare import psnr_db
from assets_pipeline.texture.draw import Part, Scene, draw
from tests.models import textured_mug

MUG, MAPS = textured_mug()
CAMERA = frame(MUG.positions, azimuth=30, elevation=15, size=160)
WHITE = np.array([255, 255, 255], np.uint8)


def plain(color: tuple[int, int, int]) -> Material:
    return Material(base_color=frozen(np.full((4, 4, 3), color, np.uint8)))


def square(z: float, side: float = 1.0) -> Mesh:
    """Standing on y = 0, facing +Z."""
    half = side / 2
    positions = np.array([[-half, 0, z], [half, 0, z], [half, side, z], [-half, side, z]], np.float32)
    return Mesh(
        positions=frozen(positions),
        indices=frozen(np.array([[0, 1, 2], [0, 2, 3]], np.uint32)),
        texcoords=frozen(np.array([[0, 1], [1, 1], [1, 0], [0, 0]], np.float32)),
    )


def test_without_a_studio_base_colours_are_seen_where_they_belong() -> None:
    quarters = np.zeros((2, 2, 3), np.uint8)
    quarters[0, 0], quarters[0, 1], quarters[1, 0], quarters[1, 1] = (255, 0, 0), (0, 255, 0), (0, 0, 255), (90, 90, 90)
    mesh = square(0)
    camera = frame(mesh.positions, azimuth=0, elevation=0, size=100, fill=0.9)
    material = Material(base_color=frozen(np.kron(quarters, np.ones((16, 16, 1), np.uint8))))
    seen = draw([Part(mesh, material)], camera, None, floor=False).over(WHITE)
    assert seen[25, 25].tolist() == [255, 0, 0]
    assert seen[25, 75].tolist() == [0, 255, 0]
    assert seen[75, 25].tolist() == [0, 0, 255]
    assert seen[75, 75].tolist() == [90, 90, 90]
    assert seen[1, 1].tolist() == [255, 255, 255]


def test_the_nearer_part_hides_the_farther() -> None:
    parts = [Part(square(0), plain((200, 0, 0))), Part(square(0.5, 0.5), plain((0, 0, 200)))]
    camera = frame(parts[0].mesh.positions, azimuth=0, elevation=0, size=100)
    seen = draw(parts, camera, None, floor=False).over(WHITE)
    assert seen[75, 50].tolist() == [0, 0, 200]
    assert seen[20, 50].tolist() == [200, 0, 0]


def test_the_silhouette_lies_where_the_camera_projects_it_and_its_edge_is_soft() -> None:
    picture = draw([Part(MUG, MAPS)], CAMERA)
    rows, columns = np.nonzero(picture.coverage > 0.5)
    pixels, _ = project(CAMERA, MUG.positions)
    assert np.allclose([columns.min(), rows.min()], pixels.min(axis=0), atol=1.5)
    assert np.allclose([columns.max() + 1, rows.max() + 1], pixels.max(axis=0), atol=1.5)
    assert ((picture.coverage > 0.05) & (picture.coverage < 0.95)).sum() > 50


def test_a_smoothed_edge_is_near_what_many_samples_give() -> None:
    fine = frame(MUG.positions, azimuth=30, elevation=15, size=640)
    many = draw([Part(MUG, MAPS)], fine, floor=False).coverage.reshape(160, 4, 160, 4).mean(axis=(1, 3))
    once = draw([Part(MUG, MAPS)], CAMERA, floor=False).coverage
    assert np.abs(many - once).max() < 0.25
    assert np.abs(many - once).mean() < 0.0015


def test_depth_is_the_distance_along_the_ray() -> None:
    mesh = square(0)
    camera = frame(mesh.positions, azimuth=0, elevation=0, size=51)
    depth = draw([Part(mesh, plain((9, 9, 9)))], camera, floor=False).depth
    assert depth[25, 25] == pytest.approx(-camera.translation[2], rel=1e-3)
    assert np.isinf(depth[0, 0])


def test_pictures_repeat_byte_for_byte() -> None:
    assert np.array_equal(draw([Part(MUG, MAPS)], CAMERA).rgba, draw([Part(MUG, MAPS)], CAMERA).rgba)


def test_white_stays_nearly_white_and_black_nearly_black_under_the_studio() -> None:
    def brightness(level: int) -> float:
        part = Part(MUG, plain((level, level, level)))
        picture = draw([part], CAMERA, floor=False)
        return float(picture.rgba[picture.coverage > 0.99][:, :3].mean())

    assert brightness(245) > 215
    assert brightness(128) == pytest.approx(128, abs=25)
    assert brightness(10) < 50


def test_dents_of_the_normal_map_and_gloss_change_the_light() -> None:
    base = draw([Part(MUG, MAPS)], CAMERA).over(WHITE)
    for change in ({"normal": None}, {"metallic_roughness": None}, {"occlusion": None}):
        assert psnr_db(base, draw([Part(MUG, replace(MAPS, **change))], CAMERA).over(WHITE)) < 45, change


def test_missing_tangents_are_made_as_viewers_make_them() -> None:
    bare = Part(replace(MUG, tangents=None), MAPS)
    assert psnr_db(draw([Part(MUG, MAPS)], CAMERA).over(WHITE), draw([bare], CAMERA).over(WHITE)) > 45


def test_the_green_of_a_normal_map_points_up_the_texture() -> None:
    """A surface tilted upward by its map catches the light from above, one tilted downward does not."""

    def brightness(green: int) -> float:
        mesh = square(0)
        camera = frame(mesh.positions, azimuth=0, elevation=0, size=40)
        normal = frozen(np.full((4, 4, 3), (128, green, 200), np.uint8))
        picture = draw([Part(mesh, replace(plain((128, 128, 128)), normal=normal))], camera, floor=False)
        return float(picture.color[20, 20].mean())

    assert brightness(220) > brightness(128) * 1.05
    assert brightness(40) < brightness(128) * 0.95


def test_shadow_lies_on_the_floor_beside_the_product_and_nowhere_far() -> None:
    picture = draw([Part(MUG, MAPS)], CAMERA)
    rows, columns = np.nonzero(picture.coverage > 0.5)
    bottom, middle = rows.max(), (columns.min() + columns.max()) // 2
    assert picture.shadow[bottom + 2, middle] > 0.2
    assert picture.shadow[:30].max() == 0
    assert picture.shadow.max() <= 1
    assert draw([Part(MUG, MAPS)], CAMERA, floor=False).shadow.max() == 0


def test_a_lifted_product_casts_a_fainter_shadow() -> None:
    lifted = replace(MUG, positions=frozen(MUG.positions + np.float32([0, 0.03, 0])))
    down, up = (Scene([Part(mesh, MAPS)]).floor.room for mesh in (MUG, lifted))
    assert up.max() < down.max()


def test_alpha_below_one_half_is_a_hole() -> None:
    mesh = square(0)
    base = np.full((16, 16, 4), 200, np.uint8)
    base[:, :8, 3] = 0
    camera = frame(mesh.positions, azimuth=0, elevation=0, size=60)
    coverage = draw([Part(mesh, Material(base_color=frozen(base)))], camera, floor=False).coverage
    assert coverage[30, 15] == 0
    assert coverage[30, 45] == 1


def test_vertex_colours_show_where_there_are_no_texcoords() -> None:
    mesh = replace(square(0), texcoords=None, colors=frozen(np.tile(np.uint8([10, 200, 30, 255]), (4, 1))))
    camera = frame(mesh.positions, azimuth=0, elevation=0, size=40)
    seen = draw([Part(mesh, plain((0, 0, 0)))], camera, None, floor=False).over(WHITE)
    assert np.abs(seen[20, 20].astype(int) - (10, 200, 30)).max() <= 1


def test_a_camera_inside_or_below_still_gives_a_picture() -> None:
    below = frame(MUG.positions, azimuth=0, elevation=-40, size=60)
    picture = draw([Part(MUG, MAPS)], below)
    assert picture.coverage.max() == 1
    assert picture.shadow.max() == 0


def test_the_shadow_is_black_in_alpha_and_over_white_the_same() -> None:
    picture = draw([Part(MUG, MAPS)], CAMERA)
    only = (picture.coverage == 0) & (picture.shadow > 0.3)
    assert only.any()
    assert picture.rgba[only][:, :3].max() == 0
    assert np.allclose(picture.rgba[only][:, 3] / 255, picture.shadow[only], atol=0.01)
