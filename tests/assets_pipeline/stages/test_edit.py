"""Edits: means that are met without losing detail, tints in linear light, turns that are exact and take all along"""

from dataclasses import replace

import numpy as np
import pytest

from assets_pipeline.asset import Asset, Camera, Hints, frozen
from assets_pipeline.geometry.cameras import look_at, project
from assets_pipeline.stages.edit import LAYS, Edit, edited_material, rotation_of, tinted, with_mean
from assets_pipeline.texture.color import srgb_to_linear
from tests.models import mug_asset

ALL = np.ones((64, 64), bool)


@pytest.fixture
def mug() -> Asset:
    camera = look_at(np.array([0.2, 0.1, 0.4]), np.zeros(3), focal_px=700, width=640, height=480)
    asset = mug_asset()
    return replace(asset, cameras=(camera, None), hints=replace(asset.hints, width=0.082, depth=0.09))


def noisy(low: int, high: int) -> np.ndarray:
    return np.random.default_rng(1).integers(low, high, (64, 64)).astype(np.uint8)


@pytest.mark.parametrize("mean", [0.0, 0.03, 0.4, 0.5, 0.97, 1.0])
@pytest.mark.parametrize(("low", "high"), [(100, 101), (90, 160), (0, 256)])
def test_the_mean_becomes_the_one_wished_for(low: int, high: int, mean: float) -> None:
    assert with_mean(noisy(low, high), ALL, mean).mean() / 255 == pytest.approx(mean, abs=0.003)


def test_detail_stays_as_large_as_there_is_room_for() -> None:
    before = noisy(90, 160)
    moved = with_mean(before, ALL, 0.6)
    assert np.abs((moved.astype(int) - moved.mean()) - (before.astype(int) - before.mean())).max() < 1.5
    squeezed = with_mean(before, ALL, 0.05)
    assert squeezed.min() >= 0 and squeezed.std() > 5
    order = np.argsort(before.ravel(), kind="stable")
    assert (np.diff(squeezed.ravel()[order].astype(int)) >= 0).all()


def test_only_what_the_mesh_shows_counts_for_the_mean(mug: Asset) -> None:
    half = replace(mug.lowpoly, texcoords=frozen(mug.lowpoly.texcoords * np.float32([0.5, 1])))
    surface = mug.material.metallic_roughness.copy()
    surface[:, :128, 1], surface[:, 128:, 1] = 50, 250
    edited = edited_material(replace(mug.material, metallic_roughness=surface), half, 0.5, None, "")
    assert edited.metallic_roughness[5:-5, 5:120, 1].mean() / 255 == pytest.approx(0.5, abs=0.01)


def test_each_slider_moves_its_own_map_alone(mug: Asset) -> None:
    edited = Edit(metallic=1.0)(mug).material
    assert (edited.metallic_roughness[..., 2] == 255).all()
    assert np.array_equal(edited.metallic_roughness[..., 1], mug.material.metallic_roughness[..., 1])
    assert edited.base_color is mug.material.base_color and edited.occlusion is mug.material.occlusion


def test_a_material_without_a_surface_map_gets_one(mug: Asset) -> None:
    plain = replace(mug.material, metallic_roughness=None)
    edited = edited_material(plain, mug.lowpoly, 0.25, None, "").metallic_roughness
    assert (edited[..., 1] == 64).all() and (edited[..., 2] == 0).all()


def test_a_tint_multiplies_light_and_leaves_alpha() -> None:
    image = np.random.default_rng(2).integers(0, 256, (32, 32, 4)).astype(np.uint8)
    seen = tinted(image, "#80ff40")
    expected = srgb_to_linear(image[..., :3]) * srgb_to_linear(np.array([0x80, 0xFF, 0x40], np.uint8))
    assert np.abs(srgb_to_linear(seen[..., :3]) - expected).max() < 0.005
    assert np.array_equal(seen[..., 3], image[..., 3])
    assert np.array_equal(tinted(image, "#ffffff"), image)


@pytest.mark.parametrize("degrees", [90, 180, 270, -90])
def test_quarter_turns_are_exact(mug: Asset, degrees: int) -> None:
    turned = mug
    for _ in range(4):
        turned = Edit(turn_degrees=degrees)(turned)
    for name in ("positions", "normals", "tangents"):
        assert np.array_equal(getattr(turned.lowpoly, name), getattr(mug.lowpoly, name)), name


def test_90_degrees_bring_the_front_to_the_right() -> None:
    assert rotation_of("", 90) @ [0, 0, 1] == pytest.approx([1, 0, 0])
    assert rotation_of("x90", 0) @ [0, 1, 0] == pytest.approx([0, 0, 1])
    assert rotation_of("x90", 90) @ [0, 1, 0] == pytest.approx([1, 0, 0])


@pytest.mark.parametrize("lay", LAYS)
@pytest.mark.parametrize("degrees", [0, 33, 90])
def test_it_stands_on_the_floor_in_the_middle_and_keeps_its_shape(mug: Asset, lay: str, degrees: int) -> None:
    mesh = Edit(lay=lay, turn_degrees=degrees)(mug).lowpoly
    low, high = mesh.positions.min(axis=0), mesh.positions.max(axis=0)
    assert low[1] == pytest.approx(0, abs=1e-7)
    assert (low + high)[[0, 2]] == pytest.approx([0, 0], abs=1e-6)
    before, after = (each[:500] - each[500:1000] for each in (mug.lowpoly.positions, mesh.positions))
    assert np.linalg.norm(after, axis=1) == pytest.approx(np.linalg.norm(before, axis=1), abs=1e-7)
    turn = rotation_of(lay, degrees)
    assert mesh.normals == pytest.approx(mug.lowpoly.normals @ turn.T, abs=1e-6)
    assert mesh.tangents[:, :3] == pytest.approx(mug.lowpoly.tangents[:, :3] @ turn.T, abs=1e-6)
    assert np.array_equal(mesh.tangents[:, 3], mug.lowpoly.tangents[:, 3])


@pytest.mark.parametrize("lay", LAYS)
def test_cameras_see_the_same_as_before(mug: Asset, lay: str) -> None:
    turned = Edit(lay=lay, turn_degrees=77)(mug)
    camera: Camera = turned.cameras[0]
    assert turned.cameras[1] is None
    before, after = project(mug.cameras[0], mug.lowpoly.positions)[0], project(camera, turned.lowpoly.positions)[0]
    assert np.abs(before - after).max() < 0.01


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (Edit(turn_degrees=180), (0.082, 0.095, 0.09)),
        (Edit(turn_degrees=90), (0.09, 0.095, 0.082)),
        (Edit(lay="x90"), (0.082, 0.09, 0.095)),
        (Edit(lay="z90"), (0.095, 0.082, 0.09)),
        (Edit(lay="x90", turn_degrees=90), (0.095, 0.09, 0.082)),
        (Edit(turn_degrees=45), (None, 0.095, None)),
        (Edit(lay="x90", turn_degrees=45), (None, 0.09, None)),
    ],
)
def test_dimensions_follow(mug: Asset, edit: Edit, expected: tuple) -> None:
    hints: Hints = edit(mug).hints
    assert (hints.width, hints.height, hints.depth) == expected
    assert hints.title == mug.hints.title


def test_an_edit_is_written_down(mug: Asset) -> None:
    record = Edit(roughness=0.2)(mug).provenance[-1]
    assert record.stage == "Edit(roughness=0.2, metallic=None, tint='', turn_degrees=0, lay='')"
