"""Every address of the shop's pages, as everybody: whatever is added later is tried here too."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver

from catalog.comments import add_comment
from catalog.invitations import invite
from catalog.merchants import issue_api_key
from catalog.models import Role
from dashboard.urls import of_a_shop
from tests.catalog.makers import make_job, make_photo, make_product
from tests.dashboard.conftest import People
from tests.dashboard.test_products import make_version


def routes(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, before + str(pattern.pattern))
        else:
            yield before + str(pattern.pattern)


ROUTES = sorted(set(routes(of_a_shop)))
OK, EMPTY, MOVED, SIGN_IN = 200, 204, 302, 302
NOT_THERE, WRONG_METHOD, FORBIDDEN = 404, 405, 403


@pytest.fixture
def ids(people: People) -> dict[str, Any]:
    """One row of each kind that addresses name; an upload is a key of the store's and has none."""
    product = make_product(people.shop, photos=0)
    version = make_version(product)
    invitation, _ = invite(people.shop, "new@example.test", Role.VIEWER, by=people.owner.user)
    return {
        "product_id": product.public_id,
        "version_id": version.public_id,
        "other_id": make_version(product).public_id,
        "name": version.files[0]["name"],
        "comment_id": add_comment(version, people.owner.user, "A word.").public_id,
        "job_id": make_job(product).public_id,
        "upload_id": "upl_1",
        "photo_id": make_photo(product).public_id,
        "invitation_id": invitation.public_id,
        "key_id": issue_api_key(people.shop, "till", may_write=False)[0].public_id,
        "user_id": people.viewer.user.pk,
    }


def filled(route: str, ids: dict[str, Any]) -> str:
    """The route with its parts filled in. Raises KeyError for one that has no row yet: add it above."""
    parts = []
    for part in route.replace("<", "\0<").replace(">", ">\0").split("\0"):
        name = part.strip("<>").rpartition(":")[2]
        parts.append(str(ids[name]) if part.startswith("<") else part)
    return "".join(parts)


@pytest.mark.parametrize("route", ROUTES)
def test_strangers_and_nobody_stay_outside(people: People, ids: dict[str, Any], route: str) -> None:
    path = people.at(filled(route, ids))
    own = f"/shops/{people.other.slug}/{filled(route, ids)}"
    for method in ("get", "send"):
        assert getattr(people.stranger, method)(path).status_code in {NOT_THERE, WRONG_METHOD}, method
        answer = getattr(people.nobody, method)(path)
        assert answer.status_code in {SIGN_IN, WRONG_METHOD}, method
        assert answer.status_code != SIGN_IN or answer["Location"].startswith("/sign-in?next="), method
        if "<" in route:
            assert getattr(people.stranger, method)(own).status_code in {NOT_THERE, WRONG_METHOD}, method


@pytest.mark.parametrize("route", ROUTES)
def test_viewers_send_nothing_and_no_form_goes_without_its_token(
    people: People, ids: dict[str, Any], route: str
) -> None:
    path = people.at(filled(route, ids))
    assert people.viewer.send(path).status_code in {FORBIDDEN, WRONG_METHOD}
    assert people.owner.send(path, token=False).status_code in {FORBIDDEN, WRONG_METHOD}


def test_what_is_tried_is_there_for_members(people: People, ids: dict[str, Any], storage: object) -> None:
    for route in ROUTES:
        assert people.owner.get(people.at(filled(route, ids))).status_code in {OK, EMPTY, MOVED, WRONG_METHOD}, route


def test_there_are_pages_to_try() -> None:
    assert len(ROUTES) > 20
    assert any("version_id" in route for route in ROUTES)
