from functools import cache

import numpy as np
import pytest

from assets_pipeline.generators.primitive.cuboid import CORNERS
from assets_pipeline.generators.primitive.furniture import (
    BED,
    CHAIR,
    SOFA,
    STOOL,
    TABLE,
    TEMPLATES,
    Furniture,
    box,
    fit_furniture,
    fit_template,
    furniture_surface,
    rounded_part,
)
from assets_pipeline.generators.primitive.view import Crop, crop_product, view_rotation
from assets_pipeline.generators.primitive.words import KINDS, Family
from assets_pipeline.geometry.measure import volume
from assets_pipeline.geometry.rays import RayScene
from assets_pipeline.geometry.topology import edges_of
from tests.cutouts import chair, photograph, table


@cache
def crop_of(name: str, azimuth: float) -> Crop:
    product = {"chair": chair(), "table": table()}[name]
    return crop_product(photograph(product, azimuth=azimuth, elevation=12, size=256).cutout, 256)


@cache
def fitted(name: str) -> Furniture:
    return fit_furniture(crop_of(name, 30), name)


@cache
def surface_of(name: str) -> tuple[np.ndarray, np.ndarray]:
    return furniture_surface(crop_of(name, 30), fitted(name), cells=96)


@pytest.mark.parametrize("template", [CHAIR, SOFA, TABLE, STOOL, BED])
def test_a_templates_guess_stands_on_the_floor_and_fills_its_frame(template):
    guess = np.array(template.guess)
    assert (np.array(template.lower) <= guess).all() and (guess <= np.array(template.upper)).all()
    parts = template.parts(guess)
    assert parts.shape[1:] == (8, 3)
    low, high = parts.min(axis=(0, 1)), parts.max(axis=(0, 1))
    assert low[1] == pytest.approx(0, abs=1e-9) and high[1] == pytest.approx(1, abs=1e-9)
    assert (np.abs([low[0], high[0], low[2], high[2]]) > 0.9).all()
    mirrored = parts * (-1, 1, 1)
    assert sorted(map(tuple, np.round(mirrored.reshape(-1, 3), 9) + 0.0)) == sorted(
        map(tuple, np.round(parts.reshape(-1, 3), 9) + 0.0)
    ), "alike left and right"


def test_every_word_for_furniture_has_a_template():
    assert {word for word, kind in KINDS.items() if kind.family is Family.FURNITURE} == set(TEMPLATES)


@pytest.mark.parametrize("name", ["chair", "table"])
def test_the_viewpoint_and_proportions_are_found(name):
    found = fitted(name)
    true = np.array({"chair": (0.44, 0.9, 0.44), "table": (1.2, 0.75, 0.7)}[name])
    assert np.rad2deg(found.azimuth) == pytest.approx(30, abs=4)
    assert np.rad2deg(found.elevation) == pytest.approx(12, abs=4)
    assert found.half / found.half.max() == pytest.approx(true / true.max(), rel=0.17)
    assert found.coverage > 0.92


def test_known_dimensions_are_kept_to():
    size = np.array([1.2, 0.75, 0.7])
    found = fit_template(crop_of("table", 0), TABLE, size)
    assert found.half / found.half.max() == pytest.approx(size / size.max())
    assert np.rad2deg(found.azimuth) == pytest.approx(0, abs=4)
    assert found.coverage > 0.85


@pytest.mark.parametrize("name", ["chair", "table"])
def test_the_surface_is_closed_and_faces_outward(name):
    positions, indices = surface_of(name)
    edges = edges_of(indices)
    assert edges.watertight and edges.inconsistent == 0
    assert volume(positions, indices) > 0


def first_below(name: str, x: float, z: float) -> float:
    """How high the surface over a place is, 0..1 of the height; x, z in -1..1 of the footprint."""
    positions, indices = surface_of(name)
    low, high = positions.min(axis=0), positions.max(axis=0)
    middle, half = (low + high) / 2, (high - low) / 2
    origin = np.array([[middle[0] + x * half[0], high[1] + 1, middle[2] + z * half[2]]])
    _, distance, _ = RayScene(positions, indices).first_hit(origin, np.array([[0.0, -1.0, 0.0]]))
    return float((high[1] + 1 - distance[0] - low[1]) / (high[1] - low[1]))


def test_a_chair_can_be_sat_on_and_leaned_back_in():
    assert first_below("chair", 0, 0.3) == pytest.approx(0.46 / 0.9, abs=0.05)
    assert first_below("chair", 0, -0.92) > 0.9, "the back stands at the rear"


def test_there_is_room_under_a_table_and_between_its_legs():
    positions, indices = surface_of("table")
    low, high = positions.min(axis=0), positions.max(axis=0)
    assert first_below("table", 0, 0) > 0.95
    middle = (low + high) / 2
    under = np.array([[middle[0], low[1] + 0.4 * (high[1] - low[1]), high[2] + 1]])
    assert not RayScene(positions, indices).any_hit(under, np.array([[0.0, 0.0, -1.0]]))[0]


def test_a_part_is_zero_on_its_faces_and_positive_inside():
    part = box(-0.5, 0.5, 0.0, 0.4, -0.2, 0.2)
    at = np.array([[0.0, 0.2, 0.0], [0.5, 0.2, 0.0], [0.0, 0.4, 0.0], [0.7, 0.2, 0.0], [0.0, 0.2, -0.5]])
    distance = rounded_part(at, part)
    assert distance == pytest.approx([0.2, 0, 0, -0.2, -0.3], abs=1e-6)


def test_a_leaning_part_leans_back():
    upright, leaning = box(-1, 1, 0, 1, -0.1, 0.1), box(-1, 1, 0, 1, -0.1, 0.1, lean=0.3)
    top = CORNERS[:, 1] > 0
    assert (leaning[top, 2] == upright[top, 2] - 0.3).all() and (leaning[~top] == upright[~top]).all()


def test_the_fit_agrees_with_the_photo():
    crop, found = crop_of("chair", 30), fitted("chair")
    pixels = crop.to_pixels(found.parts @ view_rotation(found.azimuth, found.elevation).T + found.offset)
    rows, columns = np.flatnonzero(crop.mask.any(axis=1)), np.flatnonzero(crop.mask.any(axis=0))
    low, high = pixels.min(axis=(0, 1)), pixels.max(axis=(0, 1))
    assert [*low, *high] == pytest.approx([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], abs=8)
