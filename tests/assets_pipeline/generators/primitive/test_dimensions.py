from functools import cache

import numpy as np
import pytest

from assets_pipeline.asset import Camera, Hints, Mesh, RawShape, frozen
from assets_pipeline.errors import InputRejected
from assets_pipeline.generators.primitive.dimensions import UNKNOWN_SIZE, check_proportions, metres_per_unit, size_of
from assets_pipeline.generators.primitive.view import MARGIN, Crop, crop_product
from assets_pipeline.generators.primitive.words import KINDS
from assets_pipeline.geometry.cameras import project
from tests.cutouts import BOTTLE, RED, carton, chair, photograph, plain, table, turned

PRODUCTS = {
    "pack": (carton(0.2, 0.3, 0.08), (200, 300, 80)),
    "tray": (carton(0.6, 0.1, 0.4), (600, 100, 400)),
    "bottle": ([turned(BOTTLE, plain(RED))], (80, 235, 80)),
    "chair": (chair(), (440, 900, 440)),
    "table": (table(), (1200, 750, 700)),
}


@cache
def crop_of(product: str, azimuth: float, elevation: float) -> Crop:
    return crop_product(photograph(PRODUCTS[product][0], azimuth=azimuth, elevation=elevation, size=200).cutout, 128)


def hints(*millimetres: float | None) -> Hints:
    width, height, depth = (side and side / 1000 for side in millimetres)
    return Hints(width=width, height=height, depth=depth)


def contradiction(product: str, *millimetres: float | None, azimuth: float = 0, elevation: float = 8) -> str:
    with pytest.raises(InputRejected) as rejected:
        check_proportions(crop_of(product, azimuth, elevation), hints(*millimetres), "pack.jpg")
    assert rejected.value.code == "dimensions_contradict"
    assert rejected.value.photo == "pack.jpg"
    return rejected.value.advice


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("view", [(0, 0), (0, 10), (35, 20), (-60, 30)])
def test_true_dimensions_are_believed_from_wherever_the_photo_was_taken(product, view):
    width, height, depth = PRODUCTS[product][1]
    crop = crop_of(product, *view)
    check_proportions(crop, hints(width, height, depth), "")
    check_proportions(crop, hints(width, height, None), "")
    check_proportions(crop, hints(None, height, None), "")
    check_proportions(crop, Hints(), "")


@pytest.mark.parametrize("product", PRODUCTS)
def test_dimensions_a_tenth_off_are_believed_too(product):
    width, height, depth = PRODUCTS[product][1]
    for view in ((0, 5), (35, 20)):
        check_proportions(crop_of(product, *view), hints(width * 1.1, height * 0.9, depth * 1.1), "")
        check_proportions(crop_of(product, *view), hints(width * 0.9, height * 1.1, depth * 0.9), "")


def test_absurd_dimensions_are_not_believed_and_are_repeated_to_the_merchant():
    advice = contradiction("pack", 200, 1, 90000)
    assert "width 200 mm, height 1 mm, depth 90000 mm" in advice
    assert advice.endswith("please check them.")


@pytest.mark.parametrize(
    ("product", "millimetres", "slip"),
    [
        ("pack", (20, 300, 80), "the width given in centimetres instead of millimetres? 200 mm would fit"),
        ("tray", (6000, 100, 400), "the width given in millimetres instead of centimetres? 600 mm would fit"),
        ("bottle", (80 / 25.4, 235, 80 / 25.4), "the width given in inches instead of millimetres? 80 mm would fit"),
        ("pack", (0.2, 300, 80), "the width given in metres instead of millimetres? 200 mm would fit"),
    ],
)
def test_a_slip_in_the_width_is_named(product, millimetres, slip):
    assert slip in contradiction(product, *millimetres)


@pytest.mark.parametrize(
    ("product", "millimetres", "slip"),
    [
        ("pack", (200, 3000, 80), "the height given in millimetres instead of centimetres? 300 mm would fit"),
        ("bottle", (80, 23.5, 80), "the height given in centimetres instead of millimetres? 235 mm would fit"),
        ("bottle", (80, 235 / 25.4, 80), "the height given in inches instead of millimetres? 235 mm would fit"),
        ("pack", (200, 0.3, 80), "the height given in metres instead of millimetres? 300 mm would fit"),
    ],
)
def test_the_likeliest_slip_is_named(product, millimetres, slip):
    assert slip in contradiction(product, *millimetres)


@pytest.mark.parametrize(
    ("product", "millimetres"),
    [("tray", (100, 600, 400)), ("tray", (600, 1000, 400)), ("chair", (440, 90, 440)), ("chair", (440, 9000, 440))],
)
def test_swapped_and_slipped_dimensions_are_not_believed(product, millimetres):
    for view in ((0, 8), (30, 12)):
        assert "would fit" in contradiction(product, *millimetres, azimuth=view[0], elevation=view[1])


@pytest.mark.parametrize("millimetres", [(235, 80, 80), (235, 80, None)])
def test_a_bottles_swapped_dimensions_are_not_believed(millimetres):
    contradiction("bottle", *millimetres)


def test_width_and_height_alone_can_contradict_each_other():
    assert "width 20 mm, height 2350 mm" in contradiction("chair", 20, 2350, None)


@pytest.mark.parametrize("millimetres", [(200, 300, 0.5), (200, 300, 90000)])
def test_a_depth_that_no_product_has_is_not_believed_though_the_photo_does_not_show_it(millimetres):
    assert "depth" in contradiction("pack", *millimetres)


def shape(longest: float = 2.0) -> RawShape:
    positions = np.array([[0, 0, 0], [longest / 2, 0, 0], [0, longest, 0], [0, 0, longest / 4]])
    mesh = Mesh(
        frozen(positions, np.float32), frozen(np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]), np.uint32)
    )
    camera = Camera(np.eye(3), np.array([0.0, -1.0, -5.0]), 500.0, 300, 300)
    return RawShape(mesh=mesh, generator="primitive", cameras=(camera, None))


def test_without_dimensions_a_known_kind_gets_its_usual_size_and_says_so():
    sized = size_of(shape(), Hints(title="Mug"), KINDS["mug"])
    assert sized.mesh.extents.max() == pytest.approx(KINDS["mug"].size)
    assert sized.size_source == "typical" and sized.scale_known
    assert "no dimensions were given: made 100 mm at its longest" in sized.notes[-1]


def test_an_unknown_product_gets_an_unknown_size():
    sized = size_of(shape(), Hints(), None)
    assert sized.mesh.extents.max() == pytest.approx(UNKNOWN_SIZE)
    assert sized.size_source == "unknown"


def test_given_dimensions_are_left_for_later():
    given = size_of(shape(), Hints(height=0.3), KINDS["mug"])
    assert given.size_source == "given" and not given.scale_known
    assert given.mesh.extents.max() == pytest.approx(2.0)


def test_the_camera_sees_the_resized_product_as_before():
    before = shape()
    after = size_of(before, Hints(), None)
    old, new = before.cameras[0], after.cameras[0]
    assert project(new, after.mesh.positions)[0] == pytest.approx(project(old, before.mesh.positions)[0], abs=1e-3)
    assert after.cameras[1] is None


def test_the_outline_and_a_dimension_give_the_scale():
    crop = crop_of("pack", 0, 0)
    assert metres_per_unit(crop, Hints(height=0.3)) == pytest.approx(0.3 / (2 * MARGIN), rel=0.02)
    assert metres_per_unit(crop, Hints(width=0.2)) == pytest.approx(0.3 / (2 * MARGIN), rel=0.04)
    assert metres_per_unit(crop, Hints(depth=0.2)) is None
