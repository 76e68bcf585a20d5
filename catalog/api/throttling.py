"""requests of each key or person -> so many a minute, reads and writes apart

A sliding window made of two fixed ones: this minute's count, and that part of the last minute's that still lies within
60 seconds. All web processes count in one cache. While it is away nobody is turned away: the API outlives it.
"""

import logging
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.cache import cache
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle

from catalog.api.access import Access

if TYPE_CHECKING:  # importing it reads the settings, which name classes of this module
    from rest_framework.views import APIView

log = logging.getLogger(__name__)

WINDOW_SECONDS = 60
PAUSE_SECONDS = 3.0
"""After a failure the cache is left alone for that long: waiting for it must not slow down every request."""

_away_until = 0.0


@dataclass(frozen=True)
class Count:
    """Requests of this window, this one with them, and of the last; elapsed: the share of this window that is over."""

    this: int
    last: int
    elapsed: float

    @property
    def used(self) -> int:
        """How many lie within a window's length from now."""
        return self.this + int(self.last * (1 - self.elapsed))

    def wait(self, limit: int) -> float:
        """Windows until a request that is turned away now would pass, if no other comes."""
        earlier = self.this - 1
        if earlier < limit:  # the last window's share has to shrink
            return max(0.0, 1 - (limit - earlier) / max(1, self.last) - self.elapsed)
        return 1 - self.elapsed + max(0.0, 1 - limit / earlier)


@dataclass(frozen=True)
class Rate:
    """What a caller has left. reset: seconds until this window ends."""

    limit: int
    remaining: int
    reset: int

    def headers(self) -> Mapping[str, str]:
        """As the IETF's draft "RateLimit header fields for HTTP" had them first and clients know them."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset),
        }


class CallerRate(BaseThrottle):
    """Counts each caller's requests of one kind; leaves the `rate` found in the view."""

    scope = ""
    reading = True
    seconds_to_wait = 0.0

    def allow_request(self, request: Request, view: "APIView") -> bool:
        access = request.auth
        if not isinstance(access, Access) or (request.method in SAFE_METHODS) != self.reading:
            return True
        limit, now = limit_of(self.scope), time.time()
        count = count_request(f"rate:{self.scope}:{access.name}", limit, now)
        if count is None:
            return True
        reset = math.ceil(WINDOW_SECONDS - now % WINDOW_SECONDS)
        view.rate = Rate(limit, max(0, limit - count.used), reset)  # type: ignore[attr-defined]
        self.seconds_to_wait = WINDOW_SECONDS * count.wait(limit)
        return count.used <= limit

    def wait(self) -> float:
        return self.seconds_to_wait


class ReadRate(CallerRate):
    """Requests that read."""

    scope = "read"


class WriteRate(CallerRate):
    """Requests that change something."""

    scope = "write"
    reading = False


def limit_of(scope: str) -> int:
    """Requests a minute, from the settings' `600/min`."""
    number, _, unit = str(api_settings.DEFAULT_THROTTLE_RATES[scope]).partition("/")
    assert unit == "min", "rates are given for a minute"
    return int(number)


def count_request(name: str, limit: int, now: float, window_seconds: int = WINDOW_SECONDS) -> Count | None:
    """Count one more; one beyond `limit` is taken back, for it gets nothing. None while the cache is away."""
    global _away_until
    if time.monotonic() < _away_until:
        return None
    window, elapsed = int(now // window_seconds), now % window_seconds / window_seconds
    this, last = f"{name}:{window}", f"{name}:{window - 1}"
    try:
        count = Count(_increment(this, 2 * window_seconds), cache.get(last) or 0, elapsed)
        if count.used > limit:
            cache.decr(this)
    except Exception as error:  # each cache's client has its own; whatever it is, the request must not suffer
        _away_until = time.monotonic() + PAUSE_SECONDS
        log.warning("requests are not counted, the cache is away: %s", error)
        return None
    return count


def forget_failures() -> None:
    """Ask the cache again at once: it is another one, or known to be back."""
    global _away_until
    _away_until = 0.0


def _increment(key: str, seconds: int) -> int:
    """One more; the first makes the counter, which is kept for that long."""
    try:
        return cache.incr(key)
    except ValueError:
        return 1 if cache.add(key, 1, seconds) else cache.incr(key)
