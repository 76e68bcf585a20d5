"""Archived, restored, deleted; and the lines for the shop."""

from django.test import override_settings

from tests.dashboard.product.conftest import Shelf


def test_archived_and_back(ready: Shelf) -> None:
    assert ready.people.editor.send(ready.at("archive"))["Location"] == ready.at()
    page = ready.people.editor.read(ready.at())
    assert "This product is archived" in page and 'id="make"' not in page
    ready.people.editor.send(ready.at("restore"))
    assert 'id="make"' in ready.people.editor.read(ready.at())


def test_deletion_wants_the_sku_typed(ready: Shelf) -> None:
    for typed in ("", "x", ready.product.sku.lower()):
        assert ready.people.owner.send(ready.at("delete"), {"typed": typed})["Location"] == ready.at()
    assert "Nothing was deleted" in ready.people.owner.read(ready.at())
    gone = ready.people.owner.send(ready.at("delete"), {"typed": ready.product.sku})
    assert gone["Location"] == ready.people.at("products/")
    ready.people.owner.read(ready.at(), 404)


def test_the_embed_code_is_this_products(ready: Shelf) -> None:
    with override_settings(ALLOWED_HOSTS=["*"]):
        page = ready.people.viewer.read(ready.at())
    assert f"&lt;plinth-viewer product=&quot;{ready.product.public_id}&quot;&gt;" in page.replace('"', "&quot;")
