"""objects -> files in a folder, all of them or none"""

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from assets_pipeline.errors import Unavailable

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
TEMPORARY = ".plinth-"


class UnusablePlace(OSError):
    """Files cannot be kept there: the path names no folder, or nobody may write to it. The message says which."""


class DirectoryStore:
    """`ObjectStore` over one folder, made when it is missing; keys are paths within it."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(os.path.abspath(folder))  # noqa: PTH100 - resolve() would follow a link that ends nowhere

    def ensure_writable(self) -> None:
        """Try the place, leaving no trace. Raises UnusablePlace, or Unavailable when it is full."""
        with _translated(self.folder):
            parent = _nearest_folder(self.folder)
            trial = parent / _temporary_name()
            trial.mkdir()
            trial.rmdir()

    def put_all(self, objects: Mapping[str, bytes]) -> None:
        """Write all the files, or leave the folder as it was; see `ObjectStore.put_all`.

        A new folder appears with everything in it. In an existing one each file is replaced at once, after all have
        been written beside it. Raises UnusablePlace, or Unavailable when the place is full.
        """
        for key in objects:
            _check_key(key)
        with _translated(self.folder):
            if _there(self.folder):
                self._replace_files(objects)
            else:
                self._make_folder(objects)

    def get(self, key: str) -> bytes:
        """The bytes of the file `key`. Raises KeyError."""
        _check_key(key)
        try:
            return (self.folder / key).read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise KeyError(key) from None

    def list(self, prefix: str) -> Iterator[str]:
        """Every key that begins with `prefix`, in order."""
        paths = (path.relative_to(self.folder) for path in sorted(self.folder.rglob("*")) if path.is_file())
        for path in paths:
            if str(path).startswith(prefix) and not path.parts[0].startswith(TEMPORARY):
                yield path.as_posix()

    def delete(self, keys: Iterable[str]) -> None:
        """Remove the files and the folders within that get empty. Raises UnusablePlace."""
        for key in keys:
            _check_key(key)
            with _translated(self.folder):
                path = self.folder / key
                with contextlib.suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
                    path.unlink()
                for parent in list(path.parents)[: len(PurePosixPath(key).parts) - 1]:
                    _remove_if_empty(parent)

    def _make_folder(self, objects: Mapping[str, bytes]) -> None:
        """Fill a folder beside the place and rename it."""
        missing = [place for place in (self.folder, *self.folder.parents) if not _there(place)]
        _nearest_folder(self.folder)
        with contextlib.ExitStack() as undo:
            for parent in reversed(missing[1:]):
                parent.mkdir()
                undo.callback(_remove_if_empty, parent)
            written = self.folder.parent / _temporary_name()
            undo.callback(shutil.rmtree, written, ignore_errors=True)
            _write_files(written, objects)
            written.rename(self.folder)
            undo.pop_all()

    def _replace_files(self, objects: Mapping[str, bytes]) -> None:
        """Write everything into a folder within, then move file after file to its name, ready to move back."""
        _nearest_folder(self.folder)
        written = self.folder / _temporary_name()
        with contextlib.ExitStack() as undo:
            undo.callback(shutil.rmtree, written, ignore_errors=True)
            _write_files(written / "new", objects)
            with contextlib.ExitStack() as put_back:
                for number, key in enumerate(objects):
                    target, old = self.folder / key, written / f"old{number}"
                    self._make_parents(target, put_back)
                    if _there(target):
                        _keep_copy(target, old)
                        put_back.callback(os.replace, old, target)
                    else:
                        put_back.callback(target.unlink, missing_ok=True)
                    (written / "new" / key).replace(target)
                put_back.pop_all()

    def _make_parents(self, target: Path, undo: contextlib.ExitStack) -> None:
        inside = target.relative_to(self.folder).parents
        for parent in reversed([self.folder / part for part in inside]):
            if not parent.exists():
                parent.mkdir()
                undo.callback(_remove_if_empty, parent)


def _check_key(key: str) -> None:
    """Keys come from us; one that leaves the folder would be a bug."""
    path = PurePosixPath(key)
    if not key or path.is_absolute() or ".." in path.parts or "\0" in key:
        raise ValueError(f"not a relative path: {key!r}")


def _nearest_folder(folder: Path) -> Path:
    """The folder itself or its nearest existing ancestor. Raises NotADirectoryError when that is no folder."""
    place = next(place for place in (folder, *folder.parents) if _there(place))
    if not place.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(place))
    return place


def _there(path: Path) -> bool:
    """Whether anything has that name, a link that ends nowhere too. A name that cannot be one raises OSError."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _temporary_name() -> str:
    return f"{TEMPORARY}{secrets.token_hex(6)}"


def _write_files(folder: Path, objects: Mapping[str, bytes]) -> None:
    folder.mkdir(parents=True)
    for key, data in objects.items():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())


def _keep_copy(target: Path, copy: Path) -> None:
    """The old file under another name, without moving it: readers find one or the other at any time."""
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    try:
        os.link(target, copy, follow_symlinks=False)
    except OSError:  # file systems without hard links
        shutil.copy2(target, copy, follow_symlinks=False)


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()


@contextlib.contextmanager
def _translated(folder: Path) -> Iterator[None]:
    """The operating system's errors as ours."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise Unavailable("storage_full", f"There is no room left for the files in {folder}.") from None
        raise UnusablePlace(error.errno, f"cannot write to {folder}: {error.strerror or error}") from None
    except ValueError as error:  # a zero byte in the path
        raise UnusablePlace(errno.EINVAL, f"cannot write to {str(folder)!r}: {error}") from None
