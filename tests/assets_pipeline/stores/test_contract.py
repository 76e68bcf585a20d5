"""What `ObjectStore` promises, asked of every adapter."""

import pickle
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from assets_pipeline.protocols import ObjectStore
from assets_pipeline.stores.directory import DirectoryStore
from tests.engines import s3_store

FILES = {"a/model.glb": b"glb" * 1000, "a/model.usdz": bytes(range(256)), "a/größe é+ü.txt": b"named", "a/empty": b""}


@pytest.fixture(params=["directory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "directory":
        return DirectoryStore(tmp_path / "out")
    return s3_store(request.getfixturevalue("seaweedfs"), request.getfixturevalue("bucket"))


class Breaking(dict[str, bytes]):
    """Breaks after two items, as a server or a disk does in the middle."""

    def items(self) -> Iterator[tuple[str, bytes]]:  # type: ignore[override]
        yield from list(super().items())[:2]
        raise RuntimeError("broken")


def everything(store: ObjectStore) -> dict[str, bytes]:
    return {key: store.get(key) for key in store.list("")}


def test_what_was_stored_is_read_back(store: ObjectStore) -> None:
    store.put_all(FILES)
    assert everything(store) == FILES


def test_what_was_never_stored_is_a_key_error(store: ObjectStore) -> None:
    with pytest.raises(KeyError):
        store.get("nothing")
    store.put_all(FILES)
    for key in ("nothing", "a", "a/model.gl", "a/model.glb/inside"):
        with pytest.raises(KeyError):
            store.get(key)


def test_storing_again_replaces_and_keeps_the_others(store: ObjectStore) -> None:
    store.put_all(FILES)
    store.put_all({"a/model.glb": b"new"})
    assert everything(store) == {**FILES, "a/model.glb": b"new"}


def test_storing_the_same_twice_changes_nothing(store: ObjectStore) -> None:
    for _ in range(2):
        store.put_all(FILES)
    assert everything(store) == FILES


def test_a_set_that_breaks_in_the_middle_leaves_all_as_it_was(store: ObjectStore) -> None:
    store.put_all({"a/old": b"old", "b": b"kept"})
    with pytest.raises(RuntimeError, match="broken"):
        store.put_all(Breaking({"a/old": b"new", "c/new": b"new", "b": b"new"}))
    assert everything(store) == {"a/old": b"old", "b": b"kept"}


def test_a_prefix_lists_every_key_that_begins_with_it_once(store: ObjectStore) -> None:
    assert list(store.list("")) == []
    keys = ["a/1", "a/2/3", "ab", "a-b", "b/a/1"]
    store.put_all(dict.fromkeys(keys, b"x"))
    assert sorted(store.list("")) == sorted(keys)
    assert sorted(store.list("a")) == ["a-b", "a/1", "a/2/3", "ab"]
    assert sorted(store.list("a/")) == ["a/1", "a/2/3"]
    assert list(store.list("a/2/3")) == ["a/2/3"]
    assert list(store.list("c")) == []


def test_what_is_deleted_is_gone_and_the_rest_stays(store: ObjectStore) -> None:
    store.put_all(FILES)
    store.delete(["a/model.glb", "a/empty", "never/there", "a"])
    assert everything(store) == {key: FILES[key] for key in ("a/model.usdz", "a/größe é+ü.txt")}
    store.delete(list(FILES))
    store.delete([])
    assert everything(store) == {}


def test_a_copy_of_the_store_sent_to_another_process_knows_the_same_place(store: ObjectStore) -> None:
    store.put_all(FILES)
    assert everything(pickle.loads(pickle.dumps(store))) == FILES


def test_threads_share_one_store(store: ObjectStore) -> None:
    store.put_all({"first": b""})
    sets = [{f"{number}/{name}": bytes([number]) * 1000 for name in "abc"} for number in range(8)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(store.put_all, sets))
        found = dict(zip(sets[3], threads.map(store.get, sets[3]), strict=True))
    assert found == sets[3]
    assert len(list(store.list(""))) == 25
