"""The Redis cache with one pool of connections for the whole process"""

from functools import cache
from typing import Any

from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from django.utils.functional import cached_property


class SharedRedisCache(RedisCache):
    """Django's own, except for its connections.

    Under ASGI Django makes a cache object for every request, and with it a pool and a connection: half the time of a
    small answer, measured.
    """

    _servers: list[str]
    _options: dict[str, Any]

    @cached_property
    def _cache(self) -> RedisCacheClient:
        return client_of(tuple(self._servers), tuple(sorted(self._options.items())))


@cache
def client_of(servers: tuple[str, ...], options: tuple[tuple[str, Any], ...]) -> RedisCacheClient:
    """The client of these servers; thread-safe, as redis-py's pools are."""
    return RedisCacheClient(list(servers), **dict(options))
