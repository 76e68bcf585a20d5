"""A table is shown before it is imported, by those who may, and what is wrong can be taken home."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from catalog.models import Product
from tests.dashboard.conftest import People

TABLE = "sku;title;width (cm)\nMUG;Blue mug;8,2\nCUP;;9\n=1+1;<script>alert(1)</script>;3"


def preview(people: People, text: str = TABLE, who: str = "editor", **form: object):
    return getattr(people, who).send(people.at("products/import"), {"unit": "cm", "text": text, **form})


def hidden(page: str, number: int = 0) -> str:
    """What the page carries along, as a browser would read it."""
    from html import unescape

    return unescape(re.findall(r'<textarea name="text" hidden[^>]*>(.*?)</textarea>', page, re.DOTALL)[number])


def test_nothing_is_written_before_the_preview_is_confirmed(people: People) -> None:
    page = preview(people).content.decode()
    assert "2 new, 0 changed, 0 as they are, 1 with problems" in page
    assert "The title is missing." in page
    assert "82 mm" in page
    assert "<script>alert" not in page
    assert not Product.objects.exists()
    done = people.editor.send(people.at("products/import/apply"), {"unit": "cm", "text": hidden(page)})
    assert "2 products imported" in done.content.decode()
    assert {product.sku for product in people.shop.products.all()} == {"MUG", "=1+1"}


def test_a_file_is_read_like_pasted_text(people: People) -> None:
    file = SimpleUploadedFile("list <b>.csv", TABLE.encode("utf-16"))
    assert "2 new" in preview(people, "", file=file).content.decode()


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"x" * 900_001, "too large"), (b"PK\x03\x04", "as CSV first"), (b"", "empty"), (b"name\nMug", "called “sku”")],
)
def test_files_that_will_not_do_are_said(people: People, data: bytes, words: str) -> None:
    response = preview(people, "", file=SimpleUploadedFile("list.csv", data))
    assert (response.status_code, words in response.content.decode()) == (422, True)


def test_rows_with_problems_can_be_taken_home(people: People) -> None:
    page = preview(people, "sku;title\n=A();\n").content.decode()
    response = people.editor.send(people.at("products/import/problems"), {"text": hidden(page, -1)})
    assert response["Content-Disposition"] == 'attachment; filename="rows-with-problems.csv"'
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert "'=A(),,The title is missing." in response.content.decode()


def test_the_template_is_for_everybody_of_the_shop(people: People) -> None:
    response = people.viewer.get(people.at("products/import/template.csv"))
    assert response.content.decode().startswith("\ufeffsku,title")
    people.stranger.read(people.at("products/import/template.csv"), 404)
    people.nobody.read(people.at("products/import/template.csv"), 302)


@pytest.mark.parametrize("path", ["products/import", "products/import/apply", "products/import/problems"])
def test_only_those_who_may_write_import(people: People, path: str) -> None:
    form = {"unit": "cm", "text": "sku,title\nA,Mug"}
    statuses = {who: getattr(people, who).send(people.at(path), form).status_code for who in ("viewer", "stranger")}
    assert statuses == {"viewer": 403, "stranger": 404}
    assert people.nobody.send(people.at(path), form).status_code == 302
    assert people.owner.send(people.at(path), form, token=False).status_code == 403
    assert not Product.objects.exists()


def test_a_table_that_was_changed_on_the_way_is_checked_again(people: People) -> None:
    form = {"unit": "cm", "text": "title\nMug"}
    assert people.editor.send(people.at("products/import/apply"), form).status_code == 422
