from functools import cache

import numpy as np
import pytest

from assets_pipeline.asset import Hints
from assets_pipeline.generators.primitive.cuboid import USUAL_DEPTH, cuboid_mesh, tessellated
from assets_pipeline.generators.primitive.route import (
    MAX_TEXELS,
    MAX_TEXTURE_PX,
    Choice,
    choose,
    depth_ratio,
    fit_revolve,
    full_size,
    looks_frontal,
    texture_size,
    turned_to_side,
)
from assets_pipeline.generators.primitive.solid import Solid
from assets_pipeline.generators.primitive.view import Crop, crop_product
from assets_pipeline.generators.primitive.words import KINDS
from assets_pipeline.geometry.topology import edges_of, weld
from tests.cutouts import BOWL, CAN, RED, Product, carton, chair, photograph, plain, tube, turned

POT_WITH_PLANT = np.array(
    [[0, 0], [0.07, 0], [0.073, 0.1], [0.09, 0.15], [0.1, 0.2], [0.05, 0.3], [0.02, 0.32], [0, 0.32]]
)
GLOBE = np.column_stack([np.sin(np.linspace(0, np.pi, 30)), 1 - np.cos(np.linspace(0, np.pi, 30))]) * 0.1


def product(name: str) -> tuple[Product, float, float]:
    """What it is, and the azimuth and elevation it is seen from."""
    return {
        "can": ([turned(CAN, plain(RED))], 0, 15),
        "bowl": ([turned(BOWL, plain(RED))], 0, 20),
        "pack": (carton(0.2, 0.3, 0.08), 30, 20),
        "pack in front": (carton(0.2, 0.3, 0.08), 0, 0),
        "trunk": (carton(0.3, 0.2, 0.2), 30, 20),
        "chair": (chair(), 30, 12),
        "plant": ([turned(POT_WITH_PLANT, plain(RED))], 0, 12),
        "globe": ([turned(GLOBE, plain(RED))], 0, 25),
        "boomerang": ([tube(np.array([[-0.1, 0.2, 0], [-0.09, 0.08, 0], [0.1, 0, 0]]), 0.02, RED)], 0, 0),
    }[name]


@cache
def crop_of(name: str) -> Crop:
    what, azimuth, elevation = product(name)
    return crop_product(photograph(what, azimuth=azimuth, elevation=elevation, size=240).cutout, 192)


@cache
def chosen(name: str, word: str, hints: Hints | None = None) -> Choice:
    return choose(crop_of(name), KINDS.get(word), hints or Hints())


@pytest.mark.parametrize(
    ("name", "word", "family"),
    [
        ("can", "can", "revolve_closed"),
        ("can", "mug", "revolve_open"),
        ("can", "vase", "revolve_closed"),
        ("bowl", "bowl", "revolve_open"),
        ("pack", "box", "cuboid"),
        ("pack in front", "phone", "extrusion"),
        ("pack in front", "bag", "inflation"),
    ],
)
def test_the_word_leads(name, word, family):
    choice = chosen(name, word)
    assert choice.solid.family == family
    assert f"'{word}'" in choice.why


@pytest.mark.parametrize(
    ("name", "family", "why"),
    [
        ("can", "revolve_closed", "round base"),
        ("bowl", "revolve_open", "widest at its rim"),
        ("pack", "cuboid", "box"),
        ("pack in front", "cuboid", "box"),
        pytest.param("chair", "furniture", "legs", marks=pytest.mark.slow),
        ("boomerang", "inflation", "no simple shape"),
    ],
)
def test_without_a_word_the_outline_decides(name, family, why):
    choice = chosen(name, "")
    assert choice.solid.family == family
    assert why in choice.why


@pytest.mark.parametrize(("name", "word"), [("chair", "bottle"), ("boomerang", "vase"), ("boomerang", "box")])
def test_a_word_that_the_outline_contradicts_gives_way(name, word):
    choice = chosen(name, word)
    assert choice.solid.family not in (KINDS[word].family, "revolve_open")
    assert f"'{word}'" not in choice.why


@pytest.mark.parametrize(
    ("name", "hints", "family"),
    [
        ("pack", None, "cuboid"),
        ("pack in front", Hints(width=0.2, height=0.3, depth=0.08), "cuboid"),
        ("pack in front", None, "revolve_closed"),  # may be a can at eye level: nothing speaks against the word
        ("can", None, "revolve_closed"),
        ("can", Hints(width=0.08, depth=0.08), "revolve_closed"),
    ],
)
def test_the_name_of_contents_is_no_reason_to_take_a_box_for_a_can(name, hints, family):
    assert chosen(name, "tea", hints).solid.family == family


def test_a_full_pot_gets_no_cavity():
    assert chosen("plant", "pot").solid.family == "revolve_closed"


def test_a_ball_is_round_from_wherever_it_was_photographed():
    solid = chosen("globe", "globe").solid
    extents = np.ptp(solid.positions, axis=0)
    assert extents / extents.max() == pytest.approx([1, 1, 1], abs=0.06)
    assert solid.rotation == pytest.approx(np.eye(3))


def test_a_plain_back_is_not_a_copy_of_the_front():
    assert np.linalg.det(chosen("pack", "cabinet").solid.symmetries[0]) == pytest.approx(-1)
    assert np.linalg.det(chosen("pack", "box").solid.symmetries[0]) == pytest.approx(1)
    assert chosen("pack in front", "phone").solid.symmetries == ()


@pytest.mark.parametrize("depth", [0.02, 0.15])
def test_a_given_depth_shapes_what_the_photo_cannot_tell(depth):
    hints = Hints(width=0.2, height=0.3, depth=depth)
    for word in ("box", "phone", "bag"):
        extents = np.ptp(chosen("pack in front", word, hints).solid.positions, axis=0)
        assert extents[2] / extents[1] == pytest.approx(depth / 0.3, rel=0.12), word


def test_a_turned_product_of_known_size_is_turned_to_its_front():
    choice = chosen("trunk", "camera", Hints(width=0.3, height=0.2, depth=0.2))
    azimuth = np.rad2deg(np.arctan2(-choice.solid.rotation[0, 2], choice.solid.rotation[0, 0]))
    assert azimuth == pytest.approx(30, abs=5)
    extents = np.ptp(choice.solid.positions, axis=0)
    assert extents / extents[1] == pytest.approx([1.5, 1, 1], rel=0.1)


def test_size_is_known_only_where_all_of_it_was_given():
    assert full_size(Hints(width=1, height=2)) is None
    assert full_size(Hints(width=1, height=2, depth=3)) == pytest.approx([1, 2, 3])


def test_depth_over_width_is_as_given_or_as_usual():
    assert depth_ratio(KINDS["book"], Hints(width=0.2, depth=0.1)) == 0.5
    assert depth_ratio(KINDS["book"], Hints(depth=0.1)) == KINDS["book"].depth
    assert depth_ratio(None, Hints()) == USUAL_DEPTH


def test_a_known_height_and_diameter_move_the_elevation_only_where_the_outline_bears_it():
    free = fit_revolve(crop_of("can"), Hints(), open_top=False)
    told = fit_revolve(crop_of("can"), Hints(height=0.12, depth=0.066), open_top=False)
    ratio = [np.ptp(profile.heights) / (2 * profile.radii.max()) for profile in (free, told)]
    assert abs(np.log(ratio[1] * 0.066 / 0.12)) <= abs(np.log(ratio[0] * 0.066 / 0.12))
    absurd = fit_revolve(crop_of("can"), Hints(height=5.0, depth=0.066), open_top=False)
    assert absurd.coverage > free.coverage - 0.04


def test_textures_keep_their_proportion_within_the_limits():
    assert texture_size(500.7, 300.2) == (500, 300)
    assert texture_size(3, 3) == (64, 64)
    width, height = texture_size(40_000, 10_000)
    assert max(width, height) <= MAX_TEXTURE_PX and width * height <= MAX_TEXELS
    assert width / height == pytest.approx(4, rel=0.01)
    width, height = texture_size(4000, 4000)
    assert width * height == pytest.approx(MAX_TEXELS, rel=0.01)


@pytest.mark.parametrize("heading", [-60, -20, 30, 130, 200])
def test_a_handle_is_turned_to_the_nearer_side_and_the_camera_with_it(heading):
    radians = np.deg2rad(heading)
    handle = np.array([[np.cos(radians), 0.1, np.sin(radians)]])
    solid = Solid(handle, np.zeros((1, 3), int), np.zeros((1, 2)), (64, 64), np.eye(3), np.zeros(3), "x", 1.0)
    turned = turned_to_side(solid, handle)
    side = 1.0 if np.cos(radians) > 0 else -1.0
    assert turned.positions == pytest.approx(np.array([[side, 0.1, 0]]), abs=1e-9)
    assert turned.positions @ turned.rotation.T == pytest.approx(handle), "the photo sees it where it was"


def test_a_handle_straight_at_the_camera_is_left_there():
    handle = np.array([[0.05, 0.1, 1.0]])
    solid = Solid(handle, np.zeros((1, 3), int), np.zeros((1, 2)), (64, 64), np.eye(3), np.zeros(3), "x", 1.0)
    assert turned_to_side(solid, handle) is solid


def test_dividing_faces_changes_neither_shape_nor_charts():
    positions, indices, texcoords = cuboid_mesh(np.array([1.0, 1.5, 0.4]))
    fine, faces, fine_texcoords = tessellated(positions, indices, texcoords)
    assert len(faces) == 6 * 2 * 24**2
    edges = edges_of(weld(fine, faces, tolerance=1e-9)[1])
    assert edges.watertight and edges.inconsistent == 0
    assert np.ptp(fine, axis=0) == pytest.approx([2, 3, 0.8])
    middle = np.linalg.norm(fine - (0, 0, 0.4), axis=1).argmin()
    assert fine_texcoords[middle] == pytest.approx(texcoords[4:8].mean(axis=0)), "the front's middle"


def test_a_front_view_is_told_by_its_proportion():
    size = np.array([0.2, 0.3, 0.08])
    assert looks_frontal(crop_of("pack in front"), size)
    assert not looks_frontal(crop_of("pack in front"), size[[2, 1, 0]])
