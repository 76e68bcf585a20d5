"""The storefront's JSON: whole, public, cached, one query, and up when everything else is down"""

from typing import Any

import dramatiq
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import Product
from catalog.storage import storage as open_storage
from catalog.versions import roll_back, unpublish
from infra.broker import make_broker
from tests.catalog.api.plans import explain
from tests.catalog.api.world import World, make_version, make_world
from tests.catalog.conftest import Cast


@pytest.fixture
def world(cast: Cast) -> World:
    """A shop with a published product."""
    return make_world(cast.shop)


@pytest.fixture
def _nothing_else_runs(settings: Any) -> Any:
    """Neither store nor broker nor cache: their addresses lead nowhere."""
    from dataclasses import replace

    nowhere = "http://127.0.0.1:9"
    settings.ENV = replace(settings.ENV, s3_endpoint_url=nowhere, s3_public_url="", cdn_base_url="https://cdn.example")
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:9"}
    }
    before = dramatiq.get_broker()
    dramatiq.set_broker(make_broker("redis://127.0.0.1:9"))
    open_storage.cache_clear()
    yield
    open_storage.cache_clear()
    dramatiq.set_broker(before)


def by_id(world: World) -> str:
    return f"/s/{world.product.public_id}.json"


def by_sku(world: World) -> str:
    return f"/s/{world.product.merchant.slug}/{world.product.sku}.json"


@pytest.mark.usefixtures("_nothing_else_runs")
@pytest.mark.parametrize("address", [by_id, by_sku])
def test_the_manifest_is_one_query_and_asks_nobody_but_the_database(
    cast: Cast, world: World, address: Any, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        answer = cast.nobody.get(address(world))
    assert answer.status_code == 200
    manifest = answer.json()
    assert (manifest["id"], manifest["version"]["number"]) == (world.product.public_id, 1)
    glb = manifest["files"]["model.glb"]
    assert glb["url"] == f"https://cdn.example/m/{cast.shop.public_id}/{glb['sha256']}/model.glb"
    assert glb["content_type"] == "model/gltf-binary"
    assert manifest["poster"] == manifest["files"]["poster.webp"]["url"]
    assert manifest["dimensions"] == {"width": 0.1, "height": 0.2, "depth": 0.1}
    assert manifest["certificate"] == {"grade": "B", "passed": True, "reasons": ["A turned shape."], "unseen": 0.4}


def test_pages_of_any_origin_may_read_it_and_caches_may_keep_it_shortly(cast: Cast, world: World) -> None:
    answer = cast.nobody.get(by_id(world), headers={"Origin": "https://shop.example"})
    headers = answer.headers
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert headers["Cache-Control"] == "public, max-age=60, stale-while-revalidate=600"
    assert "Set-Cookie" not in headers and "Cookie" not in headers.get("Vary", "")
    assert headers["Content-Type"] == "application/json"


def test_who_is_signed_in_gets_the_same_bytes_as_anybody(cast: Cast, world: World) -> None:
    answers = [caller.get(by_id(world)) for caller in (cast.nobody, cast.owner, cast.stranger, cast.reader)]
    assert len({answer.content for answer in answers}) == 1
    assert all("Set-Cookie" not in answer.headers and "Vary" not in answer.headers for answer in answers)


def test_whoever_has_it_already_gets_no_body(cast: Cast, world: World) -> None:
    etag = cast.nobody.get(by_id(world)).headers["ETag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = cast.nobody.get(by_id(world), headers={"If-None-Match": known})
        assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", etag)
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Cache-Control"].startswith("public, max-age=60")


def test_the_etag_changes_with_what_is_shown_and_comes_back_with_it(cast: Cast, world: World) -> None:
    first = cast.nobody.get(by_id(world))
    make_version(world.product, 3, published=True)
    second = cast.nobody.get(by_id(world))
    assert second.json()["version"]["number"] == 3
    assert second.headers["ETag"] != first.headers["ETag"]
    roll_back(world.product)
    assert cast.nobody.get(by_id(world)).headers["ETag"] == first.headers["ETag"]


@pytest.mark.parametrize("address", [by_id, by_sku])
def test_what_is_not_shown_is_not_there(cast: Cast, world: World, address: Any) -> None:
    where = address(world)
    Product.objects.filter(pk=world.product.pk).update(archived=True)
    archived = cast.nobody.get(where)
    Product.objects.filter(pk=world.product.pk).update(archived=False)
    assert cast.nobody.get(where).status_code == 200
    unpublish(world.product)
    for answer in (archived, cast.nobody.get(where)):
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Cache-Control"] == "public, max-age=10"


@pytest.mark.parametrize(
    "where",
    [
        "/s/prd_none.json",
        "/s/%00.json",
        "/s/shop/none.json",
        "/s/shop/%00.json",
        "/s/x/../y.json",
        "/s/",
        "/s/x",
        "/s/a%0Ab/c%0Ad.json",
    ],
)
def test_addresses_that_nobody_has_are_not_found(cast: Cast, where: str) -> None:
    answer = cast.nobody.get(where)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_a_page_may_ask_first_what_it_may_ask(cast: Cast, world: World) -> None:
    answer = cast.nobody.options(by_id(world), headers={"Origin": "https://x.example"})
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (204, "*")
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"


def test_head_tells_the_same_without_the_body(cast: Cast, world: World) -> None:
    get, head = cast.nobody.get(by_id(world)), cast.nobody.head(by_id(world))
    assert (head.status_code, head.content, head.headers["ETag"]) == (200, b"", get.headers["ETag"])


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nothing_can_be_changed_here(cast: Cast, world: World, method: str) -> None:
    answer = getattr(cast.owner, method)(by_id(world), {})
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


def test_what_shoppers_need_not_know_stays_out(cast: Cast, world: World) -> None:
    text = cast.nobody.get(by_id(world)).content.decode()
    for secret in ("files/", "cpu_seconds", "metrics", "limits", "revenue", "external_id"):
        assert secret not in text


def plan_of(cast: Cast, address: str) -> str:
    """How the database finds the row."""
    with CaptureQueriesContext(connection) as queries:
        assert cast.nobody.get(address).status_code == 200
    return explain(queries[0]["sql"])


def test_the_row_is_found_by_indexes_alone(cast: Cast, world: World) -> None:
    for plan in (plan_of(cast, by_id(world)), plan_of(cast, by_sku(world))):
        assert "SCAN" not in plan
        assert "TEMP B-TREE" not in plan


def test_who_asks_so_gets_no_error_where_nothing_is_shown(cast: Cast, world: World) -> None:
    assert cast.nobody.get(f"{by_id(world)}?absent=204").status_code == 200
    unpublish(world.product)
    for where in (by_id(world), by_sku(world), "/s/prd_none.json"):
        answer = cast.nobody.get(f"{where}?absent=204")
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Cache-Control"] == "public, max-age=10"


@pytest.mark.usefixtures("_nothing_else_runs")
@pytest.mark.parametrize("address", [by_id, by_sku])
def test_a_lasting_address_leads_to_what_is_published_now(
    cast: Cast, world: World, address: Any, django_assert_num_queries: Any
) -> None:
    where = address(world).removesuffix(".json")
    files = cast.nobody.get(address(world)).json()["files"]
    with django_assert_num_queries(1):
        answer = cast.nobody.get(f"{where}/poster.webp")
    assert (answer.status_code, answer.headers["Location"]) == (302, files["poster.webp"]["url"])
    assert answer.headers["Cache-Control"] == "public, max-age=60, stale-while-revalidate=600"
    assert cast.nobody.get(f"{where}/model.glb").headers["Location"] == files["model.glb"]["url"]
    assert cast.nobody.get(f"{where}/turntable.webp").status_code == 404  # this version has none
    unpublish(world.product)
    assert cast.nobody.get(f"{where}/poster.webp").status_code == 404


@pytest.mark.parametrize("name", ["report.json", "preview.html", "photo-1.webp", "../model.glb", ""])
def test_no_address_leads_to_what_is_the_shops_own(cast: Cast, world: World, name: str) -> None:
    assert cast.nobody.get(f"/s/{world.product.public_id}/{name}").status_code == 404


@pytest.mark.usefixtures("_nothing_else_runs")
def test_search_engines_are_told_of_the_model_and_of_the_product(cast: Cast, world: World) -> None:
    files = cast.nobody.get(by_id(world)).json()["files"]
    where = f"/s/{world.product.public_id}.jsonld"
    answer = cast.nobody.get(where)
    model = answer.json()
    assert answer.headers["Content-Type"] == "application/ld+json"
    assert (model["@context"], model["@type"], model["isResizable"]) == ("https://schema.org", "3DModel", False)
    assert model["image"] == files["poster.webp"]["url"]
    assert {(each["contentUrl"], each["encodingFormat"]) for each in model["encoding"]} == {
        (files["model.glb"]["url"], "model/gltf-binary"),
        (files["model.usdz"]["url"], "model/vnd.usdz+zip"),
    }
    product = cast.nobody.get(f"{where}?as=product").json()
    assert (product["@type"], product["sku"], product["name"]) == ("Product", world.product.sku, world.product.title)
    assert product["height"] == {"@type": "QuantitativeValue", "value": 20.0, "unitCode": "CMT"}
    assert product["subjectOf"] == {key: value for key, value in model.items() if key != "@context"}
