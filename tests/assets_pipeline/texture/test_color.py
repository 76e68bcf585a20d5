"""sRGB against the standard's own values."""

import numpy as np
import pytest

from assets_pipeline.texture.color import linear_to_srgb, srgb_to_linear, to_bytes


def test_known_values_of_the_standard() -> None:
    assert srgb_to_linear(np.array([0, 0.04045, 0.5, 1])) == pytest.approx([0, 0.0031308, 0.2140, 1], abs=1e-4)


def test_every_byte_comes_back() -> None:
    every = np.arange(256, dtype=np.uint8)
    assert np.array_equal(to_bytes(linear_to_srgb(srgb_to_linear(every))), every)


def test_results_are_float32_and_clipped() -> None:
    light = linear_to_srgb(np.array([-1.0, 2.0]))
    assert light.dtype == np.float32 and light == pytest.approx([0, 1])
    assert srgb_to_linear(np.zeros((2, 2, 3), np.uint8)).dtype == np.float32
