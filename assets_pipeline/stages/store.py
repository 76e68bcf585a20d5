"""files -> their place"""

from dataclasses import dataclass, field, replace

from assets_pipeline.asset import Asset, StageRecord
from assets_pipeline.protocols import ObjectStore


@dataclass(frozen=True)
class Store:
    """Hand all files to the store at once. Storing the same files again changes nothing."""

    store: ObjectStore = field(repr=False)

    def __call__(self, asset: Asset) -> Asset:
        assert asset.files, "store comes after export"
        self.store.put_all(asset.files)
        record = StageRecord(repr(self), {"files": len(asset.files), "bytes": sum(map(len, asset.files.values()))})
        return replace(asset, provenance=(*asset.provenance, record))
