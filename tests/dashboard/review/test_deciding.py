"""Publishing, going back, taking out and turning down by the page's own forms, and what a second person sees."""

import re

import pytest

from catalog.models import AssetVersion, Product, Status
from tests.dashboard.review.conftest import Reviewed


def follow(reviewed: Reviewed, name: str, version: AssetVersion | None = None, **fields: str) -> str:
    """Press a button as the editor, with the form drawn now; the page that comes."""
    response = reviewed.people.editor.send(reviewed.at(name, version), reviewed.form(**fields), follow=True)
    assert response.status_code == 200
    return response.content.decode()


def notices(page: str) -> str:
    found = re.search(r'<div id="notices".*?</div>', page, re.DOTALL)
    assert found
    return re.sub(r"<[^>]+>|\s+", " ", found[0]).strip()


def shown(reviewed: Reviewed) -> AssetVersion | None:
    return reviewed.fresh().published_version


def test_approving_shows_the_version_and_going_back_shows_the_one_before(stored: Reviewed) -> None:
    first, second = stored.versions
    page = follow(stored, "publish")
    assert "Version 2 is in your shop now" in notices(page)
    assert "Shoppers see this version" in page
    assert shown(stored) == second
    second.job.refresh_from_db()
    assert second.job.status == Status.PUBLISHED
    page = follow(stored, "go-back")
    assert "Your shop shows version 1 again" in notices(page)
    assert shown(stored) == first


def test_taking_out_shows_nothing_and_publishing_again_shows_it_again(stored: Reviewed) -> None:
    first = stored.versions[0]
    page = follow(stored, "take-out", first)
    assert shown(stored) is None
    assert "Was in your shop" in page
    assert "Version 1 is in your shop now" in notices(follow(stored, "publish", first))
    assert shown(stored) == first


def test_since_when_it_is_shown_follows_the_last_time(stored: Reviewed) -> None:
    first = stored.versions[0]
    before = stored.people.editor.read(stored.at("", first))
    follow(stored, "take-out", first)
    follow(stored, "publish", first)
    event = first.job.events.order_by("-pk").first()
    assert event.text == "Version 1 is published again."
    page = stored.people.editor.read(stored.at("", first))
    assert f"Since {event.at:%-d %B %Y, %H:%M} UTC" in page
    assert "Since" in before


def test_a_form_drawn_before_somebody_else_acted_changes_nothing_and_says_so(stored: Reviewed) -> None:
    drawn = stored.form()
    follow(stored, "publish")
    for name, version in (("publish", stored.versions[0]), ("take-out", stored.last), ("go-back", stored.last)):
        response = stored.people.owner.send(stored.at(name, version), drawn, follow=True)
        assert "Somebody changed this at the same moment" in notices(response.content.decode())
        assert shown(stored) == stored.last


@pytest.mark.parametrize("revision", ["", "x", "-1", "1e3", "9" * 40, "٣"])
def test_a_form_with_no_true_revision_changes_nothing(reviewed: Reviewed, revision: str) -> None:
    place = reviewed.at("take-out", reviewed.versions[0])
    page = reviewed.people.owner.send(place, {"revision": revision}, follow=True).content.decode()
    assert "Somebody changed this" in notices(page)
    assert shown(reviewed) == reviewed.versions[0]


def test_only_what_is_shown_can_be_taken_out_or_gone_back_from(reviewed: Reviewed) -> None:
    for name in ("take-out", "go-back"):
        assert "Somebody changed this" in notices(follow(reviewed, name))
    assert "No earlier version" in notices(follow(reviewed, "go-back", reviewed.versions[0]))
    assert shown(reviewed) == reviewed.versions[0]


def test_a_guess_is_published_only_by_who_says_to_have_looked(guessed: Reviewed) -> None:
    page = guessed.people.editor.read(guessed.at())
    assert "I have looked at it from all sides" in page
    assert "I have looked at it from all sides” first" in notices(follow(guessed, "publish"))
    assert shown(guessed) is None


def test_a_looked_at_guess_is_published(stored: Reviewed) -> None:
    AssetVersion.objects.filter(pk=stored.last.pk).update(grade="C")
    assert "Tick" in notices(follow(stored, "publish"))
    follow(stored, "publish", looked="yes")
    assert shown(stored) == stored.last


def test_what_breaks_a_limit_needs_a_look_too(reviewed: Reviewed) -> None:
    row = {"name": "triangles", "value": 200_000, "limit": 100_000, "ok": False, "level": "required"}
    AssetVersion.objects.filter(pk=reviewed.last.pk).update(certificate={"limits": [row]})
    page = reviewed.people.owner.read(reviewed.at())
    assert "1 limit not kept" in page
    assert "Triangles: 200,000, allowed 100,000" in page
    assert "Tick" in notices(follow(reviewed, "publish"))


def test_a_rejected_version_says_why_and_offers_no_publishing(stored: Reviewed) -> None:
    page = follow(stored, "turn-down", note="<b>too\nthin</b>")
    assert "“&lt;b&gt;too thin&lt;/b&gt;”" in page
    assert "/publish" not in page
    assert "has been rejected" in notices(follow(stored, "publish"))
    assert "cannot be rejected" in notices(follow(stored, "turn-down"))
    assert shown(stored) == stored.versions[0]


def test_a_note_that_is_too_long_is_cut(reviewed: Reviewed) -> None:
    follow(reviewed, "turn-down", note="x" * 3000)
    reviewed.last.job.refresh_from_db()
    assert reviewed.last.job.advice == "x" * 500


def test_an_archived_product_offers_nothing(reviewed: Reviewed) -> None:
    Product.objects.filter(pk=reviewed.product.pk).update(archived=True)
    page = reviewed.people.owner.read(reviewed.at())
    assert "/publish" not in page
    assert "archived" in notices(follow(reviewed, "publish"))
