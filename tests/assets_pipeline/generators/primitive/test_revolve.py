from functools import cache

import numpy as np
import pytest

from assets_pipeline.generators.primitive.revolve import (
    HEIGHTS,
    Profile,
    body_picture,
    fit_profile,
    lathe,
    outline,
    smooth_profile,
    symmetric_core,
    symmetry_axis,
)
from assets_pipeline.generators.primitive.view import Crop, crop_product
from assets_pipeline.geometry.measure import volume
from assets_pipeline.geometry.rays import RayScene
from assets_pipeline.geometry.topology import edges_of, weld
from assets_pipeline.texture.compare import iou
from tests.cutouts import BOTTLE, BOWL, CAN, MUG, PAN, RED, mug, photograph, plain, turned

FLARED = np.array([[0, 0], [0.06, 0], [0.09, 0.1], [0.12, 0.2], [0.1, 0.3], [0.02, 0.36], [0, 0.36]])


@cache
def crop_of(name: str, elevation: float) -> Crop:
    profiles = {"bottle": BOTTLE, "bowl": BOWL, "can": CAN, "cup": MUG, "pan": PAN, "flared": FLARED}
    profile = profiles[name]
    return crop_product(photograph([turned(profile, plain(RED))], elevation=elevation).cutout, 256)


@cache
def fitted(name: str, elevation: float, *, open_top: bool) -> Profile:
    return fit_profile(crop_of(name, elevation), open_top=open_top)


def height_over_diameter(profile: Profile) -> float:
    return float(np.ptp(profile.heights) / (2 * profile.radii.max()))


def straight(radius: float = 0.3) -> Profile:
    """A cylinder of height 1."""
    heights = np.linspace(-0.5, 0.5, HEIGHTS)
    return Profile(heights, np.full(HEIGHTS, radius), 0.2, 128.0, 1.0, np.ones((256, 256), bool), 1.0)


def test_the_axis_of_symmetry_is_found_between_pixels_too():
    mask = np.zeros((60, 100), bool)
    mask[10:50, 30:61] = True
    assert symmetry_axis(mask) == (45.5, 1.0)
    mask[10:50, 61] = True
    assert symmetry_axis(mask) == (46.0, 1.0)


def test_a_handle_neither_moves_the_axis_nor_belongs_to_the_core():
    with_handle = crop_product(photograph(mug(), elevation=12).cutout, 256)
    axis_x, symmetry = symmetry_axis(with_handle.mask)
    columns = np.flatnonzero(with_handle.mask.any(axis=0))
    true_axis = columns[0] + 41 / (41 + 78) * len(columns)  # 82 mm of body, 78 mm from the axis to the handle's end
    assert axis_x == pytest.approx(true_axis, abs=3)
    assert 0.8 < symmetry < 0.97
    core = symmetric_core(with_handle.mask, axis_x)
    assert not core[:, int(axis_x + 1.15 * (axis_x - columns[0])) :].any()
    assert core[128, int(axis_x)]


@pytest.mark.parametrize("elevation", [0, 10, 20, 30])
def test_the_elevation_of_a_can_is_found_within_four_degrees(elevation):
    profile = fitted("can", elevation, open_top=False)
    assert np.rad2deg(profile.elevation) == pytest.approx(elevation, abs=4)
    assert height_over_diameter(profile) == pytest.approx(0.12 / 0.066, rel=0.06)
    assert profile.coverage > 0.96


@pytest.mark.parametrize("elevation", [10, 20, 30])
def test_the_elevation_and_proportion_of_a_bowl_are_found(elevation):
    profile = fitted("bowl", elevation, open_top=True)
    assert np.rad2deg(profile.elevation) == pytest.approx(elevation, abs=3)
    assert height_over_diameter(profile) == pytest.approx(0.07 / 0.17, rel=0.1)
    assert profile.mouth == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("elevation", [10, 30])
def test_the_profile_of_a_bowl_runs_like_the_true_one(elevation):
    profile = fitted("bowl", elevation, open_top=True)
    at = (profile.heights - profile.heights[0]) / np.ptp(profile.heights)
    true = np.interp(at, BOWL[1:5, 1] / 0.07, BOWL[1:5, 0] / 0.085)
    assert np.abs(profile.radii / profile.radii.max() - true)[10:-10].mean() < 0.06


@pytest.mark.parametrize("elevation", [0, 10])
def test_the_elevation_of_a_slender_bottle_is_found_within_eight_degrees(elevation):
    assert np.rad2deg(fitted("bottle", elevation, open_top=False).elevation) == pytest.approx(elevation, abs=8)


def test_a_flared_body_does_not_look_steeper_than_it_was_seen():
    assert np.rad2deg(fitted("flared", 0, open_top=False).elevation) < 15


@pytest.mark.parametrize("elevation", [20, 30])
def test_a_shallow_pan_seen_from_above_stays_shallow(elevation):
    profile = fitted("pan", elevation, open_top=True)
    assert height_over_diameter(profile) == pytest.approx(0.045 / 0.27, rel=0.25)


def test_the_bodys_picture_covers_the_photo():
    crop = crop_of("can", 20)
    profile = fitted("can", 20, open_top=False)
    assert iou(body_picture(crop, profile), crop.mask) > 0.96
    assert profile.coverage == pytest.approx(iou(body_picture(crop, profile), profile.core))


def test_a_known_proportion_decides_between_the_elevations_nearby():
    free = fitted("bottle", 30, open_top=False)
    wanted = height_over_diameter(free) * 0.96
    told = fit_profile(crop_of("bottle", 30), open_top=False, height_over_diameter=wanted)
    assert abs(np.log(height_over_diameter(told) / wanted)) < abs(np.log(height_over_diameter(free) / wanted))
    assert abs(np.rad2deg(told.elevation - free.elevation)) <= 6.01


def test_an_elevation_that_is_told_is_taken():
    assert fit_profile(crop_of("can", 20), open_top=False, elevation=0.0).elevation == 0.0


def test_smoothing_takes_out_the_pixels_steps_and_keeps_shoulders():
    smooth = np.linspace(0.3, 0.4, HEIGHTS)
    stepped = np.round(smooth * 128) / 128
    assert np.abs(np.diff(smooth_profile(stepped), 2)).max() < 0.01 * np.abs(np.diff(stepped, 2)).max()
    assert np.abs(smooth_profile(stepped) - smooth)[8:-8].max() < 0.004
    shoulder = np.where(np.arange(HEIGHTS) < 130, 0.4, 0.15)
    drop = -np.diff(smooth_profile(shoulder))
    assert drop[120:140].sum() > 0.2


def test_a_closed_section_turns_into_a_closed_cylinder_that_faces_outward():
    positions, indices, texcoords = lathe(outline(straight(), wall=None))
    welded, faces, _ = weld(positions, indices, tolerance=1e-9)
    edges = edges_of(faces)
    assert edges.watertight and edges.inconsistent == 0
    assert volume(welded, faces) == pytest.approx(np.pi * 0.3**2, rel=0.01)
    assert texcoords.min() >= 0 and texcoords.max() <= 1


def test_the_wrapping_has_its_seam_at_the_back_and_reads_from_left_to_right():
    positions, _, texcoords = lathe(outline(straight(), wall=None))
    side = np.hypot(positions[:, 0], positions[:, 2]) > 0.29
    for u, (x, z) in {0.0: (0, -0.3), 0.25: (-0.3, 0), 0.5: (0, 0.3), 0.75: (0.3, 0), 1.0: (0, -0.3)}.items():
        at = positions[side & (np.abs(texcoords[:, 0] - u) < 1e-6)]
        assert at[:, [0, 2]] == pytest.approx(np.broadcast_to([x, z], (len(at), 2)), abs=1e-9)
    assert np.corrcoef(positions[side, 1], texcoords[side, 1])[0, 1] < -0.999, "upright: v grows downward"


@pytest.mark.parametrize("name", ["bowl", "cup"])
def test_an_open_vessel_is_closed_with_a_wall_and_hollow(name):
    profile = fitted(name, 20, open_top=True)
    positions, indices, _ = lathe(outline(profile, wall=0.07))
    welded, faces, _ = weld(positions, indices, tolerance=1e-9)
    edges = edges_of(faces)
    assert edges.watertight and edges.inconsistent == 0
    full = np.trapezoid(np.pi * profile.radii**2, profile.heights)
    assert 0.1 * full < volume(welded, faces) < 0.55 * full
    scene = RayScene(welded, faces)
    above = np.array([[0.0, 2, 0], [0.3 * profile.radii.max(), 2, 0]])
    _, distance, _ = scene.first_hit(above, np.broadcast_to([0.0, -1, 0], (2, 3)))
    depth = profile.heights[-1] - (2 - distance)
    assert (depth > 0.7 * np.ptp(profile.heights)).all(), "the floor lies far below the rim"
    assert (depth < 0.98 * np.ptp(profile.heights)).all(), "and above the base"


def test_a_wall_is_as_thick_as_told_and_rounded_at_the_rim():
    section = outline(straight(), wall=0.1)
    top = section[section[:, 1] > 0.35]
    assert top[:, 0].max() == pytest.approx(0.3)
    inside = section[(section[:, 1] > 0) & (section[:, 1] < 0.3)]
    assert np.ptp(inside[:, 0]) == pytest.approx(0.03, rel=0.05)
    highest = section[section[:, 1].argmax()]
    assert highest[0] == pytest.approx(0.285, abs=0.003), "the rim is highest in the middle of the wall"
    assert section[:, 1].max() <= 0.5 + 1e-9
