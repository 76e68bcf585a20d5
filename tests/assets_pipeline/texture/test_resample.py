"""Reading one texture into another."""

import numpy as np
import pytest

from assets_pipeline.texture.resample import sample_area, sample_nearest


def grid(size: int) -> np.ndarray:
    at = (np.arange(size) + 0.5) / size
    return np.stack(np.meshgrid(at, at), axis=-1).reshape(-1, 2)


def test_reading_at_pixel_centres_gives_the_pixels_back() -> None:
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    read = sample_area(image, grid(16), np.ones(256))
    assert read.reshape(16, 16, 3) == pytest.approx(image, abs=1e-3)


def test_an_edge_stays_sharper_than_bilinear_and_does_not_ring() -> None:
    image = np.zeros((8, 8, 1), np.uint8)
    image[:, 4:] = 200
    read = sample_area(image, np.stack([np.linspace(0.2, 0.8, 50), np.full(50, 0.5)], axis=1), np.ones(50))
    assert read.min() >= 0 and read.max() <= 200.01
    quarter = sample_area(image, np.array([[(4 - 0.25) / 8, 0.5]]), np.ones(1))
    assert quarter[0, 0] < 0.25 * 200


def test_a_wide_footprint_averages_what_it_covers() -> None:
    image = np.zeros((64, 64, 1), np.uint8)
    image[::2, ::2] = image[1::2, 1::2] = 200
    read = sample_area(image, grid(16), np.full(256, 4.0))
    assert read == pytest.approx(100, abs=1)


def test_nearest_reads_the_pixel_around() -> None:
    image = np.arange(16, dtype=np.uint8).reshape(4, 4)
    assert sample_nearest(image, grid(4)).tolist() == list(range(16))
    assert sample_nearest(image, np.array([[1.5, -0.5]])).tolist() == [3]
