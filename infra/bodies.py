"""a limit on requests' bodies that holds before anything of them is kept

Django's ASGI handler writes the whole body to a temporary file before the first view or middleware runs: without this
anybody could fill the disk. What is larger gets 413 and the connection is closed.
"""

from collections.abc import Iterable

from asgiref.typing import (
    ASGI3Application,
    ASGIReceiveCallable,
    ASGIReceiveEvent,
    ASGISendCallable,
    ASGISendEvent,
    Scope,
)

ANSWER = b'{"error": {"code": "body_too_large", "message": "The body is too large.", "fields": {}}, "request_id": ""}'


class TooLarge(Exception):
    """The body went over the limit while it came in."""


def limit_bodies(app: ASGI3Application, most_bytes: int) -> ASGI3Application:
    """`app`, which never sees more than `most_bytes` of a request's body."""

    async def limited(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        if declared_bytes(scope["headers"]) > most_bytes:
            await refuse(send)
            return
        read, answered = 0, False

        async def counted() -> ASGIReceiveEvent:
            nonlocal read
            event = await receive()
            if event["type"] == "http.request":
                read += len(event["body"])
                if read > most_bytes:
                    raise TooLarge
            return event

        async def noted(event: ASGISendEvent) -> None:
            nonlocal answered
            answered = True
            await send(event)

        try:
            await app(scope, counted, noted)
        except TooLarge:
            if not answered:
                await refuse(send)

    return limited


def declared_bytes(headers: Iterable[tuple[bytes, bytes]]) -> int:
    """What `Content-Length` says; 0 when there is none or it says nothing."""
    for name, value in headers:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


async def refuse(send: ASGISendCallable) -> None:
    """413 in the API's shape."""
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers, "trailers": False})
    await send({"type": "http.response.body", "body": ANSWER, "more_body": False})
