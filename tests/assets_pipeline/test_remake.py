"""A finished version, edited: nothing is generated, the photos are compared again, its origin stays written in it"""

from dataclasses import asdict, replace

import numpy as np
import pytest

from assets_pipeline import remake, tasks
from assets_pipeline.asset import Asset, Cutout, Photo, StageRecord, frozen
from assets_pipeline.errors import Cancelled, InputRejected
from assets_pipeline.formats.glb import read_glb
from assets_pipeline.formats.usdz import read_usdz
from assets_pipeline.geometry.cameras import frame
from assets_pipeline.nodejs.tools import NodeTools
from assets_pipeline.pipeline import deliver, run
from assets_pipeline.protocols import Licence
from assets_pipeline.recipes import make_recipe
from assets_pipeline.report import finished_report, to_json
from assets_pipeline.texture.draw import Part, draw
from assets_pipeline.watch import Watch
from tests.models import mug_asset

RECIPE = replace(make_recipe("draft", generator="primitive"), poster_side=128)
LICENCE = Licence("Apache-2.0", territories_excluded=("XX",), attribution="thanks")


class Shelf(dict):
    """A store of bytes by key, such that reading what is not there is a KeyError."""

    def get(self, key: str) -> bytes:  # type: ignore[override]
        return self[key]


@pytest.fixture(scope="module")
def shelf(tools: NodeTools) -> Shelf:
    """The files of a version made from one photo."""
    mug = mug_asset()
    camera = frame(mug.lowpoly.positions, azimuth=20, elevation=12, size=480)
    picture = draw([Part(mug.lowpoly, mug.material)], camera, floor=False)
    photo = Photo("front.jpg", picture.over(np.array([255] * 3, np.uint8)), None, "ab" * 32, (480, 480))
    made = replace(mug, photos=(photo,), cutouts=(Cutout("front.jpg", frozen(picture.rgba)),), cameras=(camera,))
    made = replace(made, provenance=(StageRecord("Clean()"), StageRecord("Bake(texture_size=256)")), unseen=0.5)
    asset = run(deliver(RECIPE, tools, LICENCE), made)
    report = finished_report(asset, RECIPE, ("primitive", "a test", asdict(LICENCE)), {})
    return Shelf({**asset.files, "report.json": to_json(report).encode()})


class Told(Watch):
    """A watch that keeps the stages."""

    def __init__(self, cancelled: bool = False) -> None:
        super().__init__(lambda news: None, lambda: cancelled)


def edited(shelf: Shelf, tools: NodeTools, watch: Watch | None = None, **changes: object) -> tuple[Asset, dict]:
    keys = {name: name for name in shelf}
    task = tasks.EditTask(3, keys, tasks.Changes(**changes), RECIPE, shelf, "files")  # type: ignore[arg-type]
    return remake.edit(task, tools, watch or Told())


@pytest.fixture(scope="module")
def shiny(shelf: Shelf, tools: NodeTools) -> tuple[Asset, dict]:
    return edited(shelf, tools, roughness=0.1)


def test_the_surface_changes_in_every_file_and_nothing_else(shelf: Shelf, shiny: tuple[Asset, dict]) -> None:
    asset, _ = shiny
    before, after = read_glb(shelf["model.glb"]), read_glb(asset.files["model.glb"])
    for model in (after, read_usdz(asset.files["model.usdz"])):
        assert model.material.metallic_roughness[..., 1].mean() / 255 == pytest.approx(0.1, abs=0.02)
    for name in ("positions", "indices", "texcoords", "normals", "tangents"):
        assert np.array_equal(getattr(before.mesh, name), getattr(after.mesh, name)), name
    assert np.abs(before.material.base_color.astype(int) - after.material.base_color).mean() < 1
    assert asset.files["poster.webp"] != shelf["poster.webp"]
    assert asset.files["render-1.webp"] != shelf["render-1.webp"]


def test_nothing_is_generated(shelf: Shelf, tools: NodeTools) -> None:
    watch = Told()
    edited(shelf, tools, watch, tint="#808080")
    assert list(watch.seconds) == ["edit", "export_glb", "export_usdz", "render", "certify", "compare"]


def test_origin_licence_and_photos_stay_written_in_it(shelf: Shelf, shiny: tuple[Asset, dict]) -> None:
    before, after = (read_glb(files["model.glb"]).extras for files in (shelf, shiny[0].files))
    for name in ("title", "generator", "family", "size_source", "licence", "photos_sha256"):
        assert after[name] == before[name], name
    assert after["licence"]["attribution"] == "thanks"
    assert after["provenance"][:2] == before["provenance"]
    assert after["provenance"][2].startswith("Edit(roughness=0.1")


def test_the_certificate_is_measured_anew_and_says_that_it_is_an_edit(
    shelf: Shelf, shiny: tuple[Asset, dict], tools: NodeTools
) -> None:
    certificate = shiny[1]["certificate"]
    assert certificate["passed"] and certificate["grade"] == "A"
    assert certificate["edit"] == {"of_version": 3, "changes": {**asdict(tasks.Changes()), "roughness": 0.1}}
    assert certificate["reasons"][-1] == "It was made from version 3 by an edit."
    (photo,) = certificate["agreement"]["photos"]
    assert photo["iou"] > 0.97
    _, red = edited(shelf, tools, tint="#ff2020")
    assert red["certificate"]["agreement"]["photos"][0]["color_difference"] > photo["color_difference"] + 10
    assert red["certificate"]["grade"] == "C"


def test_a_turned_model_is_compared_with_the_photos_all_the_same(shelf: Shelf, tools: NodeTools) -> None:
    asset, report = edited(shelf, tools, turn_degrees=90)
    (photo,) = report["certificate"]["agreement"]["photos"]
    assert photo["iou"] > 0.97
    assert asset.files["photo-1.webp"] == shelf["photo-1.webp"]
    twice, report = edited(Shelf({**asset.files, "report.json": to_json(report).encode()}), tools, turn_degrees=-90)
    assert report["certificate"]["agreement"]["photos"][0]["iou"] > 0.97
    mesh = read_glb(shelf["model.glb"]).mesh
    assert np.array_equal(twice.lowpoly.positions, mesh.positions)


def test_the_report_keeps_what_the_photos_told(shelf: Shelf, shiny: tuple[Asset, dict]) -> None:
    import json

    before = json.loads(shelf["report.json"])
    report = shiny[1]
    assert (report["inputs"], report["generator"]) == (before["inputs"], before["generator"])
    assert report["stages"][0]["stage"] == "edit"
    assert report["metrics"]["triangles"] == before["metrics"]["triangles"]
    assert report["metrics"]["unseen"] == 0.5


def test_the_same_edit_gives_the_same_bytes(shelf: Shelf, shiny: tuple[Asset, dict], tools: NodeTools) -> None:
    assert dict(edited(shelf, tools, roughness=0.1)[0].files) == dict(shiny[0].files)


def test_a_version_without_a_scene_is_edited_without_photos(shelf: Shelf, tools: NodeTools) -> None:
    old = Shelf({name: data for name, data in shelf.items() if name != "scene.json"})
    asset, report = edited(old, tools, metallic=1.0)
    assert report["certificate"]["agreement"]["photos"] == []
    assert (report["certificate"]["family"], report["certificate"]["grade"]) == ("revolve_open", "B")
    assert not [name for name in asset.files if name.startswith("photo")]


@pytest.mark.parametrize("name", ["model.glb", "report.json", "cutout-1.webp"])
def test_files_that_are_gone_are_told(shelf: Shelf, tools: NodeTools, name: str) -> None:
    keys = {each: each for each in shelf}
    gone = Shelf({each: data for each, data in shelf.items() if each != name})
    task = tasks.EditTask(3, keys, tasks.Changes(tint="#ffffff"), RECIPE, gone, "files")  # type: ignore[arg-type]
    with pytest.raises(InputRejected, match="version_files_gone"):
        remake.edit(task, tools, Told())


def test_an_edit_can_be_called_off(shelf: Shelf, tools: NodeTools) -> None:
    with pytest.raises(Cancelled):
        edited(shelf, tools, Told(cancelled=True), roughness=0.3)
