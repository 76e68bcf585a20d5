"""Bodies are limited before anything of them is kept."""

import asyncio
from typing import Any

from infra.bodies import limit_bodies

MOST = 1000


def send_to(pieces: list[bytes], *, declared: int | None = None) -> tuple[list[dict[str, Any]], list[bytes]]:
    """(what the client is answered, what the application saw) of a request with that body."""
    seen: list[bytes] = []
    answers: list[dict[str, Any]] = []
    events = [
        {"type": "http.request", "body": piece, "more_body": n + 1 < len(pieces)} for n, piece in enumerate(pieces)
    ]

    async def application(scope: Any, receive: Any, send: Any) -> None:
        more = True
        while more:
            event = await receive()
            seen.append(event["body"])
            more = event["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> Any:
        return events.pop(0)

    async def send(event: Any) -> None:
        answers.append(event)

    headers = [] if declared is None else [(b"content-length", str(declared).encode())]
    limited: Any = limit_bodies(application, MOST)
    asyncio.run(limited({"type": "http", "headers": headers}, receive, send))
    return answers, seen


def test_a_body_within_the_limit_passes_whole() -> None:
    answers, seen = send_to([b"a" * 600, b"b" * 400], declared=1000)
    assert answers[0]["status"] == 200
    assert b"".join(seen) == b"a" * 600 + b"b" * 400


def test_a_declared_length_over_the_limit_is_refused_unread() -> None:
    answers, seen = send_to([b"a" * 1001], declared=1001)
    assert answers[0]["status"] == 413
    assert b"body_too_large" in answers[1]["body"]
    assert seen == []


def test_a_body_that_grows_over_the_limit_is_refused_where_it_does() -> None:
    answers, seen = send_to([b"a" * 600, b"b" * 600, b"c" * 600])
    assert answers[0]["status"] == 413
    assert seen == [b"a" * 600]


def test_the_real_application_is_limited() -> None:
    from infra import asgi

    assert asgi.application.__qualname__.startswith("limit_bodies")
