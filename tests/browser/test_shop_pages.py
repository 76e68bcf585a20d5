"""The shop-wide pages in a real browser: nothing to complain about at any width, and everything done by keys too."""

import re
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from catalog.invitations import invite
from catalog.merchants import add_member, create_merchant, issue_api_key
from catalog.models import AssetJob, Merchant, Product, Role, Status
from tests.browser.chromium import DESK, PHONE, Watched, watch
from tests.browser.conftest import OpenBrowser
from tests.catalog.makers import make_job

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("broker")]

OWNER, PASSWORD = "owner@lamps.example", "a long password"
PAGES = (
    "",
    "shops/",
    "password",
    "shops/lamps/products/",
    "shops/lamps/products/?q=nothing+like+it",
    "shops/empty/products/",
    "shops/lamps/products/new",
    "shops/lamps/products/import",
    "shops/lamps/analytics",
    "shops/lamps/team",
    "shops/lamps/keys",
    "shops/lamps/settings",
)


@pytest.fixture
def shop() -> Merchant:
    """A shop with products in every state, people, a key and an open invitation; its owner has an empty one too."""
    owner = User.objects.create_user(OWNER, OWNER, PASSWORD)
    shop = create_merchant("Lamps", owner)
    create_merchant("Empty", owner)
    add_member(shop, User.objects.create_user("viewer@lamps.example", password=PASSWORD), Role.VIEWER)
    issue_api_key(shop, "till", may_write=True)
    invite(shop, "new@lamps.example", Role.EDITOR, by=owner)
    states = [Status.QUEUED, Status.RUNNING, Status.REJECTED, Status.FAILED, Status.CANCELLED, None]
    for number, status in enumerate(states):
        title = f"Lamp {number}, with a rather long name that somebody wrote for a search engine"
        product = Product.objects.create(merchant=shop, sku=f"L-{number}", title=title)
        if status:
            ended = None if status in (Status.QUEUED, Status.RUNNING) else timezone.now()
            make_job(product, status=status, ended_at=ended, progress=40, advice="Photograph it alone.")
    return shop


@pytest.fixture
def url(live_server) -> str:
    """The server, by the one name that the browser resolves."""
    return live_server.url.replace("localhost", "127.0.0.1")


def sign_in(page: Page, url: str) -> None:
    """By keys alone."""
    page.goto(f"{url}/sign-in")
    page.get_by_label("E-mail address").press_sequentially(OWNER)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/shops/")


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_no_page_has_anything_to_complain_about(
    url: str, shop: Merchant, open_browser: OpenBrowser, pictures: Path, size: tuple[int, int], scheme: str
) -> None:
    watched = watch(open_browser(size, color_scheme=scheme))
    watched.page.goto(f"{url}/sign-in")
    assert watched.violations() == []
    sign_in(watched.page, url)
    for path in PAGES:
        watched.page.goto(f"{url}/{path}")
        name = re.sub(r"\W+", "-", path) or "home"
        watched.page.screenshot(path=str(pictures / f"{name}-{size[0]}-{scheme}.png"), full_page=True)
        assert watched.violations() == [], path
        assert watched.overflow() <= 0, path
    assert watched.complaints == []
    assert watched.foreign(url) == []


def test_a_product_is_made_found_and_archived_by_keys_alone(url: str, shop: Merchant, desk: Watched) -> None:
    page = desk.page
    sign_in(page, url)
    page.goto(f"{url}/shops/lamps/products/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.get_by_role("link", name="New product").press("Enter")
    page.get_by_label("Title", exact=True).press_sequentially("Glass lantern")
    page.get_by_label("Height").press_sequentially("25,5")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Glass lantern")).to_be_visible()
    assert shop.products.get(title="Glass lantern").height == 0.255
    page.goto(f"{url}/shops/lamps/products/")
    page.get_by_label("Search", exact=True).press_sequentially("lantern")
    expect(page.locator("tbody tr")).to_have_count(1)
    assert page.url.endswith("q=lantern&state=")
    page.get_by_label("Tick Glass lantern").press("Space")
    expect(page.locator("[data-ticked]")).to_have_text("1 ticked:")
    page.get_by_role("button", name="Archive").press("Enter")
    expect(page.get_by_role("heading", name="1 of 1 done")).to_be_visible()
    assert shop.products.get(title="Glass lantern").archived
    assert desk.complaints == []


def test_rows_change_while_somebody_looks_and_asking_stops(url: str, shop: Merchant, desk: Watched) -> None:
    page = desk.page
    sign_in(page, url)
    page.goto(f"{url}/shops/lamps/products/?state=making")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_label("Tick Lamp 1").press("Space")
    AssetJob.objects.filter(ended_at=None).update(status=Status.FAILED, ended_at=timezone.now())
    expect(page.locator("tbody .badge-failed")).to_have_count(2, timeout=15_000)
    expect(page.get_by_label("Tick Lamp 1")).to_be_checked()
    before = len(desk.requests)
    page.wait_for_timeout(5_000)
    assert len(desk.requests) == before


def test_a_page_that_nobody_sees_asks_nothing(url: str, shop: Merchant, desk: Watched) -> None:
    page = desk.page
    sign_in(page, url)
    page.goto(f"{url}/shops/lamps/products/?state=making")
    page.evaluate("Object.defineProperty(document, 'hidden', {get: () => true})")
    before = len(desk.requests)
    page.wait_for_timeout(6_000)
    assert len(desk.requests) == before


def test_a_session_that_has_ended_leads_back_to_signing_in(url: str, shop: Merchant, desk: Watched) -> None:
    page = desk.page
    sign_in(page, url)
    page.goto(f"{url}/shops/lamps/products/")
    page.context.clear_cookies()
    page.get_by_label("Search", exact=True).press_sequentially("x")
    page.wait_for_url("**/sign-in")


def test_going_back_from_a_search_shows_what_was_there(url: str, shop: Merchant, desk: Watched) -> None:
    page = desk.page
    sign_in(page, url)
    page.goto(f"{url}/shops/lamps/products/")
    page.get_by_label("Search", exact=True).press_sequentially("L-3")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.go_back()
    expect(page.locator("tbody tr")).to_have_count(6)
    expect(page.get_by_role("heading", name="Products")).to_be_visible()
    assert desk.complaints == []


def test_a_key_is_issued_copied_and_revoked(url: str, shop: Merchant, desk: Watched) -> None:
    page = desk.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    sign_in(page, url)
    page.goto(f"{url}/shops/lamps/keys")
    page.get_by_label("What it is for").fill("Import")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Copy").press("Enter")
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    key = page.evaluate("navigator.clipboard.readText()")
    assert key.startswith("plk_")
    page.get_by_role("button", name="Revoke… Import").press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    assert desk.violations() == []
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="Revoke… Import").press("Enter")
    page.get_by_role("button", name="Revoke it").press("Enter")
    expect(page.get_by_text("is revoked")).to_be_visible()
    assert shop.api_keys.get(name="Import").revoked_at is not None
    assert desk.complaints == []
