"""model.glb -> model.usdz"""

from dataclasses import dataclass, replace

from assets_pipeline.asset import Asset, StageRecord
from assets_pipeline.formats.glb import read_glb
from assets_pipeline.formats.usdz import write_usdz
from assets_pipeline.stages.export_glb import GLB

USDZ = "model.usdz"


@dataclass(frozen=True)
class ExportUsdz:
    """Write the same model for AR Quick Look; see `export_usdz`."""

    def __call__(self, asset: Asset) -> Asset:
        assert GLB in asset.files, "export_usdz comes after export_glb"
        data = export_usdz(asset.files[GLB])
        record = StageRecord(repr(self), {USDZ: {"bytes": len(data)}})
        return replace(asset, files={**asset.files, USDZ: data}, provenance=(*asset.provenance, record))


def export_usdz(glb: bytes) -> bytes:
    """The model of our plain GLB as USDZ, its images copied byte for byte."""
    return write_usdz(read_glb(glb))
