from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pxr import Usd, UsdGeom

from assets_pipeline.asset import Asset
from assets_pipeline.formats.glb import read_glb
from assets_pipeline.formats.package import read_package, write_package
from assets_pipeline.formats.usdz import prim_name, read_usdz, write_usdz
from assets_pipeline.formats.usdz_rules import usdz_findings


def test_the_model_comes_back_with_its_images_byte_for_byte(exported: Asset) -> None:
    glb, usdz = read_glb(exported.files["model.glb"]), read_usdz(exported.files["model.usdz"])
    assert usdz.images == glb.images
    assert np.array_equal(usdz.mesh.positions, glb.mesh.positions)
    assert np.array_equal(usdz.mesh.indices, glb.mesh.indices)
    assert np.allclose(usdz.mesh.texcoords, glb.mesh.texcoords, atol=1e-6)
    assert (usdz.name, usdz.has_occlusion, usdz.alpha_mode) == (glb.name, True, "OPAQUE")


def test_v_is_turned_over_once(exported: Asset, tmp_path: Path) -> None:
    glb = read_glb(exported.files["model.glb"])
    path = tmp_path / "model.usdc"
    path.write_bytes(read_package(exported.files["model.usdz"])["model.usdc"])
    stage = Usd.Stage.Open(str(path))
    st = np.array(UsdGeom.PrimvarsAPI(stage.GetPrimAtPath("/Test_mug/Mesh")).GetPrimvar("st").Get())
    assert np.allclose(st[:, 1], 1 - glb.mesh.texcoords[:, 1], atol=1e-6)


def test_bumps_are_spread_by_a_class_that_three_js_does_not_read(exported: Asset, tmp_path: Path) -> None:
    path = tmp_path / "model.usdz"
    path.write_bytes(exported.files["model.usdz"])
    stage = Usd.Stage.Open(str(path))
    scale = stage.GetPrimAtPath("/Test_mug/Materials/Surface/normal").GetAttribute("inputs:scale")
    assert tuple(scale.Get()) == (2, 2, 2, 1)
    assert not stage.GetRootLayer().GetAttributeAtPath(scale.GetPath()), "written at the texture it would double them"


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"images": {}},
        {"double_sided": True},
        {"alpha_mode": "MASK"},
        {"extras": {"a": [1, {"b-c": None}], "9": "x"}},
    ],
)
def test_every_kind_of_model_passes_the_rules(exported: Asset, change: dict) -> None:
    model = replace(read_glb(exported.files["model.glb"]), **change)
    data = write_usdz(model)
    assert usdz_findings(data, extents=model.mesh.extents.tolist()) == []
    assert write_usdz(model) == data, "bytes must repeat"


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Coffee mug", "Coffee_mug"),
        ("3 chairs", "_3_chairs"),
        ("Büro-Stuhl „Ü“", "B_ro_Stuhl"),
        ("茶碗", "Product"),
        ("", "Product"),
        ("a/b\n<c>", "a_b_c"),
    ],
)
def test_prim_names_are_valid_whatever_the_title(exported: Asset, title: str, name: str) -> None:
    assert prim_name(title) == name
    model = replace(read_glb(exported.files["model.glb"]), name=title)
    assert usdz_findings(write_usdz(model)) == []


def test_a_package_without_its_texture_is_refused(exported: Asset) -> None:
    files = read_package(exported.files["model.usdz"])
    del files["textures/base_color.jpg"]
    with pytest.raises(ValueError, match="base_color"):
        read_usdz(write_package(files))


@pytest.mark.parametrize("data", [b"", b"PK nonsense", write_package({"model.usdc": b"no layer"})])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        read_usdz(data)
