"""What goes with every request: an id that follows it into logs and jobs, one log line, one measurement"""

import logging
import re
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import cast

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware
from django.utils.encoding import escape_uri_path

from catalog import context
from infra.metrics import observe_request

log = logging.getLogger(__name__)

HEADER = "X-Request-ID"
SANE = re.compile(r"[A-Za-z0-9._-]{8,64}")
"""Ids that we take over from the caller: long enough to be one's own, and nothing that could forge a log line."""

PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds: not worth a line in the log. Views say the same by setting `quiet` on the request."""

Answer = Callable[[HttpRequest], HttpResponseBase]
AsyncAnswer = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


@sync_and_async_middleware
def accompany(get_response: Answer | AsyncAnswer) -> Answer | AsyncAnswer:
    """Middleware: give each request its id and tell how it went. The outermost, so that nothing escapes it."""
    if iscoroutinefunction(get_response):
        answer_later = cast(AsyncAnswer, get_response)

        async def accompany_async(request: HttpRequest) -> HttpResponseBase:
            token, start = context.request_id.set(request_id(request)), time.perf_counter()
            try:
                return _tell(request, await answer_later(request), time.perf_counter() - start)
            finally:
                context.request_id.reset(token)

        return accompany_async
    answer = cast(Answer, get_response)

    def accompany_sync(request: HttpRequest) -> HttpResponseBase:
        token, start = context.request_id.set(request_id(request)), time.perf_counter()
        try:
            return _tell(request, answer(request), time.perf_counter() - start)
        finally:
            context.request_id.reset(token)

    return accompany_sync


def request_id(request: HttpRequest) -> str:
    """The caller's id where it is sane, else a new one."""
    given = request.headers.get(HEADER, "")
    return given if SANE.fullmatch(given) else uuid.uuid4().hex


def _tell(request: HttpRequest, response: HttpResponseBase, seconds: float) -> HttpResponseBase:
    response.headers[HEADER] = context.request_id.get()
    status = response.status_code
    route = request.resolver_match.route if request.resolver_match else ""
    observe_request(request.method or "", route, status, seconds)
    if request.path in PROBES or getattr(request, "quiet", False):
        level = logging.DEBUG
    else:
        level = logging.WARNING if status >= 500 else logging.INFO
    path = escape_uri_path(_without_secrets(request))
    log.log(level, "%s %s %d in %.0f ms", request.method, path, status, seconds * 1000)
    return response


def _without_secrets(request: HttpRequest) -> str:
    """The path: the query may hold secrets, and so does an address that takes a `token`."""
    token = request.resolver_match.kwargs.get("token") if request.resolver_match else None
    return request.path.replace(token, "***") if token else request.path
