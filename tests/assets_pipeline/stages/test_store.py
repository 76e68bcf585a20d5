from pathlib import Path

import pytest

from assets_pipeline.asset import Asset
from assets_pipeline.errors import Unavailable
from assets_pipeline.stages.store import Store
from assets_pipeline.stores.directory import DirectoryStore

FILES = {"model.glb": b"glb", "poster.webp": b"webp"}


def test_every_file_of_the_asset_is_kept_and_the_asset_says_so(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "out")
    done = Store(store)(Asset(files=FILES))
    assert {name: store.get(name) for name in FILES} == FILES
    assert done.files == FILES
    assert done.provenance[-1].counts == {"files": 2, "bytes": 7}


def test_its_repr_holds_no_path(tmp_path: Path) -> None:
    assert repr(Store(DirectoryStore(tmp_path))) == "Store()"


class FullStore(DirectoryStore):
    def put_all(self, objects: object) -> None:
        raise Unavailable("storage_full", "No room.")


def test_trouble_of_the_store_comes_through(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        Store(FullStore(tmp_path))(Asset(files=FILES))
