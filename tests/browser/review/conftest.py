"""The running site with real versions to review, and people who have signed in."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings as django_settings
from playwright.sync_api import Page

from catalog.comments import add_comment
from catalog.models import AssetVersion, Product, Status
from catalog.versions import publish_version
from tests.browser.chromium import DESK, Watched, watch
from tests.browser.conftest import OpenBrowser
from tests.browser.embed.conftest import Site, site, static_folder  # noqa: F401
from tests.dashboard.conftest import People, Visitor, people  # noqa: F401
from tests.dashboard.review.conftest import made_mug, made_shoe, node  # noqa: F401
from tests.dashboard.review.made import Made, add_version

BUSY = "rAF timed out in updateSource"
"""model-viewer's warning where a frame takes long: a busy machine that draws in software."""

READY = "[...document.querySelectorAll('model-viewer')].every((viewer) => viewer.dataset.ready)"
PATIENCE_SECONDS = 90


def until(page: Page, expression: str, argument: Any = None) -> Any:
    """What `expression` says once that is true. Playwright's own wait evaluates strings, which our policy forbids."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not (found := page.evaluate(expression, argument)):
        assert time.monotonic() < end, f"not within {PATIENCE_SECONDS} s: {expression}"
        page.wait_for_timeout(100)
    return found


@dataclass(frozen=True)
class Review:
    """The site, its people, a mug with two versions (the first is shown), and a guessed shoe."""

    site: Site
    people: People
    mug: tuple[AssetVersion, AssetVersion]
    shoe: AssetVersion
    sign_in: Callable[..., Watched]

    def address(self, version: AssetVersion, path: str = "") -> str:
        product = version.product.public_id
        return f"{self.site.url}{self.people.at(f'products/{product}/versions/{version.public_id}/{path}')}"

    def open(self, version: AssetVersion, *, who: str = "editor", path: str = "", **options: Any) -> Watched:
        """The version's page in a new browser, once the model is there."""
        watched = self.sign_in(getattr(self.people, who), **options)
        watched.page.goto(self.address(version, path))
        if options.get("java_script_enabled", True):
            until(watched.page, READY)
        return watched


@pytest.fixture
def review(
    transactional_db: None,
    people: People,  # noqa: F811
    site: Site,  # noqa: F811
    storage: object,
    made_mug: Made,  # noqa: F811
    made_shoe: Made,  # noqa: F811
    open_browser: OpenBrowser,
) -> Review:
    product = Product.objects.create(merchant=people.shop, sku="MUG-1", title="Coffee mug", height=0.095)
    first = add_version(product, made_mug, ended=Status.PUBLISHED)
    publish_version(first)
    second = add_version(product, made_mug)
    add_comment(second, people.owner.user, "The handle is too thin.\nLook at it from behind.")
    shoe = Product.objects.create(merchant=people.shop, sku="SHOE", title="Canvas shoe <i>")

    def sign_in(visitor: Visitor, size: tuple[int, int] = DESK, **options: Any) -> Watched:
        context = open_browser(size, **options)
        cookie = visitor.cookies[django_settings.SESSION_COOKIE_NAME].value
        context.add_cookies([{"name": django_settings.SESSION_COOKIE_NAME, "value": cookie, "url": site.url}])
        return watch(context)

    return Review(site, people, (first, second), add_version(shoe, made_shoe), sign_in)


def complaints(watched: Watched) -> list[str]:
    """Everything that the browser complained of but its machine's being busy."""
    return [text for text in watched.complaints if text != BUSY]
