"""Files lead to the store for a minute, under names that tell products and versions apart."""

from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from catalog.models import Product
from tests.dashboard.review.conftest import Reviewed


def lead(reviewed: Reviewed, path: str) -> str:
    response = reviewed.people.viewer.get(reviewed.at(path))
    assert response.status_code == 302
    assert "no-store" in response["Cache-Control"]
    return str(response["Location"])


def test_a_file_comes_from_the_store_by_a_link_that_soon_ends(stored: Reviewed) -> None:
    address = lead(stored, "files/model.web.glb")
    assert parse_qs(urlsplit(address).query)["X-Amz-Expires"] == ["60"]
    answer = requests.get(address, timeout=10, headers={"Origin": "http://shop.example"})
    assert answer.content[:4] == b"glTF"
    assert answer.headers["Access-Control-Allow-Origin"] in {"*", "http://shop.example"}
    assert "Content-Disposition" not in answer.headers
    assert requests.get(address.split("?")[0], timeout=10).status_code == 403


def test_a_download_has_the_products_and_the_versions_name(stored: Reviewed) -> None:
    answer = requests.get(lead(stored, "downloads/model.usdz"), timeout=10)
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''mug-12-v2-model.usdz"


@pytest.mark.parametrize("sku", ['"; filename="evil.exe', "../../etc", "\r\nX: y", "ваза"])
def test_an_odd_sku_makes_no_odd_file_name(stored: Reviewed, sku: str) -> None:
    Product.objects.filter(pk=stored.product.pk).update(sku=sku)
    disposition = requests.get(lead(stored, "downloads/poster.webp"), timeout=10).headers["Content-Disposition"]
    kind, _, name = disposition.partition("''")
    assert kind == "attachment; filename*=UTF-8"
    assert name.endswith("-v2-poster.webp")
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_.")


def test_every_file_of_the_version_can_be_downloaded_from_the_page(stored: Reviewed) -> None:
    page = stored.people.viewer.read(stored.at())
    for file in stored.last.files:
        assert f'href="{stored.at("downloads/" + file["name"])}"' in page
