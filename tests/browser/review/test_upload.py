"""A shopkeeper uploads a model of their own in a real browser: straight to the store, by mouse and by keys."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from playwright.sync_api import Locator, Route, expect

from catalog.models import AssetJob, Kind, Product
from tests.browser.chromium import DESK, PHONE, Watched, watch
from tests.browser.conftest import OpenBrowser
from tests.browser.embed.conftest import Site
from tests.browser.review.conftest import complaints, until
from tests.dashboard.conftest import People
from tests.foreign import Glb

pytestmark = pytest.mark.browser

WATCH_BAR = """() => {
  const bar = document.querySelector('progress');
  window.bars = [];
  new MutationObserver(() => window.bars.push(bar.value)).observe(bar, { attributeFilter: ['value'] });
}"""


@dataclass(frozen=True)
class Desk:
    """Where an editor uploads a model of the bowl, which has none."""

    site: Site
    watched: Watched
    bowl: Product

    @property
    def field(self) -> Locator:
        return self.watched.page.get_by_label("A 3D model in one GLB file")

    @property
    def upload(self) -> Locator:
        return self.watched.page.get_by_role("button", name="Upload it")

    @property
    def alert(self) -> Locator:
        return self.watched.page.get_by_role("alert")


@pytest.fixture
def look() -> dict[str, Any]:
    """The browser's window and settings; tests give their own."""
    return {"size": DESK}


@pytest.fixture
def desk(site: Site, people: People, storage: object, open_browser: OpenBrowser, look: dict[str, Any]) -> Desk:
    bowl = Product.objects.create(merchant=people.shop, sku="BOWL", title="Bowl & <b>lid</b>")
    context = open_browser(**look)
    cookie = people.editor.cookies[django_settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": django_settings.SESSION_COOKIE_NAME, "value": cookie, "url": site.url}])
    watched = watch(context)
    watched.page.goto(f"{site.url}{people.at(f'products/{bowl.public_id}/versions/upload')}")
    return Desk(site, watched, bowl)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    glb = Glb()
    glb.mesh()
    path = tmp_path / "bowl.glb"
    path.write_bytes(glb.bytes)
    return path


def uploads() -> int:
    return AssetJob.objects.filter(kind=Kind.UPLOAD).count()


def hold(desk: Desk, address: str) -> list[Route]:
    """Requests to there, kept waiting."""
    held: list[Route] = []
    desk.watched.page.route(address, lambda route: held.append(route))  # noqa: PLW0108 - no attributes on a built-in
    return held


def test_a_model_goes_straight_to_the_store_and_its_making_is_shown(desk: Desk, model: Path) -> None:
    watched, page = desk.watched, desk.watched.page
    held = hold(desk, "**/confirm")
    desk.field.set_input_files(model)
    page.evaluate(WATCH_BAR)
    desk.upload.click()
    expect(page.get_by_text("It has arrived")).to_be_visible()
    until(page, "window.bars.at(-1) === 100")
    assert len([url for url in watched.requests if url.startswith(desk.site.store)]) == 1
    assert uploads() == 0
    assert watched.violations() == []
    held[0].continue_()
    page.wait_for_url("**/versions/making/*")
    expect(page.get_by_text("Your model is being checked and finished")).to_be_visible()
    (job,) = AssetJob.objects.filter(kind=Kind.UPLOAD)
    assert job.product == desk.bowl and page.url.endswith(job.public_id)
    assert watched.foreign(desk.site.url, desk.site.store) == []
    assert complaints(watched) == []


def test_a_broken_upload_is_tried_again_with_the_same_file(desk: Desk, model: Path) -> None:
    page, store = desk.watched.page, f"{desk.site.store}/**"
    desk.field.set_input_files(model)
    page.context.set_offline(True)
    desk.upload.click()
    expect(desk.alert).to_have_text("We could not be reached: check your connection, then try again.")
    page.context.set_offline(False)
    page.route(store, lambda route: route.abort("connectionreset"))
    desk.upload.click()
    expect(desk.alert).to_have_text("The connection broke: try again.")
    expect(desk.field).to_be_focused()
    assert desk.field.get_attribute("aria-invalid") == "true"
    assert desk.watched.violations() == []
    page.unroute(store)
    desk.upload.click()
    page.wait_for_url("**/versions/making/*")
    assert uploads() == 1


def test_what_will_not_do_is_refused_before_anything_is_sent(desk: Desk, model: Path, tmp_path: Path) -> None:
    page, requests = desk.watched.page, len(desk.watched.requests)
    for name in ("page.html", "page.glb"):
        wrong = tmp_path / name
        wrong.write_text("<!doctype html><title>Not found</title>")
        desk.field.set_input_files(wrong)
        desk.upload.click()
        expect(desk.alert).to_contain_text("That is no GLB file")
    large = tmp_path / "large.glb"
    with large.open("wb") as file:
        file.write(b"glTF")
        file.truncate(120_000_000)
    desk.field.set_input_files(large)
    desk.upload.click()
    expect(desk.alert).to_have_text("The file has 120 MB; 100 MB is the most.")
    assert len(desk.watched.requests) == requests
    desk.field.set_input_files(model)
    desk.upload.click()
    page.wait_for_url("**/versions/making/*")
    assert complaints(desk.watched) == []


def test_by_keys_alone_it_is_sent_stopped_and_sent_again(desk: Desk, model: Path) -> None:
    page, store = desk.watched.page, f"{desk.site.store}/**"
    for _ in range(40):
        page.keyboard.press("Tab")
        if desk.field.evaluate("field => field === document.activeElement"):
            break
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files(model)
    held = hold(desk, store)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Stop")).to_be_focused()
    expect(page.get_by_text("Sending bowl.glb")).to_be_visible()
    assert desk.watched.violations() == []
    while not held:
        page.wait_for_timeout(50)
    page.keyboard.press("Enter")
    expect(desk.alert).to_have_text("Stopped. Nothing was kept.")
    expect(desk.field).to_be_focused()
    assert uploads() == 0
    page.unroute(store)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/versions/making/*")
    assert uploads() == 1


@pytest.mark.parametrize(
    "look", [{"size": PHONE, "color_scheme": "dark", "has_touch": True}, {"size": DESK, "color_scheme": "light"}]
)
def test_the_page_is_flawless(desk: Desk) -> None:
    assert complaints(desk.watched) == []
    assert desk.watched.foreign(desk.site.url, desk.site.store) == []
    assert desk.watched.overflow() <= 0
    assert desk.watched.violations() == []
