"""What the product's page in the dashboard gives to copy works in a shop, before and after publication."""

import pytest
from django.conf import settings as django_settings
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from catalog.merchants import add_member
from catalog.models import AssetJob, Product, Role, Status
from catalog.versions import unpublish
from tests.browser.chromium import DESK, watch
from tests.browser.conftest import OpenBrowser
from tests.browser.embed.conftest import Site
from tests.browser.embed.test_viewer import LISTEN, complaints, event, open_page, until
from tests.browser.embed.website import Shop, red_square
from tests.catalog.conftest import make_user
from tests.dashboard.conftest import Visitor

pytestmark = pytest.mark.browser

TITLE = 'Mug 12" wide"><script>alert(1)</script>'


@pytest.fixture
def product_page(site: Site, mug: Product, open_browser: OpenBrowser) -> Page:
    """The page of the mug, which waits for review, as an editor has it open; it may use the clipboard."""
    unpublish(mug)
    AssetJob.objects.filter(product=mug).update(status=Status.NEEDS_REVIEW, ended_at=timezone.now())
    Product.objects.filter(pk=mug.pk).update(title=TITLE)
    user = make_user("editor")
    add_member(mug.merchant, user, Role.EDITOR)
    context = open_browser(DESK)
    cookie = Visitor("editor", user).cookies[django_settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": django_settings.SESSION_COOKIE_NAME, "value": cookie, "url": site.url}])
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site.url)
    page = context.new_page()
    answer = page.goto(f"{site.url}/shops/{mug.merchant.slug}/products/{mug.public_id}/")
    assert answer and answer.status == 200 and page.url.endswith(f"{mug.public_id}/"), page.content()
    return page


def copy(page: Page, button: str) -> str:
    """What that button lays into the clipboard."""
    page.get_by_role("button", name=button).click()
    return str(page.evaluate("navigator.clipboard.readText()"))


def test_the_copied_lines_hold_their_place_and_show_the_poster_before_the_script(
    product_page: Page, shop: Shop, open_browser: OpenBrowser
) -> None:
    url = shop.page(f'<div style="width: 400px">{copy(product_page, "Copy the code")}</div><p>Below</p>')
    before = watch(open_browser(DESK))
    page = open_page(before, url)
    assert event(page, "error")["code"] == "not_published"
    until(page, "document.querySelector('plinth-viewer').offsetHeight === 0")

    product_page.get_by_role("button", name="Publish in your shop").click()
    expect(product_page.locator("#model")).to_contain_text("In your shop")
    held: list[Route] = []
    watched = watch(open_browser(DESK))
    watched.page.route("**/embed.js", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks it
    watched.page.add_init_script(LISTEN)
    watched.page.goto(url, wait_until="commit")
    until(watched.page, "document.querySelector('plinth-viewer > img')?.naturalWidth === 512")
    assert watched.page.get_by_alt_text(TITLE).is_visible()
    held[0].continue_()
    watched.page.get_by_role("button", name="View in 3D").click()
    event(watched.page, "load")
    assert watched.page.evaluate("shifts") == []
    assert watched.page.evaluate("document.querySelector('plinth-viewer').offsetHeight") == 400
    assert complaints(watched) == []


def test_the_copied_frame_shows_it_once_it_is_published(
    product_page: Page, shop: Shop, open_browser: OpenBrowser
) -> None:
    product_page.get_by_role("button", name="Publish in your shop").click()
    product_page.get_by_text("For shops that allow no scripts").click()
    watched = watch(open_browser(DESK))
    watched.page.goto(shop.page(copy(product_page, "Copy the frame")))
    watched.page.frame_locator("iframe").get_by_role("button", name="View in 3D").wait_for()
    assert watched.page.get_by_title(f"{TITLE} in 3D").is_visible()
    assert complaints(watched) == []


def test_unpublished_it_hides_unless_there_is_a_picture(
    product_page: Page, site: Site, mug: Product, shop: Shop, open_browser: OpenBrowser
) -> None:
    shop.pictures["/own.png"] = red_square()
    inside = {
        "bare": "",
        "broken": '<img src="/none.png" alt="">',
        "own": '<img src="/own.png" alt="">',
        "picture": '<picture><source srcset="/own.png"><img src="/none.png" alt=""></picture>',
        "button": '<button slot="ar">AR</button>',
        "words": "<p>Soon</p>",
    }
    viewers = "".join(
        f'<plinth-viewer id="{name}" product="{mug.public_id}">{own}</plinth-viewer>' for name, own in inside.items()
    )
    style = "<style>plinth-viewer { display: block; width: 60px; aspect-ratio: 1 }</style>"
    script = f'<script type="module" src="{site.url}/embed.js"></script>'
    page = open_page(watch(open_browser(DESK)), shop.page(script + viewers, head=style))
    seen = "[...document.querySelectorAll('plinth-viewer')].filter((each) => each.offsetHeight).map((each) => each.id)"
    until(page, f"{seen}.length === 3 && told.length === 6")
    assert page.evaluate(seen) == ["own", "picture", "words"]
    page.evaluate("document.querySelector('#bare').setAttribute('poster', '/own.png')")
    assert page.evaluate(seen) == ["bare", "own", "picture", "words"]
