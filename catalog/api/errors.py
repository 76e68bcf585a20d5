"""every exception -> one error shape with a stable code

{"error": {"code": "sku_taken", "message": "Another product has this SKU.", "fields": {"sku": "is taken"}},
 "request_id": "…"}
"""

import logging
import math
from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import (
    ObjectDoesNotExist,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from catalog import context
from catalog.errors import Away, Conflict, Forbidden, Invalid, LostRace, Refused

log = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 10

STATUS: Mapping[type[Refused], int] = {Invalid: 422, Conflict: 409, Forbidden: 403, Refused: 422}

KNOWN: Mapping[type[exceptions.APIException], tuple[str, str]] = {
    exceptions.ParseError: ("malformed", ""),
    exceptions.NotFound: ("not_found", "There is no such thing, or it is not yours."),
    exceptions.PermissionDenied: ("forbidden", ""),
    exceptions.NotAuthenticated: ("not_signed_in", "Send an API key: `Authorization: Bearer plk_…`."),
    exceptions.AuthenticationFailed: ("bad_credentials", ""),
    exceptions.MethodNotAllowed: ("method_not_allowed", ""),
    exceptions.NotAcceptable: ("not_acceptable", ""),
    exceptions.UnsupportedMediaType: ("unsupported_media_type", ""),
    exceptions.Throttled: ("too_many_requests", ""),
}
"""Class -> (code, message); an empty message: its own words."""


class PreconditionFailed(exceptions.APIException):
    """`If-Match` names another state than the present one, or `If-None-Match` this one."""

    status_code = 412
    default_detail = "It has been changed since you read it: read it again."
    default_code = "changed_meanwhile"


class TooLarge(exceptions.APIException):
    """The body is larger than we read."""

    status_code = 413
    default_detail = "The body is too large."
    default_code = "body_too_large"


class LengthRequired(exceptions.APIException):
    """The body comes in pieces, nobody knows how many."""

    status_code = 411
    default_detail = "Say in Content-Length how long the body is."
    default_code = "length_required"


class Replay(exceptions.APIException):
    """Not an error: the answer that was given to this very request before."""

    def __init__(self, answered: int, body: Any, headers: Mapping[str, str]) -> None:
        super().__init__()
        self.status_code = answered
        self.body = body
        self.headers = {**headers, "Idempotent-Replayed": "true"}


def handle(error: Exception, view_context: Mapping[str, Any]) -> Response | None:
    """The answer to `error`; None: a bug of ours, which Django logs and `server_error` answers."""
    answer = _answer(error)
    if answer is None:
        return None
    if isinstance(error, LostRace) and _has_precondition(view_context.get("request")):
        answer.status_code = PreconditionFailed.status_code
    set_rollback()
    return answer


def body_of(code: str, message: str, fields: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The one error shape."""
    error = {"code": code, "message": message, "fields": dict(fields or {})}
    return {"error": error, "request_id": context.request_id.get()}


def not_found(request: HttpRequest, *args: Any, **kwargs: Any) -> JsonResponse:
    """What the API says at addresses that it does not have."""
    return JsonResponse(body_of("not_found", "There is nothing at this address."), status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500: in the API's shape to programs."""
    if not request.path.startswith(("/api/", "/s/")):
        return defaults.server_error(request)
    message = "Something went wrong on our side; the request id helps us to find out what."
    return JsonResponse(body_of("server_error", message), status=500)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400: a request that cannot even be routed."""
    if not request.path.startswith(("/api/", "/s/")):
        return defaults.bad_request(request, exception)
    return JsonResponse(body_of("malformed", "The request cannot be read."), status=400)


def _answer(error: Exception) -> Response | None:
    match error:
        case Replay():
            return Response(error.body, error.status_code, headers=error.headers)
        case Refused():
            status = next(status for kind, status in STATUS.items() if isinstance(error, kind))
            return _response(status, error.code, error.message, error.fields, getattr(error, "headers", None))
        case Away():
            return _away(error.code, error.message)
        case OperationalError() | InterfaceError():
            log.warning("the database is away: %s", error)
            return _away("database_away", "The database is away for a moment: try again.")
        case LostRace():
            return _response(409, PreconditionFailed.default_code, "It was changed by somebody else meanwhile.")
        case Http404() | ObjectDoesNotExist():  # the latter: deleted by somebody else meanwhile
            return _answer(exceptions.NotFound())
        case PermissionDenied():
            return _answer(exceptions.PermissionDenied())
        case RequestDataTooBig():
            return _answer(TooLarge())
        case TooManyFieldsSent() | TooManyFilesSent() | SuspiciousOperation() | UnreadablePostError():
            return _answer(exceptions.ParseError("The request cannot be read."))
        case exceptions.ValidationError():
            return _bad_values(error)
        case exceptions.APIException():
            code, message = KNOWN.get(type(error), (str(error.default_code), ""))
            return _response(error.status_code, code, message or str(error.detail), headers=_headers(error))
    return None


def _has_precondition(request: Any) -> bool:
    return request is not None and ("If-Match" in request.headers or "If-None-Match" in request.headers)


def _away(code: str, message: str) -> Response:
    return _response(503, code, message, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})


def _bad_values(error: exceptions.ValidationError) -> Response:
    """422 with the first complaint about each field."""
    found = list(_flat(error.detail))
    fields = {name: str(text) for name, text in reversed(found)}
    name, text = found[0] if found else ("", "It will not do.")
    unknown = [name for name, text in found if getattr(text, "code", "") == "unknown_field"]
    if unknown:
        return _response(422, "unknown_field", f"There is no field {unknown[0]}."[:300], fields)
    return _response(422, "bad_value", f"{name}: {text}".removeprefix(": "), fields)


def _headers(error: exceptions.APIException) -> dict[str, str]:
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(max(1, math.ceil(wait)))
    return headers


def _response(
    status: int,
    code: str,
    message: str,
    fields: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    return Response(body_of(code, message, fields), status, headers=dict(headers or {}))


def _flat(detail: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted field, complaint) of a ValidationError's nested detail; a list's rows go by number."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            own = path if name == "non_field_errors" else f"{path}.{name}".lstrip(".")
            yield from _flat(inner, own)
    elif isinstance(detail, list | tuple):
        for number, inner in enumerate(detail):
            numbered = isinstance(inner, Mapping | list)
            yield from _flat(inner, f"{path}.{number}".lstrip(".") if numbered else path)
    else:
        yield path, detail
