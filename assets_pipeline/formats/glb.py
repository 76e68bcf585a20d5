"""ModelFile <-> bytes of a binary glTF 2.0 file"""

import json
import struct
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pygltflib as gltf
from numpy.typing import NDArray

from assets_pipeline.asset import Mesh, frozen
from assets_pipeline.formats.images import EncodedImage, read_image
from assets_pipeline.formats.model import BASE_COLOR, DEFAULT_ROUGHNESS, NORMAL, SURFACE, ModelFile, transformed

RESTART_INDEX = 65_535
"""The largest uint16 starts a new primitive, so it is no vertex."""

WEBP = "EXT_texture_webp"
COMPONENTS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}
LARGEST = {5120: 127, 5121: 255, 5122: 32_767, 5123: 65_535}
DTYPES = {5120: np.int8, 5121: np.uint8, 5122: np.int16, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}


def write_glb(model: ModelFile, *, generator: str) -> bytes:
    """One scene, node, mesh, primitive and material. `model.extras` goes to the file's `asset.extras`.

    Spec: https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html
    """
    body = _Body()
    primitive = _primitive(body, _used(model))
    document = gltf.GLTF2(
        asset=gltf.Asset(version="2.0", generator=generator, extras=dict(model.extras)),
        scene=0,
        scenes=[gltf.Scene(nodes=[0])],
        nodes=[gltf.Node(name=model.name, mesh=0)],
        meshes=[gltf.Mesh(name=model.name, primitives=[primitive])],
        materials=[_material(body, model)],
        samplers=[gltf.Sampler(magFilter=9729, minFilter=9987, wrapS=33071, wrapT=33071)] if model.images else [],
        textures=body.textures,
        images=body.images,
        accessors=body.accessors,
        bufferViews=body.views,
        extensionsUsed=body.extensions,
        extensionsRequired=body.extensions,
    )
    return _container(document, bytes(body.data))


class _Body:
    """The binary chunk under construction, with what points into it."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.views: list[gltf.BufferView] = []
        self.accessors: list[gltf.Accessor] = []
        self.images: list[gltf.Image] = []
        self.textures: list[gltf.Texture] = []
        self.extensions: list[str] = []

    def view(self, data: bytes, target: int | None = None) -> int:
        self.data.extend(bytes(-len(self.data) % 4))  # accessors start on multiples of their component size
        self.views.append(gltf.BufferView(buffer=0, byteOffset=len(self.data), byteLength=len(data), target=target))
        self.data.extend(data)
        return len(self.views) - 1

    def accessor(self, array: NDArray[Any], kind: str, component: int, target: int, bounds: bool = False) -> int:
        self.accessors.append(
            gltf.Accessor(
                bufferView=self.view(np.ascontiguousarray(array).tobytes(), target),
                componentType=component,
                count=array.size // COMPONENTS[kind],
                type=kind,
                min=array.min(axis=0).tolist() if bounds else None,
                max=array.max(axis=0).tolist() if bounds else None,
            )
        )
        return len(self.accessors) - 1

    def texture(self, name: str, image: EncodedImage) -> int:
        """A texture over `image`, stored once."""
        self.images.append(gltf.Image(name=name, bufferView=self.view(image.data), mimeType=image.mime))
        source = len(self.images) - 1
        if image.mime == "image/webp":
            self.extensions = [WEBP]
            texture = gltf.Texture(sampler=0, source=None, extensions={WEBP: {"source": source}})
        else:
            texture = gltf.Texture(sampler=0, source=source)
        self.textures.append(texture)
        return len(self.textures) - 1


def _used(model: ModelFile) -> Mesh:
    """The mesh without what no map needs; the validator remarks on it."""
    mesh = model.mesh
    return replace(
        mesh,
        texcoords=mesh.texcoords if model.images else None,
        tangents=mesh.tangents if NORMAL in model.images else None,
    )


def _primitive(body: _Body, mesh: Mesh) -> gltf.Primitive:
    vertices = [("POSITION", mesh.positions, "VEC3"), ("NORMAL", mesh.normals, "VEC3")]
    vertices += [("TANGENT", mesh.tangents, "VEC4"), ("TEXCOORD_0", mesh.texcoords, "VEC2")]
    attributes = gltf.Attributes()
    for name, array, kind in vertices:
        if array is not None:
            values = array.astype(np.float32, copy=False)
            index = body.accessor(values, kind, gltf.FLOAT, gltf.ARRAY_BUFFER, bounds=name == "POSITION")
            setattr(attributes, name, index)
    small = len(mesh.positions) <= RESTART_INDEX
    corners = mesh.indices.astype(np.uint16 if small else np.uint32).ravel()
    component = gltf.UNSIGNED_SHORT if small else gltf.UNSIGNED_INT
    indices = body.accessor(corners, "SCALAR", component, gltf.ELEMENT_ARRAY_BUFFER)
    return gltf.Primitive(attributes=attributes, indices=indices, material=0)


def _material(body: _Body, model: ModelFile) -> gltf.Material:
    textures = {slot: body.texture(slot, image) for slot, image in model.images.items()}
    pbr = gltf.PbrMetallicRoughness(baseColorFactor=None, metallicFactor=0.0, roughnessFactor=DEFAULT_ROUGHNESS)
    material = gltf.Material(
        name=model.name, pbrMetallicRoughness=pbr, emissiveFactor=None, alphaMode=None, alphaCutoff=None
    )
    material.doubleSided = True if model.double_sided else None
    if model.alpha_mode != "OPAQUE":
        material.alphaMode = model.alpha_mode
        material.alphaCutoff = 0.5 if model.alpha_mode == "MASK" else None
    if BASE_COLOR in textures:
        pbr.baseColorTexture = gltf.TextureInfo(index=textures[BASE_COLOR])
    if SURFACE in textures:
        pbr.metallicRoughnessTexture = gltf.TextureInfo(index=textures[SURFACE])
        pbr.metallicFactor = pbr.roughnessFactor = None  # their default is 1
        if model.has_occlusion:
            material.occlusionTexture = gltf.OcclusionTextureInfo(index=textures[SURFACE], strength=None)
    if NORMAL in textures:
        material.normalTexture = gltf.NormalMaterialTexture(index=textures[NORMAL], scale=None)
    return material


def _container(document: gltf.GLTF2, data: bytes) -> bytes:
    """The two chunks, each padded to 4 bytes (spec 4.4)."""
    data += bytes(-len(data) % 4)
    document.buffers = [gltf.Buffer(byteLength=len(data))]
    text = _plain(json.loads(document.gltf_to_json()))
    header = json.dumps(text, separators=(",", ":"), ensure_ascii=False).encode()
    header += b" " * (-len(header) % 4)
    chunks = struct.pack("<I4s", len(header), b"JSON") + header + struct.pack("<I4s", len(data), b"BIN\0") + data
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def _plain(value: Any) -> Any:
    """Without the empty lists and objects that pygltflib writes and the validator remarks on."""
    if isinstance(value, dict):
        cleaned = {key: _plain(item) for key, item in value.items()}
        return {key: item for key, item in cleaned.items() if item is not None and item != [] and item != {}}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def read_glb(data: bytes) -> ModelFile:
    """The model in a GLB of one primitive, in world space. Raises ValueError for anything else.

    Compressed geometry must be unpacked before (`GltfTools.unpack_web`).
    """
    document, body = _chunks(data)
    primitives = [primitive for mesh in document.get("meshes", []) for primitive in mesh["primitives"]]
    nodes = [node for node in document.get("nodes", []) if "mesh" in node]
    if len(primitives) != 1 or len(nodes) != 1:
        raise ValueError(f"{len(primitives)} primitives under {len(nodes)} nodes, expected one")
    mesh = _read_mesh(document, body, primitives[0])
    material = document["materials"][primitives[0]["material"]]
    images = _read_images(document, body, material)
    return ModelFile(
        mesh=transformed(mesh, _node_matrix(document, document["nodes"].index(nodes[0]))),
        name=nodes[0].get("name", ""),
        images=images,
        alpha_mode=material.get("alphaMode", "OPAQUE"),
        double_sided=material.get("doubleSided", False),
        has_occlusion="occlusionTexture" in material,
        extras=document["asset"].get("extras", {}),
        facts=glb_facts(data),
    )


def glb_facts(data: bytes) -> dict[str, Any]:
    """What the file's JSON says without decoding geometry: counts, names, textures and extensions."""
    document, body = _chunks(data)
    accessors = document.get("accessors", [])
    primitives = [primitive for mesh in document.get("meshes", []) for primitive in mesh["primitives"]]
    corners = [accessors[p.get("indices", p["attributes"]["POSITION"])]["count"] for p in primitives]
    return {
        "bytes": len(data),
        "triangles": sum(corners) // 3,
        "vertices": sum(accessors[p["attributes"]["POSITION"]]["count"] for p in primitives),
        "materials": len(document.get("materials", [])),
        "nodes": [node.get("name", "") for node in document.get("nodes", [])],
        "textures": [
            {
                "name": image.get("name", ""),
                "mime": found.mime,
                "width": found.width,
                "height": found.height,
                "bytes": len(found.data),
            }
            for image, found in ((image, _image(document, body, image)) for image in document.get("images", []))
        ],
        "extensions_required": document.get("extensionsRequired", []),
    }


def _chunks(data: bytes) -> tuple[dict[str, Any], bytes]:
    if data[:4] != b"glTF" or len(data) < 20:
        raise ValueError("not a GLB file")
    length = struct.unpack_from("<I", data, 12)[0]
    document: dict[str, Any] = json.loads(data[20 : 20 + length])
    return document, data[28 + length :]


def _read_mesh(document: dict[str, Any], body: bytes, primitive: Mapping[str, Any]) -> Mesh:
    def array(index: int | None) -> NDArray[Any] | None:
        return None if index is None else _accessor(document, body, index)

    attributes = primitive["attributes"]
    positions, normals = array(attributes["POSITION"]), array(attributes.get("NORMAL"))
    tangents, texcoords = array(attributes.get("TANGENT")), array(attributes.get("TEXCOORD_0"))
    indices = array(primitive.get("indices"))
    assert positions is not None
    if indices is None:
        indices = np.arange(len(positions))
    return Mesh(
        positions=frozen(positions, np.float32),
        indices=frozen(indices.reshape(-1, 3), np.uint32),
        texcoords=None if texcoords is None else frozen(texcoords, np.float32),
        normals=None if normals is None else frozen(normals, np.float32),
        tangents=None if tangents is None else frozen(tangents, np.float32),
    )


def _accessor(document: dict[str, Any], body: bytes, index: int) -> NDArray[Any]:
    """The accessor's values, (count, components), normalised integers as floats."""
    accessor = document["accessors"][index]
    view = document["bufferViews"][accessor["bufferView"]]
    dtype, width = np.dtype(DTYPES[accessor["componentType"]]), COMPONENTS[accessor["type"]]
    stride = view.get("byteStride", dtype.itemsize * width)
    start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
    values = np.ndarray((accessor["count"], width), dtype, body, start, (stride, dtype.itemsize))
    if accessor.get("normalized"):
        return np.maximum(values.astype(np.float32) / LARGEST[accessor["componentType"]], -1.0)
    return values


def _read_images(document: dict[str, Any], body: bytes, material: Mapping[str, Any]) -> dict[str, EncodedImage]:
    pbr = material.get("pbrMetallicRoughness", {})
    slots = {
        BASE_COLOR: pbr.get("baseColorTexture"),
        SURFACE: pbr.get("metallicRoughnessTexture"),
        NORMAL: material.get("normalTexture"),
    }
    found = {}
    for slot, info in slots.items():
        if info is not None:
            texture = document["textures"][info["index"]]
            source = texture.get("extensions", {}).get(WEBP, texture)["source"]
            found[slot] = _image(document, body, document["images"][source])
    return found


def _image(document: dict[str, Any], body: bytes, image: Mapping[str, Any]) -> EncodedImage:
    if "bufferView" not in image:
        raise ValueError("an image lies outside the file")
    view = document["bufferViews"][image["bufferView"]]
    start = view.get("byteOffset", 0)
    return read_image(body[start : start + view["byteLength"]])


def _node_matrix(document: dict[str, Any], index: int) -> NDArray[np.float64]:
    """From the node's frame to the world, float64 (4, 4)."""
    matrix = node_matrix(document["nodes"][index])
    parents = [i for i, other in enumerate(document["nodes"]) if index in other.get("children", [])]
    return _node_matrix(document, parents[0]) @ matrix if parents else matrix


def node_matrix(node: Mapping[str, Any]) -> NDArray[np.float64]:
    """From the node's frame to its parent's, float64 (4, 4)."""
    matrix = np.array(node.get("matrix", np.eye(4).ravel()), np.float64).reshape(4, 4).T
    if "matrix" not in node:
        matrix[:3, :3] = _rotation(*node.get("rotation", (0.0, 0.0, 0.0, 1.0))) * node.get("scale", (1.0, 1.0, 1.0))
        matrix[:3, 3] = node.get("translation", (0.0, 0.0, 0.0))
    return matrix


def _rotation(x: float, y: float, z: float, w: float) -> NDArray[np.float64]:
    """The matrix of a unit quaternion."""
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
