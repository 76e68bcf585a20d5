"""bytes that should be a GLB -> its JSON and its binary part, with nothing in them believed yet"""

import json
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from assets_pipeline.errors import InputRejected
from assets_pipeline.formats.foreign_model import Limits, refused

Json = dict[str, Any]

ODD = (
    KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError, ZeroDivisionError, RecursionError,
    struct.error,
)  # fmt: skip
"""What reading raises where a file is not what the standard says."""


FARTHEST = 1 << 53
"""Whole numbers beyond are not exact in JSON (spec 2.5)."""


@contextmanager
def oddness_as_rejection() -> Iterator[None]:
    """Whatever reading raises where the file is not what the standard says becomes InputRejected."""
    try:
        yield
    except InputRejected:
        raise
    except ODD as error:
        raise refused("model_broken", f"{type(error).__name__}: {error}") from None


def broken(what: str) -> NoReturn:
    """Raises InputRejected."""
    raise refused("model_broken", what)


def whole(value: Any) -> int:
    """A count, a number or a place in the file, none of which can be below zero. Raises InputRejected."""
    if type(value) is not int or not 0 <= value <= FARTHEST:
        broken("a count or a place that cannot be")
    return value


def read_chunks(data: bytes, limits: Limits) -> tuple[Json, memoryview]:
    """The JSON and the binary chunk (spec 4.4). Raises InputRejected."""
    if not data:
        raise refused("model_empty")
    if data[:4] != b"glTF":
        raise refused("not_a_glb")
    if len(data) < 20:
        raise refused("model_truncated")
    _, version, length, json_bytes, kind = struct.unpack_from("<4sIII4s", data)
    if version != 2 or kind != b"JSON":
        raise refused("not_a_glb")
    if length > len(data) or 20 + json_bytes > length:
        raise refused("model_truncated")
    if json_bytes > limits.json_bytes:
        raise refused(
            "model_too_complex", f"{json_bytes / 1e6:.0f} MB of descriptions", f"{limits.json_bytes / 1e6:.0f}"
        )
    with oddness_as_rejection():
        document = json.loads(bytes(data[20 : 20 + json_bytes]).decode("utf-8"), parse_constant=_no_constant)
    if not isinstance(document, dict):
        broken("no object")
    start = 20 + json_bytes
    if start == length:
        return document, memoryview(b"")
    if start + 8 > length:
        raise refused("model_truncated")
    size, kind = struct.unpack_from("<I4s", data, start)
    if start + 8 + size > length:
        raise refused("model_truncated")
    if kind != b"BIN\0":
        broken("an unknown chunk")
    return document, memoryview(data)[start + 8 : start + 8 + size]


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
