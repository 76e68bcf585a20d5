"""Filling around charts."""

import numpy as np

from assets_pipeline.texture.dilate import dilate, pad


def test_open_texels_take_the_nearest_covered_one() -> None:
    image = np.zeros((5, 9, 3), np.uint8)
    mask = np.zeros((5, 9), bool)
    image[2, 1], image[2, 7] = (250, 0, 0), (0, 250, 0)
    mask[2, 1] = mask[2, 7] = True
    filled = dilate(image, mask)
    assert (filled[:, :4] == (250, 0, 0)).all() and (filled[:, 5:] == (0, 250, 0)).all()


def test_padding_keeps_what_is_covered_and_continues_it() -> None:
    image = np.random.default_rng(0).integers(0, 256, (128, 128, 3)).astype(np.uint8)
    mask = np.zeros((128, 128), bool)
    mask[30:60, 30:60] = True
    padded = pad(image, mask, reach=5)
    assert np.array_equal(padded[mask], image[mask])
    assert np.array_equal(padded[40, 60:64], np.repeat(image[40, 59][None], 4, axis=0))


def test_far_from_charts_the_fill_is_a_smooth_mean() -> None:
    image = np.zeros((256, 256), np.uint8)
    mask = np.zeros((256, 256), bool)
    mask[:20, :20] = mask[:20, 20:40] = True
    image[:20, 20:40] = 200
    padded = pad(image, mask, reach=4)
    assert 50 < padded[250, 250] < 150
    assert np.abs(np.diff(padded[200].astype(int))).max() <= 8, "no streaks"


def test_a_full_map_is_left_alone() -> None:
    image = np.ones((8, 8), np.uint8)
    assert pad(image, np.ones((8, 8), bool)) is image
