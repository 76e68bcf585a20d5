"""All requests of a process share the cache's connections."""

from infra.cache import SharedRedisCache
from infra.engines.engine import Engine


def test_two_cache_objects_share_one_pool_and_what_is_in_it(valkey: Engine) -> None:
    options = {"OPTIONS": {"socket_timeout": 1}}
    first, second = (SharedRedisCache(f"{valkey.url}/5", options) for _ in range(2))
    first.set("shelf", "lamp")
    assert second.get("shelf") == "lamp"
    assert first._cache is second._cache


def test_other_servers_or_options_have_a_pool_of_their_own(valkey: Engine) -> None:
    plain = SharedRedisCache(f"{valkey.url}/5", {})
    assert plain._cache is not SharedRedisCache(f"{valkey.url}/6", {})._cache
    assert plain._cache is not SharedRedisCache(f"{valkey.url}/5", {"OPTIONS": {"socket_timeout": 2}})._cache
