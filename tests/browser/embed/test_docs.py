"""What docs/embed.md prints works as it stands there, under the policy that it prints."""

import re
from pathlib import Path

import pytest

from catalog.models import Product
from tests.browser.chromium import Watched
from tests.browser.embed.conftest import Site
from tests.browser.embed.test_viewer import complaints, event, open_page
from tests.browser.embed.website import Shop

pytestmark = pytest.mark.browser


def printed(root: Path, title: str, site: Site, mug: Product) -> str:
    """The first block below that heading, with our addresses for the examples'."""
    text = (root / "docs" / "embed.md").read_text().partition(f"## {title}\n")[2]
    block = re.search(r"```\w*\n(.*?)```", text, re.DOTALL)
    assert block
    ours = block[1].replace("https://plinth.example", site.url).replace("https://files.example", site.store)
    return ours.replace("prd_23456789abcdefgh", mug.public_id).strip()


def test_the_first_example_under_the_printed_policy(
    site: Site, mug: Product, shop: Shop, desk: Watched, root: Path
) -> None:
    policy = printed(root, "Content-Security-Policy", site, mug)
    # The example's own style element and the test page's icon are the shop's to allow.
    shop.headers["Content-Security-Policy"] = f"default-src 'none'; style-src 'unsafe-inline'; {policy} data:"
    desk.page.set_viewport_size({"width": 300, "height": 500})
    page = open_page(desk, shop.page(printed(root, "Five minutes", site, mug)))
    page.get_by_role("button", name="View in 3D").click()
    assert event(page, "load")["product"] == mug.public_id
    assert page.evaluate("shifts") == []
    assert complaints(desk) == []


def test_the_frame(site: Site, mug: Product, shop: Shop, desk: Watched, root: Path) -> None:
    desk.page.goto(shop.page(printed(root, "Shops that allow no scripts", site, mug)))
    desk.page.frame_locator("iframe").get_by_role("button", name="View in 3D").wait_for()
    assert complaints(desk) == []
