"""The page for iframes: one product, framed by anybody, with nothing of the caller's that could run."""

import json
import re
from typing import Any

import pytest
from django.test import Client

from catalog.models import Product
from catalog.versions import unpublish
from tests.catalog.api.world import World, make_world
from tests.catalog.makers import make_merchant

pytestmark = pytest.mark.django_db

NASTY = """</script><script>alert(1)</script>"&<img src=x onerror=alert(1)>"""


@pytest.fixture
def world() -> World:
    return make_world(make_merchant())


def page(world: World, query: str = "") -> Any:
    return Client().get(f"/e/{world.product.public_id}{query}")


def test_it_may_be_framed_and_cached_and_sets_no_cookie(world: World, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        answer = page(world)
    assert answer.status_code == 200
    assert "X-Frame-Options" not in answer.headers
    assert "frame-ancestors *" in answer.headers["Content-Security-Policy"]
    assert "unsafe-inline" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"].startswith("public, max-age=60")
    assert not answer.cookies and "Vary" not in answer.headers


def test_the_picture_is_in_the_page_itself(world: World) -> None:
    html = page(world).content.decode()
    manifest = Client().get(f"/s/{world.product.public_id}.json").json()
    assert f'<img src="{manifest["poster"]}" alt="A lamp"' in html
    assert f'<plinth-viewer product="{world.product.public_id}">' in html


def test_search_engines_find_the_model(world: World) -> None:
    html = page(world).content.decode()
    block = re.search(r'<script type="application/ld\+json">(.*?)</script>', html)
    assert block
    assert json.loads(block[1]) == Client().get(f"/s/{world.product.public_id}.jsonld").json()


def test_the_address_sets_what_it_may_and_nothing_runs(world: World) -> None:
    html = page(
        world, "?price=9,90&call-to-action=%22%3E%3Cscript%3E&onclick=alert(1)&product=prd_other&src=x"
    ).content.decode()
    assert 'price="9,90"' in html
    assert 'call-to-action="&quot;&gt;&lt;script&gt;"' in html
    assert "onclick" not in html and "prd_other" not in html


def test_a_title_with_markup_stays_text(world: World) -> None:
    Product.objects.filter(pk=world.product.pk).update(title=NASTY)
    html = page(world).content.decode()
    assert "<script>alert" not in html and "<img src=x" not in html
    block = re.search(r'<script type="application/ld\+json">(.*?)</script>', html)
    assert block and json.loads(block[1])["name"] == NASTY


@pytest.mark.parametrize(
    ("asked", "spoken"), [("de", "de"), ("fr-CA", "fr"), ("xx", "en"), ("../en", "en"), ("", "en")]
)
def test_it_speaks_the_language_that_is_asked_for(world: World, asked: str, spoken: str) -> None:
    assert f'<html lang="{spoken}">' in page(world, f"?lang={asked}").content.decode()


def test_without_anything_to_show_it_says_so(world: World) -> None:
    unpublish(world.product)
    answer = page(world, "?lang=de")
    assert answer.status_code == 404
    assert "kein 3D-Modell" in answer.content.decode()
    assert "plinth-viewer" not in answer.content.decode()
    assert answer.headers["Cache-Control"] == "public, max-age=10"
    assert Client().get("/e/%00").status_code == 404
