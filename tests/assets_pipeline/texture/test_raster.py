"""Texels of triangles."""

import numpy as np
import pytest

from assets_pipeline.texture.raster import count_layers, coverage, rasterise

SQUARE = np.array([[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75]], np.float32)
HALVES = np.array([[0, 1, 2], [0, 2, 3]], np.uint32)


def test_a_square_covers_its_texels_and_each_knows_its_place() -> None:
    triangle, weights = rasterise(SQUARE, HALVES, 64, 32, margin=False)
    assert triangle.shape == (32, 64) and (triangle >= 0).sum() == 32 * 16
    row, column = np.nonzero(triangle >= 0)
    place = np.einsum("ij,ijk->ik", weights[row, column], SQUARE[HALVES[triangle[row, column]].astype(int)])
    assert place == pytest.approx(np.stack([(column + 0.5) / 64, (row + 0.5) / 32], axis=1), abs=1e-6)


def test_texels_that_are_only_touched_belong_to_the_margin() -> None:
    shifted = SQUARE + 0.25 / 32
    inside, _ = rasterise(shifted, HALVES, 32, 32, margin=False)
    touched, weights = rasterise(shifted, HALVES, 32, 32)
    assert np.array_equal(touched[inside >= 0], inside[inside >= 0])
    assert (touched >= 0).sum() > (inside >= 0).sum()
    assert weights[touched >= 0].min() >= 0
    assert weights[touched >= 0].sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_a_sliver_between_texel_centres_is_not_lost() -> None:
    thin = np.array([[0.25, 0.50], [0.75, 0.50], [0.75, 0.505]], np.float32)
    one = np.array([[0, 1, 2]], np.uint32)
    assert (rasterise(thin, one, 32, 32, margin=False)[0] >= 0).sum() == 0
    assert (rasterise(thin, one, 32, 32)[0] >= 0).sum() >= 16


def test_layers_count_overlaps_but_not_shared_edges() -> None:
    assert count_layers(SQUARE, HALVES, 64).max() == 1
    twice = np.concatenate([HALVES, HALVES])
    layers = count_layers(SQUARE, twice, 64)
    assert layers.max() == 2 and (layers > 1).sum() > 900


def test_coverage_is_a_mask_of_the_texture() -> None:
    covered = coverage(SQUARE, HALVES, 64, 32)
    assert covered.shape == (32, 64) and covered[16, 32] and not covered[2, 2]
