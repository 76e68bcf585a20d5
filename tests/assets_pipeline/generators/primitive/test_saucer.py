from functools import cache

import numpy as np
import pytest

from assets_pipeline.asset import Hints
from assets_pipeline.generators.primitive.route import Choice, choose
from assets_pipeline.generators.primitive.saucer import Served, cup_section, fit_served, saucer_section, waist
from assets_pipeline.generators.primitive.view import Crop, crop_product
from assets_pipeline.generators.primitive.words import KINDS
from assets_pipeline.geometry.measure import volume
from assets_pipeline.geometry.rays import RayScene
from assets_pipeline.geometry.topology import components, edges_of, weld
from tests.cutouts import BLUE, BOWL, CAN, DARK, RED, WHITE, Product, carton, mug, photograph, plain, tube, turned

RADIUS, RIM, STANDING, HEIGHT, DRINK = 0.07, 0.04, 0.004, 0.064, 0.044
SAUCER = np.array([[0, 0], [0.03, 0], [0.055, 0.006], [RADIUS, 0.014], [RADIUS, 0.016], [0.03, 0.004], [0, STANDING]])
OUTSIDE = np.array([[0, STANDING], [0.024, STANDING], [0.033, 0.02], [0.038, 0.04], [RIM, HEIGHT], [0.037, HEIGHT]])
INSIDE = np.array([[0.037, HEIGHT], [0.0345, DRINK]])
SURFACE = np.array([[0.0345, DRINK], [0, DRINK]])
SPOON = np.array([[0.045, 0.016, 0.03], [0.045, 0.016, -0.065]])


def cup_on_saucer() -> Product:
    """A dark cup, white inside and full of something red, on a blue saucer, with a spoon that sticks out."""
    parts = [(SAUCER, BLUE), (OUTSIDE, DARK), (INSIDE, WHITE), (SURFACE, RED)]
    return [*(turned(profile, plain(color)) for profile, color in parts), tube(SPOON, 0.003, WHITE)]


@cache
def crop_from(elevation: float) -> Crop:
    return crop_product(photograph(cup_on_saucer(), elevation=elevation, size=400).cutout, 256)


@cache
def fitted(elevation: float) -> Served:
    return fit_served(crop_from(elevation))


@cache
def chosen(elevation: float, word: str) -> Choice:
    return choose(crop_from(elevation), KINDS[word], Hints())


@pytest.mark.parametrize("elevation", [35, 45, 55, 65])
def test_saucer_cup_and_view_are_found_from_above(elevation):
    served = fitted(elevation)
    assert served.coverage > 0.96
    assert np.rad2deg(served.elevation) == pytest.approx(elevation, abs=6)
    assert served.rim / served.radius == pytest.approx(RIM / RADIUS, rel=0.08)
    assert served.height / served.radius == pytest.approx((HEIGHT - 0.016) / RADIUS, rel=0.2)


@pytest.mark.parametrize("elevation", [45, 55])
def test_the_drink_s_level_is_read_off_the_picture(elevation):
    served = fitted(elevation)
    assert served.level / served.radius == pytest.approx((DRINK - 0.016) / RADIUS, abs=0.12)


def test_an_inside_of_one_colour_is_empty_down_to_its_floor():
    parts = [turned(SAUCER, plain(WHITE)), turned(np.concatenate([OUTSIDE, INSIDE, SURFACE]), plain(WHITE))]
    crop = crop_product(photograph(parts, elevation=50, size=400).cutout, 256)
    even = Crop(np.full_like(crop.rgb, 0.8), crop.alpha, crop.mask, crop.sdf, crop.distance, crop.centre, crop.half_px)
    served = fit_served(even)
    assert served.level < served.standing + 0.2 * (served.height - served.standing)


@pytest.mark.parametrize("section", [saucer_section, cup_section])
def test_each_part_is_turned_from_a_half_section_that_closes_on_the_axis(section):
    found = section(fitted(55))
    assert found[0, 0] == found[-1, 0] == 0
    assert (found[1:-1, 0] > 0).all()


def test_the_cup_s_outside_rises_to_its_lip_without_a_fold():
    section = cup_section(fitted(55))
    top = int(np.argmax(section[:, 1]))
    assert (np.diff(section[1 : top + 1, 1]) > 0).all()
    assert (np.diff(section[top:-1, 1]) < 0).all()


@pytest.mark.parametrize("word", ["cup", "coffee", "teacup", "saucer", "mug"])
def test_words_for_what_stands_on_a_saucer_lead_to_two_closed_bodies(word):
    choice = chosen(55, word)
    assert "on its saucer" in choice.why
    solid = choice.solid
    assert solid.family == "revolve_open"
    _, indices, _ = weld(solid.positions.astype(np.float32), solid.indices, 1e-6)
    apart = indices[(indices != np.roll(indices, 1, axis=1)).all(axis=1)]
    assert (edges_of(apart).count == 2).all()
    assert components(apart, indices.max() + 1).max() == 1
    assert volume(solid.positions, solid.indices) > 0


def test_one_looks_into_the_cup_and_onto_the_saucer_from_above():
    solid = chosen(55, "cup").solid
    width = np.ptp(solid.positions[:, 0])
    top, base = solid.positions[:, 1].max(), solid.positions[:, 1].min()
    places = np.array([0, 0.25, 0.45]) * width  # drink, wall or saucer, saucer's edge
    eyes = np.column_stack([places, np.full(3, 9.0), np.zeros(3)]).astype(np.float32)
    down = np.tile(np.array([0, -1, 0], np.float32), (3, 1))
    _, distance, _ = RayScene(solid.positions.astype(np.float32), solid.indices).first_hit(eyes, down)
    drink, _, edge = (9 - distance - base) / (top - base)
    assert 0.4 < drink < 0.9
    assert edge < 0.35


def test_a_waist_between_the_two_tells_them_from_a_bowl():
    bowl = crop_product(photograph([turned(BOWL, plain(RED))], elevation=60, size=400).cutout, 256)
    found = fit_served(bowl)
    assert found.coverage > 0.95
    assert waist(bowl, found) < 0.0005
    assert waist(crop_from(45), fitted(45)) > 0.005


def test_a_saucer_s_picture_covers_the_photo():
    assert chosen(55, "cup").solid.coverage > 0.96


@pytest.mark.parametrize(
    ("what", "word", "elevation"),
    [
        (mug(), "mug", 20),
        (mug(), "cup", 40),
        ([turned(CAN, plain(RED))], "cup", 15),
        ([turned(BOWL, plain(RED))], "cup", 35),
        ([turned(BOWL, plain(RED))], "cup", 60),
        ([turned(BOWL, plain(RED))], "mug", 70),
        ([turned(SAUCER, plain(RED))], "saucer", 45),
        (carton(0.1, 0.2, 0.07), "coffee", 20),
        (carton(0.2, 0.1, 0.15), "coffee", 50),
    ],
)
def test_what_stands_on_no_saucer_gets_none(what, word, elevation):
    crop = crop_product(photograph(what, elevation=elevation, size=400).cutout, 256)
    assert "on its saucer" not in choose(crop, KINDS[word], Hints()).why


def test_other_words_do_not_lead_there():
    assert "on its saucer" not in chosen(55, "vase").why
