"""What is said of a product is saved in place, and nothing typed is lost."""

import re

import pytest

from catalog.models import Product
from dashboard.product.facts import written
from tests.catalog.makers import make_product
from tests.dashboard.product.conftest import HX, Shelf

FACTS = {"title": "Lamp", "sku": "L-1", "category": "lamp", "tags": "a, b", "unit": "mm", "width": "113.9"}


def seen(page: str) -> str:
    found = re.search(r'name="seen" value="(\w+)"', page)
    assert found, page
    return found[1]


def test_facts_are_saved_in_place_and_sides_in_any_unit(shelf: Shelf) -> None:
    form = FACTS | {"height": "4.5 in", "depth": "", "seen": seen(shelf.people.editor.read(shelf.at()))}
    answer = shelf.people.editor.send(shelf.at("facts"), form, headers=HX)
    assert (answer.status_code, answer["HX-Trigger-After-Swap"]) == (200, "facts-saved")
    assert "Saved." in answer.content.decode() and "<html" not in answer.content.decode()
    product = Product.objects.get(pk=shelf.product.pk)
    assert (product.title, product.sku, product.tags) == ("Lamp", "L-1", ["a", "b"])
    assert (product.width, product.height, product.depth) == (0.1139, 0.1143, None)


@pytest.mark.parametrize("unit", ["mm", "cm", "m", "in"])
def test_another_unit_alone_changes_no_side(shelf: Shelf, unit: str) -> None:
    Product.objects.filter(pk=shelf.product.pk).update(width=0.113937, height=1 / 3, depth=0.05)
    product = Product.objects.get(pk=shelf.product.pk)
    form = {**written(product, unit), "unit": unit, "seen": seen(shelf.people.editor.read(shelf.at()))}
    assert shelf.people.editor.send(shelf.at("facts"), form, headers=HX).status_code == 200
    product.refresh_from_db()
    assert (product.width, product.height, product.depth, product.revision) == (0.113937, 1 / 3, 0.05, 1)


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        ("title", "", "is missing"),
        ("sku", "", "is missing"),
        ("width", "wide", "no length"),
        ("height", "99 m", "Is the unit right?"),
        ("category", "x" * 81, "80"),
    ],
)
def test_what_will_not_do_is_told_at_its_field_and_stays_typed(shelf: Shelf, field: str, text: str, words: str) -> None:
    form = FACTS | {"seen": seen(shelf.people.owner.read(shelf.at())), field: text}
    answer = shelf.people.owner.send(shelf.at("facts"), form, headers=HX)
    page = answer.content.decode()
    assert answer.status_code == 422
    told = re.search(rf'id="{field}-error">([^<]*)<', page)
    assert told and words in told[1]
    told_to = re.search(rf'<input id="{field}"[^>]*>', page)
    assert told_to and 'aria-invalid="true"' in told_to[0] and f"{field}-error" in told_to[0]
    assert f'value="{text}"' in page
    assert Product.objects.get(pk=shelf.product.pk).title != "Lamp"


def test_a_taken_sku_is_told_at_the_sku(shelf: Shelf) -> None:
    other = make_product(shelf.people.shop, photos=0)
    form = FACTS | {"sku": other.sku, "seen": seen(shelf.people.owner.read(shelf.at()))}
    answer = shelf.people.owner.send(shelf.at("facts"), form, headers=HX)
    assert answer.status_code == 422 and "Another product has this SKU." in answer.content.decode()


def test_who_was_slower_keeps_what_they_typed_and_sees_the_other(shelf: Shelf) -> None:
    form = FACTS | {"seen": seen(shelf.people.owner.read(shelf.at()))}
    Product.objects.filter(pk=shelf.product.pk).update(title="Their lamp", height=0.5)
    answer = shelf.people.owner.send(shelf.at("facts"), form, headers=HX)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Somebody else has changed" in page and "Their lamp" in page and 'value="Lamp"' in page
    assert Product.objects.get(pk=shelf.product.pk).title == "Their lamp"
    again = shelf.people.owner.send(shelf.at("facts"), form | {"seen": seen(page)}, headers=HX)
    assert again.status_code == 200 and Product.objects.get(pk=shelf.product.pk).title == "Lamp"


def test_a_publication_meanwhile_is_no_change_of_facts(shelf: Shelf) -> None:
    form = FACTS | {"seen": seen(shelf.people.owner.read(shelf.at()))}
    Product.objects.filter(pk=shelf.product.pk).update(revision=7)
    assert shelf.people.owner.send(shelf.at("facts"), form, headers=HX).status_code == 200


def test_without_scripts_a_form_leads_back_to_the_page(shelf: Shelf) -> None:
    form = FACTS | {"seen": seen(shelf.people.owner.read(shelf.at()))}
    assert shelf.people.owner.send(shelf.at("facts"), form)["Location"] == shelf.at()
    failed = shelf.people.owner.send(shelf.at("facts"), form | {"title": ""})
    assert failed.status_code == 422 and "<html" in failed.content.decode()
