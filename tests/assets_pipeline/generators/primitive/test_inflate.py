from functools import cache

import numpy as np
import pytest

from assets_pipeline.generators.primitive.inflate import ball_heights, inflate, parabolic_dilation, plate, smooth_inside
from assets_pipeline.generators.primitive.view import Crop, crop_product
from assets_pipeline.geometry.measure import volume
from assets_pipeline.geometry.rays import RayScene
from assets_pipeline.geometry.topology import edges_of
from assets_pipeline.texture.compare import iou
from tests.cutouts import chair, photograph, tube


@cache
def rod() -> Crop:
    """A tall rod: no end or edge of it looks alike."""
    path = np.linspace((0, 0, 0), (0.02, 0.3, 0), 6)
    return crop_product(photograph([tube(path, 0.05, (200, 40, 30))], elevation=0).cutout, 256)


@cache
def seat() -> Crop:
    return crop_product(photograph(chair(), azimuth=30).cutout, 256)


def shadow(crop: Crop, positions: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """The silhouette of a surface in the view frame, bool (128, 128)."""
    column, row = np.meshgrid((np.arange(128) + 0.5) / 64 - 1, 1 - (np.arange(128) + 0.5) / 64)
    toward = np.stack([column, row, np.full_like(row, -crop.distance)], axis=-1).reshape(-1, 3)
    eye = np.broadcast_to([0.0, 0.0, crop.distance], toward.shape)
    return RayScene(positions, indices).any_hit(eye, toward).reshape(128, 128)


def test_a_disk_rises_to_half_a_ball():
    y, x = np.mgrid[0:101, 0:101]
    squared = (x - 50.0) ** 2 + (y - 50.0) ** 2
    heights = ball_heights(squared <= 40**2)
    assert np.abs(heights - np.sqrt(np.maximum(40.0**2 - squared, 0)))[squared < 36**2].max() < 1.2
    assert (heights[squared > 40**2] == 0).all()


def test_a_strip_rises_to_half_a_rod():
    mask = np.zeros((41, 200), bool)
    mask[10:31] = True
    heights = ball_heights(mask)
    rows = np.arange(41) - 20
    rod = np.sqrt(np.maximum(11.0**2 - rows**2, 0)) * (np.abs(rows) <= 10)
    assert np.abs(heights[:, 60:140] - rod[:, None]).max() < 1.0


def test_the_dilation_is_the_highest_of_all_parabolas():
    values = np.random.default_rng(0).uniform(0, 50, (1, 30)).astype(np.float32)
    at = np.arange(30)
    expected = (values[0][None, :] - (at[:, None] - at[None, :]) ** 2).max(axis=1)
    assert parabolic_dilation(values, 1, reach=30)[0] == pytest.approx(expected)
    assert parabolic_dilation(values.T, 0, reach=30)[:, 0] == pytest.approx(expected)


def test_smoothing_takes_nothing_from_outside():
    mask = np.zeros((40, 40), bool)
    mask[10:30, 10:30] = True
    heights = np.where(mask, 3.0, 0.0).astype(np.float32)
    assert smooth_inside(heights, mask, 2.0) == pytest.approx(heights, abs=1e-5)


@pytest.mark.parametrize("make", [inflate, lambda crop: plate(crop, half_depth=0.1)], ids=["inflate", "plate"])
@pytest.mark.parametrize("crop", [rod, seat])
def test_the_body_is_closed_faces_outward_and_has_the_photos_outline(make, crop):
    positions, indices = make(crop())
    edges = edges_of(indices)
    assert edges.watertight and edges.inconsistent == 0
    assert volume(positions, indices) > 0
    seen = shadow(crop(), positions, indices)
    assert iou(seen, crop().mask[1::2, 1::2]) > 0.94


def test_an_inflated_rod_is_round():
    positions, _ = inflate(rod())
    middle = np.abs(positions[:, 1]) < 0.2
    width, depth = np.ptp(positions[middle][:, 0]), np.ptp(positions[middle][:, 2])
    assert depth == pytest.approx(width, rel=0.12)


@pytest.mark.parametrize("half_depth", [0.1, 0.45])
def test_a_given_depth_is_kept(half_depth):
    positions, _ = inflate(rod(), half_depth=half_depth)
    assert np.ptp(positions[:, 2]) == pytest.approx(2 * half_depth, rel=0.06)


def test_squareness_fills_the_body_out_without_making_it_deeper():
    bodies = [inflate(rod(), squareness=squareness) for squareness in (2.0, 5.0)]
    volumes = [volume(*body) for body in bodies]
    depths = [np.ptp(body[0][:, 2]) for body in bodies]
    assert volumes[1] > 1.1 * volumes[0]
    assert depths[1] == pytest.approx(depths[0], rel=0.03)


@pytest.mark.parametrize("half_depth", [0.02, 0.3])
def test_a_plate_is_flat_and_as_thick_as_told(half_depth):
    crop = rod()
    positions, _ = plate(crop, half_depth=half_depth)
    assert np.ptp(positions[:, 2]) == pytest.approx(2 * half_depth, rel=0.05)
    deep_inside = crop.sample_sdf(positions) > 12
    assert np.abs(positions[deep_inside][:, 2]) == pytest.approx(half_depth, rel=0.05)


def test_what_is_thinner_than_a_cell_does_not_tear():
    path = np.linspace((0, 0, 0), (0.0, 0.3, 0), 4)
    crop = crop_product(photograph([tube(path, 0.004, (9, 9, 9))], elevation=0).cutout, 256)
    positions, indices = inflate(crop)
    assert np.ptp(positions[:, 1]) > 1.6, "whole from end to end"
    assert edges_of(indices).watertight
