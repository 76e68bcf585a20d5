"""What shops' pages tell is counted when it is what the element tells, and nothing else is kept."""

import json
import logging
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client

from catalog.embed import beacon
from catalog.models import Happening, HappeningCount
from tests.catalog.api.world import World, make_version, make_world
from tests.catalog.makers import make_merchant

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(settings: Any) -> World:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "beacon"}}
    cache.clear()
    return make_world(make_merchant())


def send(body: Any, content_type: str = "text/plain;charset=UTF-8", **more: Any) -> Any:
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    return Client(enforce_csrf_checks=True).post("/t", text, content_type=content_type, **more)


def told(world: World, happening: str = "view") -> dict[str, str]:
    return {"version": world.version.public_id, "happening": happening}


@pytest.mark.parametrize("happening", Happening.values)
def test_each_happening_is_counted(world: World, happening: str) -> None:
    answer = send(told(world, happening))
    assert (answer.status_code, answer.content) == (204, b"")
    assert list(HappeningCount.objects.values_list("version", "happening", "count")) == [
        (world.version.pk, happening, 1)
    ]


def test_json_will_do_too_and_neither_cookie_nor_token_is_asked_for(world: World) -> None:
    assert send(told(world), "application/json").status_code == 204
    answer = send(told(world), headers={"Cookie": "sessionid=somebodys", "Origin": "https://shop.example"})
    assert answer.status_code == 204
    assert not answer.cookies
    assert HappeningCount.objects.get().count == 2


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        "null",
        '"view"',
        b"\xff\xfe",
        {"version": "ver_23456789abcdefgh"},
        {"version": "ver_23456789abcdefgh", "happening": "viewed"},
        {"version": "ver_23456789abcdefgh", "happening": ["view"]},
        {"version": "ver_23456789abcdefgh", "happening": {}},
        {"version": 7, "happening": "view"},
        {"version": "ver_' OR 1=1", "happening": "view"},
        {"version": "ver_\x00", "happening": "view"},
        {"version": "prd_23456789abcdefgh", "happening": "view"},
        {"version": "ver_23456789abcdefgh", "happening": "view", "person": "anna"},
        {"version": "ver_23456789abcdefgh", "happening": "view", "x": "y" * 300},
        "[" * 150,
    ],
)
def test_anything_else_is_refused(world: World, body: Any) -> None:
    assert send(body).status_code == 400
    assert not HappeningCount.objects.exists()


def test_what_is_unknown_or_not_published_is_neither_told_nor_kept(world: World) -> None:
    hidden = make_version(world.product, 7)
    for version_id in ("ver_23456789abcdefgh", hidden.public_id):
        assert send({"version": version_id, "happening": "view"}).status_code == 204
    assert not HappeningCount.objects.exists()


def test_a_flood_is_cut_off(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beacon, "MOST_PER_MINUTE", 3)
    assert [send(told(world)).status_code for _ in range(5)] == [204, 204, 204, 429, 429]
    assert HappeningCount.objects.get().count == 3


def test_who_it_was_is_kept_nowhere(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    send(told(world), headers={"User-Agent": "Somebody's browser"}, REMOTE_ADDR="203.0.113.9")
    assert not [
        record for record in caplog.records if "203.0.113.9" in record.getMessage() or "/t " in record.getMessage()
    ]
    assert {field.name for field in HappeningCount._meta.get_fields()} == {"id", "version", "day", "happening", "count"}
    assert not Session.objects.exists()


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_only_posting_does_anything(world: World, method: str) -> None:
    assert getattr(Client(), method)("/t").status_code == 405
