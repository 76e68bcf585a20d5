import os
import resource
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from assets_pipeline.errors import Unavailable
from assets_pipeline.protocols import ObjectStore
from assets_pipeline.stores.directory import DirectoryStore, UnusablePlace

FILES = {"model.glb": b"glb" * 1000, "model.usdz": b"usdz", "textures/a.png": b"png"}


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def everything(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


def test_it_is_an_object_store(tmp_path: Path) -> None:
    store: ObjectStore = DirectoryStore(tmp_path / "out")
    store.put_all(FILES)
    assert store.get("textures/a.png") == b"png"
    with pytest.raises(KeyError):
        store.get("nothing.glb")


def test_a_missing_folder_appears_whole_with_its_parents(tmp_path: Path) -> None:
    DirectoryStore(tmp_path / "a" / "b" / "out").put_all(FILES)
    assert tree(tmp_path / "a" / "b" / "out") == FILES
    assert everything(tmp_path / "a" / "b") == [
        "out",
        "out/model.glb",
        "out/model.usdz",
        "out/textures",
        "out/textures/a.png",
    ]


def test_a_new_folder_can_be_read_by_whom_the_umask_allows(tmp_path: Path) -> None:
    old = os.umask(0o022)
    try:
        DirectoryStore(tmp_path / "out").put_all(FILES)
    finally:
        os.umask(old)
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o755


def test_files_of_an_existing_folder_are_replaced_and_others_stay(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_bytes(b"mine")
    (tmp_path / "model.glb").write_bytes(b"old")
    DirectoryStore(tmp_path).put_all(FILES)
    assert tree(tmp_path) == {**FILES, "notes.txt": b"mine"}


def test_storing_twice_changes_nothing(tmp_path: Path) -> None:
    for _ in range(2):
        DirectoryStore(tmp_path / "out").put_all(FILES)
    assert tree(tmp_path / "out") == FILES


@pytest.mark.parametrize("existing", [True, False])
def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, existing: bool) -> None:
    out = tmp_path / "deep" / "out"
    if existing:
        out.mkdir(parents=True)
        (out / "model.glb").write_bytes(b"old")
    before = everything(tmp_path)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limit[1]))
    try:
        with pytest.raises(Unavailable) as caught:
            DirectoryStore(out).put_all(FILES)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert caught.value.code == "storage_full"
    assert everything(tmp_path) == before
    assert not existing or (out / "model.glb").read_bytes() == b"old"


@pytest.mark.parametrize("existing", [True, False])
def test_ctrl_c_while_writing_leaves_nothing_behind(tmp_path: Path, existing: bool) -> None:
    if existing:
        (tmp_path / "out").mkdir()
    before = everything(tmp_path)
    script = textwrap.dedent(
        """
        import os, signal, sys
        from pathlib import Path
        from assets_pipeline.stores.directory import DirectoryStore

        class Interrupted(dict):
            def items(self):
                yield from list(super().items())[:2]
                os.kill(os.getpid(), signal.SIGINT)
                yield from list(super().items())[2:]

        files = Interrupted({f"{n}.bin": bytes(1000) for n in range(4)})
        DirectoryStore(Path(sys.argv[1])).put_all(files)
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "out")], capture_output=True, text=True, timeout=60
    )
    assert "KeyboardInterrupt" in done.stderr
    assert everything(tmp_path) == before


def test_a_name_taken_by_a_folder_leaves_the_others_as_they_were(tmp_path: Path) -> None:
    (tmp_path / "model.glb").write_bytes(b"old")
    (tmp_path / "model.usdz").mkdir()
    before = everything(tmp_path)
    with pytest.raises(UnusablePlace):
        DirectoryStore(tmp_path).put_all(FILES)
    assert everything(tmp_path) == before
    assert (tmp_path / "model.glb").read_bytes() == b"old"


@pytest.mark.parametrize("path", ["file", "file/inside", "dangling", "x" * 300, "nul\0byte"])
def test_a_place_that_is_no_folder_is_told_before_any_work(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").write_bytes(b"here first")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    before = everything(tmp_path)
    for attempt in (
        DirectoryStore(tmp_path / path).ensure_writable,
        lambda: DirectoryStore(tmp_path / path).put_all(FILES),
    ):
        with pytest.raises(UnusablePlace):
            attempt()
    assert everything(tmp_path) == before


def test_trying_a_good_place_leaves_no_trace(tmp_path: Path) -> None:
    DirectoryStore(tmp_path / "a" / "b").ensure_writable()
    assert everything(tmp_path) == []


@pytest.mark.parametrize("key", ["../up.glb", "/etc/x", "", "a/../../b"])
def test_keys_that_leave_the_folder_are_a_bug(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError):
        DirectoryStore(tmp_path / "out").put_all({key: b"x"})
    assert everything(tmp_path) == []
