"""A shopkeeper reviews a version in a real browser: compares, changes, decides, comments; by mouse and by keys."""

import re
from pathlib import Path

import pytest

from catalog.models import AssetJob, Kind, Product, Status
from tests.browser.chromium import DESK, PHONE, Watched
from tests.browser.review.conftest import Review, complaints, until

pytestmark = pytest.mark.browser

MEET = "document.querySelector('.compare-stage').style.getPropertyValue('--at')"
DRAWN = """() => {
  const canvas = document.querySelector('.comparison:not([hidden]) canvas');
  if (!canvas.dataset.drawn || !canvas.width || canvas.hidden) return null;
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let coloured = 0;
  for (let at = 0; at < data.length; at += 4) coloured += Math.abs(data[at] - data[at + 2]) > 60;
  return coloured && coloured / (data.length / 4);
}"""
MATERIAL = """() => {
  const surface = document.querySelector('#model').model.materials[0].pbrMetallicRoughness;
  return [surface.baseColorTexture.texture !== null, surface.roughnessFactor, surface.baseColorFactor];
}"""
ORBITS = "[...document.querySelectorAll('model-viewer')].map((viewer) => viewer.getCameraOrbit().toString())"


def flawless(watched: Watched, review: Review) -> None:
    """No complaint, no third party, no sideways scrolling, nothing that keeps anybody out."""
    assert complaints(watched) == []
    assert watched.foreign(review.site.url, review.site.store) == []
    assert watched.overflow() <= 0
    assert watched.violations() == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "scheme", "touch"),
    [(PHONE, "dark", True), (PHONE, "light", True), (DESK, "light", False), (DESK, "dark", False)],
)
def test_the_pages_are_flawless(review: Review, pictures: Path, size, scheme: str, touch: bool) -> None:
    first, second = review.mug
    watched = review.open(second, size=size, color_scheme=scheme, has_touch=touch)
    watched.page.locator("details > summary").evaluate_all("all => all.forEach((summary) => summary.click())")
    flawless(watched, review)
    watched.page.screenshot(path=pictures / f"version-{size[0]}-{scheme}.png", full_page=True)
    watched.page.goto(review.address(second, f"compare/{first.public_id}"))
    watched.page.wait_for_selector("model-viewer[data-ready] >> nth=1")
    flawless(watched, review)
    watched.page.goto(review.address(review.shoe))
    watched.page.wait_for_selector("model-viewer[data-ready]")
    watched.page.get_by_text("Turn it down…").click()
    flawless(watched, review)


def test_the_slider_moves_by_mouse_and_by_keys(review: Review) -> None:
    page = review.open(review.mug[1]).page
    stage = page.locator(".compare-stage").first
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 5, box["y"] + 40, steps=4)
    page.mouse.up()
    assert 16 <= float(page.evaluate(MEET).rstrip("%")) <= 24
    page.keyboard.press("Home")
    assert page.evaluate(MEET) == "0%"
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert page.evaluate(MEET) == "3%"
    assert page.locator(".compare-stage input").first.get_attribute("aria-valuetext") == "3 % photo, 97 % model"


def test_another_photo_and_where_it_differs(review: Review) -> None:
    page = review.open(review.mug[1]).page
    page.get_by_role("button", name="mug-back.jpg").press("Enter")
    assert page.locator(".comparison:not([hidden])").get_attribute("id") == "photo-2"
    page.get_by_label("Slide", exact=True).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.get_by_label("Differences").is_checked()
    share = until(page, DRAWN)
    assert 0.01 < share < 0.6
    legend = page.locator(".comparison:not([hidden]) .legend").inner_text()
    assert re.search(r"only the model is here\s*\(\d+\.\d %\)", legend)


def test_clay_and_triangles_are_drawn_and_the_shops_look_comes_back(review: Review, pictures: Path) -> None:
    page = review.open(review.mug[1]).page
    before = page.evaluate(MATERIAL)
    for name in ("Clay", "Triangles"):
        page.get_by_label(name).check(force=True)
        textured, roughness, _ = page.evaluate(MATERIAL)
        assert (textured, roughness) == (False, 0.85)
        page.locator(".stage").screenshot(path=pictures / f"{name}.png")
    assert (pictures / "Clay.png").read_bytes() != (pictures / "Triangles.png").read_bytes()
    page.get_by_label("As in the shop").check(force=True)
    assert page.evaluate(MATERIAL) == before


def test_what_is_tried_out_is_seen_at_once_and_only_that_is_saved(review: Review) -> None:
    watched = review.open(review.mug[1])
    page = watched.page
    page.get_by_text("Change its surface, or how it stands").click()
    save = page.get_by_role("button", name="Save as a new version")
    assert save.is_disabled()
    plain = page.locator(".stage").screenshot()
    page.get_by_label("Tint").fill("#ff6060")
    page.get_by_label("Roughness").press("End")
    page.get_by_role("button", name="90° right").press("Enter")
    assert page.evaluate(MATERIAL)[2] != [1, 1, 1, 1]
    page.wait_for_timeout(500)
    assert page.locator(".stage").screenshot() != plain
    save.click()
    page.wait_for_selector("text=with your changes is being made")
    (job,) = AssetJob.objects.filter(kind=Kind.EDIT)
    assert job.edits == {"roughness": 1.0, "tint": "#ff6060", "turn_degrees": 90}
    assert complaints(watched) == []
    assert watched.violations() == []


def test_publishing_and_going_back_by_keys_alone(review: Review) -> None:
    watched = review.open(review.mug[1])
    page, product = watched.page, review.mug[1].product
    page.get_by_role("button", name="Approve and publish").press("Enter")
    page.wait_for_selector("text=Version 2 is in your shop now")
    assert Product.objects.get(pk=product.pk).published_version == review.mug[1]
    page.get_by_role("button", name="Go back to version 1").press("Space")
    page.wait_for_selector("text=Your shop shows version 1 again")
    assert Product.objects.get(pk=product.pk).published_version == review.mug[0]
    page.get_by_role("button", name="Take it out of the shop…").press("Enter")
    page.keyboard.press("Escape")
    assert not page.get_by_role("dialog").is_visible()
    assert Product.objects.get(pk=product.pk).published_version == review.mug[0]
    assert complaints(watched) == []


def test_a_guess_cannot_be_approved_unlooked_at(review: Review) -> None:
    page = review.open(review.shoe).page
    page.get_by_role("button", name="Approve and publish").click()
    assert page.evaluate("document.activeElement.name") == "looked"
    assert AssetJob.objects.get(version=review.shoe).status == Status.NEEDS_REVIEW
    page.get_by_label("I have looked at it").check()
    page.get_by_role("button", name="Approve and publish").click()
    page.wait_for_selector("text=Version 1 is in your shop now")


def test_a_comment_comes_and_goes_without_a_new_page(review: Review) -> None:
    watched = review.open(review.mug[1])
    page = watched.page
    page.evaluate("window.same = true")
    page.get_by_label("Say something about it").fill("<b>Bold</b>\nsecond line")
    page.get_by_role("button", name="Add the comment").click()
    comment = page.locator(".comments li", has_text="second line")
    assert comment.locator(".comment-text").inner_text() == "<b>Bold</b>\nsecond line"
    page.on("dialog", lambda dialog: dialog.accept())
    comment.get_by_role("button").click()
    comment.wait_for(state="detached")
    assert page.locator(".comments li").count() == 1
    assert page.evaluate("window.same")
    assert complaints(watched) == []


def test_two_versions_turn_together(review: Review) -> None:
    first, second = review.mug
    page = review.open(second, who="viewer", path=f"compare/{first.public_id}").page
    before = page.evaluate(ORBITS)
    page.locator("model-viewer .userInput").first.focus()
    page.keyboard.press("ArrowLeft")
    until(page, f"before => {{ const now = {ORBITS}; return now[0] !== before && now[0] === now[1]; }}", before[0])


def test_a_model_that_does_not_come_is_said_in_words(review: Review) -> None:
    watched = review.sign_in(review.people.viewer)
    watched.page.route("**/files/model.web.glb", lambda route: route.abort())
    watched.page.goto(review.address(review.mug[1]))
    watched.page.wait_for_selector("text=This browser could not show the model")


def test_without_scripts_one_still_reads_and_decides(review: Review) -> None:
    page = review.open(review.mug[1], java_script_enabled=False).page
    assert page.get_by_text("Measured and like the photos").is_visible()
    assert not page.get_by_text("Change its surface").is_visible()
    page.get_by_role("button", name="Approve and publish").click()
    assert page.get_by_text("Version 2 is in your shop now").is_visible()
