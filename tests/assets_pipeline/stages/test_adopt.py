"""Uploaded models: merged into one mesh and one set of maps, in the product's size, through the same last stages"""

import contextlib
import io
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from assets_pipeline import remake, tasks
from assets_pipeline.asset import UPLOADED, Asset, Hints, RawShape
from assets_pipeline.errors import InputRejected
from assets_pipeline.formats.foreign import read_foreign_glb
from assets_pipeline.formats.glb import read_glb
from assets_pipeline.formats.pictures import Picture
from assets_pipeline.formats.scene import NOTHING
from assets_pipeline.nodejs.tools import NodeTools
from assets_pipeline.recipes import make_recipe
from assets_pipeline.stages.adopt import SOURCE, Adopt
from assets_pipeline.stages.reuse import usable_texcoords
from assets_pipeline.texture.atlas import lay_out
from assets_pipeline.watch import Watch
from tests.foreign import CUBE, FACES, Glb, png, unfolded_cube

RECIPE = replace(make_recipe("draft", generator="primitive", texture_size=256), poster_side=96)
HINTS = Hints("Box", "box")


class Shelf(dict):
    """A store of bytes by key."""

    def get(self, key: str) -> bytes:  # type: ignore[override]
        return self[key]

    def stat(self, key: str) -> Any:
        return type("Stored", (), {"bytes": len(self[key])})


def adopted(data: bytes, tools: NodeTools, hints: Hints = HINTS, most: int = 10**8) -> tuple[Asset, dict, list[str]]:
    watch = Watch(lambda news: None, lambda: False)
    task = tasks.AdoptTask("k", most, hints, RECIPE, Shelf(k=data), "files")  # type: ignore[arg-type]
    return *remake.adopt(task, tools, watch), list(watch.seconds)


def coloured(glb: Glb, color: tuple[float, ...], **more: Any) -> int:
    return glb.material(pbrMetallicRoughness={"baseColorFactor": [*color, 1], "metallicFactor": 0, **more})


@pytest.fixture(scope="module")
def striped() -> bytes:
    """An unfolded cube whose maps say where they are: red grows to the right, roughness downward."""
    positions, faces, attributes = unfolded_cube()
    y, x = np.mgrid[0:128, 0:192].astype(np.float32)
    colors = np.stack([x, y, 0 * x + 90], axis=2).astype(np.uint8)
    surface = np.stack([0 * x, 60 + y, 0 * x + 255], axis=2).astype(np.uint8)
    normal = np.full((64, 64, 3), (128, 128, 255), np.uint8)
    glb = Glb()
    pbr = {"baseColorTexture": glb.texture(png(colors)), "metallicRoughnessTexture": glb.texture(png(surface))}
    material = glb.material(pbrMetallicRoughness=pbr, normalTexture=glb.texture(png(normal)))
    glb.mesh(positions, faces, material=material, attributes=attributes)
    return glb.bytes


def test_maps_and_texcoords_that_will_do_are_kept(striped: bytes, tools: NodeTools) -> None:
    asset, report, stages = adopted(striped, tools)
    assert stages[:3] == ["adopt", "clean", "reuse"]
    model = read_glb(asset.files["model.glb"])
    assert model.mesh.triangles == 12 and usable_texcoords(model.mesh)
    assert model.material.base_color.shape == (128, 256, 3)  # powers of two
    assert model.material.base_color[10, 200, 0] > model.material.base_color[10, 20, 0] + 100
    assert model.material.metallic_roughness[:, 5, 1][[5, -5]].tolist() == pytest.approx([66, 182], abs=6)
    assert model.material.metallic_roughness[..., 2].mean() > 250
    assert report["certificate"]["passed"], [row for row in report["certificate"]["limits"] if not row["ok"]]


def test_its_grade_is_honest_and_its_licence_the_merchants_own(striped: bytes, tools: NodeTools) -> None:
    asset, report, _ = adopted(striped, tools)
    assert (report["certificate"]["grade"], report["certificate"]["family"]) == ("C", UPLOADED)
    assert report["certificate"]["reasons"] == ["It was uploaded, and nothing says how true to the product it is."]
    assert report["certificate"]["agreement"]["photos"] == []
    assert (report["generator"]["name"], report["generator"]["licence"]["code"]) == (UPLOADED, "the merchant's own")
    assert read_glb(asset.files["model.glb"]).extras["generator"] == UPLOADED
    assert set(asset.files) >= {"model.usdz", "model.web.glb", "poster.webp", "scene.json", "map-base_color.webp"}
    assert SOURCE not in asset.files


def test_the_same_model_gives_the_same_bytes(striped: bytes, tools: NodeTools) -> None:
    assert dict(adopted(striped, tools)[0].files) == dict(adopted(striped, tools)[0].files)


def test_a_model_of_our_own_comes_back_as_it_was(exported: Asset, tools: NodeTools) -> None:
    asset, report, stages = adopted(exported.files["model.glb"], tools, Hints("Mug", height=0.095))
    assert "reuse" in stages
    before, after = (read_glb(files["model.glb"]) for files in (exported.files, asset.files))
    assert after.mesh.extents == pytest.approx(before.mesh.extents, abs=1e-5)
    assert abs(after.mesh.triangles - before.mesh.triangles) < 0.01 * before.mesh.triangles
    assert np.abs(after.material.base_color.astype(int) - before.material.base_color).mean() < 2
    assert report["certificate"]["passed"]


def test_several_materials_become_one(tools: NodeTools) -> None:
    glb = Glb()
    for x, color in ((-1, (1, 0, 0)), (0, (0, 1, 0)), (1, (0, 0, 1))):
        glb.mesh(material=coloured(glb, color, roughnessFactor=0.5 + 0.2 * x), node={"translation": [x, 0, 0]})
    asset, report, stages = adopted(glb.bytes, tools)
    assert "bake" in stages
    model = read_glb(asset.files["model.glb"])
    assert report["certificate"]["files"]["model.glb"]["materials"] == 1
    assert model.mesh.extents == pytest.approx([2.2, 0.3, 0.4], abs=1e-4)
    for x, channel, rough in ((-1, 0, 0.3), (0, 1, 0.5), (1, 2, 0.7)):
        at = np.flatnonzero(np.abs(model.mesh.positions[model.mesh.indices].mean(axis=1)[:, 0] - x) < 0.2)
        uv = model.mesh.texcoords[model.mesh.indices[at]].mean(axis=1)
        for pixels, expected in (
            (model.material.base_color, np.eye(3)[channel] * 255),
            (model.material.metallic_roughness, [None, rough * 255, 0]),
        ):
            size = pixels.shape[1], pixels.shape[0]
            shown = pixels[(uv[:, 1] * size[1]).astype(int), (uv[:, 0] * size[0]).astype(int)]
            for part, value in enumerate(expected):
                assert value is None or np.abs(shown[:, part].astype(float) - value).max() < 12


def test_textures_of_several_materials_share_one_map(striped: bytes, tools: NodeTools) -> None:
    positions, faces, attributes = unfolded_cube()
    glb = Glb()
    for x, color in ((-1, (250, 10, 10)), (1, (10, 10, 250))):
        texture = glb.texture(png(np.full((64, 64, 3), color, np.uint8)))
        material = glb.material(pbrMetallicRoughness={"baseColorTexture": texture, "metallicFactor": 0})
        glb.mesh(positions, faces, material=material, attributes=attributes, node={"translation": [x, 0, 0]})
    asset, _, stages = adopted(glb.bytes, tools)
    assert "reuse" in stages
    model = read_glb(asset.files["model.glb"])
    size = model.material.base_color.shape[0]
    left = model.mesh.positions[:, 0] < 0
    uv = (model.mesh.texcoords * size).astype(int)
    shown = model.material.base_color[uv[:, 1], uv[:, 0]].astype(int)
    assert np.abs(shown[left] - (250, 10, 10)).max() < 16 and np.abs(shown[~left] - (10, 10, 250)).max() < 16


def test_textures_that_repeat_are_laid_out_anew(tools: NodeTools) -> None:
    positions, faces, attributes = unfolded_cube()
    attributes = {"TEXCOORD_0": attributes["TEXCOORD_0"] * 3}
    half = np.zeros((32, 32, 3), np.uint8)
    half[:, 16:] = 255
    glb = Glb()
    material = glb.material(pbrMetallicRoughness={"baseColorTexture": glb.texture(png(half)), "metallicFactor": 0})
    glb.mesh(positions, faces, material=material, attributes=attributes)
    asset, _, _ = adopted(glb.bytes, tools)
    model = read_glb(asset.files["model.glb"])
    assert model.mesh.texcoords.min() >= 0 and model.mesh.texcoords.max() <= 1
    bright = model.material.base_color[..., 0] > 128
    assert 0.3 < bright.mean() < 0.7


def test_overlapping_texcoords_are_laid_out_anew(tools: NodeTools) -> None:
    glb = Glb()
    material = glb.material(pbrMetallicRoughness={"baseColorTexture": glb.texture(png()), "metallicFactor": 0})
    shared = {"TEXCOORD_0": (CUBE[:, [0, 1]] * 2 + 0.4).astype(np.float32)}
    glb.mesh(material=material, attributes=shared)
    asset, _, stages = adopted(glb.bytes, tools)
    assert "unwrap" in stages
    assert usable_texcoords(read_glb(asset.files["model.glb"]).mesh)


def test_vertex_colours_become_a_map(tools: NodeTools) -> None:
    glb = Glb()
    glb.mesh(attributes={"COLOR_0": np.tile(np.float32([0.0, 1.0, 0.0]), (8, 1))})
    model = read_glb(adopted(glb.bytes, tools)[0].files["model.glb"])
    assert np.abs(model.material.base_color.astype(int) - (0, 255, 0)).max() < 6


def test_holes_in_a_mask_stay_holes(tools: NodeTools) -> None:
    positions, faces, attributes = unfolded_cube()
    pixels = np.full((64, 64, 4), 255, np.uint8)
    pixels[:32, :, 3] = 0
    glb = Glb()
    pbr = {"baseColorTexture": glb.texture(png(pixels)), "metallicFactor": 0}
    material = glb.material(pbrMetallicRoughness=pbr, alphaMode="MASK", alphaCutoff=0.4)
    glb.mesh(positions, faces, material=material, attributes=attributes)
    model = read_glb(adopted(glb.bytes, tools)[0].files["model.glb"])
    assert model.alpha_mode == "MASK"
    assert 0.4 < (model.material.base_color[..., 3] == 0).mean() < 0.6


def test_a_model_in_millimetres_is_scaled_evenly_and_that_is_said(tools: NodeTools) -> None:
    glb = Glb()
    glb.mesh(CUBE * 1000)
    asset, report, _ = adopted(glb.bytes, tools, replace(HINTS, height=0.3, width=0.5))
    assert asset.lowpoly.extents == pytest.approx([0.2, 0.3, 0.4], abs=1e-4)
    assert "It was scaled by 0.001 to the product's dimensions." in report["certificate"]["reasons"]
    failed = {row["name"] for row in report["certificate"]["limits"] if not row["ok"] and row["level"] == "required"}
    assert failed == {"dimension_width_error"}


def test_a_model_of_the_right_size_is_left_alone(tools: NodeTools) -> None:
    glb = Glb()
    glb.mesh(CUBE + np.float32([7, 3, -2]))
    asset, report, _ = adopted(glb.bytes, tools, replace(HINTS, height=0.3))
    assert asset.lowpoly.extents == pytest.approx([0.2, 0.3, 0.4], abs=1e-5)
    low, high = asset.lowpoly.positions.min(axis=0), asset.lowpoly.positions.max(axis=0)
    assert low[1] == pytest.approx(0, abs=1e-6) and (low + high)[[0, 2]] == pytest.approx([0, 0], abs=1e-6)
    assert len(report["certificate"]["reasons"]) == 1


def big(glb: Glb) -> None:
    glb.mesh(CUBE * 1000)


def one_triangle(glb: Glb) -> None:
    glb.mesh(CUBE[:3], np.array([0, 1, 2], np.uint16))


def needle(glb: Glb) -> None:
    glb.mesh(CUBE * np.float32([0, 1, 0]))


def point(glb: Glb) -> None:
    glb.mesh(CUBE * np.float32(0))


def folded(glb: Glb) -> None:
    """One triangle, a hundred times, facing both ways."""
    glb.mesh(CUBE[:3], np.tile(np.array([[0, 1, 2], [0, 2, 1]], np.uint16), (50, 1)))


def cut_texture(glb: Glb) -> None:
    stream = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    Image.fromarray(noise).save(stream, "JPEG")
    texture = glb.texture(stream.getvalue()[:500], "image/jpeg")
    glb.mesh(material=glb.material(pbrMetallicRoughness={"baseColorTexture": texture}))


def wrong_length(glb: Glb) -> None:
    glb.mesh(attributes={"TEXCOORD_0": np.zeros((5, 2), np.float32)})


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (big, "model_size_unlikely"),
        (one_triangle, "model_no_surface"),
        (needle, "model_no_surface"),
        (point, "model_no_surface"),
        (folded, "model_no_surface"),
        (cut_texture, "model_texture_broken"),
        (wrong_length, "model_broken"),
    ],
)
def test_models_that_cannot_be_finished_are_refused(spoil: Callable[[Glb], None], code: str, tools: NodeTools) -> None:
    glb = Glb()
    spoil(glb)
    with pytest.raises(InputRejected) as caught:
        adopted(glb.bytes, tools)
    assert caught.value.code == code, caught.value.advice


def test_a_mesh_that_breaks_what_the_stages_rely_on_is_the_files_fault() -> None:
    empty = Asset(hints=HINTS, raw=RawShape(NOTHING, UPLOADED))
    with pytest.raises(InputRejected, match="model_unusable"):
        remake.laid_out(empty, RECIPE, Watch(lambda news: None, lambda: False))


@pytest.mark.parametrize("seed", range(4))
def test_a_soup_of_triangles_is_finished_or_refused(seed: int, tools: NodeTools) -> None:
    random = np.random.default_rng(seed)
    glb = Glb()
    positions = random.normal(size=(150, 3)).astype(np.float32)
    glb.mesh(positions, random.integers(0, 150, (100, 3)).astype(np.uint16))
    with contextlib.suppress(InputRejected):
        assert adopted(glb.bytes, tools)[0].lowpoly.triangles >= 4


def test_the_validators_errors_are_one_sentence(tools: NodeTools) -> None:
    glb = Glb()
    glb.mesh()
    glb.document["asset"] = {"version": "2.0", "minVersion": "3.0"}
    glb.document["nodes"][0]["rotation"] = [1, 1, 1, 1]
    with pytest.raises(InputRejected) as caught:
        Adopt(tools)(Asset(files={SOURCE: glb.bytes}))
    assert caught.value.code == "model_invalid"
    assert caught.value.advice.count(". ") == 0 and "errors in all" in caught.value.advice


def test_what_we_make_anew_may_be_wrong(tools: NodeTools) -> None:
    glb = Glb()
    glb.mesh(attributes={"NORMAL": np.full((8, 3), 5, np.float32)})
    assert tools.validate(glb.bytes)["errors"] > 0
    adopted(glb.bytes, tools)


def test_the_file_must_be_there_and_within_its_limit(striped: bytes, tools: NodeTools) -> None:
    with pytest.raises(InputRejected, match="model_too_large"):
        adopted(striped, tools, most=100)
    task = tasks.AdoptTask("gone", 10**8, HINTS, RECIPE, Shelf(), "files")  # type: ignore[arg-type]
    with pytest.raises(InputRejected, match="model_gone"):
        remake.adopt(task, tools, Watch(lambda news: None, lambda: False))


def test_a_large_mesh_is_simplified(tools: NodeTools) -> None:
    angle = np.linspace(0, 2 * np.pi, 121)[:-1]
    height = np.linspace(0, 0.2, 60)
    ring = np.stack([0.05 * np.cos(angle), 0 * angle, 0.05 * np.sin(angle)], axis=1)
    positions = np.concatenate([ring * (1 + 0.3 * np.sin(30 * h)) + [0, h, 0] for h in height]).astype(np.float32)
    faces = []
    for row in range(59):
        for column in range(120):
            a, b = row * 120 + column, row * 120 + (column + 1) % 120
            faces += [[a, a + 120, b], [b, a + 120, b + 120]]
    glb = Glb()
    glb.mesh(positions, np.array(faces, np.uint16))
    asset, report, stages = adopted(glb.bytes, tools)
    assert asset.lowpoly.triangles <= RECIPE.triangles < len(faces)
    assert "decimate" in stages and report["certificate"]["passed"]


def test_faces_point_outward_whatever_the_file_says(tools: NodeTools) -> None:
    glb = Glb()
    glb.mesh(faces=np.ascontiguousarray(FACES[:, ::-1]))
    mesh = adopted(glb.bytes, tools)[0].lowpoly
    a, b, c = (mesh.positions[mesh.indices[:, k]].astype(float) for k in range(3))
    assert np.einsum("ij,ij->", a - mesh.positions.mean(axis=0), np.cross(b, c)) > 0


def test_a_report_is_plain_json(striped: bytes, tools: NodeTools) -> None:
    report = adopted(striped, tools)[1]
    assert json.loads(json.dumps(report, default=str))["metrics"]["triangles"] == 12


def test_where_a_rule_is_broken_is_told_short_and_printable(tools: NodeTools) -> None:
    glb = Glb()
    glb.mesh()
    glb.document["meshes"][0]["primitives"][0]["attributes"]["\u202e\x1b[2J" + "A" * 100_000] = 0
    with pytest.raises(InputRejected, match="model_invalid") as caught:
        adopted(glb.bytes, tools)
    assert caught.value.advice.isprintable()
    assert len(caught.value.advice) < 250


def test_pictures_that_many_materials_share_are_unpacked_once_for_each_map(monkeypatch: pytest.MonkeyPatch) -> None:
    positions, faces, attributes = unfolded_cube()
    glb, unpacked = Glb(), list[int]()
    textures = [glb.texture(png(np.full((40 + n, 40, 3), 90, np.uint8))) for n in range(2)]
    for number in range(9):
        pbr = {"baseColorTexture": textures[number % 2], "metallicRoughnessTexture": textures[number % 2]}
        glb.mesh(positions, faces, attributes=attributes, material=glb.material(pbrMetallicRoughness=pbr))
    pixels = Picture.pixels
    monkeypatch.setattr(Picture, "pixels", lambda self: (unpacked.append(self.height), pixels(self))[1])
    tiles = lay_out(read_foreign_glb(glb.bytes))
    assert len(unpacked) <= 4
    assert (tiles.base_color[..., :3] == 90).all(axis=2).mean() > 0.5
