"""A running service with real workers, and somebody who works on its pages by pointer or by keys"""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

from infra.demo import SLUG
from tests.browser.chromium import Watched, watch
from tests.browser.conftest import OpenBrowser
from tests.service.processes import Service

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
        self.page.goto(f"{self.service.url}/shops/{SLUG}/products/new")
        self.page.get_by_label("Title").fill(title)
        self.page.get_by_label("Title").press("Enter")
        expect(self.page.locator("#product-title")).to_have_text(title)

    def cards(self) -> Locator:
        return self.page.locator("#photos > li")


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


def tab_to(page: Page, selector: str, *, most: int = 80) -> None:
    """Press Tab until what `selector` names has the focus; parts of the page may be replaced meanwhile."""
    for _ in range(most):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"not reached by keys: {selector}")
