"""USDZ bytes -> findings: OpenUSD's own validators, and what AR Quick Look needs that they let pass

The rules are those of the ARKit checker that OpenUSD dropped in 26.8, with more on meshes and size.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from pxr import Tf, Usd, UsdGeom, UsdShade, UsdValidation

from assets_pipeline.formats.package import layout_faults, read_package
from assets_pipeline.formats.scratch import scratch_folder

LAYERS = {".usd", ".usda", ".usdc"}
MEDIA = {".png", ".jpg", ".jpeg", ".exr", ".m4a", ".mp3", ".wav"}
PRIM_TYPES = {
    "", "Camera", "Capsule", "Cone", "Cube", "Cylinder", "GeomSubset", "Material", "Mesh", "Points", "Scope", "Shader",
    "SkelAnimation", "SkelRoot", "Skeleton", "Sphere", "Xform",
}  # fmt: skip
SHADER_IDS = {"UsdPreviewSurface", "UsdUVTexture", "UsdTransform2d"}
VALIDATORS = ["UsdCoreValidators", "UsdGeomValidators", "UsdShadeValidators", "UsdSkelValidators", "UsdUtilsValidators",
              "UsdzValidators"]  # fmt: skip
SIZE_TOLERANCE = 0.005
"""Share of the longest side by which the size may differ from the GLB's."""


@dataclass(frozen=True)
class Finding:
    """One thing wrong with a file. `code` is the rule's name."""

    code: str
    message: str


def usdz_findings(data: bytes, *, extents: Sequence[float] | None = None) -> list[Finding]:
    """Everything that could go wrong with the file on a phone; empty when it may ship.

    extents: width, height and depth in metres that it should have, as in the GLB.
    """
    try:
        files = read_package(data)
    except ValueError as error:
        return [Finding("package", str(error))]
    found = list(_package_findings(data, list(files)))
    with scratch_folder() as folder:
        path = folder / "model.usdz"
        path.write_bytes(data)
        try:
            stage = Usd.Stage.Open(str(path))
        except Tf.ErrorException as error:
            return [*found, Finding("unreadable", str(error).splitlines()[0])]
        found += _stage_findings(stage)
        found += _size_findings(stage, extents)
        for prim in stage.TraverseAll():
            found += _prim_findings(prim)
            if prim.IsA(UsdGeom.Mesh):
                found += _mesh_findings(UsdGeom.Mesh(prim))
            if prim.IsA(UsdShade.Shader):
                found += _shader_findings(UsdShade.Shader(prim), set(files))
        found += _validator_findings(stage)
    return found


def _package_findings(data: bytes, names: list[str]) -> Iterator[Finding]:
    for fault in layout_faults(data):
        yield Finding("layout", fault)
    if not names or PurePosixPath(names[0]).suffix not in LAYERS:
        yield Finding("first_file", "the first file must be a USD layer")
    for name in names:
        path = PurePosixPath(name)
        if path.suffix.lower() not in LAYERS | MEDIA:
            yield Finding("file_type", f"{name} is of no type that AR Quick Look reads")
        if path.is_absolute() or ".." in path.parts:
            yield Finding("file_path", f"{name} points outside the package")


def _stage_findings(stage: Usd.Stage) -> Iterator[Finding]:
    if UsdGeom.GetStageUpAxis(stage) != UsdGeom.Tokens.y:
        yield Finding("up_axis", "upAxis must be Y")
    if not stage.HasAuthoredMetadata("metersPerUnit"):
        yield Finding("meters_per_unit", "metersPerUnit must be written; without it the unit is a centimetre")
    if not stage.GetDefaultPrim():
        yield Finding("default_prim", "a defaultPrim must be named")
    elif not Usd.ModelAPI(stage.GetDefaultPrim()).GetKind():
        yield Finding("kind", "the defaultPrim must have a kind")


def _size_findings(stage: Usd.Stage, extents: Sequence[float] | None) -> Iterator[Finding]:
    purposes = [UsdGeom.Tokens.default_, UsdGeom.Tokens.render]
    box = UsdGeom.BBoxCache(Usd.TimeCode.Default(), purposes).ComputeWorldBound(stage.GetPseudoRoot())
    scale = UsdGeom.GetStageMetersPerUnit(stage)
    size = np.array(box.ComputeAlignedRange().GetSize()) * scale
    longest = float(max(extents)) if extents is not None else float(size.max())
    if extents is not None and np.abs(size - np.asarray(extents)).max() > SIZE_TOLERANCE * longest:
        says, expected = (" x ".join(f"{side:.4g}" for side in sides) for sides in (size, extents))
        yield Finding("size", f"it is {says} m, expected {expected} m")
    if abs(box.ComputeAlignedRange().GetMin()[1] * scale) > SIZE_TOLERANCE * longest:
        yield Finding("base", "its base must stand on y = 0")


def _prim_findings(prim: Usd.Prim) -> Iterator[Finding]:
    if prim.GetTypeName() not in PRIM_TYPES:
        yield Finding("prim_type", f"{prim.GetPath()} is a {prim.GetTypeName()}")


def _mesh_findings(mesh: UsdGeom.Mesh) -> Iterator[Finding]:
    path = mesh.GetPath()
    points = np.array(mesh.GetPointsAttr().Get() or [], np.float64).reshape(-1, 3)
    indices = np.array(mesh.GetFaceVertexIndicesAttr().Get() or [], np.int64)
    counts = np.array(mesh.GetFaceVertexCountsAttr().Get() or [], np.int64)
    if not len(indices) or indices.min() < 0 or indices.max() >= len(points):
        yield Finding("face_index", f"{path} has faces on points that are not there")
    if counts.sum() != len(indices):
        yield Finding("face_counts", f"{path} has faceVertexCounts that do not add up to its indices")
    if mesh.GetSubdivisionSchemeAttr().Get() != UsdGeom.Tokens.none:
        yield Finding("subdivision", f"{path} would be smoothed: subdivisionScheme must be none")
    if not mesh.GetExtentAttr().HasAuthoredValue():
        yield Finding("extent", f"{path} has no extent")
    elif len(points) and not np.allclose(
        mesh.GetExtentAttr().Get(), [points.min(axis=0), points.max(axis=0)], atol=1e-5
    ):
        yield Finding("extent", f"{path} has an extent that is not its points'")
    if not UsdGeom.PrimvarsAPI(mesh).HasPrimvar("st"):
        yield Finding("texcoords", f"{path} has no st")
    if not mesh.GetPrim().HasAPI(UsdShade.MaterialBindingAPI):
        yield Finding("binding", f"{path} does not apply MaterialBindingAPI")
    if not UsdShade.MaterialBindingAPI(mesh).ComputeBoundMaterial()[0]:
        yield Finding("material", f"{path} has no material")


def _shader_findings(shader: UsdShade.Shader, files: set[str]) -> Iterator[Finding]:
    path, identifier = shader.GetPath(), shader.GetIdAttr().Get() or ""
    if identifier not in SHADER_IDS and not identifier.startswith(("UsdPrimvarReader_", "ND_")):
        yield Finding("shader_id", f"{path} is a {identifier or 'shader without id'}")
    if identifier.startswith("UsdPrimvarReader_") and _type_of(shader, "varname") != "string":
        yield Finding("varname", f"{path} must name its primvar by a string")
    if identifier == "UsdUVTexture":
        asset = _value_of(shader, "file")
        name = asset.path.removeprefix("./") if asset else ""
        if name not in files:
            yield Finding("texture_missing", f"{path} shows {name or 'nothing'}, which is not in the package")
        if PurePosixPath(name).suffix.lower() not in MEDIA:
            yield Finding("texture_type", f"{path} shows {name}: textures are PNG or JPEG")
    if identifier == "UsdPreviewSurface":
        yield from _normal_map_findings(shader)


def _normal_map_findings(surface: UsdShade.Shader) -> Iterator[Finding]:
    """An 8 bit normal map holds 0..1, and its texture must spread that to -1..1."""
    item = surface.GetInput("normal")
    for source in item.GetConnectedSources()[0] if item else []:
        texture = UsdShade.Shader(source.source.GetPrim())
        if (
            tuple(_value_of(texture, "scale") or ()) != (2, 2, 2, 1)
            or tuple(_value_of(texture, "bias") or ())[:3] != (-1,) * 3
        ):
            yield Finding("normal_range", f"{texture.GetPath()} needs scale 2 and bias -1")
        if _value_of(texture, "sourceColorSpace") != "raw":
            yield Finding("normal_color_space", f"{texture.GetPath()} must be raw")


def _value_of(shader: UsdShade.Shader, name: str) -> Any:
    return shader.GetInput(name).Get() if shader.GetInput(name) else None


def _type_of(shader: UsdShade.Shader, name: str) -> str:
    return str(shader.GetInput(name).GetTypeName()) if shader.GetInput(name) else ""


def _validator_findings(stage: Usd.Stage) -> Iterator[Finding]:
    for error in UsdValidation.ValidationContext(VALIDATORS, True).Validate(stage):
        yield Finding(error.GetIdentifier(), error.GetMessage())
