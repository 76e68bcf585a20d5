"""Shops that allow no scripts frame the viewer's page; nothing else of ours lets itself be framed."""

from pathlib import Path

import pytest

from catalog.models import Product
from tests.browser.chromium import Watched
from tests.browser.embed.conftest import Site
from tests.browser.embed.test_viewer import complaints, wait_for_counts
from tests.browser.embed.website import Shop

pytestmark = pytest.mark.browser


def frame(url: str) -> str:
    return f'<iframe id="framed" src="{url}" title="Mug" width="320" height="320"></iframe>'


def test_a_page_without_scripts_shows_and_counts(
    site: Site, mug: Product, shop: Shop, desk: Watched, pictures: Path
) -> None:
    shop.headers["Content-Security-Policy"] = f"default-src 'none'; frame-src {site.url}; img-src data:"
    desk.page.goto(shop.page(frame(f"{site.url}/e/{mug.public_id}?lang=fr")))
    framed = desk.page.frame_locator("#framed")
    framed.get_by_alt_text("A white mug with a band").first.wait_for()
    framed.get_by_role("button", name="Voir en 3D").click()
    framed.get_by_role("button", name="Voir en 3D").wait_for(state="hidden")
    framed.locator("model-viewer").wait_for()
    desk.page.wait_for_timeout(500)
    desk.page.screenshot(path=str(pictures / "framed.png"))
    wait_for_counts(desk.page, {"view": 1, "load": 1})
    assert complaints(desk) == []
    assert desk.foreign(shop.url, site.url, site.store) == []


@pytest.mark.parametrize("path", ["/", "/sign-in", "/demo/", "/s/{id}.json", "/api/v1/docs"])
def test_no_other_page_of_ours_can_be_framed(site: Site, mug: Product, shop: Shop, desk: Watched, path: str) -> None:
    desk.page.goto(shop.page(frame(site.url + path.format(id=mug.public_id))))
    desk.page.wait_for_timeout(500)
    assert any("frame" in complaint.lower() for complaint in desk.complaints)
    assert desk.page.frames[1].url.startswith("chrome-error:")


def test_the_page_itself_has_nothing_to_complain_about(site: Site, mug: Product, desk: Watched) -> None:
    desk.page.goto(f"{site.url}/e/{mug.public_id}")
    desk.page.get_by_role("button", name="View in 3D").wait_for()
    assert [found for found in desk.violations() if not found.startswith("page-has-heading-one")] == []
    assert complaints(desk) == []
