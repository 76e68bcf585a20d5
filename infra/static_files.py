"""Styles and scripts, served by the web process itself"""

from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import Any, cast

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.http.response import ResponseHeaders
from django.utils.decorators import sync_and_async_middleware
from whitenoise.middleware import WhiteNoiseMiddleware

Answer = Callable[[HttpRequest], HttpResponseBase]
AsyncAnswer = Callable[[HttpRequest], Awaitable[HttpResponseBase]]

PIECE = 1 << 16


@sync_and_async_middleware
def serve_static(get_response: Answer | AsyncAnswer) -> Answer | AsyncAnswer:
    """Middleware: WhiteNoise, also between asynchronous handlers, whose answers it cannot stream by itself."""
    whitenoise: Any = WhiteNoiseMiddleware(get_response)
    if not iscoroutinefunction(get_response):
        return cast(Answer, whitenoise)
    answer_later = cast(AsyncAnswer, get_response)

    def read(request: HttpRequest) -> HttpResponseBase | None:
        found = whitenoise.find_file(request.path_info) if whitenoise.autorefresh else files.get(request.path_info)
        if found is None:
            return None
        served = found.get_response(request.method, request.META)
        body = b""
        if served.file:
            with closing(served.file) as file:
                body = b"".join(iter(lambda: file.read(PIECE), b""))
        response = HttpResponse(body, status=int(served.status))
        response.headers = ResponseHeaders(dict(served.headers))  # nothing beside them
        return response

    files = whitenoise.files
    read_in_thread = sync_to_async(read, thread_sensitive=False)

    async def serve(request: HttpRequest) -> HttpResponseBase:
        maybe = whitenoise.autorefresh or request.path_info in files
        return (maybe and await read_in_thread(request)) or await answer_later(request)

    return serve
