"""Keys, sessions and shops"""

from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from catalog.merchants import add_member, create_merchant, revoke_api_key
from catalog.models import ApiKey, Role
from tests.catalog.conftest import Caller, Cast, make_user


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_everybody_is_told_who_they_are(cast: Cast) -> None:
    told = {name: getattr(cast, name).get("me").json() for name in ("owner", "editor", "viewer", "reader", "writer")}
    assert {name: me["role"] for name, me in told.items()} == {
        "owner": "owner",
        "editor": "editor",
        "viewer": "viewer",
        "reader": "viewer",
        "writer": "editor",
    }
    assert all(me["merchant"]["slug"] == "shop" for me in told.values())
    assert told["reader"]["key"]["name"] == "reads" and told["reader"]["person"] is None
    assert told["owner"]["person"]["email"].startswith("owner-") and told["owner"]["key"] is None


def test_whoever_has_neither_key_nor_session_is_asked_for_one(cast: Cast) -> None:
    answer = cast.nobody.get("me")
    assert code(answer) == (401, "not_signed_in")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_key_that_is_none_opens_nothing_not_even_beside_a_session(cast: Cast) -> None:
    for text in ("plk_none", "", "x", "plk_ä", "plk_" + "a" * 5000):
        header = {"Authorization": f"Bearer {text}"}
        assert code(cast.nobody.get("me", headers=header)) == (401, "bad_credentials"), text
        assert code(cast.owner.get("me", headers=header)) == (401, "bad_credentials"), text


def test_a_revoked_key_opens_nothing(cast: Cast) -> None:
    assert cast.reader.get("products").status_code == 200
    revoke_api_key(cast.shop.api_keys.get(name="reads"))
    assert code(cast.reader.get("products")) == (401, "bad_credentials")


def test_the_use_of_a_key_is_noted_to_the_minute(cast: Cast, django_assert_num_queries: Any) -> None:
    key = cast.shop.api_keys.get(name="reads")
    assert key.last_used_at is None
    cast.reader.get("products")
    key.refresh_from_db()
    assert timezone.now() - key.last_used_at < timedelta(seconds=20)
    with django_assert_num_queries(2):  # the key, the products
        cast.reader.get("products")
    ApiKey.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    cast.reader.get("products")
    key.refresh_from_db()
    assert timezone.now() - key.last_used_at < timedelta(seconds=20)


def test_a_person_of_no_shop_may_only_ask_who_they_are(cast: Cast) -> None:
    guest = Caller("guest", user=make_user("guest"))
    me = guest.get("me").json()
    assert (me["merchant"], me["role"], me["may_write"], me["memberships"]) == (None, None, False, [])
    assert code(guest.get("products")) == (403, "not_a_member")
    assert code(guest.post("products", {})) == (403, "not_a_member")


def test_a_person_of_several_shops_says_which_one_is_meant(cast: Cast) -> None:
    user = make_user("both")
    add_member(cast.shop, user, Role.VIEWER)
    add_member(cast.other, user, Role.EDITOR)
    both = Caller("both", user=user)
    assert code(both.get("products")) == (422, "merchant_needed")
    assert [each["merchant"]["slug"] for each in both.get("me").json()["memberships"]] == ["shop", "other-shop"]
    for name in (cast.other.slug, cast.other.public_id):
        made = both.post("products", {"sku": name, "title": "x"}, headers={"X-Plinth-Merchant": name})
        assert made.status_code == 201
    assert cast.other.products.count() == 2 and not cast.shop.products.exists()
    viewing = {"X-Plinth-Merchant": "shop"}
    assert code(both.post("products", {"sku": "x", "title": "x"}, headers=viewing)) == (403, "read_only")


def test_naming_a_shop_that_one_does_not_act_for_opens_nothing(cast: Cast) -> None:
    for name in ("other-shop", "none", cast.other.public_id):
        assert code(cast.owner.get("products", headers={"X-Plinth-Merchant": name})) == (403, "not_a_member")


def test_a_key_acts_for_its_own_shop_whatever_the_header_says(cast: Cast) -> None:
    answer = cast.reader.get("merchant", headers={"X-Plinth-Merchant": "other-shop"})
    assert answer.json()["slug"] == "shop"


def test_a_session_changes_nothing_without_its_csrf_token_but_a_key_needs_none(cast: Cast) -> None:
    user = cast.shop.members.get(role=Role.OWNER).user
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(user)
    body = {"data": {"sku": "a", "title": "a"}, "content_type": "application/json"}
    refused = careful.post("/api/v1/products", **body)
    assert code(refused) == (403, "forbidden")
    careful.cookies["csrftoken"] = "a" * 32
    assert careful.post("/api/v1/products", headers={"X-CSRFToken": "a" * 32}, **body).status_code == 201
    assert cast.writer.post("products", {"sku": "b", "title": "b"}).status_code == 201


def test_somebody_who_may_no_longer_sign_in_is_out(cast: Cast) -> None:
    user = cast.shop.members.get(role=Role.EDITOR).user
    user.is_active = False
    user.save()
    assert code(cast.editor.get("products")) == (401, "not_signed_in")


def test_shops_of_one_name_get_addresses_of_their_own(cast: Cast) -> None:
    owner = make_user("founder")
    names = ("Shop", "shop!", "商店", "商店", "x" * 120)
    assert [create_merchant(name, owner).slug for name in names] == ["shop-2", "shop-3", "shop-4", "shop-5", "x" * 50]
