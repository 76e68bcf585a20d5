"""ModelFile <-> bytes of a USDZ file for AR Quick Look"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pxr import Gf, Kind, Sdf, Tf, Usd, UsdGeom, UsdShade, Vt

from assets_pipeline.asset import Mesh, frozen
from assets_pipeline.formats.images import EncodedImage, read_image
from assets_pipeline.formats.model import BASE_COLOR, DEFAULT_ROUGHNESS, NORMAL, SURFACE, ModelFile, transformed
from assets_pipeline.formats.package import read_package, write_package
from assets_pipeline.formats.scratch import scratch_folder

LAYER = "model.usdc"
TYPES = Sdf.ValueTypeNames
Z_UP_TO_Y_UP = np.array([[1, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]], np.float64)


def write_usdz(model: ModelFile) -> bytes:
    """A component named after the product: one mesh, one UsdPreviewSurface material, images byte for byte.

    The material: https://openusd.org/release/spec_usdpreviewsurface.html
    """
    with scratch_folder() as folder:
        path = folder / LAYER
        stage = Usd.Stage.CreateNew(str(path))
        UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.y)
        UsdGeom.SetStageMetersPerUnit(stage, 1.0)  # unauthored means centimetres
        root = UsdGeom.Xform.Define(stage, f"/{prim_name(model.name)}").GetPrim()
        stage.SetDefaultPrim(root)
        Usd.ModelAPI(root).SetKind(Kind.Tokens.component)
        root.SetDisplayName(model.name)
        if model.extras:
            root.SetCustomData({"plinth": _usd_value(model.extras)})
        UsdGeom.Scope.Define(stage, root.GetPath().AppendChild("Materials"))
        mesh = _define_mesh(stage, root.GetPath().AppendChild("Mesh"), model)
        material = _define_material(stage, root.GetPath().AppendPath("Materials/Surface"), model)
        UsdShade.MaterialBindingAPI.Apply(mesh.GetPrim()).Bind(material)
        stage.GetRootLayer().Save()
        files = {LAYER: path.read_bytes()}
    files |= {_image_path(slot, image): image.data for slot, image in model.images.items()}
    return write_package(files)


def prim_name(title: str) -> str:
    """`title` as a valid prim name: ASCII letters, digits and underscores, no digit first."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", title).strip("_")
    if not name:
        return "Product"
    return f"_{name}" if name[0].isdigit() else name


def _usd_value(value: Any) -> Any:
    """What a layer's custom data can hold: dictionaries, text, numbers; lists become numbered dictionaries."""
    if isinstance(value, dict):
        return {re.sub(r"\W", "_", str(key)): _usd_value(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return {f"_{number}": _usd_value(item) for number, item in enumerate(value) if item is not None}
    return value if isinstance(value, bool | int | float | str) else str(value)


def _image_path(slot: str, image: EncodedImage) -> str:
    return f"textures/{slot}.{image.suffix}"


def _define_mesh(stage: Usd.Stage, path: Sdf.Path, model: ModelFile) -> UsdGeom.Mesh:
    source, mesh = model.mesh, UsdGeom.Mesh.Define(stage, path)
    assert source.texcoords is not None and source.normals is not None, "export comes after unwrap"
    mesh.CreatePointsAttr(Vt.Vec3fArray.FromNumpy(np.array(source.positions)))
    mesh.CreateFaceVertexCountsAttr(Vt.IntArray.FromNumpy(np.full(source.triangles, 3, np.int32)))
    mesh.CreateFaceVertexIndicesAttr(Vt.IntArray.FromNumpy(source.indices.astype(np.int32).ravel()))
    mesh.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)  # the default, Catmull-Clark, melts the model
    mesh.CreateNormalsAttr(Vt.Vec3fArray.FromNumpy(np.array(source.normals)))
    mesh.SetNormalsInterpolation(UsdGeom.Tokens.vertex)
    low, high = source.positions.min(axis=0), source.positions.max(axis=0)
    mesh.CreateExtentAttr([Gf.Vec3f(*low.tolist()), Gf.Vec3f(*high.tolist())])
    if model.double_sided:
        mesh.CreateDoubleSidedAttr(True)
    st = UsdGeom.PrimvarsAPI(mesh).CreatePrimvar("st", TYPES.TexCoord2fArray, UsdGeom.Tokens.vertex)
    st.Set(Vt.Vec2fArray.FromNumpy(_flipped(source.texcoords)))
    return mesh


def _flipped(texcoords: NDArray[np.float32]) -> NDArray[np.float32]:
    """Between glTF's origin, top left, and USD's, bottom left."""
    return np.stack([texcoords[:, 0], 1 - texcoords[:, 1]], axis=1).astype(np.float32)


def _define_material(stage: Usd.Stage, path: Sdf.Path, model: ModelFile) -> UsdShade.Material:
    material = UsdShade.Material.Define(stage, path)
    surface = _shader(stage, path, "PreviewSurface", "UsdPreviewSurface")
    material.CreateSurfaceOutput().ConnectToSource(surface.ConnectableAPI(), "surface")
    surface.CreateInput("useSpecularWorkflow", TYPES.Int).Set(0)
    reader = _shader(stage, path, "Texcoords", "UsdPrimvarReader_float2")
    reader.CreateInput("varname", TYPES.String).Set("st")
    texcoords = reader.CreateOutput("result", TYPES.Float2)

    def texture(slot: str, color_space: str) -> UsdShade.Shader:
        return _texture(stage, path, slot, model.images[slot], texcoords, color_space)

    def connect(name: str, kind: Any, shader: UsdShade.Shader, channel: str) -> None:
        output = shader.CreateOutput(channel, TYPES.Float3 if channel == "rgb" else TYPES.Float)
        surface.CreateInput(name, kind).ConnectToSource(output)

    if BASE_COLOR in model.images:
        base_color = texture(BASE_COLOR, "sRGB")
        connect("diffuseColor", TYPES.Color3f, base_color, "rgb")
        if model.alpha_mode != "OPAQUE":
            connect("opacity", TYPES.Float, base_color, "a")
            surface.CreateInput("opacityThreshold", TYPES.Float).Set(0.5 if model.alpha_mode == "MASK" else 0.0)
    if SURFACE in model.images:
        packed = texture(SURFACE, "raw")
        connect("roughness", TYPES.Float, packed, "g")
        connect("metallic", TYPES.Float, packed, "b")
        if model.has_occlusion:
            connect("occlusion", TYPES.Float, packed, "r")
    else:
        surface.CreateInput("roughness", TYPES.Float).Set(DEFAULT_ROUGHNESS)
        surface.CreateInput("metallic", TYPES.Float).Set(0.0)
    if NORMAL in model.images:
        normal = texture(NORMAL, "raw")
        normal.GetPrim().GetInherits().AddInherit(_define_signed_texture(stage).GetPath())
        connect("normal", TYPES.Normal3f, normal, "rgb")
    return material


def _define_signed_texture(stage: Usd.Stage) -> Usd.Prim:
    """A class of textures that spread 0..1 to -1..1, as the material's specification asks of normal maps.

    USD composes it into the texture. three.js (r183, USDComposer.js) takes a scale written at the texture itself for
    the strength of the bumps and would double them; it reads no classes.
    """
    prim = stage.CreateClassPrim("/_SignedTexture")  # no title gives this name
    prim.CreateAttribute("inputs:scale", TYPES.Float4, False).Set(Gf.Vec4f(2, 2, 2, 1))
    prim.CreateAttribute("inputs:bias", TYPES.Float4, False).Set(Gf.Vec4f(-1, -1, -1, 0))
    return prim


def _shader(stage: Usd.Stage, path: Sdf.Path, name: str, identifier: str) -> UsdShade.Shader:
    shader = UsdShade.Shader.Define(stage, path.AppendChild(name))
    shader.CreateIdAttr(identifier)
    return shader


def _texture(
    stage: Usd.Stage, path: Sdf.Path, slot: str, image: EncodedImage, texcoords: UsdShade.Output, color_space: str
) -> UsdShade.Shader:
    shader = _shader(stage, path, slot, "UsdUVTexture")
    shader.CreateInput("file", TYPES.Asset).Set(Sdf.AssetPath(_image_path(slot, image)))
    shader.CreateInput("st", TYPES.Float2).ConnectToSource(texcoords)
    shader.CreateInput("wrapS", TYPES.Token).Set("clamp")
    shader.CreateInput("wrapT", TYPES.Token).Set("clamp")
    shader.CreateInput("sourceColorSpace", TYPES.Token).Set(color_space)
    return shader


def read_usdz(data: bytes) -> ModelFile:
    """The model in a USDZ of one mesh, in metres and +Y up as a viewer shows it. Raises ValueError for others."""
    files = read_package(data)
    with scratch_folder() as folder:
        path = folder / "model.usdz"
        path.write_bytes(data)
        stage = _opened(path)
        meshes = [UsdGeom.Mesh(prim) for prim in stage.TraverseAll() if prim.IsA(UsdGeom.Mesh)]
        if len(meshes) != 1:
            raise ValueError(f"{len(meshes)} meshes, expected one")
        shaders = _bound_shaders(meshes[0])
        named = shaders.items()
        images = {
            slot: read_image(_packaged(files, shader))
            for slot, shader in named
            if slot in (BASE_COLOR, SURFACE, NORMAL)
        }
        return ModelFile(
            mesh=transformed(_read_mesh(meshes[0]), _to_metres(stage, meshes[0])),
            name=stage.GetDefaultPrim().GetDisplayName() if stage.GetDefaultPrim() else "",
            images=images,
            alpha_mode="OPAQUE" if "opacity" not in shaders else "BLEND",
            double_sided=bool(meshes[0].GetDoubleSidedAttr().Get()),
            has_occlusion="occlusion" in shaders,
            facts={
                "bytes": len(data),
                "triangles": len(meshes[0].GetFaceVertexCountsAttr().Get()),
                "files": list(files),
            },
        )


def _opened(path: Path) -> Usd.Stage:
    try:
        return Usd.Stage.Open(str(path))
    except Tf.ErrorException as error:
        raise ValueError(f"USD cannot open the package: {error}") from None


def _to_metres(stage: Usd.Stage, mesh: UsdGeom.Mesh) -> NDArray[np.float64]:
    """From the mesh's frame to metres, +Y up, float64 (4, 4)."""
    world = np.array(UsdGeom.XformCache().GetLocalToWorldTransform(mesh.GetPrim())).T
    upright = np.eye(4) if UsdGeom.GetStageUpAxis(stage) == UsdGeom.Tokens.y else Z_UP_TO_Y_UP
    scale = UsdGeom.GetStageMetersPerUnit(stage)
    matrix: NDArray[np.float64] = np.diag([scale, scale, scale, 1.0]) @ upright @ world
    return matrix


def _read_mesh(mesh: UsdGeom.Mesh) -> Mesh:
    st = UsdGeom.PrimvarsAPI(mesh).GetPrimvar("st").Get()
    if st is None or set(mesh.GetFaceVertexCountsAttr().Get()) != {3}:
        raise ValueError("expected triangles with st")
    normals = mesh.GetNormalsAttr().Get()
    return Mesh(
        positions=frozen(np.array(mesh.GetPointsAttr().Get()), np.float32),
        indices=frozen(np.array(mesh.GetFaceVertexIndicesAttr().Get()).reshape(-1, 3), np.uint32),
        texcoords=frozen(_flipped(np.array(st))),
        normals=None if normals is None else frozen(np.array(normals), np.float32),
    )


def _bound_shaders(mesh: UsdGeom.Mesh) -> dict[str, UsdShade.Shader]:
    """The texture behind each input of the bound surface, by our slot names, and by the input's own name."""
    material, _ = UsdShade.MaterialBindingAPI(mesh).ComputeBoundMaterial()
    surface = material.ComputeSurfaceSource()[0] if material else None
    if not surface:
        raise ValueError("the mesh has no surface material")
    slots = {"diffuseColor": BASE_COLOR, "roughness": SURFACE, "normal": NORMAL}
    found: dict[str, UsdShade.Shader] = {}
    for item in surface.GetInputs():
        for source in _sources(item):
            found[slots.get(item.GetBaseName(), item.GetBaseName())] = UsdShade.Shader(source)
    return found


def _sources(item: UsdShade.Input) -> Iterable[Usd.Prim]:
    return [source.source.GetPrim() for source in item.GetConnectedSources()[0]]


def _packaged(files: dict[str, bytes], shader: UsdShade.Shader) -> bytes:
    """The image file that a texture names. Raises ValueError when the package lacks it."""
    asset = shader.GetInput("file").Get() if shader.GetInput("file") else None
    path = asset.path.removeprefix("./") if asset else ""
    if path not in files:
        raise ValueError(f"texture {path!r} is not in the package")
    return files[path]
