"""From signing in to the shop and back, as a merchant and a shopper do it: real workers, real store, real browser"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from infra.engines.engine import Engine
from tests.browser.chromium import DESK, PHONE, watch
from tests.browser.conftest import OpenBrowser
from tests.browser.review.conftest import READY, complaints, until
from tests.browser.running.conftest import make_owner
from tests.browser.running.desk import LOOK_MS, MODEL_MS, Desk, settle, signed_in
from tests.engines import ACCESS_KEY, SECRET_KEY, start_seaweedfs
from tests.service.processes import Service, running

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MOST_STOPS = 150
"""Tab stops of a page, more than any of ours has."""


@dataclass(frozen=True)
class Hand:
    """Who works on the page: with the mouse, or with nothing but keys."""

    page: Page
    keys: bool

    def reach(self, what: Locator) -> None:
        """Give `what` the focus, by Tab alone."""
        what.wait_for()
        for _ in range(MOST_STOPS):
            if what.evaluate("element => element === element.getRootNode().activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"not reached by keys: {what}")

    def press(self, what: Locator) -> None:
        if self.keys:
            self.reach(what)
            self.page.keyboard.press("Enter")
        else:
            what.click()

    def choose(self, group: Locator, name: str) -> None:
        """One of the radio buttons of `group`; keys begin at the one that is chosen and go back from there."""
        if self.keys:
            self.reach(group.locator("input:checked"))
            self.page.keyboard.press("ArrowLeft")
        else:
            group.get_by_text(name, exact=True).click()

    def move(self, slider: Locator, times: int) -> None:
        """A slider, some steps to the right."""
        self.reach(slider) if self.keys else slider.focus()
        for _ in range(times):
            self.page.keyboard.press("ArrowRight")

    def write(self, field: Locator, text: str) -> None:
        if self.keys:
            self.reach(field)
        else:
            field.click()
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.type(text)


@pytest.mark.parametrize(("keys", "size"), [(False, DESK), (True, DESK)], ids=["mouse", "keys"])
def test_a_photo_becomes_a_model_in_the_shop_and_the_shop_goes_back(
    service: Service,
    password: str,
    open_browser: OpenBrowser,
    pictures: Path,
    samples: Path,
    keys: bool,
    size: tuple[int, int],
) -> None:
    service.start_worker("worker-1")
    desk = signed_in(service, password, open_browser, pictures, size)
    hand = Hand(desk.page, keys)
    product = make_product(desk, hand, samples / "carton" / "three-quarter.jpg")

    hand.press(desk.page.get_by_role("link", name="Look at it closely"))
    judge(desk, hand, "1-review")
    publish(desk, hand)
    desk.look("2-published")
    assert shown_number(service, product) == 1
    visit_shop(desk, hand.keys, open_browser, size)

    save_an_edit(desk, hand)
    judge(desk, hand, "4-second")
    publish(desk, hand)
    assert shown_number(service, product) == 2
    hand.press(desk.page.get_by_role("button", name="Go back to version 1"))
    expect(desk.page.locator("h1")).to_contain_text("version 1")
    expect(desk.page.locator("#decide-title")).to_have_text("Shoppers see this version")
    assert shown_number(service, product) == 1
    desk.look("5-back")
    assert complaints(desk.watched) == []
    assert desk.watched.foreign(service.url, service.environ["S3_ENDPOINT_URL"]) == []


def make_product(desk: Desk, hand: Hand, photo: Path) -> str:
    """A product with its photo and a draft of its model; returns its id."""
    page = desk.page
    hand.press(page.get_by_role("link", name="New product"))
    hand.write(page.get_by_label("Title"), "Mountain tea")
    page.keyboard.press("Enter")
    expect(page.locator("#product-title")).to_have_text("Mountain tea")
    page.on("filechooser", lambda chooser: None)  # from now on the driver catches them, at no moment too late
    with page.expect_file_chooser() as chooser:
        hand.press(page.locator("#choose-photos" if hand.keys else "label:has(#choose-photos)"))
    chooser.value.set_files([photo])
    settle(desk, 1)
    for side, centimetres in (("Width", "9"), ("Height", "14"), ("Depth", "5")):
        hand.write(page.get_by_label(side, exact=True), centimetres)
    page.keyboard.press("Enter")
    expect(page.locator("#facts")).to_contain_text("Saved.")
    hand.choose(page.locator("#make"), "Draft")
    hand.press(page.locator("#make-button"))
    expect(page.locator("#model progress")).to_be_visible()
    expect(page.locator("#model .result")).to_contain_text("Version 1", timeout=MODEL_MS)
    return page.url.rstrip("/").rpartition("/")[2]


def judge(desk: Desk, hand: Hand, name: str) -> None:
    """Look at the model, and lay it beside the photo."""
    page = desk.page
    expect(page.get_by_role("heading", name="Beside your photos")).to_be_visible()
    until(page, READY)
    slider = page.get_by_label("Photo on the left, model on the right: where they meet")
    before = float(slider.input_value())
    hand.move(slider, 5)
    assert float(slider.input_value()) > before
    desk.look(name)


def publish(desk: Desk, hand: Hand) -> None:
    """Whatever its grade: who says so has looked at it."""
    looked = desk.page.get_by_label("I have looked at it from all sides")
    if looked.count():
        if hand.keys:
            hand.reach(looked)
            desk.page.keyboard.press("Space")
        else:
            looked.check()
    hand.press(desk.page.locator(".decide button.button"))
    expect(desk.page.locator("#decide-title")).to_have_text("Shoppers see this version")
    until(desk.page, READY)


def save_an_edit(desk: Desk, hand: Hand) -> None:
    """A duller surface, as a new version."""
    page = desk.page
    summary = page.locator("summary", has_text="Change its surface, or how it stands")
    hand.press(summary)
    hand.move(page.get_by_label("Roughness"), 8)
    hand.press(page.get_by_role("button", name="Save as a new version"))
    expect(page.locator("h1")).to_contain_text("version 2", timeout=MODEL_MS)


def visit_shop(desk: Desk, keys: bool, open_browser: OpenBrowser, size: tuple[int, int]) -> None:
    """A shopper with a browser of their own finds the product and turns it."""
    watched = watch(open_browser(size))
    page, hand = watched.page, Hand(watched.page, keys)
    page.goto(f"{desk.service.url}/demo/")
    hand.press(page.get_by_role("link", name="Mountain tea").first)
    expect(page.get_by_role("heading", name="Mountain tea", level=1)).to_be_visible()
    page.evaluate("addEventListener('plinth:load', () => { document.documentElement.dataset.loaded = 'yes' })")
    viewer = page.locator("plinth-viewer")
    hand.press(viewer.locator("[part=open]"))
    expect(page.locator("html[data-loaded=yes]")).to_be_attached()
    page.screenshot(path=str(desk.pictures / f"3-shop-{size[0]}.png"), full_page=True)
    assert complaints(watched) == []
    assert watched.foreign(desk.service.url, desk.service.environ["S3_ENDPOINT_URL"]) == []


def shown_number(service: Service, product: str) -> int:
    """Which version shoppers are told of now."""
    return int(requests.get(f"{service.url}/s/{product}.json", timeout=10).json()["version"]["number"])


def test_a_photo_that_will_not_do_is_replaced_by_one_that_does(
    service: Service, password: str, open_browser: OpenBrowser, pictures: Path, samples: Path, tmp_path: Path
) -> None:
    wall = tmp_path / "wall.jpg"
    Image.new("RGB", (1200, 900), (200, 200, 198)).save(wall)
    service.start_worker("worker-1")
    desk = signed_in(service, password, open_browser, pictures, PHONE)
    page = desk.page
    desk.new_product("A carton")
    page.locator("#choose-photos").set_input_files(wall)
    settle(desk, 1)
    expect(page.locator("#photos > li")).to_contain_text("No product stands out")
    expect(page.locator("#make-button")).to_be_disabled()
    desk.look("rejected")

    page.locator("#photos > li").get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove it").click()
    expect(desk.cards()).to_have_count(0)
    page.locator("#choose-photos").set_input_files(samples / "carton" / "front.jpg")
    settle(desk, 1)
    page.get_by_text("Draft", exact=True).click()
    page.locator("#make-button").click()
    expect(page.locator("#model .result")).to_contain_text("Version 1", timeout=MODEL_MS)
    desk.look("made")
    assert desk.watched.complaints == []


def test_another_worker_goes_on_where_one_has_died(
    service: Service, password: str, open_browser: OpenBrowser, pictures: Path, samples: Path
) -> None:
    service.start_worker("worker-1")
    desk = signed_in(service, password, open_browser, pictures, DESK)
    page = desk.page
    desk.new_product("A bottle")
    page.locator("#choose-photos").set_input_files(samples / "bottle" / "front.jpg")
    settle(desk, 1)
    page.locator("#make-button").click()
    expect(page.locator("#model progress[value]:not([value='0'])")).to_be_visible(timeout=LOOK_MS)
    service.kill("worker-1")
    expect(page.locator("#model")).to_contain_text("Nothing is lost", timeout=LOOK_MS)
    service.start_worker("worker-2")
    expect(page.locator("#model .result")).to_contain_text("Version 1", timeout=MODEL_MS)
    page.locator("#history summary").first.click()
    desk.look("another-worker")
    assert desk.watched.complaints == []


@dataclass
class FrailStore:
    """A service whose store can be taken away and brought back."""

    service: Service
    folder: Path
    engine: Engine

    def leave(self) -> None:
        self.engine.kill()

    def come_back(self) -> None:
        self.engine = start_seaweedfs(self.folder, port=self.engine.ports["s3.port"])


@pytest.fixture
def frail(service_environ: dict[str, str], page_files: Path, tmp_path: Path) -> Iterator[FrailStore]:
    folder = tmp_path / "s3"
    engine = start_seaweedfs(folder)
    own: dict[str, Any] = {
        "DATABASE_URL": f"sqlite:{tmp_path / 'plinth.sqlite3'}",
        "DJANGO_SETTINGS_MODULE": "tests.browser.hosted",
        "HOSTED_STATIC": str(page_files),
        "S3_ENDPOINT_URL": engine.url,
        "S3_BUCKET": "frail",
        "S3_ACCESS_KEY_ID": ACCESS_KEY.reveal(),
        "S3_SECRET_ACCESS_KEY": SECRET_KEY.reveal(),
    }
    with running(service_environ | own, tmp_path) as service:
        store = FrailStore(service, folder, engine)
        yield store
    store.engine.kill()


def test_while_the_store_is_away_nothing_is_lost(
    frail: FrailStore, open_browser: OpenBrowser, pictures: Path, samples: Path
) -> None:
    service = frail.service
    service.start_worker("worker-1")
    desk = signed_in(service, make_owner(service), open_browser, pictures, DESK)
    page = desk.page
    desk.new_product("Mug")
    page.locator("#choose-photos").set_input_files(samples / "mug" / "front.jpg")
    settle(desk, 1)
    frail.leave()

    page.reload()  # the page does not need the store
    expect(page.locator("#product-title")).to_have_text("Mug")
    page.locator("#choose-photos").set_input_files(samples / "mug" / "back.jpg")
    failed = page.locator("#uploads [data-state=failed]")
    expect(failed).to_be_visible(timeout=LOOK_MS)
    page.locator("#make-button").click()
    expect(page.locator("#model")).to_contain_text("again", timeout=LOOK_MS)
    desk.look("store-away")

    frail.come_back()
    expect(page.locator("#model .result")).to_contain_text("Version 1", timeout=MODEL_MS)
    failed.get_by_role("button", name="Try again").click()
    expect(desk.cards()).to_have_count(2, timeout=LOOK_MS)
    desk.look("store-back")
