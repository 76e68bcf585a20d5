from assets_pipeline.asset import Asset
from assets_pipeline.formats.glb import read_glb
from assets_pipeline.formats.usdz_rules import usdz_findings
from assets_pipeline.stages.export_usdz import ExportUsdz, export_usdz


def test_the_usdz_of_the_glb_passes_every_rule_at_the_glbs_size(exported: Asset) -> None:
    extents = read_glb(exported.files["model.glb"]).mesh.extents.tolist()
    assert usdz_findings(exported.files["model.usdz"], extents=extents) == []


def test_the_same_glb_gives_the_same_bytes(exported: Asset) -> None:
    assert export_usdz(exported.files["model.glb"]) == exported.files["model.usdz"]


def test_other_files_stay_and_provenance_tells_the_size(exported: Asset) -> None:
    done = ExportUsdz()(exported)
    assert set(done.files) == {"model.glb", "model.web.glb", "model.usdz"}
    assert done.provenance[-1].counts == {"model.usdz": {"bytes": len(done.files["model.usdz"])}}
