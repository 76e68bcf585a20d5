import json
from dataclasses import replace

import numpy as np
import pytest

from assets_pipeline.asset import Asset, Cutout, Hints, RawShape, frozen
from assets_pipeline.formats.glb import read_glb
from assets_pipeline.formats.usdz import write_usdz
from assets_pipeline.geometry.cameras import frame
from assets_pipeline.nodejs.tools import NodeTools
from assets_pipeline.stages.certify import Certify, Limits, agreement, check_files, grade
from assets_pipeline.texture.draw import Part, draw
from tests.models import textured_mug


def seen(asset: Asset, shift: int = 0) -> Asset:
    """With the photo that its camera takes, moved sideways by `shift` pixels."""
    camera = frame(asset.lowpoly.positions, azimuth=20, elevation=12, size=480)
    photo = draw([Part(asset.lowpoly, asset.material)], camera, floor=False).rgba
    cutout = Cutout("front.jpg", frozen(np.roll(photo, shift, axis=1)))
    return replace(asset, cutouts=(cutout, cutout), cameras=(camera, None))


def row(certificate: dict, name: str, level: str = "required") -> dict:
    return next(row for row in certificate["limits"] if (row["name"], row["level"]) == (name, level))


@pytest.fixture(scope="module")
def certified(tools: NodeTools, exported: Asset) -> Asset:
    return Certify(tools)(seen(exported))


def test_a_good_asset_passes_every_limit_and_is_graded_a(certified: Asset) -> None:
    certificate = certified.certificate
    assert [r for r in certificate["limits"] if not r["ok"]] == []
    assert certificate["passed"]
    assert certificate["grade"] == "A"
    assert certified.provenance[-1].counts == {"grade": "A", "passed": True}


def test_it_is_plain_json_and_repeats(tools: NodeTools, exported: Asset, certified: Asset) -> None:
    text = json.dumps(certified.certificate)
    assert json.loads(text) == certified.certificate
    assert json.dumps(Certify(tools)(seen(exported)).certificate) == text


def test_figures_are_those_of_the_files(certified: Asset) -> None:
    certificate, files = certified.certificate, certified.files
    assert certificate["files"]["model.glb"]["bytes"] == len(files["model.glb"])
    assert certificate["files"]["model.usdz"]["triangles"] == certified.lowpoly.triangles
    assert certificate["dimensions"]["metres"] == {"width": 0.082, "height": 0.095, "depth": 0.082}
    assert certificate["dimensions"]["error"] == {"height": 0.0}
    assert certificate["parity_db"]["model.usdz"] > 60
    assert certificate["parity_db"]["model.web.glb"] > 33


def test_agreement_with_the_photo_is_measured_and_labelled(certified: Asset) -> None:
    (photo,) = certified.certificate["agreement"]["photos"]
    assert photo["iou"] > 0.98
    assert photo["color_difference"] < 12
    assert photo["made_from_it"]
    assert "proves little" in certified.certificate["agreement"]["note"]


def test_a_shape_that_does_not_look_like_its_photo_is_no_better_than_c(tools: NodeTools, exported: Asset) -> None:
    shifted = seen(exported, shift=120)
    certificate = Certify(tools)(shifted).certificate
    assert certificate["agreement"]["photos"][0]["iou"] < 0.7
    assert certificate["grade"] == "C"


def test_other_colours_show_in_the_colour_difference(exported: Asset) -> None:
    asset = seen(exported)
    cutout = asset.cutouts[0]
    swapped = replace(cutout, rgba=frozen(cutout.rgba[..., [2, 0, 1, 3]]))
    model = read_glb(exported.files["model.glb"])
    right, wrong = (agreement(model, [c], asset.cameras)[0]["color_difference"] for c in (cutout, swapped))
    assert wrong > right + 15


def raw(**change: object) -> RawShape:
    values = {"family": "revolve_open", "size_source": "given"} | change
    return RawShape(mesh=textured_mug(8, 4, 8)[0], generator="primitive", **values)


ALL = Hints(width=1.0, height=1.0, depth=1.0)


@pytest.mark.parametrize(
    ("letter", "shape", "hints", "agrees", "kept"),
    [
        ("A", {}, Hints(height=0.1), [True], True),
        ("A", {"family": "cuboid"}, ALL, [True, True], True),
        ("B", {"family": "cuboid"}, Hints(height=0.1), [True], True),
        ("B", {"size_source": "typical"}, Hints(), [True], True),
        ("B", {}, Hints(height=0.1), [], True),
        ("B", {}, Hints(height=0.1), [True], False),
        ("C", {}, Hints(height=0.1), [True, False], True),
        ("C", {"family": "inflation"}, ALL, [True], True),
        ("C", {"family": ""}, ALL, [True], True),
    ],
)
def test_grades(letter: str, shape: dict, hints: Hints, agrees: list[bool], kept: bool) -> None:
    found, reasons = grade(raw(**shape), hints, agrees, dimensions_kept=kept)
    assert found == letter
    assert reasons


def test_wrong_dimensions_fail_the_certificate(tools: NodeTools, exported: Asset) -> None:
    certificate = check_files(exported.files, tools, Hints(height=0.097))
    assert not certificate["passed"]
    assert not row(certificate, "dimension_height_error")["ok"]
    assert check_files(exported.files, tools, Hints(height=0.0955))["passed"]


def test_a_usdz_of_another_model_fails_by_its_looks_and_size(tools: NodeTools, exported: Asset) -> None:
    model = read_glb(exported.files["model.glb"])
    flipped = frozen(model.mesh.texcoords * np.float32([1, -1]) + np.float32([0, 1]))
    other = write_usdz(replace(model, mesh=replace(model.mesh, texcoords=flipped)))
    certificate = check_files({**exported.files, "model.usdz": other}, tools)
    assert not row(certificate, "model.usdz_parity_db")["ok"]
    taller = replace(model.mesh, positions=frozen(model.mesh.positions * np.float32([1, 1.1, 1])))
    certificate = check_files({**exported.files, "model.usdz": write_usdz(replace(model, mesh=taller))}, tools)
    assert "size" in {finding["code"] for finding in certificate["files"]["model.usdz"]["findings"]}


@pytest.mark.parametrize(
    ("limits", "name", "level"),
    [
        (Limits(triangles=100), "triangles", "required"),
        (Limits(triangles_target=100), "triangles", "target"),
        (Limits(texture_size=128), "texture_size", "required"),
        (Limits(glb_bytes=1000), "model.glb_bytes", "required"),
        (Limits(web_bytes=1000), "model.web.glb_bytes", "required"),
        (Limits(web_bytes_target=1000), "model.web.glb_bytes", "target"),
        (Limits(usdz_bytes=1000), "model.usdz_bytes", "required"),
        (Limits(web_parity_db=98.0), "model.web.glb_parity_db", "required"),
    ],
)
def test_each_limit_is_held(tools: NodeTools, exported: Asset, limits: Limits, name: str, level: str) -> None:
    certificate = check_files(exported.files, tools, limits=limits)
    assert not row(certificate, name, level)["ok"]
    assert certificate["passed"] == (level == "target")
