import json
from dataclasses import replace

import numpy as np
import pytest

from assets_pipeline.asset import Asset, Material, Photo, StageRecord, frozen
from assets_pipeline.formats.glb import glb_facts, read_glb
from assets_pipeline.nodejs.tools import NodeTools
from assets_pipeline.protocols import Licence
from assets_pipeline.stages.export_glb import (
    ExportGlb,
    alpha_mode,
    export_glb,
    export_web_glb,
    extras_of,
    is_open,
    packed_maps,
)
from assets_pipeline.texture.compare import psnr_db
from tests.models import mug_asset, patterned_material, textured_mug

NOISE = np.random.default_rng(3).integers(0, 255, (512, 512, 3)).astype(np.uint8)
HARD = Material(base_color=frozen(NOISE), metallic_roughness=frozen(NOISE), normal=frozen(NOISE))


def test_both_files_pass_the_validator_without_errors_and_warnings(tools: NodeTools, exported: Asset) -> None:
    assert tools.validate(exported.files["model.glb"])["messages"] == []
    report = tools.validate(exported.files["model.web.glb"])
    assert (report["errors"], report["warnings"], report["hints"]) == (0, 0, 0)


def test_both_files_hold_the_same_model_named_after_the_product(exported: Asset) -> None:
    plain, web = (glb_facts(exported.files[name]) for name in ("model.glb", "model.web.glb"))
    assert plain["nodes"] == web["nodes"] == ["Test mug"]
    assert plain["triangles"] == web["triangles"] == exported.lowpoly.triangles
    assert [t["mime"] for t in plain["textures"]] == ["image/jpeg", "image/png", "image/png"]
    assert {t["mime"] for t in web["textures"]} == {"image/webp"}
    assert plain["extensions_required"] == []
    assert web["bytes"] < plain["bytes"] / 2


def test_maps_come_through_close_to_what_was_baked(exported: Asset) -> None:
    material, source = read_glb(exported.files["model.glb"]).material, exported.material
    assert psnr_db(material.base_color, source.base_color) > 30
    assert np.array_equal(material.normal, source.normal)
    assert np.array_equal(material.occlusion, source.occlusion)
    assert np.array_equal(material.metallic_roughness[..., 1:], source.metallic_roughness[..., 1:])


def test_the_same_asset_gives_the_same_bytes(tools: NodeTools, exported: Asset) -> None:
    again = ExportGlb(tools)(mug_asset())
    for name in ("model.glb", "model.web.glb"):
        assert again.files[name] == exported.files[name]


@pytest.mark.parametrize("limit", [1_500_000, 700_000, 300_000])
def test_the_limit_is_kept_and_colours_give_way_last(tools: NodeTools, limit: int) -> None:
    model = read_glb(ExportGlb(tools)(mug_asset()).files["model.glb"])
    data, counts = export_glb(model, HARD, limit)
    assert len(data) <= limit
    assert counts["base_color"]["psnr_db"] >= counts["normal"]["psnr_db"] - 1
    assert tools.validate(data)["errors"] == 0


def test_more_room_is_used_for_more_quality(tools: NodeTools) -> None:
    model = read_glb(ExportGlb(tools)(mug_asset()).files["model.glb"])
    tight, roomy = (export_glb(model, HARD, limit)[1]["normal"]["psnr_db"] for limit in (500_000, 5_000_000))
    assert roomy > tight + 3


def test_the_web_file_keeps_its_limit_and_spends_only_gentle_steps_on_its_goal(tools: NodeTools) -> None:
    model = read_glb(ExportGlb(tools)(mug_asset()).files["model.glb"])
    gentle, gentle_counts = export_web_glb(model, HARD, tools, limit=2_000_000, goal=1_000)
    assert gentle_counts["base_color"]["encoding"] == "webp 512x512"
    hard, hard_counts = export_web_glb(model, HARD, tools, limit=100_000, goal=1_000)
    assert len(hard) <= 100_000 < len(gentle)
    assert hard_counts["base_color"]["encoding"] != "webp 512x512"


def test_occlusion_and_roughness_share_one_image_at_the_larger_size() -> None:
    source = patterned_material(64)
    small = frozen(np.full((16, 16, 3), (0, 77, 200), np.uint8))
    packed = packed_maps(replace(source, metallic_roughness=small))["occlusion_roughness_metallic"]
    assert packed.shape == (64, 64, 3)
    assert np.array_equal(packed[..., 0], source.occlusion)
    assert (packed[..., 1:] == (77, 200)).all()
    alone = packed_maps(replace(source, metallic_roughness=None))["occlusion_roughness_metallic"]
    assert (alone[..., 1:] == (153, 0)).all()
    assert set(packed_maps(Material(base_color=source.base_color))) == {"base_color"}


def test_alpha_is_told_apart() -> None:
    pixels = np.full((10, 10, 4), 255, np.uint8)
    assert alpha_mode(pixels[..., :3]) == alpha_mode(pixels) == "OPAQUE"
    pixels[:5, :, 3] = 0
    assert alpha_mode(pixels) == "MASK"
    pixels[:, :, 3] = 120
    assert alpha_mode(pixels) == "BLEND"


def test_transparent_colours_stay_lossless_and_valid(tools: NodeTools) -> None:
    asset = mug_asset()
    base = np.dstack([asset.material.base_color, np.full((256, 256), 90, np.uint8)])
    files = ExportGlb(tools)(replace(asset, material=replace(asset.material, base_color=frozen(base)))).files
    model = read_glb(files["model.glb"])
    assert model.alpha_mode == "BLEND"
    assert np.array_equal(model.material.base_color, base)
    assert tools.validate(files["model.glb"])["messages"] == []


def test_only_an_open_mesh_is_drawn_from_both_sides() -> None:
    mesh, _ = textured_mug()
    assert not is_open(mesh)
    assert is_open(replace(mesh, indices=frozen(mesh.indices[:-40])))


def test_the_file_says_where_it_comes_from_and_never_when(tools: NodeTools) -> None:
    asset = replace(
        mug_asset(),
        photos=(Photo("a.jpg", np.zeros((2, 2, 3), np.uint8), None, "ab12", (2, 2)),),
        provenance=(StageRecord("Inspect()", {"photos": 1}),),
    )
    licence = Licence(code="Apache-2.0", attribution="Somebody")
    done = ExportGlb(tools, licence)(asset)
    for name in ("model.glb", "model.web.glb"):
        extras = json.loads(json.dumps(read_glb_extras(done.files[name])))
        assert extras["generator"] == "primitive"
        assert extras["licence"] == {"code": "Apache-2.0", "weights": "none", "attribution": "Somebody"}
        assert extras["photos_sha256"] == ["ab12"]
        assert extras["provenance"] == ["Inspect()"]
        assert extras["made_with"].startswith("Plinth")
    assert extras_of(Asset(), None)["title"] == "Product"


def read_glb_extras(glb: bytes) -> dict:
    length = int.from_bytes(glb[12:16], "little")
    return json.loads(glb[20 : 20 + length])["asset"]["extras"]


def test_provenance_counts_bytes_and_what_maps_cost(exported: Asset) -> None:
    record = next(record for record in exported.provenance if record.stage.startswith("ExportGlb"))
    assert record.counts["model.glb"]["bytes"] == len(exported.files["model.glb"])
    assert record.counts["model.web.glb"]["base_color"]["psnr_db"] > 20
    assert "object at" not in record.stage
