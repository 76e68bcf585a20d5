"""The shop itself, its keys, its use, and what recipes may name"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from catalog.deletion import erase_due
from catalog.models import ApiKey, AssetJob, AssetVersion, Merchant, Photo, Product, Status, UsageDay, count_usage
from catalog.usage import usage_by_month
from tests.catalog.api.world import make_version, make_world
from tests.catalog.conftest import Caller, Cast
from tests.catalog.makers import make_product, make_worker


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_an_owner_issues_a_key_that_works_until_it_is_revoked(cast: Cast) -> None:
    made = cast.owner.post("keys", {"name": "shop", "may_write": True})
    key = made.json()
    assert made.status_code == 201 and key["key"].startswith(key["prefix"]) and len(key["prefix"]) < 16
    program = Caller("program", key=key["key"])
    assert program.post("products", {"sku": "a", "title": "a"}).status_code == 201
    listed = cast.owner.get("keys").json()["results"]
    assert listed[0]["id"] == key["id"] and listed[0]["last_used_at"] is not None
    assert "key" not in listed[0] and key["key"] not in str(listed)
    assert cast.owner.delete(f"keys/{key['id']}").status_code == 204
    assert code(program.get("products")) == (401, "bad_credentials")
    assert cast.owner.get("keys").json()["results"][0]["revoked_at"] is not None


def test_the_text_of_a_key_is_not_in_the_database(cast: Cast) -> None:
    text = cast.owner.post("keys", {"name": "shop"}).json()["key"]
    row = ApiKey.objects.filter(name="shop").values().get()
    assert text not in str(row) and row["may_write"] is False


def test_no_key_makes_keys_whatever_it_may_write(cast: Cast) -> None:
    assert code(cast.writer.post("keys", {"name": "x", "may_write": True})) == (403, "owners_only")


def test_the_facts_of_a_shop_are_changed_by_its_owner(cast: Cast) -> None:
    before = cast.owner.get("merchant")
    changed = cast.owner.patch("merchant", {"country": "DE", "revenue": "under_1m"}).json()
    assert changed == before.json() | {"country": "DE", "revenue": "under_1m"}
    stale = cast.owner.patch("merchant", {"country": ""}, headers={"If-Match": before.headers["ETag"]})
    assert code(stale) == (412, "changed_meanwhile")
    assert cast.owner.patch("merchant", {"country": ""}).json()["country"] == ""


@pytest.mark.parametrize(
    "change", [{"country": "de"}, {"country": "DEU"}, {"name": ""}, {"revenue": "much"}, {"slug": "x"}, {"id": "x"}]
)
def test_facts_that_are_none_are_refused(cast: Cast, change: dict[str, str]) -> None:
    answer = cast.owner.patch("merchant", change)
    assert (answer.status_code, set(answer.json()["error"]["fields"])) == (422, set(change))


def test_a_shop_is_deleted_only_by_saying_its_name(cast: Cast, storage: object) -> None:
    make_world(cast.shop)
    for body in ({}, {"confirm": ""}, {"confirm": "other-shop"}):
        assert cast.owner.delete("merchant", body).status_code == 422
    assert Product.objects.filter(merchant=cast.shop).exists()
    make_world(cast.other)
    assert cast.owner.delete("merchant", {"confirm": "shop"}).status_code == 204
    assert code(cast.owner.get("merchant")) == (403, "not_a_member")
    assert code(cast.reader.get("products")) == (401, "bad_credentials")
    product = Product.objects.get(merchant=cast.shop, published_version__isnull=False)
    for path in (f"/s/{product.public_id}.json", f"/s/shop/{product.sku}.json"):
        assert cast.nobody.get(path).status_code == 404
    while erase_due():
        pass
    assert list(Merchant.objects.all()) == [cast.other]
    assert set(Product.objects.values_list("merchant", flat=True)) == {cast.other.pk}
    assert AssetJob.objects.filter(merchant=cast.other).exists() and AssetVersion.objects.count() == 2
    assert code(cast.owner.get("products")) == (403, "not_a_member")
    assert code(cast.reader.get("products")) == (401, "bad_credentials")


def test_everybody_of_the_shop_sees_who_acts_for_it(cast: Cast) -> None:
    members = cast.viewer.get("members").json()["results"]
    assert [member["role"] for member in members] == ["viewer", "editor", "owner"]


def test_use_is_told_by_month_and_by_generator(cast: Cast) -> None:
    world = make_world(cast.shop)
    make_world(cast.other)
    now = timezone.now()
    last_month = now.replace(day=1) - timedelta(days=1)
    count_usage(cast.shop.pk, "primitive", {"cpu_seconds": 9.5, "versions": 2})
    count_usage(cast.shop.pk, "triposg", {"cpu_seconds": 1.25, "gpu_seconds": 2.25, "versions": 1})
    count_usage(cast.shop.pk, "triposg", {"ended": 1}, ended_as=Status.PUBLISHED)
    count_usage(cast.other.pk, "triposg", {"gpu_seconds": 100})
    UsageDay.objects.create(merchant=cast.shop, day=last_month.date(), ended_as=Status.FAILED, ended=1)
    UsageDay.objects.create(merchant=cast.shop, day=last_month.date(), cpu_seconds=4)
    usage = cast.viewer.get("usage?months=2").json()
    this, last = usage["months"]
    assert [this["month"], last["month"]] == [f"{now:%Y-%m}", f"{last_month:%Y-%m}"]
    assert this["jobs"] == {"needs_review": 0, "published": 1, "rejected": 0, "failed": 0, "cancelled": 0}
    assert (this["cpu_seconds"], this["gpu_seconds"], this["versions"]) == (10.75, 2.25, 3)
    assert this["generators"] == [
        {"generator": "triposg", "cpu_seconds": 1.25, "gpu_seconds": 2.25, "versions": 1},
        {"generator": "primitive", "cpu_seconds": 9.5, "gpu_seconds": 0.0, "versions": 2},
    ]
    assert (last["jobs"]["failed"], last["cpu_seconds"], last["versions"]) == (1, 4.0, 0)
    size = sum(file["bytes"] for file in world.version.files)
    assert (this["bytes"], usage["stored"]["version_bytes"]) == (2 * size, 2 * size)
    assert (usage["stored"]["products"], usage["stored"]["photos"]) == (2, 3)


def test_stored_bytes_are_those_of_photos_and_versions(cast: Cast) -> None:
    product = make_product(cast.shop, photos=2)
    Photo.objects.update(bytes=100)
    stored = cast.viewer.get("usage").json()["stored"]
    assert stored == {"products": 1, "photos": 2, "photo_bytes": 200, "versions": 0, "version_bytes": 0}
    make_version(product, 1)
    assert cast.viewer.get("usage").json()["stored"]["versions"] == 1


def test_use_costs_a_handful_of_queries_however_much_there_is(cast: Cast, django_assert_max_num_queries: Any) -> None:
    for _ in range(5):
        make_world(cast.shop)
    with django_assert_max_num_queries(8):
        cast.viewer.get("usage?months=36")


@pytest.mark.parametrize("query", ["months=0", "months=37", "months=x", "month=3"])
def test_months_that_are_none_are_refused(cast: Cast, query: str) -> None:
    assert cast.viewer.get(f"usage?{query}").status_code == 422


@pytest.mark.parametrize("months", [1, 13, 36])
def test_every_month_is_there_once_newest_first(cast: Cast, months: int) -> None:
    names = [month.month for month in usage_by_month(cast.shop, months)]
    assert names == sorted(set(names), reverse=True) and len(names) == months
    assert names[0] == f"{datetime.now(UTC):%Y-%m}"


def test_what_recipes_may_name_comes_from_the_workers(cast: Cast) -> None:
    assert cast.viewer.get("generators").json() == {"generators": [], "qualities": [], "profiles": []}
    make_worker()
    offers = cast.viewer.get("generators").json()
    assert {each["name"]: each["runs_here"] for each in offers["generators"]} == {"primitive": True, "triposg": False}
    assert offers["generators"][1]["why_not"] == "no GPU"
    assert (offers["qualities"], offers["profiles"]) == (["draft", "standard"], ["web"])
