import numpy as np
import pytest

from assets_pipeline.generators.primitive.cues import BaseLine, base_line, looks_open, residual, stands_on_legs
from assets_pipeline.generators.primitive.revolve import Profile
from assets_pipeline.generators.primitive.view import crop_product
from tests.cutouts import CAN, RED, Product, carton, chair, photograph, plain, table, turned


def outline_of(product: Product, azimuth: float, elevation: float) -> np.ndarray:
    return crop_product(photograph(product, azimuth=azimuth, elevation=elevation).cutout, 256).mask


@pytest.mark.parametrize(
    ("product", "azimuth", "elevation", "line"),
    [
        (carton(0.2, 0.3, 0.1), 0, 0, BaseLine.FLAT),
        (carton(0.2, 0.3, 0.1), 30, 25, BaseLine.VEE),
        (carton(0.2, 0.3, 0.2), -45, 20, BaseLine.VEE),
        ([turned(CAN, plain(RED))], 0, 15, BaseLine.ARC),
        ([turned(CAN, plain(RED))], 0, 30, BaseLine.ARC),
    ],
)
def test_the_base_line_tells_a_box_from_a_round_foot(product, azimuth, elevation, line):
    assert base_line(outline_of(product, azimuth, elevation)) is line


def test_a_ragged_or_tiny_base_tells_nothing():
    comb = np.zeros((100, 100), bool)
    comb[10:60, 10:90] = True
    comb[60:85, 10:90:8] = True
    comb[60:85, 12:90:8] = True
    assert base_line(comb) is BaseLine.OTHER
    dot = np.zeros((100, 100), bool)
    dot[50:60, 50:56] = True
    assert base_line(dot) is BaseLine.OTHER


def test_a_residual_is_zero_for_what_the_basis_spans():
    t = np.linspace(-1, 1, 50)
    basis = np.column_stack([t**2, np.ones(50)])
    error, first = residual(basis, 3 * t**2 - 1)
    assert error == pytest.approx(0, abs=1e-12) and first == pytest.approx(3)
    assert residual(basis, t)[0] > 0.3


def body(radii: np.ndarray, height: float) -> Profile:
    return Profile(np.linspace(0, height, len(radii)), radii, 0.2, 64.0, 1.0, np.ones((128, 128), bool))


def test_a_bowl_looks_open_and_a_bottle_and_a_tall_cup_do_not():
    assert looks_open(body(np.linspace(0.3, 0.6, 100), 0.4))
    assert not looks_open(body(np.linspace(0.6, 0.3, 100), 0.4)), "narrow at the top"
    assert not looks_open(body(np.linspace(0.3, 0.4, 100), 1.2)), "too tall to tell"


def test_a_chair_and_a_table_stand_on_legs_and_a_box_does_not():
    assert stands_on_legs(outline_of(chair(), 30, 12))
    assert stands_on_legs(outline_of(table(), 0, 8))
    assert not stands_on_legs(outline_of(carton(0.3, 0.3, 0.3), 30, 12))
    assert not stands_on_legs(outline_of([turned(CAN, plain(RED))], 0, 12))
