"""Is this process fit to serve? For load balancers, probes and people."""

import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from threading import Lock, Thread

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from catalog.storage import storage
from infra.broker import ping_broker

log = logging.getLogger(__name__)

LIMIT_SECONDS = 2.0


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 when the database answers, 503 when it does not."""
    try:
        ping_database()
    except DatabaseError as error:
        log.warning("healthz: the database is away: %s", error)
        return JsonResponse({"database": "away"}, status=503)
    return JsonResponse({"database": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when database, broker and store answer; 503 when one does not, with each one's state and reason."""
    states = look_at(ENGINES)
    ready = all(state.ok for state in states.values())
    return JsonResponse({name: asdict(state) for name, state in states.items()}, status=200 if ready else 503)


@dataclass(frozen=True)
class State:
    """How an engine answered. reason: a code, empty when it did; what else is known goes to the log alone."""

    ok: bool
    seconds: float
    reason: str = ""


Check = Callable[[], None]
"""Raises when the engine is away."""


def ping_database() -> None:
    """Raises DatabaseError."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()


ENGINES: Mapping[str, Check] = {
    "database": ping_database,
    "broker": lambda: ping_broker(settings.BROKER_URL.reveal()),
    "store": lambda: storage().check(),
}

_running: dict[str, "Future[State]"] = {}
_lock = Lock()


def look_at(engines: Mapping[str, Check], seconds: float = LIMIT_SECONDS) -> dict[str, State]:
    """Ask all engines at the same time; who has not answered after `seconds` is away."""
    end = time.monotonic() + seconds
    futures = {name: _ask(name, check) for name, check in engines.items()}
    states = {}
    for name, future in futures.items():
        try:
            states[name] = future.result(max(0.0, end - time.monotonic()))
        except TimeoutError:
            log.warning("%s has not answered within %g s", name, seconds)
            states[name] = State(ok=False, seconds=seconds, reason="no_answer")
    return states


def _ask(name: str, check: Check) -> "Future[State]":
    """Ask in a thread of its own. While an earlier question hangs, wait for that one: threads must not pile up."""
    with _lock:
        if name not in _running:
            future: Future[State] = Future()
            _running[name] = future
            Thread(target=_answer, args=(name, check, future), name=f"look-at-{name}", daemon=True).start()
        return _running[name]


def _answer(name: str, check: Check, future: "Future[State]") -> None:
    start, reason = time.monotonic(), ""
    try:
        check()
    except Exception as error:
        log.warning("%s is away: %s", name, error)
        reason = getattr(error, "code", "") or "away"
    finally:
        connection.close()  # this thread's own
    with _lock:
        del _running[name]
    future.set_result(State(ok=not reason, seconds=round(time.monotonic() - start, 3), reason=reason))
