"""The sample shop in a browser: what is published turns, the cart is told, and it looks right on phones and desks."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from catalog.models import Merchant, Product
from catalog.versions import create_version
from infra.demo import SHOP, SLUG
from tests.browser.chromium import DESK, PHONE, watch
from tests.browser.conftest import OpenBrowser
from tests.browser.embed.conftest import Site
from tests.browser.embed.shops import make_finished, show
from tests.browser.embed.test_viewer import complaints, event, open_page, wait_for_counts
from tests.catalog.makers import make_job

pytestmark = pytest.mark.browser


@pytest.fixture
def shown(transactional_db: None, storage: object, broker: object, mug_files: Mapping[str, bytes]) -> Product:
    """A published mug; beside it a lamp that waits for review."""
    merchant = Merchant.objects.create(name=SHOP, slug=SLUG)
    mug = Product.objects.create(merchant=merchant, sku="mug", title="Coffee mug")
    show(mug, mug_files)
    lamp = Product.objects.create(merchant=merchant, sku="lamp", title="Table lamp")
    create_version(make_job(lamp), make_finished(merchant, mug_files))
    return mug


@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "light"), (DESK, "light"), (DESK, "dark")])
def test_a_visit(
    site: Site, shown: Product, open_browser: OpenBrowser, pictures: Path, size: tuple[int, int], scheme: str
) -> None:
    watched = watch(open_browser(size, color_scheme=scheme))
    name = f"{size[0]}-{scheme}"
    page = open_page(watched, f"{site.url}/demo/")
    assert page.get_by_text("Model waits for review").is_visible()
    page.screenshot(path=str(pictures / f"shop-{name}.png"), full_page=True)
    assert (watched.violations(), watched.overflow()) == ([], 0)
    page.get_by_role("link", name="Coffee mug").click()
    page.get_by_role("button", name="View in 3D: Coffee mug").wait_for()
    assert (watched.violations(), watched.overflow()) == ([], 0)
    page.screenshot(path=str(pictures / f"product-{name}.png"), full_page=True)
    page.get_by_role("button", name="Add to cart").click()
    assert page.locator("#cart").text_content() == "1"
    page.get_by_role("button", name="View in 3D: Coffee mug").click()
    assert event(page, "load")["product"] == shown.public_id
    assert page.locator("#events li").first.text_content()
    page.screenshot(path=str(pictures / f"open-{name}.png"), full_page=True)
    assert page.evaluate("shifts") == []
    wait_for_counts(page, {"view": 1, "load": 1, "add_to_cart": 1})
    assert complaints(watched) == []
    assert watched.foreign(site.url, site.store) == []
