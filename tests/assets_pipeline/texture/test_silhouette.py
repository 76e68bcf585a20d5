import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from assets_pipeline.texture.silhouette import (
    Box,
    box_of,
    edge_sharpness,
    fill_pinholes,
    frame_contact,
    keep_parts,
    merge_zoom,
    settle,
)


def squares(*boxes: tuple[int, int, int, int], side: int = 300) -> NDArray[np.float32]:
    """White boxes (top, bottom, left, right) on black."""
    mask = np.zeros((side, side), np.float32)
    for top, bottom, left, right in boxes:
        mask[top:bottom, left:right] = 1
    return mask


def test_a_box_is_the_smallest_around_and_grows_inside_the_frame() -> None:
    mask = squares((10, 50, 20, 100)) > 0
    assert box_of(mask) == Box(10, 50, 20, 100)
    assert Box(10, 50, 20, 100).grown(30, (60, 300)) == Box(0, 60, 0, 130)
    assert box_of(np.zeros((5, 5), bool)) is None


def test_specks_go_and_parts_close_by_stay() -> None:
    parts = keep_parts(squares((100, 200, 100, 200), (120, 140, 205, 225), (5, 9, 5, 9)))
    assert parts.alpha[130, 215] == 1 and parts.alpha[7, 7] == 0
    assert (parts.separate, parts.left_out) == (1, 0)


def test_a_pair_is_kept_as_two() -> None:
    parts = keep_parts(squares((100, 200, 40, 140), (100, 200, 160, 260)))
    assert parts.separate == 2 and parts.alpha.sum() == 20_000
    assert parts.apart == pytest.approx(0.2, abs=0.02)


def test_a_smaller_thing_far_away_is_left_out_and_counted() -> None:
    parts = keep_parts(squares((100, 240, 20, 160), (20, 60, 240, 280)))
    assert (parts.separate, parts.left_out) == (1, 1)
    assert parts.alpha[40, 260] == 0


def test_an_openings_of_a_handle_stays_and_a_pinhole_closes() -> None:
    mask = squares((50, 250, 50, 250))
    mask[100:130, 100:130] = 0
    mask[200:203, 200:203] = 0
    filled = fill_pinholes(mask, pixels=6)
    assert filled[115, 115] == 0 and filled[201, 201] == 1
    assert filled[10, 10] == 0


def test_a_second_look_adds_thin_parts_and_opens_slits_but_moves_no_large_area() -> None:
    whole = cv2.GaussianBlur(squares((100, 250, 50, 250)), (0, 0), 2)
    zoom = squares((100, 250, 50, 180), (40, 100, 100, 104))  # a strap more, a slit, and a third of the product less
    zoom[150:154, 60:160] = 0
    merged = merge_zoom(whole, zoom, blur=4)
    assert merged[60, 102] == 1 and merged[152, 100] == 0
    assert merged[200, 230] > 0.9


def test_doubts_inside_and_far_outside_are_settled() -> None:
    mask = squares((50, 250, 50, 250))
    mask[100:200, 100:200] = 0.55
    mask[5:15, 5:200] = 0.3
    settled = settle(mask, grain=3)
    assert settled[150, 150] == 1 and settled[10, 100] == 0
    outline = cv2.GaussianBlur(squares((50, 250, 50, 250)), (0, 0), 3)
    assert 0.2 < settle(outline, grain=3)[50, 150] < 0.8


def test_contact_with_the_frame_is_told_by_side() -> None:
    contact = frame_contact(squares((150, 300, 0, 90)) > 0)
    assert contact == {"top": 0, "bottom": pytest.approx(0.3), "left": pytest.approx(0.5), "right": 0}


def test_crisp_edges_measure_sharper_than_soft_ones() -> None:
    crisp = squares((50, 250, 50, 250))
    assert edge_sharpness(crisp) == 1
    soft = [edge_sharpness(cv2.GaussianBlur(crisp, (0, 0), sigma)) for sigma in (1, 3, 9)]
    assert 1 > soft[0] > soft[1] > soft[2] > 0
