"""Products over the API"""

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalog.api.pages import make_cursor, read_cursor
from catalog.errors import Invalid
from catalog.models import AssetJob, Product, Status
from tests.catalog.api.plans import explain
from tests.catalog.api.world import make_world
from tests.catalog.conftest import Cast
from tests.catalog.makers import make_job, make_product

MUG = {"sku": "MUG-1", "title": "Blue mug", "category": "mug", "height": 0.095, "tags": ["kitchen", "gift"]}


def make(cast: Cast, **values: Any) -> dict[str, Any]:
    answer = cast.writer.post("products", MUG | values)
    assert answer.status_code == 201, answer.content
    return dict(answer.json())


def skus(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [product["sku"] for product in answer.json()["results"]]


def test_a_product_is_made_read_changed_and_deleted(cast: Cast) -> None:
    made = cast.editor.post("products", MUG)
    product = made.json()
    assert made.status_code == 201
    assert product["height"] == 0.095 and product["width"] is None and product["revision"] == 1
    assert cast.viewer.get(made.headers["Location"]).json() == product
    changed = cast.editor.patch(f"products/{product['id']}", {"title": "Red mug"}).json()
    assert (changed["title"], changed["sku"], changed["revision"]) == ("Red mug", "MUG-1", 2)
    assert cast.owner.delete(f"products/{product['id']}").status_code == 204
    assert cast.viewer.get(f"products/{product['id']}").status_code == 404


def test_a_change_that_changes_nothing_leaves_revision_and_etag(cast: Cast) -> None:
    product = make(cast)
    answer = cast.writer.patch(f"products/{product['id']}", {"title": MUG["title"], "tags": MUG["tags"]})
    assert answer.json() == product


@pytest.mark.parametrize("sku", ["A/B", "ä ö", "photos", "100%", "a?b#c", "..a"])
def test_skus_of_any_kind_are_found_in_addresses(cast: Cast, sku: str) -> None:
    make(cast, sku=sku)
    for address in (quote(sku), quote(sku, safe="")):
        answer = cast.reader.get(f"products/by-sku/{address}")
        assert (answer.status_code, answer.json()["sku"]) == (200, sku)


@pytest.mark.parametrize("sku", ["", " ", ".", "..", "a\nb", "x" * 81])
def test_skus_that_no_address_can_hold_are_refused(cast: Cast, sku: str) -> None:
    answer = cast.writer.post("products", MUG | {"sku": sku})
    assert answer.status_code == 422
    assert "sku" in answer.json()["error"]["fields"]


def test_putting_a_product_makes_it_and_then_resets_what_is_left_out(cast: Cast) -> None:
    made = cast.writer.put("products/by-sku/LAMP", {"title": "Lamp", "category": "lamp"})
    assert made.status_code == 201
    again = cast.writer.put("products/by-sku/LAMP", {"title": "Lamp"})
    assert again.status_code == 200
    assert (again.json()["id"], again.json()["category"]) == (made.json()["id"], "")


def test_putting_under_another_sku_than_the_address_says_is_refused(cast: Cast) -> None:
    answer = cast.writer.put("products/by-sku/LAMP", {"title": "Lamp", "sku": "MUG"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "sku_differs")
    assert not Product.objects.exists()


def test_putting_only_what_is_not_there_takes_if_none_match(cast: Cast) -> None:
    only_new = {"If-None-Match": "*"}
    assert cast.writer.put("products/by-sku/LAMP", {"title": "Lamp"}, headers=only_new).status_code == 201
    assert cast.writer.put("products/by-sku/LAMP", {"title": "Other"}, headers=only_new).status_code == 412
    assert Product.objects.get().title == "Lamp"


def test_putting_only_what_is_there_takes_if_match(cast: Cast) -> None:
    assert cast.writer.put("products/by-sku/LAMP", {"title": "x"}, headers={"If-Match": "*"}).status_code == 412
    assert not Product.objects.exists()


def test_two_products_of_a_shop_never_share_a_sku_or_an_external_id(cast: Cast) -> None:
    first = make(cast, external_id="gid-1")
    taken = cast.writer.post("products", MUG)
    assert (taken.status_code, taken.json()["error"]["code"]) == (409, "sku_taken")
    second = make(cast, sku="MUG-2")
    both = cast.writer.patch(f"products/{second['id']}", {"external_id": "gid-1"})
    assert (both.status_code, both.json()["error"]["code"]) == (409, "external_id_taken")
    assert cast.stranger_key.post("products", MUG | {"external_id": "gid-1"}).status_code == 201
    assert cast.writer.get(f"products/{first['id']}").json() == first


def test_a_change_with_an_old_etag_changes_nothing(cast: Cast) -> None:
    product = make(cast)
    address = f"products/{product['id']}"
    etag = cast.writer.get(address).headers["ETag"]
    assert cast.writer.patch(address, {"title": "A"}, headers={"If-Match": etag}).status_code == 200
    for method in (cast.writer.patch, cast.writer.delete):
        stale = method(address, {}, headers={"If-Match": etag})
        assert (stale.status_code, stale.json()["error"]["code"]) == (412, "changed_meanwhile")
    assert cast.writer.get(address).json()["title"] == "A"


def test_a_weak_etag_never_allows_a_change_but_spares_a_reader_the_body(cast: Cast) -> None:
    address = f"products/{make(cast)['id']}"
    etag = cast.writer.get(address).headers["ETag"]
    assert not etag.startswith("W/")
    assert cast.writer.patch(address, {"title": "A"}, headers={"If-Match": f"W/{etag}"}).status_code == 412
    known = cast.writer.get(address, headers={"If-None-Match": f'"x", W/{etag}'})
    assert (known.status_code, known.content, known.headers["ETag"]) == (304, b"", etag)


def test_products_come_newest_first_page_by_page_while_rows_come_and_go(cast: Cast) -> None:
    for number in range(5):
        make(cast, sku=f"P{number}")
    first = cast.reader.get("products?limit=2")
    assert skus(first) == ["P4", "P3"]
    make(cast, sku="P5")
    cast.shop.products.get(sku="P3").delete()
    second = cast.reader.get(first.json()["next"])
    assert skus(second) == ["P2", "P1"]
    last = cast.reader.get(second.json()["next"])
    assert (skus(last), last.json()["next"]) == (["P0"], None)


@pytest.mark.parametrize("query", ["cursor=x", "cursor=", "limit=0", "limit=201", "limit=a", "limit=²", "limit=-1"])
def test_cursors_and_limits_that_are_none_are_refused(cast: Cast, query: str) -> None:
    answer = cast.reader.get(f"products?{query}")
    assert answer.status_code == 422, answer.content


def test_a_cursor_hides_its_row_number_and_cannot_be_made_up(cast: Cast) -> None:
    assert [read_cursor(make_cursor(pk)) for pk in (1, 2, 2**62)] == [1, 2, 2**62]
    cursor = make_cursor(7)
    for forged in (cursor[:-1] + "A", "A" + cursor[1:], cursor[:10]):
        if forged != cursor:
            with pytest.raises(Invalid):
                read_cursor(forged)


def test_filters_find_what_they_say(cast: Cast) -> None:
    make(cast)
    make(cast, sku="LAMP", title="Tall Lamp", category="lamp", tags=["office"], external_id="x1")
    make(cast, sku="OLD", title="Old mug", archived=True, tags=[])
    for query, found in {
        "": ["LAMP", "MUG-1"],
        "archived=true": ["OLD"],
        "archived=any": ["OLD", "LAMP", "MUG-1"],
        "category=lamp": ["LAMP"],
        "tag=gift": ["MUG-1"],
        "tag=gif": [],
        "sku=LAMP": ["LAMP"],
        "external_id=x1": ["LAMP"],
        "q=mug": ["MUG-1"],
        "q=lamp tall": ["LAMP"],
        "q=%25": [],
        "q=mug&archived=any": ["OLD", "MUG-1"],
        "category=mug&tag=kitchen": ["MUG-1"],
    }.items():
        assert skus(cast.reader.get(f"products?{query}")) == found, query


def test_products_are_found_by_the_state_of_their_latest_job(cast: Cast) -> None:
    done, redone, never = (make_product(cast.shop) for _ in range(3))
    ended = {"ended_at": timezone.now()}
    make_job(done, status=Status.CANCELLED, **ended)
    make_job(done, status=Status.FAILED, **ended)
    make_job(redone, status=Status.FAILED, **ended)
    make_job(redone)
    assert skus(cast.reader.get("products?job_status=failed")) == [done.sku]
    assert skus(cast.reader.get("products?job_status=queued")) == [redone.sku]
    assert skus(cast.reader.get("products?job_status=none")) == [never.sku]
    assert AssetJob.objects.count() == 4


def test_products_changed_since_a_moment_are_found(cast: Cast) -> None:
    old, new = make_product(cast.shop), make_product(cast.shop)
    Product.objects.filter(pk=old.pk).update(updated_at=timezone.now() - timedelta(days=2))
    since = (timezone.now() - timedelta(days=1)).isoformat().replace("+", "%2B")
    assert skus(cast.reader.get(f"products?updated_since={since}")) == [new.sku]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("updated_since=0001-01-01T00:00:00%2B23:00", "bad_value"),
        ("updated_since=yesterday", "bad_value"),
        ("job_status=done", "bad_value"),
        ("archived=maybe", "bad_value"),
        ("catgory=mug", "unknown_field"),
        ("sku=%00", "bad_value"),
        ("sku=", "bad_value"),
        ("updated_since=", "bad_value"),
    ],
)
def test_filters_that_say_nothing_are_refused(cast: Cast, query: str, code: str) -> None:
    answer = cast.reader.get(f"products?{query}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, code)


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({"height": 0.0001}, "height"),
        ({"height": "0.1"}, "height"),
        ({"width": 51}, "width"),
        ({"depth": True}, "depth"),
        ({"archived": "true"}, "archived"),
        ({"title": 5}, "title"),
        ({"title": None}, "title"),
        ({"tags": "gift"}, "tags"),
        ({"tags": [5]}, "tags.0"),
        ({"tags": [""]}, "tags.0"),
        ({"tags": ["x"] * 51}, "tags"),
        ({"titel": "x"}, "titel"),
        ({"revision": 7}, "revision"),
    ],
)
def test_values_that_will_not_do_are_named(cast: Cast, value: dict[str, Any], field: str) -> None:
    answer = cast.writer.post("products", MUG | value)
    error = answer.json()["error"]
    assert answer.status_code == 422
    assert set(error["fields"]) == {field}
    assert error["code"] == ("unknown_field" if field in ("titel", "revision") else "bad_value")
    assert not Product.objects.exists()


def plan_of(cast: Cast, query: str) -> str:
    """How the database finds the page."""
    with CaptureQueriesContext(connection) as queries:
        assert cast.reader.get(f"products?{query}").status_code == 200
    return explain(queries[-1]["sql"])


@pytest.mark.parametrize("query", ["", "archived=true", "limit=200", "category=mug", "q=mug"])
def test_a_page_is_read_in_the_order_of_an_index_however_many_there_are(cast: Cast, query: str) -> None:
    plan = plan_of(cast, query)
    assert "product_list (merchant_id=? AND archived=?)" in plan
    assert "TEMP B-TREE" not in plan


def test_the_next_page_begins_in_the_index_where_the_last_one_ended(cast: Cast) -> None:
    plan = plan_of(cast, f"cursor={make_cursor(10)}")
    assert "product_list (merchant_id=? AND archived=? AND id<?)" in plan
    assert "TEMP B-TREE" not in plan


def test_a_page_costs_one_query_whatever_its_products_have(cast: Cast, django_assert_num_queries: Any) -> None:
    for _ in range(4):
        make_world(cast.shop)
    cast.reader.get("products")
    with django_assert_num_queries(2):  # the key, the page
        assert len(cast.reader.get("products").json()["results"]) == 8
