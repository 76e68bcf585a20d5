"""The product page in a real browser, over a running service: photos in, a model out, by pointer and by keys alone."""

import io
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.chromium import DESK, PHONE
from tests.browser.conftest import OpenBrowser
from tests.browser.running.desk import LOOK_MS, MODEL_MS, drag, drop, settle, signed_in, tab_to
from tests.service.processes import Service

pytestmark = pytest.mark.browser


def cut_off(photo: Path) -> bytes:
    """The photo without its left third: the product is cut off there."""
    picture = Image.open(photo)
    stream = io.BytesIO()
    picture.crop((picture.width * 2 // 5, 0, picture.width, picture.height)).resize((1200, 1500)).save(stream, "JPEG")
    return stream.getvalue()


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
