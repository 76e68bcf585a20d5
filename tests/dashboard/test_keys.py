"""Owners issue keys, see their text once, and revoke them."""

import re

import pytest

from catalog.merchants import find_api_key, issue_api_key
from catalog.models import ApiKey
from tests.dashboard.conftest import People


def issue(people: People, **form: str) -> str:
    return people.owner.send(people.at("keys"), {"name": "till", **form}).content.decode()


@pytest.mark.parametrize(("form", "may_write"), [({}, False), ({"may_write": "yes"}, True)])
def test_a_key_is_shown_once_and_works(people: People, form: dict, may_write: bool) -> None:
    found = re.search(r'value="(plk_\w+)"', issue(people, **form))
    assert found
    key = find_api_key(found[1])
    assert key is not None
    assert (key.merchant, key.may_write) == (people.shop, may_write)
    again = people.owner.read(people.at("keys"))
    assert found[1] not in again
    assert key.prefix in again


def test_names_are_needed_and_stay_text(people: People) -> None:
    assert "Say what the key is for" in issue(people, name="  ")
    assert "Say what the key is for" in issue(people, name="x" * 81)
    page = issue(people, name="<img src=x onerror=alert(1)>")
    assert "<img src=x" not in page
    assert ApiKey.objects.count() == 1


def test_a_revoked_key_opens_nothing(people: People) -> None:
    key, text = issue_api_key(people.shop, "till", may_write=False)
    page = people.owner.send(people.at(f"keys/{key.public_id}/revoke"), follow=True).content.decode()
    assert "is revoked" in page
    assert find_api_key(text) is None


def test_keys_are_the_owners_business(people: People) -> None:
    key, text = issue_api_key(people.shop, "till", may_write=True)
    revoke = people.at(f"keys/{key.public_id}/revoke")
    for name, status in (("editor", 403), ("viewer", 403), ("stranger", 404), ("nobody", 302)):
        visitor = getattr(people, name)
        assert visitor.get(people.at("keys")).status_code == status
        assert visitor.send(people.at("keys"), {"name": "x"}).status_code == status
        assert visitor.send(revoke).status_code == status
    other = f"/shops/{people.other.slug}/keys/{key.public_id}/revoke"
    assert people.stranger.send(other).status_code == 404
    assert people.owner.send(revoke, token=False).status_code == 403
    assert people.owner.get(revoke).status_code == 405
    assert find_api_key(text) is not None
