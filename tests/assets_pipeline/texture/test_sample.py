import numpy as np

from assets_pipeline.texture.sample import bilinear, pyramid, sample

UNIT = np.linspace(0, 1, 256, dtype=np.float32)
RAMP = np.repeat(np.arange(0, 256, 4, dtype=np.uint8)[None, :, None], 64, axis=0)


def test_texel_centres_give_texels_and_between_them_the_mean() -> None:
    at = np.array([[0.5 / 64, 0.5], [1.0 / 64, 0.5], [1.5 / 64, 0.5]], np.float32)
    assert np.allclose(bilinear(RAMP, at, UNIT)[:, 0] * 255, [0, 2, 4])


def test_outside_the_edge_repeats() -> None:
    at = np.array([[-1, 0.5], [2, 0.5]], np.float32)
    assert np.allclose(bilinear(RAMP, at, UNIT)[:, 0] * 255, [0, 252])


def test_a_wide_pixel_sees_the_average_of_a_fine_pattern() -> None:
    stripes = np.zeros((256, 256, 1), np.uint8)
    stripes[:, ::2] = 255
    at = np.full((1, 2), 0.5, np.float32) + np.array([[0.5 / 256, 0]], np.float32)
    near, far = (sample(pyramid(stripes), at, np.array([w], np.float32), UNIT)[0, 0] for w in (1e-6, 8 / 256))
    assert near in (0, 1)
    assert 0.45 < far < 0.55


def test_levels_halve_and_stop_early() -> None:
    assert [level.shape for level in pyramid(np.zeros((64, 40), np.uint8)).levels] == [
        (64, 40, 1),
        (32, 20, 1),
        (16, 10, 1),
    ]
