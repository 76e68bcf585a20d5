"""what the child tells <-> JSON, of which the parent builds only the classes it expects, each field of its own type

A photo may have taken the child over, so nothing here trusts it. pickle would not do, however few classes it may name:
it sets attributes on classes as readily as on their values. Texts that no database takes are refused as well.
"""

import json
import math
import re
import types
import typing
from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

from assets_pipeline import tasks
from assets_pipeline.asset import Advice

LONGEST_TEXT = 100_000
MOST_ITEMS = 10_000
"""In one list or mapping."""

LARGEST_NUMBER = 2**31 - 1
"""Of whole numbers that have a field of their own, as of the database's columns."""

MOST_SECONDS = 1e7

HASH = re.compile(r"[0-9a-f]{64}")

KINDS: Mapping[str, type[Any]] = {
    kind.__name__: kind
    for kind in (*typing.get_args(tasks.Told), *typing.get_args(tasks.Result), tasks.KeptFile, Advice)
}
"""Every class that is ever built here."""

Json = Any


class Garbled(Exception):
    """The bytes are nothing that a child may tell."""


def to_bytes(message: tasks.Told) -> bytes:
    """For `from_bytes`. Raises TypeError or ValueError for what JSON has no word for: a bug."""
    return json.dumps(_packed(message), allow_nan=False, separators=(",", ":")).encode()


def from_bytes(data: bytes) -> tasks.Told:
    """The message, whatever `data` is made of. Raises Garbled."""
    try:
        message: tasks.Told = _read(tasks.Told, json.loads(data))
    except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError) as error:
        raise Garbled(f"{type(error).__name__}: {error}"[:500]) from None
    if isinstance(message, tasks.Spent):
        spent = [*message.seconds.values(), message.cpu_seconds, message.gpu_seconds]
        if not all(0 <= seconds <= MOST_SECONDS for seconds in spent):
            raise Garbled("seconds that nobody can have spent")
    return message


def answers(task: tasks.Task, result: tasks.Result) -> bool:
    """Whether `result` is one of `task`, and names no key in the store but those that are the task's own."""
    match task, result:
        case tasks.MakeTask(group=tasks.PREPARE | tasks.GENERATE), tasks.Checkpoint(key):
            own = {tasks.PREPARE: task.prepared_key, tasks.GENERATE: task.generated_key}[task.group]
            head, _, name = key.rpartition("/")
            digest = name.removesuffix(".npz")
            return bool(key) and (key == own or (head == task.checkpoints and HASH.fullmatch(digest) is not None))
        case tasks.MakeTask(group=tasks.FINISH) | tasks.EditTask() | tasks.AdoptTask(), tasks.Finished(kept):
            return all(_lies_under(task.files, file) for file in kept)
        case tasks.InspectTask(photo), tasks.Inspected(digest):
            return HASH.fullmatch(digest) is not None and photo.sha256 in ("", digest)
        case tasks.DescribeTask(), tasks.Described():
            return True
    return False


def _lies_under(prefix: str, file: tasks.KeptFile) -> bool:
    """Whether its key is the one that its content and its name give it; see `stores.addressed.address`."""
    plain = HASH.fullmatch(file.sha256) is not None and "/" not in file.name
    return plain and file.key == f"{prefix}/{file.sha256}/{file.name}"


def _packed(value: object) -> Json:
    """`value` as JSON; one of our classes as {its name: its fields}."""
    if is_dataclass(value) and not isinstance(value, type):
        return {type(value).__name__: {each.name: _packed(getattr(value, each.name)) for each in fields(value)}}
    if isinstance(value, Mapping):
        return {key: _packed(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_packed(item) for item in value]
    return value


def _read(declared: Any, stored: Json) -> Any:
    """`stored` as a value of the type `declared`; knows every type that what is told has. Raises TypeError and such."""
    if declared is Any:
        return _plain(stored)
    if declared is str:
        return _text(stored)
    if declared is int and type(stored) is int and 0 <= stored <= LARGEST_NUMBER:
        return stored
    if declared is float and type(stored) in (int, float):
        return _finite(float(stored))
    of = typing.get_args(declared)
    match typing.get_origin(declared) or declared:
        case types.UnionType:
            return _value({kind.__name__ for kind in of}, stored)
        case type() as kind if is_dataclass(kind):
            return _value({kind.__name__}, stored)
        case kind if kind is tuple and type(stored) is list:
            expected = [of[0]] * _few(stored) if of[-1] is ... else of
            return tuple(_read(each, item) for each, item in zip(expected, stored, strict=True))
        case kind if kind is Mapping and type(stored) is dict and _few(stored) >= 0:
            return {_text(key): _read(of[1], item) for key, item in stored.items()}
    raise TypeError(f"a {type(stored).__name__} where {declared} belongs")


def _value(expected: Collection[str], stored: Json) -> Any:
    """A value of one of the classes with these names."""
    if type(stored) is not dict:
        raise TypeError(f"a {type(stored).__name__} where one of {', '.join(expected)} belongs")
    ((name, members),) = stored.items()
    if name not in expected:
        raise TypeError(f"another class than {', '.join(expected)}")
    declared = _types_of(name)
    if type(members) is not dict or members.keys() != declared.keys():
        raise TypeError(f"other fields than {name} has")
    return KINDS[name](**{each: _read(declared[each], members[each]) for each in declared})


@cache
def _types_of(name: str) -> Mapping[str, Any]:
    return typing.get_type_hints(KINDS[name])


def _plain(stored: Json) -> Json:
    """What a report or a generator's description may hold."""
    match stored:
        case None | bool():
            return stored
        case str():
            return _text(stored)
        case int() | float():
            return _finite(stored)
        case list() if _few(stored) >= 0:
            return [_plain(item) for item in stored]
        case dict() if _few(stored) >= 0:
            return {_text(key): _plain(item) for key, item in stored.items()}
    raise TypeError(f"a {type(stored).__name__}")


def _text(stored: Json) -> str:
    """PostgreSQL takes neither NUL nor half a surrogate pair, which fails to encode here."""
    if type(stored) is not str or len(stored.encode()) > LONGEST_TEXT or "\0" in stored:
        raise ValueError("no text, or one too long or too strange")
    return stored


def _finite(number: float) -> float:
    if not math.isfinite(number):  # a whole number that no float can hold raises OverflowError
        raise ValueError("no finite number")
    return number


def _few(items: list[Json] | dict[str, Json]) -> int:
    """How many there are."""
    if len(items) > MOST_ITEMS:
        raise ValueError(f"{len(items)} items, {MOST_ITEMS} at most")
    return len(items)
