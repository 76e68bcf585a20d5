"""bytes of a request's body -> JSON -> values, strictly: nothing odd, nothing unknown, nothing of another type"""

import json
from collections.abc import Iterator, Mapping
from typing import IO, Any, NoReturn

from django.conf import settings
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ParseError, ValidationError
from rest_framework.parsers import JSONParser

from catalog.api.errors import TooLarge

DEEPEST = 20
LARGEST_INTEGER = 2**63
INTEGER_DIGITS = 20


class StrictJson(JSONParser):
    """A JSON object in UTF-8 of at most DATA_UPLOAD_MAX_MEMORY_SIZE bytes; see `read_json`."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        assert most is not None, "the settings give a limit"
        body = stream.read(most + 1)
        if len(body) > most:
            raise TooLarge(f"The body has more than {most} bytes.")
        found = read_json(body)
        if not isinstance(found, dict):
            raise ParseError("The body must be a JSON object.")
        return found


def read_json(body: bytes) -> Any:
    """The value in `body`. Raises ParseError for what RFC 8259 forbids and for what no database keeps.

    That is: repeated names, NaN, numbers beyond 64 bits, NUL characters, halves of surrogate pairs, bottomless nesting.
    """
    try:
        found = json.loads(
            body.decode("utf-8"),
            parse_constant=_refuse_constant,
            parse_float=_read_float,
            parse_int=_read_integer,
            object_pairs_hook=_read_object,
        )
    except RecursionError:
        raise ParseError("The body is not JSON that we read: it is nested too deeply.") from None
    except ValueError as error:
        raise ParseError(f"The body is not JSON: {error}"[:300]) from None
    _check(found)
    return found


def read_values(serializer: serializers.Serializer[Any], data: Any, *, typed: bool) -> dict[str, Any]:
    """The checked values of `data`; where `typed`, "5" for 5 and 1 for true are mistakes.

    Raises ValidationError with every mistake, unknown fields among them: a misspelt one must not pass in silence.
    """
    errors: dict[str, Any] = {} if serializer.is_valid() else dict(serializer.errors)
    if isinstance(data, Mapping):
        fields = serializer.fields
        unknown = [ErrorDetail("There is no such field.", code="unknown_field")]
        errors |= {str(name): unknown for name in data if name not in fields}
        if typed:
            errors |= {name: [text] for name, text in _wrong_types(fields, data)}
    if errors:
        raise ValidationError(errors)
    return dict(serializer.validated_data)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _read_float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError("a number is too large")
    return value


def _read_integer(text: str) -> int:
    if len(text) > INTEGER_DIGITS or not -LARGEST_INTEGER <= int(text) < LARGEST_INTEGER:
        raise ValueError("a number is too large")
    return int(text)


def _read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name is there twice")
    return found


def _check(value: Any, depth: int = 0) -> None:
    if depth > DEEPEST:
        raise ParseError("The body is not JSON that we read: it is nested too deeply.")
    if isinstance(value, str):
        if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
            raise ParseError("A text holds a NUL character or half of a surrogate pair.")
    elif isinstance(value, list):
        for each in value:
            _check(each, depth + 1)
    elif isinstance(value, dict):
        for name, each in value.items():
            _check(name, depth + 1)
            _check(each, depth + 1)


def _wrong_types(fields: Mapping[str, Any], data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(field, complaint) where the serializers would make do with another type."""
    for name, value in data.items():
        field = fields.get(name)
        if isinstance(field, serializers.ListField) and isinstance(value, list):
            expected = {f"{name}.{number}": _expected(field.child, each) for number, each in enumerate(value)}
        else:
            expected = {name: _expected(field, value)}
        yield from ((where, f"Must be {what}.") for where, what in expected.items() if what)


def _expected(field: Any, value: Any) -> str:
    """What `value` ought to be; empty when it is."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    match field:
        case _ if value is None:
            return ""
        case serializers.BooleanField():
            return "" if isinstance(value, bool) else "true or false"
        case serializers.IntegerField():
            return "" if number and value == int(value) else "a whole number"
        case serializers.FloatField():
            return "" if number else "a number"
        case serializers.CharField():
            return "" if isinstance(value, str) else "a text"
    return ""
