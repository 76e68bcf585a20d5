"""So many requests a minute for each key or person, reads and writes apart; everybody while the cache is away"""

import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest

from catalog.api import throttling
from catalog.api.throttling import WINDOW_SECONDS, Count
from infra.engines.engine import Engine
from tests.catalog.conftest import Cast

MUG = {"sku": "MUG-1", "title": "Mug"}


@pytest.fixture
def limits(cast: Cast, settings: Any, valkey: Engine) -> Iterator[Callable[..., None]]:
    """Sets limits; counting happens in a real Valkey."""
    from django.core.cache import cache

    redis = "django.core.cache.backends.redis.RedisCache"
    settings.CACHES = {"default": {"BACKEND": redis, "LOCATION": f"{valkey.url}/7"}}
    cache.clear()
    throttling.forget_failures()

    def set_limits(*, read: int = 100, write: int = 100) -> None:
        rest = deepcopy(settings.REST_FRAMEWORK)
        settings.REST_FRAMEWORK = rest | {"DEFAULT_THROTTLE_RATES": {"read": f"{read}/min", "write": f"{write}/min"}}

    while time.time() % WINDOW_SECONDS > WINDOW_SECONDS - 8:
        time.sleep(0.5)  # the test shall lie within one window
    yield set_limits
    throttling.forget_failures()


def test_whoever_asks_too_often_has_to_wait(cast: Cast, limits: Callable[..., None]) -> None:
    limits(read=3)
    answers = [cast.reader.get("products") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert all(answer.headers["RateLimit-Limit"] == "3" for answer in answers)
    assert all(0 < int(answer.headers["RateLimit-Reset"]) <= 60 for answer in answers)
    refused = answers[-1]
    assert refused.json()["error"]["code"] == "too_many_requests"
    assert 0 < int(refused.headers["Retry-After"]) <= 120


def test_reads_and_writes_are_counted_apart(cast: Cast, limits: Callable[..., None]) -> None:
    limits(read=1, write=2)
    assert cast.writer.get("products").status_code == 200
    assert cast.writer.post("products", MUG).status_code == 201
    assert cast.writer.post("products", MUG).status_code == 409
    assert cast.writer.post("products", MUG).status_code == 429
    assert cast.writer.head("products").status_code == 429


def test_each_key_and_person_has_a_count_of_their_own(cast: Cast, limits: Callable[..., None]) -> None:
    limits(read=1)
    for caller in (cast.reader, cast.writer, cast.viewer, cast.owner, cast.stranger_key):
        assert [caller.get("merchant").status_code for _ in range(2)] == [200, 429], caller


def test_a_refused_request_does_not_count(cast: Cast, limits: Callable[..., None]) -> None:
    from django.core.cache import cache

    limits(read=2)
    for _ in range(6):
        cast.reader.get("products")
    window = int(time.time() // WINDOW_SECONDS)
    assert cache.get(f"rate:read:{cast.shop.api_keys.get(name='reads').public_id}:{window}") == 2


def test_the_storefront_is_not_counted(cast: Cast, limits: Callable[..., None]) -> None:
    limits(read=1)
    assert {cast.nobody.get("/s/prd_none.json").status_code for _ in range(5)} == {404}


def test_while_the_cache_is_away_nobody_waits(cast: Cast, limits: Callable[..., None], settings: Any) -> None:
    limits(read=1)
    redis = "django.core.cache.backends.redis.RedisCache"
    settings.CACHES = {"default": {"BACKEND": redis, "LOCATION": "redis://127.0.0.1:9/0"}}
    answers = [cast.reader.get("products") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert "RateLimit-Limit" not in answers[0].headers


def test_after_a_failure_the_cache_is_left_alone_for_a_moment(
    cast: Cast, limits: Callable[..., None], settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    redis = "django.core.cache.backends.redis.RedisCache"
    settings.CACHES = {"default": {"BACKEND": redis, "LOCATION": "redis://127.0.0.1:9/0"}}
    for _ in range(5):
        cast.reader.get("products")
    assert len([line for line in caplog.messages if "the cache is away" in line]) == 1


@pytest.mark.parametrize("limit", [1, 2, 10, 600])
@pytest.mark.parametrize("last", [0, 1, 10, 600])
@pytest.mark.parametrize("this", [1, 2, 10, 11, 600, 601])
@pytest.mark.parametrize("elapsed", [0.0, 0.3, 0.99])
def test_whoever_waits_as_long_as_told_may_ask_again(limit: int, last: int, this: int, elapsed: float) -> None:
    count = Count(min(this, limit + 1), min(last, limit), elapsed)
    if count.used <= limit:
        return
    later = elapsed + count.wait(limit) + 1e-9
    asked = count.this - 1  # the refused one does not count
    if later < 1:
        again = Count(asked + 1, count.last, later)
    else:
        again = Count(1, asked, later - 1)
    assert again.used <= limit
    sooner = later - 0.05
    if sooner > elapsed and limit < 600:
        early = Count(asked + 1, count.last, sooner) if sooner < 1 else Count(1, asked, sooner - 1)
        assert early.used >= limit
