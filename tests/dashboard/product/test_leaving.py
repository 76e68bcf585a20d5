"""Archived, restored, deleted; and the lines for the shop."""

import re
from html import unescape

from catalog.embed.code import element_code, frame_code
from catalog.models import Product
from tests.dashboard.product.conftest import EVIL, Shelf


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
    Product.objects.filter(pk=ready.product.pk).update(title=EVIL)
    ready.product.refresh_from_db()
    page = ready.people.viewer.read(ready.at())
    for name, lines in (("embed-code", element_code), ("frame-code", frame_code)):
        shown = re.search(rf'<pre id="{name}"[^>]*><code>(.*?)</code></pre>', page, re.DOTALL)
        assert shown and unescape(shown[1]) == lines(ready.product, "http://testserver")
        assert f'data-copy-from="#{name}"' in page
    assert EVIL not in page
