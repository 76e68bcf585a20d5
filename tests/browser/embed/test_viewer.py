"""The embedded viewer in a real browser, in a shop's page on another origin"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route

from catalog.models import HappeningCount, Product
from catalog.versions import unpublish
from tests.browser.chromium import DESK, PHONE, Watched, watch
from tests.browser.conftest import OpenBrowser
from tests.browser.embed.conftest import Site
from tests.browser.embed.shops import SIDES, show
from tests.browser.embed.website import Shop, red_square
from tests.catalog.makers import make_product

pytestmark = pytest.mark.browser

STYLE = """<style>main { max-width: 400px } plinth-viewer { display: block; position: relative; aspect-ratio: 1 }
plinth-viewer > img { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain }</style>"""

LISTEN = """
window.told = [];
for (const name of ['load', 'error', 'ar-start', 'ar-tap'])
  addEventListener(`plinth:${name}`,
    ({ detail: { cause, ...rest } }) => told.push({ name, cause: String(cause), ...rest }));
window.shifts = [];
const rect = ({ x, y, width, height }) => [x, y, width, height].map(Math.round).join(' ');
new PerformanceObserver((list) => list.getEntries().forEach(({ hadRecentInput, value, sources }) => {
  if (!hadRecentInput)
    shifts.push([value, ...sources.map(({ node, previousRect, currentRect }) =>
      `${node?.nodeName} ${node?.className} from ${rect(previousRect)} to ${rect(currentRect)}`)].join('; '));
})).observe({ type: 'layout-shift', buffered: true });
"""


def embed(site: Site, product: Product, attributes: str = "", inside: str = "") -> str:
    """What a shop writes."""
    return (
        f'<script type="module" src="{site.url}/embed.js"></script>'
        f'<plinth-viewer product="{product.public_id}" {attributes}>{inside}</plinth-viewer>'
    )


def open_page(watched: Watched, url: str, script: str = "") -> Page:
    watched.page.add_init_script(LISTEN + script)
    watched.page.goto(url)
    return watched.page


def until(page: Page, condition: str, seconds: float = 60) -> Any:
    """Ask the page until that is true; no `eval` in the page, whose policy may forbid it."""
    for _ in range(int(seconds * 10)):
        if found := page.evaluate(condition):
            return found
        page.wait_for_timeout(100)
    raise AssertionError(f"{condition}; told: {page.evaluate('told')}")


def event(page: Page, name: str) -> Mapping[str, Any]:
    """The detail of the event of that name, when it comes."""
    found: Mapping[str, Any] = until(page, f"told.find((each) => each.name === '{name}')")
    return found


def open_model(page: Page) -> Mapping[str, Any]:
    page.get_by_role("button", name="View in 3D").click()
    return event(page, "load")


def complaints(watched: Watched) -> list[str]:
    """What the browser complained about, but for what model-viewer says of a machine that draws slowly."""
    return [complaint for complaint in watched.complaints if not complaint.startswith("rAF timed out")]


def inside(page: Page, selector: str, what: str) -> Any:
    """Something of an element in the viewer."""
    return page.evaluate(f"document.querySelector('plinth-viewer').shadowRoot.querySelector('{selector}'){what}")


def counts() -> dict[str, int]:
    return dict(HappeningCount.objects.values_list("happening", "count"))


def wait_for_counts(page: Page, expected: Mapping[str, int]) -> None:
    for _ in range(400):
        if counts() == expected:
            return
        page.wait_for_timeout(100)
    assert counts() == expected


def test_the_picture_comes_before_any_script(
    site: Site, mug: Product, shop: Shop, open_browser: OpenBrowser, pictures: Path
) -> None:
    address = f"{site.url}/s/{mug.public_id}/poster.webp"
    light = f'<img src="{address}" alt="A mug" width="1024" height="1024">'
    url = shop.page(embed(site, mug, inside=light) + f"<noscript>{light}</noscript>", head=STYLE)
    page = open_browser(DESK, java_script_enabled=False).new_page()
    page.goto(url)
    for image in page.locator("img").all():
        assert image.is_visible()
    page.screenshot(path=str(pictures / "no-script.png"))
    held: list[Route] = []
    watched = watch(open_browser(DESK))
    watched.page.route("**/embed.js", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks it
    watched.page.add_init_script(LISTEN)
    watched.page.goto(url, wait_until="commit")
    until(watched.page, "document.querySelector('plinth-viewer > img')?.naturalWidth === 512")
    assert held, "the script was still on its way"
    assert not watched.page.evaluate("!!customElements.get('plinth-viewer')")
    held[0].continue_()
    watched.page.get_by_role("button", name="View in 3D").wait_for()
    assert watched.page.evaluate("shifts") == []
    assert sum(request.endswith("poster.webp") for request in watched.requests) == 2  # the redirect and the file
    assert complaints(watched) == []


def test_a_bare_element_reserves_its_space_and_loads_next_to_nothing_before_a_tap(
    site: Site, mug: Product, shop: Shop, desk: Watched
) -> None:
    page = open_page(desk, shop.page(embed(site, mug) + "<p>Below</p>", head=STYLE))
    page.get_by_role("button", name="View in 3D").wait_for()
    until(
        page, "document.querySelector('plinth-viewer').shadowRoot.querySelector('[part=poster]').naturalWidth === 512"
    )
    page.wait_for_timeout(1000)
    assert page.evaluate("shifts") == []
    ours = [url.removeprefix(site.url) for url in desk.requests if url.startswith(site.url)]
    assert ours == ["/embed.js", f"/s/{mug.public_id}.json?absent=204", "/t"]
    assert [url.rpartition("/")[2] for url in desk.requests if url.startswith(site.store)] == ["poster.webp"]
    assert inside(page, "[part=poster]", ".alt") == "A white mug with a band"
    assert complaints(desk) == []


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_a_tap_shows_the_model_in_its_true_size_and_all_of_it_comes_from_us(
    site: Site, mug: Product, shop: Shop, open_browser: OpenBrowser, size: tuple[int, int], pictures: Path
) -> None:
    watched = watch(open_browser(size))
    page = open_page(watched, shop.page(embed(site, mug), head=STYLE))
    page.get_by_role("button", name="View in 3D").wait_for()
    page.wait_for_timeout(500)
    page.screenshot(path=str(pictures / f"poster-{size[0]}.png"))
    detail = open_model(page)
    page.wait_for_timeout(500)
    page.screenshot(path=str(pictures / f"model-{size[0]}.png"))
    version = mug.published_version
    assert version is not None
    assert (detail["product"], detail["sku"], detail["version"]) == (mug.public_id, mug.sku, version.public_id)
    assert (detail["renderer"], detail["dimensions"]) == ("model-viewer", SIDES)
    drawn = inside(page, "model-viewer", ".getDimensions()")
    assert [drawn[axis] for axis in "xyz"] == pytest.approx(list(SIDES.values()), rel=0.001)
    assert watched.foreign(shop.url, site.url, site.store) == []
    fetched = {url.rpartition("/")[2].partition(".")[0] for url in watched.requests}
    assert "model" in fetched and any(url.endswith("model.web.glb") for url in watched.requests)
    assert page.get_by_role("button").count() == 0  # no AR here, and the model is open
    assert watched.overflow() <= 0
    assert page.evaluate("shifts") == []
    assert complaints(watched) == []
    wait_for_counts(page, {"view": 1, "load": 1})


def test_a_strict_policy_is_enough_and_stays_silent(
    site: Site, mug: Product, shop: Shop, desk: Watched, pictures: Path
) -> None:
    shop.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src {site.url} 'wasm-unsafe-eval'; connect-src {site.url} {site.store} blob:; "
        f"img-src {site.url} {site.store} data:"  # data: is the test page's icon
    )
    desk.page.set_viewport_size({"width": 300, "height": 500})  # style-src is 'none': the page has no width of its own
    page = open_page(desk, shop.page(embed(site, mug, "ar-modes=webxr")))
    open_model(page)
    page.screenshot(path=str(pictures / "strict.png"))
    assert complaints(desk) == []
    assert any(url.endswith("model.web.glb") for url in desk.requests)


def test_where_webassembly_is_forbidden_the_plain_file_is_shown(
    site: Site, mug: Product, shop: Shop, open_browser: OpenBrowser
) -> None:
    shop.headers["Content-Security-Policy"] = f"script-src {site.url}"
    watched = watch(open_browser((300, 500)))
    page = open_page(watched, shop.page(embed(site, mug)))
    open_model(page)
    assert inside(page, "model-viewer", ".src").endswith("/model.glb")


def test_the_keyboard_does_everything(site: Site, mug: Product, shop: Shop, open_browser: OpenBrowser) -> None:
    watched = watch(open_browser(PHONE, reduced_motion="reduce"))
    page = open_page(watched, shop.page(embed(site, mug), head=STYLE))
    page.get_by_role("button", name="View in 3D: Mug & saucer").wait_for()
    assert watched.violations() == []
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    event(page, "load")
    assert inside(page, "model-viewer", ".shadowRoot.activeElement.getAttribute('aria-label')").startswith(
        "A white mug"
    )
    assert inside(page, "[role=status]", ".textContent") == "The 3D model is here. Turn it with the arrow keys."
    before = inside(page, "model-viewer", ".getCameraOrbit().theta")
    page.keyboard.press("ArrowRight")
    wait_for_counts(page, {"view": 1, "load": 1, "interact": 1})
    assert inside(page, "model-viewer", ".getCameraOrbit().theta") != before
    assert inside(page, "model-viewer", ".interactionPrompt") == "none"
    assert watched.violations() == []


@pytest.mark.parametrize(
    ("lang", "words"),
    [("de-AT", "In 3D ansehen"), ("fr", "Voir en 3D"), ("en-GB", "View in 3D"), ("pt", "View in 3D")],
)
def test_it_speaks_the_pages_language(
    site: Site, mug: Product, shop: Shop, desk: Watched, lang: str, words: str
) -> None:
    page = open_page(desk, shop.page(embed(site, mug), lang=lang))
    page.get_by_role("button", name=f"{words}: Mug & saucer").wait_for()
    page.evaluate("document.querySelector('plinth-viewer').lang = 'de'")
    page.get_by_role("button", name="In 3D ansehen: Mug & saucer").wait_for()
    assert complaints(desk) == []


def test_the_shop_and_the_sku_will_do(site: Site, mug: Product, shop: Shop, desk: Watched) -> None:
    script = f'<script type="module" src="{site.url}/embed.js"></script>'
    body = f'<plinth-viewer shop="{mug.merchant.slug}" sku="{mug.sku}" poster="/own.png" alt="Ours"></plinth-viewer>'
    shop.pictures["/own.png"] = red_square()
    page = open_page(desk, shop.page(script + body, head=STYLE))
    page.get_by_role("button", name="View in 3D").wait_for()
    assert inside(page, "[part=poster]", ".naturalWidth") == 64
    assert inside(page, "[part=poster]", ".alt") == "Ours"
    assert not any(url.endswith("poster.webp") for url in desk.requests)
    assert page.evaluate("document.querySelector('plinth-viewer').manifest.id") == mug.public_id


def test_what_is_not_published_stays_the_shops_own_picture_without_a_sound(
    site: Site, mug: Product, shop: Shop, desk: Watched
) -> None:
    unpublish(mug)
    shop.pictures["/own.png"] = red_square()
    page = open_page(desk, shop.page(embed(site, mug, inside='<img src="/own.png" alt="Our photo">'), head=STYLE))
    detail = event(page, "error")
    assert (detail["code"], detail["product"], detail["version"]) == ("not_published", mug.public_id, None)
    assert page.get_by_alt_text("Our photo").is_visible()
    assert page.get_by_role("button").count() == 0
    assert complaints(desk) == []
    assert counts() == {}


def test_what_cannot_be_loaded_is_told_and_may_be_tried_again(
    site: Site, mug: Product, shop: Shop, desk: Watched
) -> None:
    desk.page.route("**/*.glb", lambda route: route.abort())
    page = open_page(desk, shop.page(embed(site, mug), head=STYLE))
    page.get_by_role("button", name="View in 3D").click()
    assert event(page, "error")["code"] == "model"
    assert page.get_by_text("The 3D model cannot be shown now").is_visible()
    assert page.get_by_role("button", name="View in 3D").is_visible()
    away = open_page(desk, shop.page(embed(site, mug).replace("prd_", "away_"), "/away"), "")
    desk.page.route("**/s/*.json*", lambda route: route.abort())
    away.reload()
    assert event(away, "error")["code"] == "away"


def test_one_model_at_a_time_unless_the_shop_wants_more(
    site: Site, mug: Product, mug_files: Mapping[str, bytes], shop: Shop, desk: Watched
) -> None:
    other = make_product(mug.merchant)
    show(other, mug_files)
    viewers = "".join(
        f'<plinth-viewer id="{name}" product="{product.public_id}" {more}></plinth-viewer>'
        for name, product, more in (("a", mug, ""), ("b", other, ""), ("c", mug, "keep-open"))
    )
    style = "<style>plinth-viewer { width: 150px }</style>"
    page = open_page(desk, shop.page(f'<script type="module" src="{site.url}/embed.js"></script>{viewers}', head=style))
    has = "!!document.querySelector('#{}').shadowRoot.querySelector('model-viewer')"
    for name, open_then in (("a", "a"), ("b", "b"), ("c", "bc"), ("a", "ac")):
        page.locator(f"#{name}").get_by_role("button", name="View in 3D").click()
        until(page, has.format(name))
        until(page, f"!document.querySelector('#{name}').shadowRoot.querySelector('[part=open]:not([hidden])')")
        assert "".join(each for each in "abc" if page.evaluate(has.format(each))) == open_then
    assert page.locator("#b").get_by_role("button", name="View in 3D").is_visible()


def test_on_approach_it_waits_until_somebody_comes_near(site: Site, mug: Product, shop: Shop, desk: Watched) -> None:
    far = '<div style="height: 4000px"></div>'
    page = open_page(desk, shop.page(far + embed(site, mug, "load=approach"), head=STYLE))
    page.wait_for_timeout(1000)
    assert [url.removeprefix(site.url) for url in desk.requests if url.startswith(site.url)] == ["/embed.js"]
    page.evaluate("scrollTo(0, 9999)")
    assert event(page, "load")["renderer"] == "model-viewer"
    wait_for_counts(page, {"view": 1, "load": 1})


def test_what_is_taller_than_the_window_counts_once_it_fills_half_of_it(
    site: Site, mug: Product, shop: Shop, open_browser: OpenBrowser
) -> None:
    watched = watch(open_browser(PHONE))
    far, tall = (
        '<div style="height: 2000px"></div>',
        "<style>plinth-viewer { aspect-ratio: auto; height: 5000px }</style>",
    )
    page = open_page(watched, shop.page(far + embed(site, mug), head=tall))
    page.evaluate("scrollTo(0, document.querySelector('plinth-viewer').offsetTop - innerHeight * .7)")
    page.get_by_role("button", name="View in 3D").wait_for(state="attached")
    page.wait_for_timeout(1000)
    assert counts() == {}
    page.evaluate("scrollTo(0, document.querySelector('plinth-viewer').offsetTop - innerHeight * .4)")
    wait_for_counts(page, {"view": 1})


@pytest.mark.parametrize(
    ("attributes", "script"),
    [
        ("analytics=off", ""),
        ("", "Object.defineProperty(Navigator.prototype, 'doNotTrack', { get: () => '1' })"),
        ("", "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', { get: () => true })"),
    ],
    ids=["off", "do not track", "global privacy control"],
)
def test_who_does_not_want_to_be_counted_is_not(
    site: Site, mug: Product, shop: Shop, desk: Watched, attributes: str, script: str
) -> None:
    page = open_page(desk, shop.page(embed(site, mug, attributes)), script)
    page.get_by_role("button", name="View in 3D").wait_for()
    page.evaluate("document.querySelector('plinth-viewer').addedToCart()")
    page.wait_for_timeout(1000)
    assert not [url for url in desk.requests if url.endswith("/t")]
    assert counts() == {}


def test_the_shop_tells_of_its_cart_and_styles_the_parts(site: Site, mug: Product, shop: Shop, desk: Watched) -> None:
    style = "<style>plinth-viewer { --plinth-button: rgb(1, 2, 3) } ::part(open) { color: rgb(4, 5, 6) }</style>"
    page = open_page(desk, shop.page(embed(site, mug), head=style))
    page.get_by_role("button", name="View in 3D").wait_for()
    for _ in range(2):
        page.evaluate("document.querySelector('plinth-viewer').addedToCart()")
    wait_for_counts(page, {"view": 1, "add_to_cart": 2})
    style_of = "getComputedStyle(document.querySelector('plinth-viewer').shadowRoot.querySelector('[part=open]'))"
    assert page.evaluate(f"{style_of}.backgroundColor") == "rgb(1, 2, 3)"
    assert page.evaluate(f"{style_of}.color") == "rgb(4, 5, 6)"
