"""Two callers who have read the same state: exactly one of them changes it, the other gets 412 and changes nothing."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Model

from catalog.leases import end_finish
from catalog.models import ApiKey, AssetJob, AssetVersion, Group, JobEvent, Merchant, Photo, Product, Status
from catalog.storage import Storage
from catalog.versions import publish_version
from tests.catalog.conftest import Caller, Cast
from tests.catalog.makers import SPENT, lease_at, make_job, make_product, stored
from tests.catalog.races import race

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("broker")]

WAIT_SECONDS = 0.5
"""Until both requests have read what they want to change, and wait for its lock."""


@dataclass(frozen=True)
class Shop:
    """A product that shows its second version, and a third one that waits for review."""

    merchant: Merchant
    product: Product
    versions: tuple[AssetVersion, ...]
    photo: Photo
    key: ApiKey


@pytest.fixture
def shop(cast: Cast, storage: Storage) -> Shop:
    product = make_product(cast.shop)
    leases = (lease_at(make_job(product), Group.FINISH) for _ in range(3))
    versions = [end_finish(lease, stored(cast.shop), SPENT) for lease in leases]
    for version in versions[:2]:
        publish_version(version)
    return Shop(cast.shop, product, tuple(versions), product.photos.get(), cast.shop.api_keys.all()[0])


@dataclass(frozen=True)
class Change:
    """A request. read: the address whose ETag counts; row: what is locked; body: for either caller another."""

    method: str
    address: Callable[[Shop], str]
    read: Callable[[Shop], str]
    row: Callable[[Shop], Model]
    bodies: tuple[dict[str, Any], dict[str, Any]] = ({}, {})


def of_product(method: str, ending: str = "", bodies: tuple[dict[str, Any], dict[str, Any]] = ({}, {})) -> Change:
    def address(shop: Shop) -> str:
        return f"products/{shop.product.public_id}"

    return Change(method, lambda shop: address(shop) + ending, address, lambda shop: shop.product, bodies)


def of_job(ending: str) -> Change:
    def address(shop: Shop) -> str:
        return f"jobs/{shop.versions[2].job.public_id}"

    return Change("post", lambda shop: address(shop) + ending, address, lambda shop: shop.versions[2].job)


def of_photo(method: str, bodies: tuple[dict[str, Any], dict[str, Any]] = ({}, {})) -> Change:
    def address(shop: Shop) -> str:
        return f"photos/{shop.photo.public_id}"

    return Change(method, address, address, lambda shop: shop.photo, bodies)


def of_merchant(method: str, bodies: tuple[dict[str, Any], dict[str, Any]]) -> Change:
    return Change(method, lambda shop: "merchant", lambda shop: "merchant", lambda shop: shop.merchant, bodies)


CHANGES = {
    "change a product": of_product("patch", bodies=({"title": "A"}, {"title": "B"})),
    "put a product": Change(
        "put",
        lambda shop: f"products/by-sku/{shop.product.sku}",
        lambda shop: f"products/{shop.product.public_id}",
        lambda shop: shop.product,
        ({"title": "A"}, {"title": "B"}),
    ),
    "delete a product": of_product("delete"),
    "publish": Change(
        "post",
        lambda shop: f"versions/{shop.versions[2].public_id}/publish",
        lambda shop: f"products/{shop.product.public_id}",
        lambda shop: shop.product,
    ),
    "unpublish": of_product("post", "/unpublish"),
    "roll back": of_product("post", "/rollback"),
    "approve": of_job("/approve"),
    "reject": of_job("/reject"),
    "change a photo": of_photo("patch", ({"view": "back"}, {"view": "left"})),
    "delete a photo": of_photo("delete"),
    "change the shop": of_merchant("patch", ({"country": "DE"}, {"country": "FR"})),
    "delete the shop": of_merchant("delete", ({"confirm": "shop"}, {"confirm": "shop"})),
}


@pytest.fixture
def callers(cast: Cast) -> tuple[Caller, Caller]:
    owner = cast.shop.members.get(role="owner").user
    return cast.owner, Caller("owner at another desk", user=owner)


def ask(caller: Caller, change: Change, shop: Shop, body: dict[str, Any], etag: str) -> Any:
    return getattr(caller, change.method)(change.address(shop), body, headers={"If-Match": etag})


def events_of(shop: Shop) -> int:
    return JobEvent.objects.filter(kind__in=["status", "note"]).count()


@pytest.mark.parametrize("name", CHANGES)
def test_of_two_with_the_same_etag_one_succeeds(name: str, shop: Shop, callers: tuple[Caller, Caller]) -> None:
    change, row = CHANGES[name], CHANGES[name].row(shop)
    etag = callers[0].get(change.read(shop)).headers["ETag"]
    revision, events = Product.objects.get(pk=shop.product.pk).revision, events_of(shop)
    results: list[Any] = []
    asking = threading.Thread(
        target=lambda: results.extend(
            race(
                lambda: ask(callers[0], change, shop, change.bodies[0], etag),
                lambda: ask(callers[1], change, shop, change.bodies[1], etag),
            )
        )
    )
    with transaction.atomic():  # both read now, and wait
        list(type(row)._default_manager.select_for_update().filter(pk=row.pk))
        asking.start()
        time.sleep(WAIT_SECONDS)
    asking.join(60)
    codes = [answer.status_code for answer in results]
    assert sorted(codes)[0] in {200, 204} and sorted(codes)[1] == 412, [answer.content for answer in results]
    refused = results[codes.index(412)]
    assert refused.json()["error"]["code"] == "changed_meanwhile"
    product = Product.objects.filter(pk=shop.product.pk).first()
    if product is not None:
        moved = name in {"change a product", "put a product", "publish", "unpublish", "roll back", "approve"}
        assert product.revision == revision + moved
        assert events_of(shop) - events == (name in {"publish", "roll back", "approve", "reject"})
    won = change.bodies[codes.index(min(codes))]
    for field, value in won.items():
        if field != "confirm":
            assert getattr(type(row)._default_manager.get(pk=row.pk), field) == value


def test_approving_what_another_has_rejected_changes_nothing(shop: Shop, callers: tuple[Caller, Caller]) -> None:
    job = shop.versions[2].job
    etag = callers[0].get(f"jobs/{job.public_id}").headers["ETag"]
    assert callers[0].post(f"jobs/{job.public_id}/reject", {}, headers={"If-Match": etag}).status_code == 200
    late = callers[1].post(f"jobs/{job.public_id}/approve", {}, headers={"If-Match": etag})
    assert (late.status_code, late.json()["error"]["code"]) == (412, "changed_meanwhile")
    assert AssetJob.objects.get(pk=job.pk).status == Status.REJECTED
    assert Product.objects.get(pk=shop.product.pk).published_version == shop.versions[1]


def test_making_a_product_only_where_there_is_none_is_done_once(cast: Cast, callers: tuple[Caller, Caller]) -> None:
    """`If-None-Match: *` (RFC 9110, 13.1.2)."""
    headers = {"If-None-Match": "*"}
    answers = race(
        lambda: callers[0].put("products/by-sku/NEW", {"title": "A"}, headers=headers),
        lambda: callers[1].put("products/by-sku/NEW", {"title": "B"}, headers=headers),
    )
    assert sorted(answer.status_code for answer in answers) == [201, 412]
    made = next(answer.json() for answer in answers if answer.status_code == 201)
    assert Product.objects.get(sku="NEW").title == made["title"]


def test_a_key_that_is_revoked_twice_with_one_etag_is_so_once(cast: Cast, shop: Shop) -> None:
    key = shop.key
    assert cast.owner.delete(f"keys/{key.public_id}", headers={"If-Match": '"another"'}).status_code == 412
    assert ApiKey.objects.get(pk=key.pk).revoked_at is None
