"""the web process's end -> its last messages have left

The server's way to tell is ASGI's lifespan, which Django does not speak: `atexit` comes too late, because uvicorn ends
by the signal that ended it.
"""

import asyncio
from collections.abc import Callable

from asgiref.typing import (
    ASGI3Application,
    ASGIReceiveCallable,
    ASGISendCallable,
    LifespanShutdownCompleteEvent,
    LifespanStartupCompleteEvent,
    Scope,
)


def at_end(app: ASGI3Application, finish: Callable[[], None]) -> ASGI3Application:
    """`app`, with `finish` called once no request is left."""

    async def with_lifespan(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return
        await receive()
        await send(LifespanStartupCompleteEvent(type="lifespan.startup.complete"))
        await receive()
        await asyncio.to_thread(finish)
        await send(LifespanShutdownCompleteEvent(type="lifespan.shutdown.complete"))

    return with_lifespan
