"""What has to happen at the web process's end happens once, after the requests."""

import asyncio
from typing import Any

from infra.lifespan import at_end


async def app(scope: Any, receive: Any, send: Any) -> None:
    assert scope["type"] == "http", "Django does not know the lifespan"
    await send({"type": "http.response.start"})


def drive(scope: str, events: list[str], done: list[str]) -> list[str]:
    """What is answered to these events, in order."""
    waiting, answers = iter(events), []

    async def receive() -> dict[str, str]:
        return {"type": next(waiting)}

    async def send(event: dict[str, str]) -> None:
        answers.append(event["type"])

    asyncio.run(at_end(app, lambda: done.append("finished"))({"type": scope}, receive, send))  # type: ignore[arg-type, typeddict-item]
    return answers


def test_it_finishes_when_the_server_ends_and_says_so_then() -> None:
    done: list[str] = []
    answers = drive("lifespan", ["lifespan.startup", "lifespan.shutdown"], done)
    assert answers == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert done == ["finished"]


def test_requests_pass_untouched() -> None:
    done: list[str] = []
    assert drive("http", [], done) == ["http.response.start"]
    assert done == []
