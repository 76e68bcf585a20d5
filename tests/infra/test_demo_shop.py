"""The sample shop shows what is published as a viewer, and of the rest as much as there is."""

import json
import re
from dataclasses import replace
from html import unescape
from typing import Any

import pytest
from django.test import Client

from catalog.embed.code import element_code, frame_code
from catalog.models import Merchant, Product
from infra.demo import SHOP, SLUG
from tests.catalog.api.world import make_version
from tests.catalog.makers import make_merchant, make_photo, make_product

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant() -> Merchant:
    return Merchant.objects.create(name=SHOP, slug=SLUG)


@pytest.fixture
def mug(merchant: Merchant) -> Product:
    """Published."""
    product = Product.objects.create(merchant=merchant, sku="mug", title='A "<mug>" & more')
    make_version(product, 1, published=True)
    return product


def page(path: str = "/demo/") -> str:
    answer = Client().get(path)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_every_state_has_its_picture_and_its_word(merchant: Merchant, mug: Product) -> None:
    reviewed, being_made, empty = make_product(merchant), make_product(merchant), make_product(merchant, photos=0)
    make_version(reviewed, 1)
    cards = re.findall(r'<a class="card" href="(.*?)">(.*?)</a>', page(), re.DOTALL)
    assert [href for href, _ in cards] == [f"/demo/{each.sku}" for each in (mug, reviewed, being_made, empty)]
    shown, waiting, made, nothing = (card for _, card in cards)
    assert "3D and AR" in shown and f"/m/{merchant.public_id}/" in shown
    assert "waits for review" in waiting and "poster.webp?" in waiting
    assert "on its way" in made and "photos/" in made
    assert "<img" not in nothing


def test_other_shops_and_archived_products_are_not_sold(merchant: Merchant, mug: Product) -> None:
    other = make_product(make_merchant())
    Product.objects.filter(pk=mug.pk).update(archived=True)
    assert '<a class="card"' not in page()
    assert [Client().get(f"/demo/{each.sku}").status_code for each in (mug, other)] == [404, 404]


def test_the_page_of_a_published_product_embeds_it_and_shows_the_code(mug: Product) -> None:
    html = page("/demo/mug")
    assert f'<plinth-viewer product="{mug.public_id}" lang="en"' in html
    assert "10.0 × 20.0 × 10.0 cm" in html and "14.90 €" in html
    code = re.search(r'<code id="code">(.*?)</code>', html, re.DOTALL)
    assert code and f"http://testserver/s/{mug.public_id}/poster.webp" in code[1] and "<img" not in code[1]
    for name, lines in (("code", element_code), ("frame-code", frame_code)):
        shown = re.search(rf'<code id="{name}">(.*?)</code>', html, re.DOTALL)
        assert shown and unescape(shown[1]) == lines(mug, "http://testserver")
    block = re.search(r'<script type="application/ld\+json">(.*?)</script>', html)
    assert block
    data = json.loads(block[1])
    assert (data["name"], data["offers"]["price"]) == (mug.title, "14.90")
    assert data["subjectOf"]["@type"] == "3DModel"
    assert "<mug>" not in html
    assert f'<plinth-viewer product="{mug.public_id}" lang="de"' in page("/demo/mug?lang=de")


def test_what_is_not_published_leads_its_owner_to_the_dashboard(merchant: Merchant) -> None:
    product = make_product(merchant, photos=0)
    make_photo(product)
    for word in ("not there yet", "waits for the shop"):
        html = page(f"/demo/{product.sku}")
        assert word in html and "plinth-viewer" not in html
        assert f"/shops/{SLUG}/products/{product.public_id}/" in html
        make_version(product, 1 if word.startswith("not") else 2)


def test_there_is_no_such_shop_without_the_demo(settings: Any, mug: Product) -> None:
    import importlib

    from django.urls import clear_url_caches

    from infra import urls

    settings.ENV = replace(settings.ENV, demo=False)
    try:
        importlib.reload(urls)
        clear_url_caches()
        assert Client().get("/demo/").status_code == 404
        assert Client().get("/embed.js").status_code == 200
    finally:
        settings.ENV = replace(settings.ENV, demo=True)
        importlib.reload(urls)
        clear_url_caches()
