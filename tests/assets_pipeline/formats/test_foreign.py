"""Models of strangers: what is sound is read whole, and nothing hostile costs more than a look at its header"""

import contextlib
import json
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from assets_pipeline.errors import InputRejected
from assets_pipeline.formats.foreign import read_foreign_glb
from assets_pipeline.formats.foreign_model import Limits
from assets_pipeline.formats.pictures import open_picture
from tests.foreign import CUBE, FACES, Glb, huge_png, pack, png


def cube(spoil: Callable[[Glb], object] | None = None) -> bytes:
    glb = Glb()
    glb.mesh(material=glb.material(pbrMetallicRoughness={"baseColorTexture": glb.texture(png())}))
    if spoil:
        spoil(glb)
    return glb.bytes


def test_a_sound_model_is_read_whole() -> None:
    model = read_foreign_glb(cube())
    (piece,), (finish,) = model.pieces, model.finishes
    assert np.array_equal(piece.positions, CUBE) and np.array_equal(piece.indices, FACES)
    assert (finish.metallic, finish.roughness, finish.alpha_mode) == (1.0, 1.0, "OPAQUE")
    assert finish.colors is not None and (finish.colors.picture.width, finish.colors.picture.height) == (32, 32)
    assert model.notes == ()


def test_nodes_move_and_mirror_what_hangs_from_them() -> None:
    glb = Glb()
    child = glb.mesh(node={"translation": [1, 0, 0]})
    glb.document["nodes"].append({"scale": [-2, 2, 2], "children": [child]})
    glb.document["scenes"][0]["nodes"] = [1]
    (piece,) = read_foreign_glb(glb.bytes).pieces
    assert piece.positions == pytest.approx((CUBE + np.array([1, 0, 0])) * [-2, 2, 2], abs=1e-6)
    assert volume(piece) == pytest.approx(8 * 0.2 * 0.3 * 0.4, rel=1e-5)


def volume(piece: Any) -> float:
    a, b, c = (piece.positions[piece.indices[:, k]] for k in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def test_a_mesh_that_is_placed_twice_is_there_twice() -> None:
    glb = Glb()
    glb.mesh()
    glb.document["nodes"].append({"mesh": 0, "translation": [5, 0, 0]})
    glb.document["scenes"][0]["nodes"].append(1)
    assert [round(float(piece.positions[:, 0].mean())) for piece in read_foreign_glb(glb.bytes).pieces] == [0, 5]


def test_strips_and_fans_are_triangles_and_lines_are_left_out() -> None:
    glb = Glb()
    square = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]], np.float32)
    glb.mesh(square, np.array([0, 1, 2, 3], np.uint16), mode=5)
    glb.mesh(square, np.array([0, 1, 3, 2], np.uint16), mode=6)
    glb.mesh(square, np.array([0, 1, 3, 2], np.uint16), mode=1)
    model = read_foreign_glb(glb.bytes)
    assert model.notes == ("Its lines and points were left out.",)
    for piece in model.pieces:
        a, b, c = (piece.positions[piece.indices[:, k]] for k in range(3))
        assert np.cross(b - a, c - a)[:, 2].tolist() == [1, 1]


def test_what_is_left_out_is_said() -> None:
    def add(glb: Glb) -> None:
        glb.document["animations"] = [{"channels": [], "samplers": []}]
        glb.document["materials"][0] |= {"emissiveFactor": [1, 0, 0], "extensions": {"KHR_materials_clearcoat": {}}}
        glb.document["meshes"][0]["primitives"][0]["targets"] = [{"POSITION": 0}]

    assert len(read_foreign_glb(cube(add)).notes) == 4


def test_vertex_colours_come_as_light() -> None:
    glb = Glb()
    glb.mesh(attributes={"COLOR_0": np.full((8, 3), 0.25, np.float32)})
    (piece,) = read_foreign_glb(glb.bytes).pieces
    assert piece.colors is not None and piece.colors[0].tolist() == [0.25, 0.25, 0.25, 1]


# hostile ones


def loop(glb: Glb) -> None:
    glb.document["nodes"] += [{"children": [2]}, {"children": [1]}]
    glb.document["scenes"][0]["nodes"].append(1)


def shared(glb: Glb) -> None:
    """One node under two parents, which is no tree."""
    glb.document["nodes"] += [{"children": [0]}, {"children": [0]}]
    glb.document["scenes"][0]["nodes"] = [1, 2]


def deep(glb: Glb) -> None:
    glb.document["nodes"] += [{"children": [number + 2]} for number in range(5_000)] + [{}]
    glb.document["scenes"][0]["nodes"].append(1)


def crowd(glb: Glb) -> None:
    """A thousand meshes of a thousand parts, each of them in twenty thousand places."""
    glb.document["meshes"][0]["primitives"] *= 1_000
    glb.document["nodes"] = [{"mesh": 0} for _ in range(20_000)]
    glb.document["scenes"][0]["nodes"] = list(range(20_000))


def primitive(glb: Glb) -> dict[str, Any]:
    return glb.document["meshes"][0]["primitives"][0]  # type: ignore[no-any-return]


def buffer(glb: Glb, uri: str) -> None:
    glb.document["buffers"] = [{"byteLength": 10**9, "uri": uri}]


def accessor(glb: Glb, **fields: Any) -> None:
    glb.document["accessors"][0] |= fields


def view(glb: Glb, **fields: Any) -> None:
    glb.document["bufferViews"][1] |= fields


def wide(glb: Glb) -> None:
    """One node that is named two million times."""
    glb.document["scenes"][0]["nodes"] = [0] * 2_000_000


def broad(glb: Glb) -> None:
    glb.document["nodes"][0]["children"] = [0] * 2_000_000


def strip(glb: Glb) -> None:
    """As corners of triangles it would be a third of what it is."""
    glb.mesh(faces=np.zeros(7_000, np.uint16), mode=5)
    glb.document["scenes"][0]["nodes"] *= 300
    glb.document["nodes"] += [{"mesh": 1} for _ in range(300)]
    glb.document["scenes"][0]["nodes"] = [0, *range(2, 302)]


def long_texcoords(glb: Glb) -> None:
    """Ten million texcoords for eight vertices."""
    extra = glb.accessor(np.zeros((10_000_000, 2), np.uint8), normalized=True)
    primitive(glb)["attributes"]["TEXCOORD_0"] = extra


def one_picture_many_times(glb: Glb) -> None:
    """Three hundred small pictures that all reach to the end of a large file."""
    data = png()
    start = glb.view(data * 300 + bytes(4_000_000))
    whole = glb.document["bufferViews"][start]
    for number in range(300):
        at = number * len(data)
        view = {"buffer": 0, "byteOffset": whole["byteOffset"] + at, "byteLength": whole["byteLength"] - at}
        glb.document["bufferViews"].append(view)
        glb.document["images"].append({"bufferView": start + 1 + number, "mimeType": "image/png"})
        glb.document["textures"].append({"source": number + 1})
    slots = ("baseColorTexture", "metallicRoughnessTexture")
    for number in range(0, 200, 2):
        pbr = {slot: {"index": number + 1 + at} for at, slot in enumerate(slots)}
        glb.mesh(material=glb.material(pbrMetallicRoughness=pbr))


SPARSE = {"count": 1, "indices": {"bufferView": 9**9, "componentType": 5125}, "values": {"bufferView": 0}}
BOMB = "data:application/octet-stream;base64," + "A" * 1_000_000

SPOILT: dict[str, tuple[Callable[[Glb], object], str]] = {
    "a buffer elsewhere": (lambda g: buffer(g, "http://x/a.bin"), "model_external"),
    "a buffer in the disk": (lambda g: buffer(g, "../../etc/passwd"), "model_external"),
    "a data URI": (lambda g: buffer(g, BOMB), "model_external"),
    "an image elsewhere": (lambda g: g.document.update(images=[{"uri": "http://x/a.png"}]), "model_external"),
    "an image in a data URI": (lambda g: g.document.update(images=[{"uri": BOMB}]), "model_external"),
    "four billion vertices": (lambda g: accessor(g, count=4 * 10**9), "model_too_complex"),
    "four million vertices in 96 bytes": (lambda g: accessor(g, count=4 * 10**6), "model_broken"),
    "a count below zero": (lambda g: accessor(g, count=-5), "model_broken"),
    "a count that is a text": (lambda g: accessor(g, count="many"), "model_broken"),
    "an offset below zero": (lambda g: accessor(g, byteOffset=-400), "model_broken"),
    "values over each other": (lambda g: g.document["bufferViews"][1].update(byteStride=1), "model_broken"),
    "no buffer view": (lambda g: g.document["accessors"][0].pop("bufferView"), "model_broken"),
    "a count of a half": (lambda g: accessor(g, count=7.5), "model_broken"),
    "a count that is a float": (lambda g: accessor(g, count=8.0), "model_broken"),
    "a count that is a truth": (lambda g: accessor(g, count=True), "model_broken"),
    "a count in quotes": (lambda g: accessor(g, count="8"), "model_broken"),
    "a count of four thousand digits": (lambda g: accessor(g, count=10**4_000), "model_broken"),
    "an offset that is a truth": (lambda g: accessor(g, byteOffset=False), "model_broken"),
    "a stride that is a float": (lambda g: g.document["bufferViews"][1].update(byteStride=12.0), "model_broken"),
    "a length that is a float": (lambda g: view(g, byteLength=96.0), "model_broken"),
    "a component type that is a float": (lambda g: accessor(g, componentType=5126.0), "model_broken"),
    "a buffer of fewer bytes than none": (
        lambda g: g.document.update(buffers=[{"byteLength": -5}]), "model_broken"),
    "a mode that is a float": (lambda g: primitive(g).update(mode=4.0), "model_broken"),
    "a mode that nobody knows": (lambda g: primitive(g).update(mode=7), "model_broken"),
    "two million roots": (wide, "model_too_complex"),
    "two million children": (broad, "model_too_complex"),
    "long strips": (strip, "model_too_complex"),
    "more texcoords than vertices": (long_texcoords, "model_broken"),
    "pictures over each other": (one_picture_many_times, "model_broken"),
    "copies that a node makes in secret": (
        lambda g: g.document["nodes"][0].update(extensions={"EXT_mesh_gpu_instancing": {}}), "model_extension"),
    "meshopt in secret": (lambda g: view(g, extensions={"EXT_meshopt_compression": {}}), "model_compressed"),
    "KTX2 in secret": (
        lambda g: g.document["textures"][0].update(extensions={"KHR_texture_basisu": {"source": 0}}),
        "model_compressed"),
    "sparse values out of range": (lambda g: accessor(g, sparse=SPARSE), "model_extension"),
    "a view beyond the file": (lambda g: view(g, byteLength=10**12), "model_broken"),
    "a view before the file": (lambda g: view(g, byteOffset=-100), "model_broken"),
    "a buffer longer than the file": (lambda g: g.document.update(buffers=[{"byteLength": 10**10}]), "model_truncated"),
    "texts for positions": (lambda g: accessor(g, type="SCALAR"), "model_broken"),
    "an unknown component type": (lambda g: accessor(g, componentType=7), "model_broken"),
    "nodes in a circle": (loop, "model_broken"),
    "a node under two parents": (shared, "model_broken"),
    "nodes five thousand deep": (deep, "model_broken"),
    "a crowd": (crowd, "model_too_complex"),
    "too many nodes": (lambda g: g.document["nodes"].extend([{}] * 30_000), "model_too_complex"),
    "a node that is its own child": (lambda g: g.document["nodes"][0].update(children=[0]), "model_broken"),
    "children that are not there": (lambda g: g.document["nodes"][0].update(children=[77]), "model_broken"),
    "a matrix of texts": (lambda g: g.document["nodes"][0].update(matrix=["a"] * 16), "model_broken"),
    "a matrix of 3": (lambda g: g.document["nodes"][0].update(matrix=[1, 2, 3]), "model_broken"),
    "an endless scale": (lambda g: g.document["nodes"][0].update(scale=[1e200, 1e200, 1e200]), "model_broken"),
    "a scene that is not there": (lambda g: g.document.update(scene=9), "model_broken"),
    "an empty scene": (lambda g: g.document["scenes"][0].update(nodes=[]), "model_no_surface"),
    "meshes that are a text": (lambda g: g.document.update(meshes="all"), "model_broken"),
    "a mesh without primitives": (lambda g: g.document["meshes"].__setitem__(0, {}), "model_broken"),
    "a material that is not there": (lambda g: primitive(g).update(material=4), "model_broken"),
    "a colour of two parts": (
        lambda g: g.document["materials"][0]["pbrMetallicRoughness"].update(baseColorFactor=[1, 1]), "model_broken"),
    "a skeleton": (lambda g: g.document["nodes"][0].update(skin=0), "model_skinned"),
    "Draco": (lambda g: g.document.update(extensionsUsed=["KHR_draco_mesh_compression"]), "model_compressed"),
    "Draco in secret": (
        lambda g: primitive(g).update(extensions={"KHR_draco_mesh_compression": {}}), "model_compressed"),
    "meshopt": (lambda g: g.document.update(extensionsRequired=["EXT_meshopt_compression"]), "model_compressed"),
    "KTX2": (lambda g: g.document["images"][0].update(mimeType="image/ktx2"), "model_compressed"),
    "something unheard of": (lambda g: g.document.update(extensionsRequired=["ACME_secret"]), "model_extension"),
    "huge extras": (lambda g: g.document.update(extras="x" * 9_000_000), "model_too_complex"),
    "a texture that is a text": (lambda g: g.document["bufferViews"][0].update(byteLength=9), "model_texture_broken"),
    "a texture that is not there": (lambda g: g.document["textures"][0].update(source=5), "model_broken"),
}  # fmt: skip


@pytest.mark.parametrize("name", SPOILT)
def test_a_hostile_model_is_refused_before_it_costs_anything(name: str) -> None:
    spoil, code = SPOILT[name]
    data = cube(spoil)
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    with pytest.raises(InputRejected) as caught:
        read_foreign_glb(data)
    assert caught.value.code == code, caught.value.advice
    assert time.perf_counter() - began < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000, "kB"
    assert "…" not in caught.value.advice and len(caught.value.advice) < 250


def test_nothing_that_a_file_declares_lightens_what_else_it_holds() -> None:
    glb = Glb()
    glb.mesh()
    glb.document["nodes"] = [{"mesh": 0} for _ in range(20)]
    glb.document["scenes"][0]["nodes"] = list(range(20))
    few = Limits(vertices=100, triangles=10**9)
    with pytest.raises(InputRejected, match="160 vertices"):
        read_foreign_glb(glb.bytes, few)
    below_nothing = {**glb.document["accessors"][0], "count": -(10**9)}
    glb.document["accessors"].append(below_nothing)
    cube_primitive = primitive(glb)
    for points in ({"attributes": {"POSITION": 2}}, {"attributes": {"POSITION": 0}, "indices": 2}):
        glb.document["meshes"][0]["primitives"] = [cube_primitive, {**points, "mode": 0}]
        with pytest.raises(InputRejected, match="model_broken"):
            read_foreign_glb(glb.bytes, few)


@pytest.mark.parametrize(("mode", "triangles"), [(4, 2), (5, 5), (6, 5), (1, 0)])
def test_triangles_are_counted_as_they_are_made(mode: int, triangles: int) -> None:
    glb = Glb()
    glb.mesh()
    glb.mesh(faces=np.array([0, 1, 2, 3, 4, 5, 6], np.uint16), mode=mode)
    glb.document["nodes"] += [{"mesh": 1}]
    glb.document["scenes"][0]["nodes"] += [2]
    most = 12 + 2 * triangles
    pieces = read_foreign_glb(glb.bytes, Limits(triangles=most)).pieces
    assert sum(len(piece.indices) for piece in pieces) == most
    with pytest.raises(InputRejected, match=f"{most} triangles"):
        read_foreign_glb(glb.bytes, Limits(triangles=most - 1))


def test_a_picture_that_materials_share_counts_once() -> None:
    glb = Glb()
    data = png(np.zeros((64, 64, 3), np.uint8))
    first = glb.texture(data)
    for _ in range(9):
        glb.document["images"].append(dict(glb.document["images"][0]))
        glb.document["textures"].append({"source": len(glb.document["images"]) - 1})
        texture = {"index": len(glb.document["textures"]) - 1}
        pbr = {"baseColorTexture": texture, "metallicRoughnessTexture": first}
        glb.mesh(material=glb.material(pbrMetallicRoughness=pbr))
    finishes = read_foreign_glb(glb.bytes, Limits(texels=64 * 64)).finishes
    assert len({id(texture.picture) for finish in finishes for texture in finish.textures}) == 1


LOUD = "\ud800\u202e\x1b[2J\r\n" + "A" * 100_000
"""Half a letter, a turn of direction, a terminal's command, and very much of it."""

LOUD_ONES: dict[str, Callable[[Glb], object]] = {
    "an extension": lambda g: g.document.update(extensionsRequired=[LOUD]),
    "an extension beside the one that packs": lambda g: primitive(g).update(
        extensions={LOUD: {}, "KHR_draco_mesh_compression": {}}
    ),
    "a number": lambda g: g.document["nodes"][0].update(mesh=LOUD),
    "a matrix": lambda g: g.document["nodes"][0].update(matrix=[LOUD] * 16),
    "a factor": lambda g: g.document["materials"][0].update(alphaCutoff=LOUD),
    "a kind": lambda g: accessor(g, type=LOUD),
    "a set of texcoords": lambda g: primitive(g)["attributes"].update({"TEXCOORD_²": 0}),
}


@pytest.mark.parametrize("name", LOUD_ONES)
def test_a_text_of_the_file_is_told_short_and_printable(name: str) -> None:
    with pytest.raises(InputRejected) as caught:
        read_foreign_glb(cube(LOUD_ONES[name]))
    assert caught.value.advice.isprintable()
    assert len(caught.value.advice) < 250
    assert caught.value.code != "model_compressed" or "KHR_draco_mesh_compression" in caught.value.advice


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "model_empty"),
        (b"PK\x03\x04" + bytes(100), "not_a_glb"),
        (b"<!doctype html><html></html>", "not_a_glb"),
        (b'{"asset": {"version": "2.0"}}', "not_a_glb"),
        (b"glTF", "model_truncated"),
        (cube()[:300], "model_truncated"),
        (cube()[:-10], "model_truncated"),
        (cube()[:4] + b"\x01\0\0\0" + cube()[8:], "not_a_glb"),
        (pack(b"nonsense", b""), "model_broken"),
        (pack(b"[" * 500_000, b""), "model_broken"),
        (pack(b"[]", b""), "model_broken"),
        (pack(b"{}", b""), "model_no_surface"),
        (pack(b'{"nodes": NaN}', b""), "model_broken"),
        (pack(b'{"asset": "\xff\xfe"}', b""), "model_broken"),
        (pack(b'{"scenes": [{"nodes": [true]}], "nodes": [{}]}', b""), "model_broken"),
    ],
)
def test_what_is_no_whole_glb_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(InputRejected) as caught:
        read_foreign_glb(data)
    assert caught.value.code == code


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_places_that_are_no_numbers_are_refused(value: float) -> None:
    glb = Glb()
    positions = CUBE.copy()
    positions[3, 1] = value
    glb.mesh(positions)
    with pytest.raises(InputRejected, match="model_broken"):
        read_foreign_glb(glb.bytes)


def test_corners_that_are_not_there_are_refused() -> None:
    glb = Glb()
    glb.mesh(faces=FACES + np.uint16(1))
    with pytest.raises(InputRejected, match="model_broken"):
        read_foreign_glb(glb.bytes)


def test_a_picture_that_claims_to_be_huge_is_never_unpacked() -> None:
    glb = Glb()
    data = huge_png()
    assert open_picture(data).width >= 30_000
    glb.mesh(material=glb.material(pbrMetallicRoughness={"baseColorTexture": glb.texture(data)}))
    with pytest.raises(InputRejected, match="model_texture_too_large"):
        read_foreign_glb(glb.bytes)


def test_many_large_pictures_are_too_large_together() -> None:
    glb = Glb()
    for _ in range(3):
        texture = glb.texture(png(np.zeros((64, 64, 3), np.uint8)))
        glb.mesh(material=glb.material(pbrMetallicRoughness={"baseColorTexture": texture}))
    read_foreign_glb(glb.bytes, Limits(texels=3 * 64 * 64))
    with pytest.raises(InputRejected, match="model_texture_too_large"):
        read_foreign_glb(glb.bytes, Limits(texels=3 * 64 * 64 - 1))


def test_any_byte_may_be_wrong_and_nothing_else_is_raised() -> None:
    data = cube()
    random = np.random.default_rng(5)
    refused = 0
    for _ in range(400):
        spoilt = bytearray(data)
        for place in random.integers(0, len(data), random.integers(1, 6)):
            spoilt[place] = random.integers(0, 256)
        try:
            read_foreign_glb(bytes(spoilt))
        except InputRejected:
            refused += 1
    assert refused > 100


def test_any_value_may_be_another_and_nothing_else_is_raised() -> None:
    data = cube()
    text = json.dumps(json.loads(data[20 : 20 + int.from_bytes(data[12:16], "little")]))
    random = np.random.default_rng(6)
    odd = ["null", "-1", "1e400", "[]", "{}", '"x"', "true", "99999999999999999999", "0.5", "[[]]"]
    body = bytes(2_000)
    values = [at for at, letter in enumerate(text) if letter == ":"]
    for _ in range(600):
        at = int(random.choice(values)) + 1
        rest = text[at:].lstrip()
        end = json.JSONDecoder().raw_decode(rest)[1]
        with_odd = text[:at] + odd[random.integers(len(odd))] + rest[end:]
        with contextlib.suppress(InputRejected):
            read_foreign_glb(pack(with_odd.encode(), body))
