"""Photos come, are looked at, named and removed; what is wrong is marked on them."""

import re
from typing import Any

import pytest

from catalog.models import Photo, PhotoState
from catalog.storage import Storage
from tests.catalog.makers import make_photo
from tests.dashboard.conftest import Visitor
from tests.dashboard.product.conftest import HX, Shelf


def begin(who: Visitor, shelf: Shelf, name: str = "mug.jpg", kind: str = "image/jpeg") -> Any:
    return who.send(shelf.at("photos/begin"), {"name": name, "content_type": kind})


def put(storage: Storage, photo: Photo, data: bytes, kind: str = "image/jpeg") -> None:
    storage.put(photo.key, data, content_type=kind)


def test_an_upload_begins_arrives_and_shows_its_card(shelf: Shelf, storage: Storage) -> None:
    opened = begin(shelf.people.editor, shelf, "../../<b>mug</b>.jpg").json()
    photo = shelf.product.photos.latest("pk")
    assert photo.state == PhotoState.AWAITED and photo.key in str(opened["fields"]["key"])
    early = shelf.people.editor.send(opened["confirm"])
    assert (early.status_code, "not arrived" in early.json()["message"]) == (422, True)
    put(storage, photo, b"\xff\xd8\xff bytes")
    card = shelf.people.editor.send(opened["confirm"]).json()["card"]
    photo.refresh_from_db()
    assert photo.state == PhotoState.CHECKING
    assert f'id="photo-{photo.public_id}"' in card and "We are looking at it" in card and "<b>" not in card


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "application/pdf", "", "image/jpeg; charset=x"])
def test_pages_and_drawings_are_refused_as_photos(shelf: Shelf, kind: str) -> None:
    answer = begin(shelf.people.owner, shelf, "photo.jpg", kind)
    assert answer.status_code == 422 and "no photo that we can read" in answer.json()["message"]
    assert shelf.product.photos.count() == 1


def test_too_many_photos_are_told_before_anything_is_sent(shelf: Shelf) -> None:
    for _ in range(99):
        make_photo(shelf.product)
    assert "at most 100 photos" in begin(shelf.people.owner, shelf).json()["message"]


def test_what_arrives_as_something_else_is_refused_and_leaves_nothing(shelf: Shelf, storage: Storage) -> None:
    opened = begin(shelf.people.owner, shelf).json()
    photo = shelf.product.photos.latest("pk")
    put(storage, photo, b"<html>", "text/html")
    answer = shelf.people.owner.send(opened["confirm"])
    assert answer.status_code == 422
    assert not Photo.objects.filter(pk=photo.pk).exists()


def test_a_photo_that_is_looked_at_disturbs_nobody_until_it_is_settled(shelf: Shelf) -> None:
    photo = make_photo(shelf.product, state=PhotoState.CHECKING, sha256="")
    address = shelf.at(f"photos/settled?waiting={photo.public_id}")
    assert f'name="waiting" value="{photo.public_id}"' in shelf.people.viewer.read(shelf.at("photos"))
    assert shelf.people.viewer.get(address).status_code == 204
    Photo.objects.filter(pk=photo.pk).update(state=PhotoState.READY)
    answer = shelf.people.viewer.get(address)
    assert (answer.status_code, answer["HX-Trigger-After-Swap"]) == (200, "photos-changed")
    page = answer.content.decode()
    assert re.search(rf'id="photo-{photo.public_id}"[^>]*hx-swap-oob="true"', page) and 'name="waiting"' not in page
    photo.delete()
    assert f'id="photo-{photo.public_id}" hx-swap-oob="delete"' in shelf.people.viewer.read(address)
    foreign = f"photos/settled?waiting={shelf.foreign_photo.public_id}&waiting=<b>"
    theirs = shelf.people.viewer.read(shelf.at(foreign))
    assert "<b>" not in theirs and shelf.foreign_photo.name not in theirs


def test_problems_are_marked_on_the_picture_the_gravest_first(shelf: Shelf) -> None:
    strip, middle = (
        {"left": 0, "top": 0.25, "width": 0.05, "height": 0.5},
        {"left": 0.4, "top": 0.4, "width": 0.2, "height": 0.2},
    )
    advice = [
        {"code": "small_in_frame", "text": "Go closer.", "level": "usable", "boxes": [middle]},
        {"code": "busy_background", "text": "Plain paper.", "level": "note"},
        {"code": "cut_off", "text": "Step back.", "level": "retake", "boxes": [strip]},
    ]
    Photo.objects.filter(pk=shelf.photo.pk).update(advice=advice, width=800, height=600, content_type="image/jpeg")
    page = shelf.people.viewer.read(shelf.at("photos"))
    assert '<rect x="0" y="150.0" width="40.0" height="300.0"/>' in page.replace('x="0.0"', 'x="0"')
    assert page.index("Step back.") < page.index("Go closer.") < page.index("Plain paper.")
    assert page.index("marked 1") < page.index("marked 2") and "marked 3" not in page


@pytest.mark.parametrize(("kind", "shown"), [("image/jpeg", True), ("image/heic", False), ("image/tiff", False)])
def test_what_browsers_cannot_show_is_said_instead(shelf: Shelf, kind: str, shown: bool) -> None:
    Photo.objects.filter(pk=shelf.photo.pk).update(content_type=kind)
    page = shelf.people.viewer.read(shelf.at("photos"))
    assert ("<img" in page) == shown
    assert ("cannot show this kind of file" in page) != shown


def test_a_side_is_named_and_told_to_the_others(shelf: Shelf) -> None:
    answer = shelf.people.editor.send(shelf.at(f"photos/{shelf.photo.public_id}/view"), {"view": "back"}, headers=HX)
    assert answer.status_code == 200 and 'hx-swap-oob="true"' in answer.content.decode()
    assert Photo.objects.get(pk=shelf.photo.pk).view == "back"
    wrong = shelf.people.editor.send(shelf.at(f"photos/{shelf.photo.public_id}/view"), {"view": "inside"}, headers=HX)
    assert wrong.status_code == 409 and Photo.objects.get(pk=shelf.photo.pk).view == "back"


def test_a_photo_is_removed_once_and_again_without_harm(shelf: Shelf) -> None:
    address = shelf.at(f"photos/{shelf.photo.public_id}/remove")
    for _ in range(2):
        answer = shelf.people.editor.send(address, headers=HX)
        assert (answer.status_code, answer["HX-Trigger-After-Swap"]) == (200, "photos-changed")
    assert not shelf.product.photos.exists()


def test_an_address_is_taken_and_a_private_one_refused(shelf: Shelf) -> None:
    address = shelf.at("photos/address")
    answer = shelf.people.editor.send(address, {"url": "https://shop.example/pictures/mug.jpg"}, headers=HX)
    page = answer.content.decode()
    assert answer.status_code == 200 and "beforeend:#photos" in page and "Being fetched" in page
    for url in ("", "ftp://shop.example/x.jpg", "nonsense", "https://shop.example/pictures/mug.jpg"):
        refused = shelf.people.editor.send(address, {"url": url}, headers=HX)
        assert refused.status_code == 422 and 'id="photo-url-error"' in refused.content.decode(), url
    assert shelf.product.photos.count() == 2


def test_the_photo_that_would_help_most_is_told_by_what_is_missing(shelf: Shelf) -> None:
    def hint(view: str) -> str:
        Photo.objects.filter(pk=shelf.photo.pk).update(view=view)
        return shelf.people.viewer.read(shelf.at("photos"), headers=HX | {"HX-Target": "sides"})

    assert "one of the front" in hint("")
    assert "one from the corner" in hint("front")
    make_photo(shelf.product, view="front")
    assert "two photos show the same side" in hint("front")
