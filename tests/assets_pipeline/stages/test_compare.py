"""Pictures that lay the model beside its photos: in one frame, the same every time, and enough to edit from later"""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from assets_pipeline.asset import Asset, Cutout, Hints, Photo, View, frozen
from assets_pipeline.formats.scene import read_scene, write_scene
from assets_pipeline.geometry.cameras import frame
from assets_pipeline.nodejs.tools import NodeTools
from assets_pipeline.pipeline import FINISH
from assets_pipeline.stages.certify import Certify, agreement
from assets_pipeline.stages.compare import Compare, read_cutout
from assets_pipeline.texture.compare import iou
from assets_pipeline.texture.draw import Part, Scene

WHITE = np.array([255, 255, 255], np.uint8)


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.fixture(scope="module")
def photographed(tools: NodeTools, exported: Asset) -> Asset:
    """Certified, with three photos of it, the camera of the second unknown."""
    scene = Scene([Part(exported.lowpoly, exported.material)])
    photos, cutouts, cameras = [], [], []
    for number, azimuth in enumerate((20, 100, 200), 1):
        camera = replace(frame(exported.lowpoly.positions, azimuth=azimuth, elevation=12, size=1400), height=1050)
        picture = scene.draw(camera, floor=False)
        photos.append(
            Photo(f"{number}.jpg", picture.over(WHITE), None, f"{number:064x}", (1400, 1050), view=View.FRONT)
        )
        cutouts.append(Cutout(f"{number}.jpg", frozen(picture.rgba)))
        cameras.append(None if number == 2 else camera)
    asset = replace(exported, photos=tuple(photos), cutouts=tuple(cutouts), cameras=tuple(cameras))
    return Certify(tools)(replace(asset, unseen=0.25, hints=replace(asset.hints, width=0.082)))


@pytest.fixture(scope="module")
def compared(photographed: Asset) -> Asset:
    return Compare()(photographed)


def test_each_photo_with_a_camera_gets_its_pictures_and_each_map_one(photographed: Asset, compared: Asset) -> None:
    maps = {f"map-{name}.webp" for name in ("base_color", "metallic_roughness", "normal", "occlusion")}
    pictures = {f"{kind}-{number}.webp" for kind in ("photo", "render", "cutout") for number in (1, 3)}
    assert set(compared.files) - set(photographed.files) == {*maps, *pictures, "scene.json"}


def test_photo_and_render_share_one_frame_and_look_the_same(compared: Asset) -> None:
    for number in (1, 3):
        photo, render = (opened(compared.files[f"{kind}-{number}.webp"]) for kind in ("photo", "render"))
        assert (photo.size, photo.mode) == ((1024, 768), "RGB")
        assert (render.size, render.mode) == ((1024, 768), "RGBA")
        drawn = np.asarray(render)
        assert set(np.unique(drawn[..., 3])) >= {0, 255}
        seen = np.asarray(photo)
        assert iou(drawn[..., 3] > 127, seen.min(axis=2) < 250) > 0.97
        inside = drawn[..., 3] == 255
        assert np.abs(drawn[inside][:, :3].astype(int) - seen[inside]).mean() < 4


def test_maps_are_pictures_of_the_maps(compared: Asset) -> None:
    surface = np.asarray(opened(compared.files["map-metallic_roughness.webp"]))
    assert surface.shape == compared.material.metallic_roughness.shape
    assert surface[..., 1].mean() == pytest.approx(compared.material.metallic_roughness[..., 1].mean(), abs=3)
    assert Compare(size=64)(compared).files["map-base_color.webp"] != compared.files["map-base_color.webp"]


def test_the_same_asset_gives_the_same_bytes(photographed: Asset, compared: Asset) -> None:
    assert dict(Compare()(photographed).files) == dict(compared.files)


def test_photos_that_are_there_already_stay_as_they_are(compared: Asset) -> None:
    blank = replace(
        compared, photos=tuple(replace(photo, pixels=np.zeros((4, 4, 3), np.uint8)) for photo in compared.photos)
    )
    again = Compare()(blank)
    assert again.files["photo-1.webp"] == compared.files["photo-1.webp"]


def test_the_scene_and_the_cutouts_say_as_much_about_the_photos_as_the_photos_did(compared: Asset) -> None:
    kept = read_scene(compared.files["scene.json"])
    assert kept.hints == compared.hints and kept.unseen == 0.25
    assert [photo.sha256 for photo in kept.photos] == [photo.sha256 for photo in compared.photos]
    assert (kept.raw.family, kept.raw.shaped_from) == (compared.raw.family, compared.raw.shaped_from)
    cutouts = [Cutout("", read_cutout(compared.files[f"cutout-{number}.webp"])) for number in (1, 3)]
    cutouts = [replace(cutouts[0], name="1.jpg"), Cutout("2.jpg", cutouts[0].rgba), replace(cutouts[1], name="3.jpg")]
    model = compared.lowpoly, compared.material
    rows = agreement_of(model, cutouts, kept)
    assert rows == agreement_of(model, compared.cutouts, compared)


def agreement_of(model: tuple, cutouts, asset: Asset) -> list:
    from assets_pipeline.formats.model import ModelFile

    class Drawn(ModelFile):
        @property
        def material(self):
            return model[1]

    return agreement(Drawn(model[0], "", {}), cutouts, asset.cameras, asset.raw.shaped_from)


def test_a_scene_is_the_same_after_reading_and_writing(compared: Asset) -> None:
    data = compared.files["scene.json"]
    assert write_scene(read_scene(data)) == data


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"version": 2}', b'{"version": 1, "hints": 5}', b"\xff"])
def test_what_is_no_scene_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        read_scene(data)


def test_an_asset_without_photos_has_maps_and_a_scene(photographed: Asset) -> None:
    lonely = Compare()(replace(photographed, photos=(), cutouts=(), cameras=()))
    assert not [name for name in lonely.files if name.startswith(("photo", "render", "cutout"))]
    assert read_scene(lonely.files["scene.json"]).hints == Hints("Test mug", width=0.082, height=0.095)


def test_the_command_makes_none_of_this() -> None:
    assert Compare not in FINISH
