"""a list -> its pages, newest first: `limit` rows, and in `next` the address of those that come after

A cursor says after which row to go on, so pages hold their place while rows come and go, and the thousandth costs what
the first does. Row numbers are nobody's business: a cursor holds its number enciphered and sealed.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.utils.crypto import constant_time_compare, salted_hmac
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from catalog.errors import Invalid

if TYPE_CHECKING:  # importing it reads the settings, which name classes of this module
    from rest_framework.views import APIView

CURSOR, LIMIT = "cursor", "limit"
PAGE_ROWS, MOST_ROWS = 50, 200


class NewestFirst(BasePagination):
    """Pages of a queryset, the row that was made last first; whatever order it has already means the same."""

    next_link: str | None = None

    def paginate_queryset(self, queryset: Any, request: Request, view: "APIView | None" = None) -> list[Any]:
        limit = read_number(request, LIMIT, PAGE_ROWS, most=MOST_ROWS)
        cursor = request.query_params.get(CURSOR)
        if cursor is not None:
            queryset = queryset.filter(pk__lt=read_cursor(cursor))
        newest_first = queryset if queryset.ordered else queryset.order_by("-pk")
        rows = list(newest_first[: limit + 1])
        if len(rows) > limit:
            self.next_link = replace_query_param(request.build_absolute_uri(), CURSOR, make_cursor(rows[limit - 1].pk))
        return rows[:limit]

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"results": data, "next": self.next_link})

    def get_paginated_response_schema(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """A page, for the API's description."""
        link = {
            "type": ["string", "null"],
            "format": "uri",
            "description": "Address of the next page; null on the last one.",
        }
        properties = {"results": schema, "next": link}
        return {"type": "object", "required": ["results", "next"], "properties": properties}

    def get_schema_operation_parameters(self, view: "APIView") -> list[dict[str, Any]]:
        """The query's parameters, for the API's description."""
        limit = {"type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": PAGE_ROWS}
        cursor = {"type": "string"}
        return [
            {"name": LIMIT, "in": "query", "schema": limit, "description": "Rows of a page."},
            {"name": CURSOR, "in": "query", "schema": cursor, "description": "As in `next` of the page before."},
        ]


def read_number(request: Request, name: str, default: int, *, most: int) -> int:
    """The parameter `name`, from 1 to `most`. Raises Invalid."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= most):
        raise Invalid("bad_value", f"{name} must be 1 to {most}.", {name: "is out of range"})
    return int(text)


def make_cursor(pk: int) -> str:
    """The same number gives the same cursor. The seal keys the cipher and proves that the cursor is ours."""
    number = pk.to_bytes(8, "big")
    seal = _mac("seal", number)
    return base64.urlsafe_b64encode(seal + _xor(number, _mac("mask", seal))).decode().rstrip("=")


def read_cursor(cursor: str) -> int:
    """The number in it. Raises Invalid when it is none of ours."""
    try:
        raw = base64.urlsafe_b64decode(f"{cursor}==")
    except (binascii.Error, ValueError):
        raw = b""
    seal, hidden = raw[:8], raw[8:]
    number = _xor(hidden, _mac("mask", seal))
    if len(hidden) != 8 or not constant_time_compare(seal, _mac("seal", number)):
        raise Invalid("bad_cursor", "This cursor is not one of ours: take it from `next`.", {CURSOR: "is damaged"})
    return int.from_bytes(number, "big")


def _mac(purpose: str, data: bytes) -> bytes:
    return salted_hmac(f"catalog.api.pages.{purpose}", data, algorithm="sha256").digest()[:8]


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=False))
