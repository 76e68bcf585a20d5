"""What only Apple's and Google's devices do: the markup and the addresses that they are given

Chromium has neither AR Quick Look nor <model> nor Scene Viewer: each test gives the page the one thing that tells the
element they are there, and looks at what would be opened.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from playwright.sync_api import Route

from catalog.models import Product
from tests.browser.chromium import PHONE, Watched, watch
from tests.browser.conftest import OpenBrowser
from tests.browser.embed.conftest import Site
from tests.browser.embed.test_viewer import STYLE, complaints, embed, event, inside, open_page, until, wait_for_counts
from tests.browser.embed.website import Shop

pytestmark = pytest.mark.browser

FOLLOWED = """
window.followed = null;
HTMLAnchorElement.prototype.click = function () {
  followed = { href: this.href, rel: this.rel, first: this.firstElementChild?.tagName, children: this.childNodes.length,
    picture: this.firstElementChild?.src };
  window.link = this;
};
"""
QUICK_LOOK = "DOMTokenList.prototype.supports = (word) => word === 'ar';"
NATIVE = """
window.HTMLModelElement = class extends HTMLElement {};
const create = document.createElement.bind(document);
document.createElement = (name) => Object.assign(create(name), name === 'model' && { ready: window.modelReady() });
"""
ANDROID = (
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Mobile Safari/537.36"
)

CALL = (
    'call-to-action="In den Korb & weiter" checkout-subtitle="Steingut, 300 ml" price="14,90 €" '
    'canonical-url="https://shop.example/mug?x=1&y=2"'
)


@pytest.fixture
def phone(open_browser: OpenBrowser) -> Watched:
    return watch(open_browser(PHONE, has_touch=True))


def follow_ar(page: Any, name: str = "View in your room") -> Mapping[str, Any]:
    """Tap on the AR button; the link that is followed."""
    page.get_by_role("button", name=name).click()
    found: Mapping[str, Any] = until(page, "followed")
    return found


def test_quick_look_gets_the_usdz_at_its_size_with_the_shops_call(
    site: Site, mug: Product, shop: Shop, phone: Watched
) -> None:
    page = open_page(phone, shop.page(embed(site, mug, CALL), head=STYLE), FOLLOWED + QUICK_LOOK)
    link = follow_ar(page)
    assert (link["rel"], link["first"], link["children"]) == ("ar", "IMG", 1)
    assert link["picture"].endswith("/poster.webp")
    address, _, fragment = link["href"].partition("#")
    assert address.startswith(site.store) and address.endswith("/model.usdz")
    assert not re.search(r"[^\w.!~*'()%&=-]", fragment), "everything is percent-encoded"
    told = dict(part.split("=") for part in fragment.split("&"))
    assert {name: unquote(value) for name, value in told.items()} == {
        "allowsContentScaling": "0",
        "canonicalWebPageURL": "https://shop.example/mug?x=1&y=2",
        "callToAction": "In den Korb & weiter",
        "checkoutTitle": "Mug & saucer",
        "checkoutSubtitle": "Steingut, 300 ml",
        "price": "14,90 €",
    }
    assert event(page, "ar-start")["mode"] == "quick-look"
    page.evaluate("link.dispatchEvent(new MessageEvent('message', { data: 'something else' }))")
    page.evaluate("link.dispatchEvent(new MessageEvent('message', { data: '_apple_ar_quicklook_button_tapped' }))")
    assert event(page, "ar-tap")["product"] == mug.public_id
    wait_for_counts(page, {"view": 1, "ar_start": 1, "ar_tap": 1})
    assert not any("model-viewer" in url for url in phone.requests), "AR needs no viewer"
    assert complaints(phone) == []


def test_without_a_call_quick_look_shows_no_banner(site: Site, mug: Product, shop: Shop, phone: Watched) -> None:
    url = shop.page(embed(site, mug), head=STYLE)
    page = open_page(phone, url, FOLLOWED + QUICK_LOOK)
    fragment = parse_qs(follow_ar(page)["href"].partition("#")[2])
    assert fragment == {"allowsContentScaling": ["0"], "canonicalWebPageURL": [url]}


def test_the_shops_own_button_opens_the_room(site: Site, mug: Product, shop: Shop, phone: Watched) -> None:
    own = '<button slot="ar">Put it on my table</button>'
    page = open_page(phone, shop.page(embed(site, mug, inside=own), head=STYLE), FOLLOWED + QUICK_LOOK)
    assert follow_ar(page, "Put it on my table")["rel"] == "ar"


def test_where_there_is_no_ar_there_is_no_button(site: Site, mug: Product, shop: Shop, phone: Watched) -> None:
    own = '<button slot="ar">Put it on my table</button>'
    page = open_page(phone, shop.page(embed(site, mug, inside=own), head=STYLE))
    page.get_by_role("button", name="View in 3D").wait_for()
    assert not page.get_by_text("Put it on my table").is_visible()


def test_safari_shows_the_model_itself(site: Site, mug: Product, shop: Shop, phone: Watched) -> None:
    script = "window.modelReady = () => Promise.resolve();" + NATIVE
    page = open_page(phone, shop.page(embed(site, mug), head=STYLE), script)
    page.get_by_role("button", name="View in 3D").click()
    assert event(page, "load")["renderer"] == "model"
    got = {
        name: inside(page, "model", f".getAttribute('{name}')") for name in ("src", "stagemode", "aria-label", "role")
    }
    assert got.pop("src").endswith("/model.usdz")
    assert got == {"stagemode": "orbit", "aria-label": "A white mug with a band", "role": "img"}
    assert not any("model-viewer" in url for url in phone.requests)


def test_when_safari_cannot_show_it_model_viewer_does(site: Site, mug: Product, shop: Shop, phone: Watched) -> None:
    script = "window.modelReady = () => Promise.reject(new Error('no'));" + NATIVE
    page = open_page(phone, shop.page(embed(site, mug), head=STYLE), script)
    page.get_by_role("button", name="View in 3D").click()
    assert event(page, "load")["renderer"] == "model-viewer"
    assert inside(page, "model", "") is None


def test_scene_viewer_gets_the_plain_file_and_a_way_back(
    site: Site, mug: Product, shop: Shop, open_browser: OpenBrowser
) -> None:
    watched = watch(open_browser(PHONE, user_agent=ANDROID))

    def over_https(route: Route) -> None:
        body = route.fetch().text().replace(f"{site.store}/", "https://files.example/")
        route.fulfill(body=body, headers={"Access-Control-Allow-Origin": "*"}, content_type="application/json")

    watched.page.route("**/s/*.json*", over_https)
    watched.page.route("https://files.example/**", lambda route: route.fulfill(status=204))
    url = shop.page(embed(site, mug, "ar-placement=wall"), head=STYLE)
    page = open_page(watched, url, FOLLOWED)
    intent, _, rest = follow_ar(page)["href"].partition("#Intent;")
    assert intent.startswith("intent://arvr.google.com/scene-viewer/1.2?")
    told = {name: values[0] for name, values in parse_qs(urlsplit(intent).query).items()}
    assert told.pop("file").startswith("https://files.example/") and "/model.glb&" in unquote(intent)
    assert told == {
        "mode": "ar_preferred",
        "resizable": "false",
        "disable_occlusion": "true",
        "title": "Mug & saucer",
        "link": url,
        "enable_vertical_placement": "true",
    }
    parts = dict(part.split("=", 1) for part in rest.rstrip(";").split(";") if "=" in part)
    assert parts["package"] == "com.google.android.googlequicksearchbox"
    back = unquote(parts["S.browser_fallback_url"])
    assert back == f"{url}#plinth-no-ar"
    page.evaluate(f"location.href = {back!r}")  # what Android does where Scene Viewer is missing
    assert event(page, "error")["code"] == "ar"
    page.get_by_text("This device cannot place it in the room").wait_for()
    assert page.get_by_role("button", name="View in your room").count() == 0


def test_webxr_opens_the_model_first(site: Site, mug: Product, shop: Shop, phone: Watched) -> None:
    script = "Object.defineProperty(navigator, 'xr', { value: { isSessionSupported: async () => true } });"
    page = open_page(phone, shop.page(embed(site, mug, "ar-placement=wall"), head=STYLE), script)
    page.get_by_role("button", name="View in 3D").click()
    event(page, "load")
    assert page.get_by_role("button", name="View in your room").is_visible()
    settings = {
        name: inside(page, "model-viewer", f".getAttribute('{name}')")
        for name in ("ar-modes", "ar-scale", "ar-placement")
    }
    assert settings == {"ar-modes": "webxr", "ar-scale": "fixed", "ar-placement": "wall"}
