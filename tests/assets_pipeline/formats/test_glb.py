import json
import struct
from dataclasses import replace

import numpy as np
import pytest

from assets_pipeline.formats.glb import glb_facts, read_glb, write_glb
from assets_pipeline.formats.images import encode_jpeg, encode_png, encode_webp
from assets_pipeline.formats.model import BASE_COLOR, NORMAL, SURFACE, ModelFile
from assets_pipeline.nodejs.tools import NodeTools
from tests.models import textured_mug

MESH, MATERIAL = textured_mug(segments=24, rows=20, size=64)
IMAGES = {
    BASE_COLOR: encode_jpeg(MATERIAL.base_color, 90),
    SURFACE: encode_jpeg(MATERIAL.metallic_roughness, 90),
    NORMAL: encode_png(MATERIAL.normal),
}
MODEL = ModelFile(MESH, "Tasse „Süß“ \U0001f375", IMAGES, extras={"generator": "primitive", "licence": {"code": "x"}})


def document_of(glb: bytes) -> dict:
    return json.loads(glb[20 : 20 + struct.unpack_from("<I", glb, 12)[0]])


def test_what_was_written_is_read_back_to_the_last_bit() -> None:
    read = read_glb(write_glb(MODEL, generator="test"))
    for name in ("positions", "indices", "normals", "tangents", "texcoords"):
        assert np.array_equal(getattr(read.mesh, name), getattr(MESH, name)), name
    assert read.images == IMAGES
    assert (read.name, read.extras, read.alpha_mode, read.has_occlusion) == (MODEL.name, MODEL.extras, "OPAQUE", True)
    assert np.array_equal(read.material.normal, MATERIAL.normal)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"images": {}},
        {"double_sided": True, "alpha_mode": "MASK"},
        {"alpha_mode": "BLEND", "has_occlusion": False},
        {"images": {slot: encode_webp(MATERIAL.base_color, 80) for slot in IMAGES}},
        {"name": "", "extras": {}},
    ],
)
def test_the_validator_has_nothing_to_say(tools: NodeTools, change: dict) -> None:
    report = tools.validate(write_glb(replace(MODEL, **change), generator="test"))
    assert report["messages"] == []


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("ACCESSOR_VECTOR3_NON_UNIT", {"normals": MESH.normals * 2}),
        ("ACCESSOR_INDEX_OOB", {"indices": MESH.indices + np.uint32(5)}),
        ("MESH_PRIMITIVE_GENERATED_TANGENT_SPACE", {"tangents": None}),
    ],
)
def test_the_validator_would_speak_up(tools: NodeTools, code: str, change: dict) -> None:
    report = tools.validate(write_glb(replace(MODEL, mesh=replace(MESH, **change)), generator="test"))
    assert code in {message["code"] for message in report["messages"]}


def test_structure_is_one_of_each_with_targets_and_small_indices() -> None:
    document = document_of(write_glb(MODEL, generator="Plinth 9"))
    assert [len(document[key]) for key in ("scenes", "nodes", "meshes", "materials", "images")] == [1, 1, 1, 1, 3]
    assert document["nodes"][0]["name"] == MODEL.name
    assert document["asset"]["generator"] == "Plinth 9"
    primitive = document["meshes"][0]["primitives"][0]
    accessor = document["accessors"][primitive["indices"]]
    assert accessor["componentType"] == 5123
    assert document["bufferViews"][accessor["bufferView"]]["target"] == 34963
    assert (
        document["materials"][0]["occlusionTexture"]["index"]
        == (document["materials"][0]["pbrMetallicRoughness"]["metallicRoughnessTexture"]["index"])
    )
    assert "extensionsUsed" not in document


def test_indices_are_wide_only_past_65535_vertices() -> None:
    mesh, _ = textured_mug(segments=300, rows=250, size=8)
    assert len(mesh.positions) > 65_535
    glb = write_glb(replace(MODEL, mesh=mesh), generator="test")
    document = document_of(glb)
    assert document["accessors"][document["meshes"][0]["primitives"][0]["indices"]]["componentType"] == 5125
    assert np.array_equal(read_glb(glb).mesh.indices, mesh.indices)


def test_webp_is_stated_as_a_required_extension() -> None:
    webp = {BASE_COLOR: encode_webp(MATERIAL.base_color, 80)}
    assert glb_facts(write_glb(replace(MODEL, images=webp), generator="x"))["extensions_required"] == [
        "EXT_texture_webp"
    ]


def test_a_moved_node_is_read_in_world_space() -> None:
    glb = write_glb(MODEL, generator="test")
    document = document_of(glb)
    document["nodes"] = [
        {"name": "up", "translation": [0, 1, 0], "children": [1]},
        {**document["nodes"][0], "scale": [2, 2, 2]},
    ]
    header = json.dumps(document).encode()
    header += b" " * (-len(header) % 4)
    body = glb[20 + struct.unpack_from("<I", glb, 12)[0] :]
    moved = struct.pack("<4sII", b"glTF", 2, 20 + len(header) + len(body))
    moved += struct.pack("<I4s", len(header), b"JSON") + header + body
    assert np.allclose(read_glb(moved).mesh.positions, MESH.positions * 2 + (0, 1, 0), atol=1e-6)


@pytest.mark.parametrize("data", [b"", b"glTF", b"not a glb at all, only text"])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        read_glb(data)
