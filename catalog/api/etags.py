"""state of a thing -> ETag, and what If-Match and If-None-Match ask of it (RFC 9110, 8.8.3 and 13.1)"""

import json
from hashlib import sha256
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils.http import parse_etags
from rest_framework.request import Request

from catalog.api.errors import PreconditionFailed


def etag_of(data: Any) -> str:
    """A strong ETag of JSON data: other data has another."""
    text = json.dumps(data, sort_keys=True, cls=DjangoJSONEncoder)
    return f'"{sha256(text.encode()).hexdigest()[:32]}"'


def has_precondition(request: Request) -> bool:
    """Whether a change is wanted only in certain states."""
    return "If-Match" in request.headers or "If-None-Match" in request.headers


def require_match(request: Request, etag: str) -> None:
    """Raises PreconditionFailed unless the headers allow a change of what is there now, `etag`.

    If-Match compares strongly: a weak tag does not prove that it is the same, so it never matches.
    """
    asked = request.headers.get("If-Match")
    if asked is not None and asked.strip() != "*" and etag not in parse_etags(asked):
        raise PreconditionFailed
    if already_known(request.headers.get("If-None-Match", ""), etag):
        raise PreconditionFailed


def require_absence(request: Request) -> None:
    """Raises PreconditionFailed when If-Match wants something to be there that is not, or not any more."""
    if "If-Match" in request.headers:
        raise PreconditionFailed


def already_known(none_match: str, etag: str) -> bool:
    """Whether `If-None-Match` names this state, strongly or weakly."""
    state = etag.removeprefix("W/")
    return none_match.strip() == "*" or any(tag.removeprefix("W/") == state for tag in parse_etags(none_match))
