"""A shop's settings are its owners', and only its typed name deletes it."""

import pytest

from catalog.models import Merchant
from tests.catalog.makers import make_product
from tests.dashboard.conftest import People

FORM = {"name": "Lamps & More", "country": "de", "revenue": "under_20m"}


def test_owners_change_the_facts(people: People) -> None:
    response = people.owner.send(people.at("settings"), FORM, follow=True)
    assert "Saved." in response.content.decode()
    people.shop.refresh_from_db()
    facts = (people.shop.name, people.shop.country, people.shop.revenue, people.shop.slug)
    assert facts == ("Lamps & More", "DE", "under_20m", "lamps-co")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": " "}, "A shop needs a name."),
        ({"name": "x" * 121}, "120 characters at most"),
        ({"name": "two\nlines"}, "one line"),
        ({"country": "Germany"}, "two capital letters"),
        ({"revenue": "lots"}, "Choose one of these."),
    ],
)
def test_what_will_not_do_is_said_and_nothing_changes(people: People, wrong: dict, words: str) -> None:
    response = people.owner.send(people.at("settings"), {**FORM, **wrong})
    assert (response.status_code, words in response.content.decode()) == (422, True)
    people.shop.refresh_from_db()
    assert (people.shop.name, people.shop.country) == ("Lamps & Co", "")


@pytest.mark.usefixtures("storage")
@pytest.mark.django_db(transaction=True)
def test_the_shop_goes_when_its_name_is_typed(people: People) -> None:
    make_product(people.shop, photos=0)
    wrong = people.owner.send(people.at("settings/delete"), {"confirm": "lamps"}, follow=True)
    assert "Nothing is deleted" in wrong.content.decode()
    done = people.owner.send(people.at("settings/delete"), {"confirm": "lamps-co"}, follow=True)
    assert "is deleted" in done.content.decode()
    assert list(Merchant.objects.filter(leaving_at=None)) == [people.other]
    people.owner.read("/shops/lamps-co/products/", 404)


def test_nobody_else_sees_or_changes_them(people: People) -> None:
    for name, status in (("editor", 403), ("viewer", 403), ("stranger", 404), ("nobody", 302)):
        visitor = getattr(people, name)
        assert visitor.get(people.at("settings")).status_code == status
        assert visitor.send(people.at("settings"), FORM).status_code == status
        assert visitor.send(people.at("settings/delete"), {"confirm": "lamps-co"}).status_code == status
    assert people.owner.send(people.at("settings/delete"), {"confirm": "lamps-co"}, token=False).status_code == 403
    assert Merchant.objects.count() == 2
