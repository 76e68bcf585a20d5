"""Each way to break a USDZ is caught, by the rule that is there for it."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pxr import Sdf, Usd, UsdGeom, UsdShade

from assets_pipeline.asset import Asset
from assets_pipeline.formats.glb import read_glb
from assets_pipeline.formats.package import read_package, write_package
from assets_pipeline.formats.usdz import read_usdz
from assets_pipeline.formats.usdz_rules import usdz_findings
from assets_pipeline.stages.certify import parity_db

MESH, SURFACE = "/Test_mug/Mesh", "/Test_mug/Materials/Surface"
EXTENTS = (0.082, 0.095, 0.082)

Edit = Callable[[Usd.Stage], object]


def edited(data: bytes, folder: Path, edit: Edit) -> bytes:
    """The package with its layer changed by `edit`."""
    files = read_package(data)
    path = folder / "model.usdc"
    path.write_bytes(files["model.usdc"])
    stage = Usd.Stage.Open(str(path))
    edit(stage)
    stage.GetRootLayer().Save()
    return write_package({**files, "model.usdc": path.read_bytes()})


def zipped(data: bytes, method: int) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as package:
        for name, content in read_package(data).items():
            package.writestr(name, content)
    return stream.getvalue()


def attribute(stage: Usd.Stage, path: str, name: str) -> Usd.Attribute:
    return stage.GetPrimAtPath(path).GetAttribute(name)


def shader(stage: Usd.Stage, slot: str, name: str) -> Usd.Attribute:
    return attribute(stage, f"{SURFACE}/{slot}", name)


def varname_as_token(stage: Usd.Stage) -> None:
    prim = stage.GetPrimAtPath(f"{SURFACE}/Texcoords")
    prim.RemoveProperty("inputs:varname")
    prim.CreateAttribute("inputs:varname", Sdf.ValueTypeNames.Token).Set("st")


def flip_v(stage: Usd.Stage) -> None:
    st = UsdGeom.PrimvarsAPI(stage.GetPrimAtPath(MESH)).GetPrimvar("st")
    st.Set([(u, 1 - v) for u, v in st.Get()])


EDITS: dict[str, tuple[str, Edit]] = {
    "up axis z": ("up_axis", lambda s: UsdGeom.SetStageUpAxis(s, "Z")),
    "no metersPerUnit": ("meters_per_unit", lambda s: s.ClearMetadata("metersPerUnit")),
    "no defaultPrim": ("default_prim", lambda s: s.ClearDefaultPrim()),
    "no binding API": ("binding", lambda s: s.GetPrimAtPath(MESH).RemoveAPI(UsdShade.MaterialBindingAPI)),
    "normal map without scale": (
        "normal_range",
        lambda s: s.GetPrimAtPath("/_SignedTexture").RemoveProperty("inputs:scale"),
    ),
    "normal map as sRGB": ("normal_color_space", lambda s: shader(s, "normal", "inputs:sourceColorSpace").Set("sRGB")),
    "NodeGraph": ("prim_type", lambda s: s.DefinePrim(f"{SURFACE}/graph", "NodeGraph")),
    "PointInstancer": ("prim_type", lambda s: s.DefinePrim("/Test_mug/many", "PointInstancer")),
    "unknown shader": ("shader_id", lambda s: shader(s, "base_color", "info:id").Set("MyTexture")),
    "varname as token": ("varname", varname_as_token),
    "Catmull-Clark": ("subdivision", lambda s: attribute(s, MESH, "subdivisionScheme").Set("catmullClark")),
    "bad face index": ("face_index", lambda s: attribute(s, MESH, "faceVertexIndices").Set([0, 1, 999_999])),
    "no extent": ("extent", lambda s: s.GetPrimAtPath(MESH).RemoveProperty("extent")),
    "a hundred times too small": ("size", lambda s: UsdGeom.SetStageMetersPerUnit(s, 0.01)),
    # beyond the study's list
    "extent of something else": ("extent", lambda s: attribute(s, MESH, "extent").Set([(0, 0, 0), (9, 9, 9)])),
    "face counts that do not add up": ("face_counts", lambda s: attribute(s, MESH, "faceVertexCounts").Set([3])),
    "no texcoords": ("texcoords", lambda s: s.GetPrimAtPath(MESH).RemoveProperty("primvars:st")),
    "no kind": ("kind", lambda s: s.GetDefaultPrim().ClearMetadata("kind")),
    "floating": ("base", lambda s: UsdGeom.Xformable(s.GetPrimAtPath(MESH)).AddTranslateOp().Set((0, 0.01, 0))),
}


@pytest.mark.parametrize("name", EDITS)
def test_a_broken_layer_is_caught(exported: Asset, tmp_path: Path, name: str) -> None:
    code, edit = EDITS[name]
    broken = edited(exported.files["model.usdz"], tmp_path, edit)
    assert code in {finding.code for finding in usdz_findings(broken, extents=EXTENTS)}


def without_texture(data: bytes) -> bytes:
    return write_package({name: content for name, content in read_package(data).items() if "base_color" not in name})


def with_text_file(data: bytes) -> bytes:
    return write_package({**read_package(data), "textures/readme.txt": b"hello"})


def with_layer_last(data: bytes) -> bytes:
    return write_package(dict(reversed(read_package(data).items())))


@pytest.mark.parametrize(
    ("code", "break_it"),
    [
        ("texture_missing", without_texture),
        ("file_type", with_text_file),
        ("first_file", with_layer_last),
        ("layout", lambda data: zipped(data, zipfile.ZIP_DEFLATED)),
        ("layout", lambda data: zipped(data, zipfile.ZIP_STORED)),
        ("package", lambda data: data[: len(data) // 2]),
        ("file_path", lambda data: write_package({**read_package(data), "../up.png": b""})),
    ],
)
def test_a_broken_package_is_caught(exported: Asset, code: str, break_it: Callable[[bytes], bytes]) -> None:
    assert code in {finding.code for finding in usdz_findings(break_it(exported.files["model.usdz"]))}


def test_a_webp_texture_is_caught(exported: Asset, tmp_path: Path) -> None:
    files = read_package(exported.files["model.usdz"])
    files["textures/a.webp"] = b"x" * 100
    broken = edited(
        write_package(files),
        tmp_path,
        lambda s: shader(s, "base_color", "inputs:file").Set(Sdf.AssetPath("textures/a.webp")),
    )
    assert {"texture_type", "file_type"} <= {finding.code for finding in usdz_findings(broken)}


def test_the_whole_file_has_no_findings(exported: Asset) -> None:
    assert usdz_findings(exported.files["model.usdz"], extents=EXTENTS) == []


def test_a_flipped_v_shows_when_both_files_are_drawn(exported: Asset, tmp_path: Path) -> None:
    glb = read_glb(exported.files["model.glb"])
    right = exported.files["model.usdz"]
    wrong = edited(right, tmp_path, flip_v)
    assert usdz_findings(wrong, extents=EXTENTS) == [], "no rule can see it"
    parity = parity_db(glb, {"right": read_usdz(right), "wrong": read_usdz(wrong)})
    assert parity["right"] > 50
    assert parity["wrong"] < 20


def test_centimetres_are_read_as_viewers_read_them(exported: Asset, tmp_path: Path) -> None:
    small = edited(exported.files["model.usdz"], tmp_path, lambda s: UsdGeom.SetStageMetersPerUnit(s, 0.01))
    assert np.allclose(read_usdz(small).mesh.extents, np.array(EXTENTS) / 100, rtol=1e-4)
