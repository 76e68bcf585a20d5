"""Asset <-> bytes: what a group of stages leaves for the next one, and the key that it lies under

A checkpoint is a zip of .npy members and one JSON, deflated at level 1. Reading one runs nothing that it holds: arrays
are plain numbers, and only the values of `asset.py` are built, each field held against its declared type.
"""

import io
import json
import struct
import types
import typing
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from enum import StrEnum
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assets_pipeline import asset as values
from assets_pipeline.asset import Asset, Hints, View

FORMAT = 2
"""Grows with every change of this file or of `asset.py` that old checkpoints do not survive."""

MAX_BYTES = 2_000_000_000
"""What a checkpoint may unpack to; a hundred photos at high quality stay below."""

MAX_MEMBERS = 10_000
LEVEL = 1
"""Of deflate: at 6 it takes twice as long to save 7 %, measured."""

CONTENTS = "asset.json"
NUMBERS = "biuf"
"""numpy's kinds that a member may have: booleans, integers and floats."""

DATACLASSES: Mapping[str, type[Any]] = {
    name: value
    for name, value in vars(values).items()
    if is_dataclass(value) and isinstance(value, type) and value.__module__ == values.__name__
}
ENUMS: Mapping[str, type[StrEnum]] = {"View": View}

Json = Any


class DamagedCheckpoint(Exception):
    """The bytes are no checkpoint, or not a whole one, or one of another format: make it anew."""


def checkpoint_key(stages: Iterable[object], photos: Iterable[tuple[str, View | None, str]], hints: Hints) -> str:
    """64 hex digits for everything that decides an asset up to the last of `stages`.

    photos: (name, view, sha256) of each, in order. Stages count by their reprs, which hold their options.
    """
    told = {
        "format": FORMAT,
        "plinth": plinth_version(),
        "photos": [[name, view, digest] for name, view, digest in photos],
        "hints": [[field.name, getattr(hints, field.name)] for field in fields(hints)],
        "stages": [repr(stage) for stage in stages],
    }
    return sha256(json.dumps(told, ensure_ascii=True, separators=(",", ":")).encode()).hexdigest()


@cache
def plinth_version() -> str:
    """The installed version, "unknown" in a bare checkout."""
    try:
        return version("plinth")
    except PackageNotFoundError:
        return "unknown"


# Writing


def to_bytes(asset: Asset) -> bytes:
    """The whole asset; equal assets give equal bytes. Raises TypeError for what is no value of ours: a bug."""
    members = Members()
    contents = {"format": FORMAT, "asset": _packed(asset, members)}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
        _write(archive, CONTENTS, json.dumps(contents, ensure_ascii=True, separators=(",", ":")).encode())
        for number, array in enumerate(members.arrays):
            _write(archive, f"{number}.npy", _npy_header(array) + array.tobytes())
    return stream.getvalue()


class Members:
    """The arrays of one checkpoint; one that several values share is kept once."""

    def __init__(self) -> None:
        self.arrays: list[NDArray[Any]] = []
        self._numbers: dict[int, int] = {}
        self._held: list[NDArray[Any]] = []  # an id means something only while its array lives

    def add(self, array: NDArray[Any]) -> int:
        """The number of its member."""
        if id(array) not in self._numbers:
            if array.dtype.kind not in NUMBERS:
                raise TypeError(f"no checkpoint takes an array of {array.dtype}")
            self._numbers[id(array)] = len(self.arrays)
            self._held.append(array)
            plain = array.astype(array.dtype.newbyteorder("<"), copy=False)
            self.arrays.append(plain if plain.flags.c_contiguous else plain.copy("C"))
        return self._numbers[id(array)]


def _packed(value: object, members: Members) -> Json:
    """`value` as JSON: plain texts, numbers and None as they are, everything else as {"$what it is": ...}."""
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, np.ndarray):
        return {"$array": members.add(value)}
    if isinstance(value, np.generic):
        return {"$number": members.add(np.array(value))}
    if isinstance(value, bytes):
        return {"$bytes": members.add(np.frombuffer(value, np.uint8))}
    if isinstance(value, tuple | list):
        return {f"${type(value).__name__}": [_packed(item, members) for item in value]}
    if isinstance(value, Mapping):
        return {"$map": [[_packed(key, members), _packed(item, members)] for key, item in value.items()]}
    if ENUMS.get(type(value).__name__) is type(value):
        return {"$enum": [type(value).__name__, str(value)]}
    if DATACLASSES.get(name := type(value).__name__) is type(value):
        held = {field: getattr(value, field) for field in _types_of(name)}
        if wrong := [field for field in held if not _fits(held[field], _types_of(name)[field])]:
            raise TypeError(f"{name}.{wrong[0]} is a {type(held[wrong[0]]).__name__}, which could not be read back")
        return {"$value": [name, {field: _packed(item, members) for field, item in held.items()}]}
    raise TypeError(f"no checkpoint takes a {type(value).__name__}")


def _npy_header(array: NDArray[Any]) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, np.lib.format.header_data_from_array_1_0(array))
    return stream.getvalue()


def _write(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    member = zipfile.ZipInfo(name)  # its date is always the same: equal assets give equal bytes
    archive.writestr(member, data, zipfile.ZIP_DEFLATED, LEVEL)  # a ZipInfo forgets what the archive was told


# Reading


def from_bytes(data: bytes) -> Asset:
    """The asset that `to_bytes` wrote. Raises DamagedCheckpoint."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check_sizes(archive)
            contents = json.loads(archive.read(CONTENTS))
            if contents["format"] != FORMAT:
                raise DamagedCheckpoint(f"format {contents['format']!r} instead of {FORMAT}")
            asset = _unpacked(contents["asset"], _Reader(archive))
    except (
        zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, NotImplementedError, RuntimeError,
        LookupError, TypeError, ValueError, ArithmeticError, SyntaxError,
    ) as error:  # what zipfile, json and numpy say about bytes that they did not write  # fmt: skip
        raise DamagedCheckpoint(f"{type(error).__name__}: {error}") from None
    if not isinstance(asset, Asset):
        raise DamagedCheckpoint(f"holds a {type(asset).__name__}")
    return asset


def _check_sizes(archive: zipfile.ZipFile) -> None:
    """Before anything is unpacked; zipfile itself never unpacks more than a member says it holds."""
    sizes = [member.file_size for member in archive.infolist()]
    if len(sizes) > MAX_MEMBERS or sum(sizes) > MAX_BYTES:
        raise DamagedCheckpoint(f"{len(sizes)} members that unpack to {sum(sizes)} bytes")


class _Reader:
    """Reads each member once."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._arrays: dict[int, NDArray[Any]] = {}

    def array(self, number: object) -> NDArray[Any]:
        if type(number) is not int:
            raise DamagedCheckpoint(f"member {number!r}")
        if number not in self._arrays:
            self._arrays[number] = _read_array(self._archive.read(f"{number}.npy"))
        return self._arrays[number]


def _read_array(data: bytes) -> NDArray[Any]:
    """A read-only array over the bytes of a .npy file, without a copy."""
    stream = io.BytesIO(data)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise DamagedCheckpoint("an array of another format")
    shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(stream)
    if dtype.kind not in NUMBERS or fortran_order:
        raise DamagedCheckpoint(f"an array of {dtype}")
    # frombuffer and reshape take no memory, and refuse a shape that the bytes do not fill.
    flat = np.frombuffer(data, dtype, offset=stream.tell()) if len(data) > stream.tell() else np.empty(0, dtype)
    array = flat.reshape(shape)
    array.flags.writeable = False
    return array


def _unpacked(stored: Json, reader: _Reader) -> Any:
    if stored is None or type(stored) in (bool, int, float, str):
        return stored
    ((what, held),) = stored.items()
    match what:
        case "$array":
            return reader.array(held)
        case "$number":
            return reader.array(held)[()]
        case "$bytes":
            return reader.array(held).tobytes()
        case "$tuple":
            return tuple(_unpacked(item, reader) for item in held)
        case "$list":
            return [_unpacked(item, reader) for item in held]
        case "$map":
            return {_unpacked(key, reader): _unpacked(item, reader) for key, item in held}
        case "$enum":
            name, text = held
            return ENUMS[name](text)
        case "$value":
            name, members = held
            return _value(DATACLASSES[name], {key: _unpacked(item, reader) for key, item in members.items()})
        case _:
            raise DamagedCheckpoint(f"holds {what!r}")


def _value(kind: type[Any], members: Mapping[str, Any]) -> Any:
    """The value of ours, every field of its declared type."""
    types_of = _types_of(kind.__name__)
    if set(members) != set(types_of):
        raise DamagedCheckpoint(f"other fields of {kind.__name__}: {sorted(set(members) ^ set(types_of))}")
    for name, value in members.items():
        if not _fits(value, types_of[name]):
            raise DamagedCheckpoint(f"{kind.__name__}.{name} is a {type(value).__name__}")
    return kind(**members)


@cache
def _types_of(name: str) -> Mapping[str, Any]:
    return typing.get_type_hints(DATACLASSES[name])


def _fits(value: object, declared: Any) -> bool:
    """Whether `value` is what a field of that type may hold; knows every type that `asset.py` uses."""
    if declared is Any:
        return True
    origin, of = typing.get_origin(declared), typing.get_args(declared)
    if origin in (types.UnionType, typing.Union):
        return any(_fits(value, each) for each in of)
    if origin is np.ndarray:
        return isinstance(value, np.ndarray) and value.dtype == np.dtype(typing.get_args(of[1])[0])
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        expected = [of[0]] * len(value) if of[-1] is ... else list(of)
        return len(value) == len(expected) and all(map(_fits, value, expected))
    if origin is not None and issubclass(origin, Mapping):
        return isinstance(value, dict) and all(_fits(k, of[0]) and _fits(v, of[1]) for k, v in value.items())
    if declared is float:
        return isinstance(value, float | int | np.floating | np.integer) and not isinstance(value, bool)
    if declared is int:
        return isinstance(value, int | np.integer) and not isinstance(value, bool)
    return isinstance(value, declared)
