"""The product page in a real browser, over a running service: photos in, a model out, by pointer and by keys alone."""

import base64
import io
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.chromium import DESK, PHONE, Watched, watch
from tests.browser.conftest import OpenBrowser
from tests.service.processes import Service, running

pytestmark = pytest.mark.browser

OWNER = "owner@lamps.example"
SECONDS = 1000.0
LOOK_MS = 120 * SECONDS
MODEL_MS = 420 * SECONDS


@dataclass
class Desk:
    """A running service and somebody who has signed in to it. pictures: where screenshots go."""

    service: Service
    watched: Watched
    pictures: Path
    width: int

    @property
    def page(self) -> Page:
        return self.watched.page

    def look(self, name: str) -> None:
        """Keep a picture, and find nothing wrong with the page as it stands."""
        # Hiding the caret would leave style attributes behind, which the page's own policy then refuses aloud.
        place = str(self.pictures / f"{name}-{self.width}.png")
        self.page.screenshot(path=place, full_page=True, caret="initial")
        assert self.watched.violations() == []
        assert self.watched.overflow() <= 0

    def new_product(self, title: str) -> None:
        """A product by the form for one, and on to its page."""
        self.page.goto(f"{self.service.url}/shops/lamp-house/products/new")
        self.page.get_by_label("Title").fill(title)
        self.page.get_by_label("Title").press("Enter")
        expect(self.page.locator("#product-title")).to_have_text(title)

    def cards(self) -> Locator:
        return self.page.locator("#photos > li")


@pytest.fixture(scope="session")
def page_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Static files as `collectstatic` leaves them."""
    folder = tmp_path_factory.mktemp("static")
    own = {"DEMO": "true", "DJANGO_SETTINGS_MODULE": "tests.browser.hosted", "HOSTED_STATIC": str(folder)}
    Service(os.environ | own, folder).manage("collectstatic", "--noinput", "--verbosity", "0")
    return folder


@pytest.fixture
def service(
    service_environ: dict[str, str],
    page_files: Path,
    tmp_path: Path,
) -> Iterator[Service]:
    """Web and dispatcher with static files of their own, without workers."""
    own = {
        "DATABASE_URL": f"sqlite:{tmp_path / 'plinth.sqlite3'}",
        "DJANGO_SETTINGS_MODULE": "tests.browser.hosted",
        "HOSTED_STATIC": str(page_files),
    }
    with running(service_environ | own, tmp_path) as started:
        yield started


@pytest.fixture
def password(service: Service) -> str:
    return re.findall(r"password of \S+: (\S+)", service.manage("create_merchant", "Lamp House", "--owner", OWNER))[0]


def signed_in(
    service: Service, password: str, open_browser: OpenBrowser, pictures: Path, size: tuple[int, int], **options: Any
) -> Desk:
    watched = watch(open_browser(size, **options))
    watched.page.goto(f"{service.url}/sign-in")
    watched.page.get_by_label("E-mail address").fill(OWNER)
    watched.page.get_by_label("Password").fill(password)
    watched.page.get_by_role("button", name="Sign in").press("Enter")
    expect(watched.page.get_by_role("heading", name="Products")).to_be_visible()
    return Desk(service, watched, pictures, size[0])


def cut_off(photo: Path) -> bytes:
    """The photo without its left third: the product is cut off there."""
    picture = Image.open(photo)
    stream = io.BytesIO()
    picture.crop((picture.width * 2 // 5, 0, picture.width, picture.height)).resize((1200, 1500)).save(stream, "JPEG")
    return stream.getvalue()


def drop(page: Page, files: dict[str, tuple[str, bytes]]) -> None:
    """Drop files, name -> (type, bytes), as a hand does that holds them over the page."""
    told = [[name, kind, base64.b64encode(data).decode()] for name, (kind, data) in files.items()]
    page.evaluate(
        """async (files) => {
          const carried = new DataTransfer();
          for (const [name, type, text] of files) {
            const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
            carried.items.add(new File([bytes], name, { type }));
          }
          const place = document.querySelector('.drop');
          for (const kind of ['dragover', 'drop'])
            place.dispatchEvent(new DragEvent(kind, { dataTransfer: carried, bubbles: true, cancelable: true }));
        }""",
        told,
    )


def drag(page: Page, what: Locator, onto: Locator) -> None:
    """With the mouse, in steps as a hand moves: a browser takes one leap for no drag."""
    onto.scroll_into_view_if_needed()
    start, end = what.bounding_box(), onto.bounding_box()
    assert start and end, "both are on the page"
    page.mouse.move(start["x"] + 10, start["y"] + 10)
    page.mouse.down()
    page.mouse.move(start["x"] + 30, start["y"] + 20, steps=4)
    page.mouse.move(end["x"] + 60, end["y"] + 40, steps=6)
    page.mouse.up()


def settle(desk: Desk, number: int) -> None:
    """Wait until that many photos are there and looked at."""
    expect(desk.cards()).to_have_count(number, timeout=LOOK_MS)
    expect(desk.page.locator("#photos .spinner")).to_have_count(0, timeout=LOOK_MS)


@pytest.mark.slow
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_photos_become_a_model_that_goes_on_through_a_reload(
    service: Service, password: str, open_browser: OpenBrowser, pictures: Path, samples: Path, size: tuple[int, int]
) -> None:
    service.start_worker("worker-1")
    desk = signed_in(service, password, open_browser, pictures, size)
    page = desk.page
    desk.new_product("Blue mug <b>&amp; saucer")
    desk.look("1-new")

    mug = samples / "mug"
    drop(
        page,
        {
            "front.jpg": ("image/jpeg", (mug / "front.jpg").read_bytes()),
            "<i>cut.jpg": ("image/jpeg", cut_off(mug / "back.jpg")),
            "drawing.svg": ("image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
            "page.html": ("text/html", b"<script>alert(1)</script>"),
        },
    )
    settle(desk, 2)
    expect(page.locator("#uploads [data-state=refused]")).to_have_count(2)
    expect(page.locator("#uploads")).to_contain_text("This is no photo that we can read")
    desk.look("2-photos")
    cut = page.locator("#photos > li", has_text="<i>cut.jpg")
    expect(cut).to_contain_text("The product is cut off at the left")
    assert cut.locator(".marks .mark-retake rect, .marks .mark-usable rect").count() >= 1

    front = page.locator("#photos > li", has_text="front.jpg")
    if size == DESK:
        drag(page, page.locator(".chip[data-view=front]"), front)
    else:
        front.get_by_role("combobox").select_option("front")
    expect(page.locator(".chip-used[data-view=front]")).to_have_count(1)
    cut.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove it").click()
    expect(desk.cards()).to_have_count(1)

    for side, text in (("Width", "11.8"), ("Height", "9,5"), ("Depth", "8.2 cm")):
        page.get_by_label(side, exact=True).fill(text)
    page.get_by_label("Unit").select_option("mm")
    expect(page.get_by_label("Width", exact=True)).to_have_value("118")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#facts")).to_contain_text("Saved.")
    page.get_by_text("Draft", exact=True).click()
    page.get_by_role("button", name="Make the model from 1 photo").click()
    expect(page.locator("#model progress")).to_be_visible()
    desk.look("3-making")
    page.reload()
    expect(page.locator("#model progress")).to_be_visible()
    assert any(address.endswith("/events") for address in desk.watched.requests)
    expect(page.locator("#model .result")).to_contain_text("Version 1", timeout=MODEL_MS)
    expect(page.locator("#history")).to_contain_text("Version 1")
    desk.look("4-done")
    page.locator("#history summary").first.click()
    expect(page.locator("#history .events")).to_contain_text("Putting your photos on the surface")
    page.get_by_role("button", name="Publish in your shop").click()
    expect(page.locator("#model")).to_contain_text("In your shop")
    desk.look("5-published")
    assert desk.watched.complaints == []
    store = service.environ["S3_ENDPOINT_URL"]
    assert desk.watched.foreign(service.url, store) == []


def tab_to(page: Page, selector: str, *, most: int = 80) -> None:
    """Press Tab until what `selector` names has the focus; parts of the page may be replaced meanwhile."""
    for _ in range(most):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"not reached by keys: {selector}")


@pytest.mark.slow
def test_everything_can_be_done_by_keys_alone(
    service: Service, password: str, open_browser: OpenBrowser, pictures: Path, samples: Path
) -> None:
    service.start_worker("worker-1")
    desk = signed_in(service, password, open_browser, pictures, DESK)
    page = desk.page
    page.on("filechooser", lambda chooser: None)  # from now on the driver catches them, at no moment too late
    desk.new_product("Bottle")
    tab_to(page, "#choose-photos")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files([samples / "bottle" / "front.jpg", samples / "bottle" / "back.jpg"])
    settle(desk, 2)

    tab_to(page, "#photos > li:first-child select")
    page.keyboard.press("F")  # for front
    expect(page.locator(".chip-used[data-view=front]")).to_have_count(1)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")  # the dialog begins at its first button
    expect(desk.cards()).to_have_count(1)
    assert page.evaluate("document.activeElement.id") == "photos-h"

    tab_to(page, "#make-button")
    page.keyboard.press("Enter")
    expect(page.locator("#model progress")).to_be_visible()
    assert page.evaluate("document.activeElement.id") == "model"
    tab_to(page, "#cancel-job")
    page.keyboard.press("Enter")
    expect(page.locator("#model")).to_contain_text("You stopped it.", timeout=LOOK_MS)
    desk.look("keys")
    assert desk.watched.complaints == []


@pytest.mark.slow
def test_without_a_worker_or_a_stream_the_page_waits_and_still_hears(
    service: Service, password: str, open_browser: OpenBrowser, pictures: Path, samples: Path
) -> None:
    desk = signed_in(service, password, open_browser, pictures, PHONE)
    page = desk.page
    page.route("**/events", lambda route: route.abort())
    desk.new_product("Carton")
    page.locator("#choose-photos").set_input_files(samples / "carton" / "front.jpg")
    expect(page.locator("#why-not")).to_contain_text("Your photos wait for a worker", timeout=LOOK_MS)
    desk.look("no-worker")
    service.start_worker("worker-1")
    settle(desk, 1)
    page.locator("#make-button").click()
    expect(page.locator("#model progress")).to_be_visible()
    service.kill("worker-1")
    expect(page.locator("#model")).to_contain_text("Nothing is lost", timeout=LOOK_MS)
    desk.look("worker-gone")
    page.get_by_role("button", name="Stop making it").click()
    expect(page.locator("#model")).to_contain_text("You stopped it.", timeout=LOOK_MS)


def test_an_upload_that_breaks_off_is_tried_again(
    service: Service, password: str, open_browser: OpenBrowser, pictures: Path, samples: Path
) -> None:
    desk = signed_in(service, password, open_browser, pictures, PHONE)
    page = desk.page
    desk.new_product("Lamp")
    store = f"{service.environ['S3_ENDPOINT_URL']}/**"
    page.route(store, lambda route: route.abort())
    page.locator("#choose-photos").set_input_files(samples / "lamp" / "front.jpg")
    failed = page.locator("#uploads [data-state=failed]")
    expect(failed).to_contain_text("The connection broke")
    desk.look("broken")
    page.unroute(store)
    failed.get_by_role("button", name="Try again").click()
    expect(desk.cards()).to_have_count(1)
    expect(page.locator("#uploads > li")).to_have_count(0)
    page.reload()
    expect(desk.cards()).to_have_count(1)  # nothing of the first try is left


def test_what_somebody_else_changed_meanwhile_costs_nothing(
    service: Service, password: str, open_browser: OpenBrowser, pictures: Path
) -> None:
    desk = signed_in(service, password, open_browser, pictures, DESK)
    page = desk.page
    desk.new_product("Chair")
    other = page.context.new_page()
    other.goto(page.url)
    other.get_by_label("Title").fill("Their chair")
    other.get_by_role("button", name="Save").click()
    expect(other.locator("#facts")).to_contain_text("Saved.")
    page.get_by_label("Title").fill("My chair")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#facts")).to_contain_text("Their chair")
    expect(page.get_by_label("Title")).to_have_value("My chair")
    desk.look("conflict")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#product-title")).to_have_text("My chair")
