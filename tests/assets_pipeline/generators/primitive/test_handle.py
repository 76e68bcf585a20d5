from functools import cache

import numpy as np
import pytest

from assets_pipeline.generators.primitive.handle import handle_surface, leftover
from assets_pipeline.generators.primitive.revolve import Profile, body_picture, fit_profile
from assets_pipeline.generators.primitive.view import Crop, crop_product
from assets_pipeline.geometry.measure import volume
from assets_pipeline.geometry.rays import RayScene
from assets_pipeline.geometry.topology import components, edges_of
from tests.cutouts import CAN, RED, Product, mug, pan, photograph, plain, tube, turned


def two_handled() -> Product:
    """A can with a long rod on its right and a short one on its left."""
    rods = [np.linspace((x, 0.06, 0), (end, 0.06, 0), 5) for x, end in ((0.03, 0.12), (-0.03, -0.07))]
    return [turned(CAN, plain(RED)), *(tube(rod, 0.01, RED) for rod in rods)]


@cache
def fitted(name: str) -> tuple[Crop, Profile]:
    product, elevation, open_top = {
        "mug": (mug(), 12, True),
        "pan": (pan(-40), 30, True),
        "low pan": (pan(40), 18, True),
        "can": ([turned(CAN, plain(RED))], 12, False),
        "two": (two_handled(), 10, False),
    }[name]
    crop = crop_product(photograph(product, elevation=elevation).cutout, 256)
    return crop, fit_profile(crop, open_top=open_top)


def test_a_bare_can_leaves_nothing_over():
    assert leftover(*fitted("can"), single=False) is None


def test_a_mug_leaves_its_handle_over_with_a_root_in_the_body():
    crop, profile = fitted("mug")
    region = leftover(crop, profile, single=False)
    assert region is not None and not (region & ~crop.mask).any()
    body = body_picture(crop, profile)
    columns = np.flatnonzero((region & ~body).any(axis=0))
    assert columns.min() > profile.axis_x, "to the right only"
    assert columns.max() == np.flatnonzero(crop.mask.any(axis=0)).max(), "to its very end"
    assert (region & body).any()


def test_a_single_handle_is_the_larger_one():
    crop, profile = fitted("two")
    both, one = (leftover(crop, profile, single=single) for single in (False, True))
    left = np.arange(crop.side) < profile.axis_x - 0.36 * crop.side / 2
    assert both is not None and one is not None
    assert both[:, left].any()
    assert not one[:, left].any() and one.any()


@pytest.mark.parametrize(("name", "flat"), [("mug", False), ("pan", True)])
def test_a_handle_is_closed_and_faces_outward(name, flat):
    crop, profile = fitted(name)
    made = handle_surface(crop, profile, leftover(crop, profile, single=flat), flat=flat, keep_clear=0.95)
    assert made is not None
    positions, indices = made
    edges = edges_of(indices)
    assert edges.watertight and edges.inconsistent == 0
    part = components(indices, len(positions))
    assert all(volume(positions, indices[part == k]) > 0 for k in range(part.max() + 1))


def test_a_finger_fits_through_a_mugs_handle():
    crop, profile = fitted("mug")
    positions, indices = handle_surface(
        crop, profile, leftover(crop, profile, single=False), flat=False, keep_clear=0.95
    )
    scene = RayScene(positions, indices)
    scale = profile.radii.max() / 0.041
    middle = (profile.heights[0] + profile.heights[-1]) / 2
    through = np.array([[0.056 * scale, middle, 3.0], [0.073 * scale, middle, 3.0]])
    hit = scene.any_hit(through, np.broadcast_to([0.0, 0.0, -1.0], (2, 3)))
    assert not hit[0], "open between wall and handle"
    assert hit[1], "the handle's own grip"
    assert np.ptp(positions[:, 2]) == pytest.approx(0.01 * scale, rel=0.5), "as thick as it is wide"


@pytest.mark.parametrize("keep_clear", [0.95, 1.1])
def test_a_handle_stays_out_of_the_vessel_and_reaches_its_wall(keep_clear):
    crop, profile = fitted("mug")
    region = leftover(crop, profile, single=False)
    positions, _ = handle_surface(crop, profile, region, flat=False, keep_clear=keep_clear)
    radius = np.hypot(positions[:, 0], positions[:, 2])
    wall = np.interp(positions[:, 1], profile.heights, profile.radii)
    assert (radius / wall).min() == pytest.approx(keep_clear, abs=0.03)


def test_a_pans_handle_lies_level_and_is_as_long_as_it_was():
    crop, profile = fitted("pan")
    positions, _ = handle_surface(crop, profile, leftover(crop, profile, single=True), flat=True, keep_clear=0.95)
    assert np.ptp(positions[:, 1]) < 0.25 * profile.radii.max()
    far = positions[np.hypot(positions[:, 0], positions[:, 2]).argmax()]
    assert np.hypot(far[0], far[2]) / profile.radii.max() == pytest.approx(0.31 / 0.135, rel=0.12)
    assert np.rad2deg(np.arctan2(far[2], far[0])) == pytest.approx(-40, abs=8)


def test_a_pans_handle_seen_from_low_is_no_paddle():
    crop, profile = fitted("low pan")
    positions, _ = handle_surface(crop, profile, leftover(crop, profile, single=True), flat=True, keep_clear=0.95)
    away = np.hypot(positions[:, 0], positions[:, 2]) / profile.radii.max()
    grip = positions[(away > 1.4) & (away < 1.8)] / profile.radii.max()
    heading = grip.mean(axis=0) / np.linalg.norm(grip.mean(axis=0)[[0, 2]])
    across = grip[:, 0] * heading[2] - grip[:, 2] * heading[0]
    assert np.ptp(across) < 2 * 0.022 / 0.135
