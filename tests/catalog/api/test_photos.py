import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from django.core.files.uploadedfile import SimpleUploadedFile

from catalog import photos
from catalog import storage as catalog_storage
from catalog.models import Photo, PhotoState, Product
from catalog.storage import Storage
from infra.engines.engine import free_ports
from tests.catalog.conftest import Cast
from tests.catalog.makers import make_photo, make_product

pytestmark = pytest.mark.usefixtures("broker")


@pytest.fixture
def lamp(cast: Cast) -> Product:
    return make_product(cast.shop, photos=0)


@pytest.fixture
def jpeg(samples: Path) -> bytes:
    return (samples / "lamp" / "front.jpg").read_bytes()


def form(data: bytes, name: str = "front.jpg", **fields: str) -> dict[str, Any]:
    return {"file": SimpleUploadedFile(name, data, "image/jpeg"), **fields}


def code_of(answer: Any) -> str:
    return str(answer.json()["error"]["code"])


# in


def test_a_photo_comes_by_a_form(cast: Cast, lamp: Product, jpeg: bytes, storage: Storage) -> None:
    answer = cast.writer.post(
        f"products/{lamp.public_id}/photos", form(jpeg, view="front", rights="own work"), form=True
    )
    assert answer.status_code == 201, answer.content
    photo = answer.json()
    assert (photo["product"], photo["state"], photo["view"], photo["rights"]) == (
        lamp.public_id,
        "checking",
        "front",
        "own work",
    )
    assert (photo["bytes"], photo["content_type"], photo["name"]) == (len(jpeg), "image/jpeg", "front.jpg")
    assert storage.get(Photo.objects.get().key) == jpeg
    again = cast.editor.post(f"products/{lamp.public_id}/photos", form(jpeg), form=True)
    assert again.json()["id"] == photo["id"] and Photo.objects.count() == 1


def test_a_large_photo_is_streamed_and_never_decoded(cast: Cast, lamp: Product, storage: Storage) -> None:
    data = b"\xff\xd8\xff" + bytes(20_000_000)  # more than one part in S3; no decoder would take it
    answer = cast.writer.post(f"products/{lamp.public_id}/photos", form(data), form=True)
    assert answer.status_code == 201
    assert storage.stat(Photo.objects.get().key).bytes == len(data)


def test_a_photo_comes_from_an_address_later(cast: Cast, lamp: Product) -> None:
    url = "https://shop.example/img/lamp.jpg"
    answer = cast.writer.post(f"products/{lamp.public_id}/photos", {"url": url, "view": "back"})
    assert answer.status_code == 202, answer.content
    assert (answer.json()["state"], answer.json()["source_url"], answer.json()["view"]) == ("awaited", url, "back")
    assert answer.json()["name"] == "lamp.jpg"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ftp://shop.example/a.jpg", "url_scheme"),
        ("http://user:secret@shop.example/a.jpg", "url_credentials"),
        ("http://shop.example:8333/a.jpg", "url_port"),
        ("lamp.jpg", "url_invalid"),
    ],
)
def test_an_address_that_will_not_do_is_told_at_once(cast: Cast, lamp: Product, url: str, code: str) -> None:
    answer = cast.writer.post(f"products/{lamp.public_id}/photos", {"url": url})
    assert (answer.status_code, code_of(answer)) == (422, code)
    assert answer.json()["error"]["fields"].keys() == {"url"}


def test_a_browser_sends_a_photo_straight_to_the_store(
    cast: Cast, lamp: Product, jpeg: bytes, storage: Storage
) -> None:
    wish = {"name": "front.jpg", "content_type": "image/jpeg", "view": "front"}
    answer = cast.writer.post(f"products/{lamp.public_id}/uploads", wish)
    assert answer.status_code == 201, answer.content
    photo, upload = answer.json()["photo"], answer.json()["upload"]
    assert photo["state"] == "awaited" and upload["expires_in"] == 3600
    early = cast.writer.post(f"photos/{photo['id']}/confirm")
    assert (early.status_code, code_of(early)) == (409, "upload_missing")
    sent = requests.post(upload["url"], upload["fields"], files={"file": ("front.jpg", jpeg)}, timeout=10)
    assert sent.status_code in {200, 201, 204}, sent.text
    confirmed = cast.writer.post(f"photos/{photo['id']}/confirm")
    assert (confirmed.status_code, confirmed.json()["state"], confirmed.json()["bytes"]) == (200, "checking", len(jpeg))
    assert cast.writer.post(f"photos/{photo['id']}/confirm").json() == confirmed.json()


def test_a_forged_form_brings_nothing_in(cast: Cast, lamp: Product, storage: Storage, settings: Any) -> None:
    settings.MAX_PHOTO_BYTES = 1000
    wish = {"name": "front.jpg", "content_type": "image/jpeg"}
    answer = cast.writer.post(f"products/{lamp.public_id}/uploads", wish).json()
    url, fields = answer["upload"]["url"], answer["upload"]["fields"]
    for forged, data in (
        ({"key": fields["key"] + "x"}, b"x"),
        ({"Content-Type": "text/html"}, b"x"),
        ({"x-amz-signature": "0" * 64}, b"x"),
        ({}, bytes(1001)),
    ):
        assert requests.post(url, {**fields, **forged}, files={"file": data}, timeout=10).status_code >= 400
    assert code_of(cast.writer.post(f"photos/{answer['photo']['id']}/confirm")) == "upload_missing"


def test_an_expired_form_brings_nothing_in(
    cast: Cast, lamp: Product, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photos, "UPLOAD_SECONDS", -1)
    wish = {"name": "front.jpg", "content_type": "image/jpeg"}
    upload = cast.writer.post(f"products/{lamp.public_id}/uploads", wish).json()["upload"]
    assert requests.post(upload["url"], upload["fields"], files={"file": b"x"}, timeout=10).status_code >= 400


# what will not do


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, "bad_value", "url"),
        ({"url": 5}, "bad_value", "url"),
        ({"url": None}, "bad_value", "url"),
        ({"url": "https://shop.example/a.jpg", "view": "inside"}, "bad_value", "view"),
        ({"url": "https://shop.example/a.jpg", "rights": "x" * 201}, "bad_value", "rights"),
        ({"url": "https://shop.example/a.jpg", "wiev": "front"}, "unknown_field", "wiev"),
        ({"url": "https://shop.example/" + "a" * 2000}, "bad_value", "url"),
    ],
)
def test_bad_bodies_name_the_field(cast: Cast, lamp: Product, body: Any, code: str, field: str) -> None:
    answer = cast.writer.post(f"products/{lamp.public_id}/photos", body)
    assert (answer.status_code, code_of(answer)) == (422, code)
    assert field in answer.json()["error"]["fields"]
    assert not lamp.photos.exists()


def test_bad_forms_are_told(cast: Cast, lamp: Product, jpeg: bytes, storage: Storage) -> None:
    path = f"products/{lamp.public_id}/photos"
    for fields, code in (
        ({"file": "only a text"}, "bad_value"),
        ({"view": "front"}, "bad_value"),
        (form(jpeg, colour="red"), "unknown_field"),
        (form(jpeg, view="inside"), "bad_value"),
        (form(b""), "photo_empty"),
        (form(b"<html>", name="photo.jpg"), "not_an_image"),
    ):
        answer = cast.writer.post(path, fields, form=True)
        assert (answer.status_code, code_of(answer)) == (422, code), fields
    broken = cast.writer.post(path, b"no boundary in here", content_type="multipart/form-data; boundary=x")
    assert broken.status_code in {400, 422}
    other = cast.writer.post(path, "view=front", content_type="application/x-www-form-urlencoded")
    assert (other.status_code, code_of(other)) == (415, "unsupported_media_type")
    assert not lamp.photos.exists() and list(storage.list("photos/")) == []


def test_what_is_too_large_is_refused_before_it_is_read(cast: Cast, lamp: Product, settings: Any) -> None:
    settings.MAX_PHOTO_BYTES = 1000

    class Unread(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            raise AssertionError("the body was read")

    for caller in (cast.writer, cast.editor):
        answer = caller.generic(
            "POST",
            f"products/{lamp.public_id}/photos",
            content_type="multipart/form-data; boundary=x",
            **{"CONTENT_LENGTH": "200000", "wsgi.input": Unread()},
        )
        assert (answer.status_code, code_of(answer)) == (413, "body_too_large")
    answer = cast.writer.post(f"products/{lamp.public_id}/photos", form(b"\xff\xd8\xff" + bytes(1000)), form=True)
    assert (answer.status_code, code_of(answer)) == (422, "photo_too_large")


def test_a_store_that_is_away_is_told_and_nothing_is_kept(
    cast: Cast, lamp: Product, jpeg: bytes, storage: Storage, settings: Any
) -> None:
    settings.ENV = replace(settings.ENV, s3_endpoint_url=f"http://127.0.0.1:{free_ports(1)[0]}")
    catalog_storage.storage.cache_clear()
    answer = cast.writer.post(f"products/{lamp.public_id}/photos", form(jpeg), form=True)
    assert (answer.status_code, code_of(answer)) == (503, "storage_away")
    assert int(answer.headers["Retry-After"]) > 0
    assert not lamp.photos.exists()


def test_the_same_form_twice_with_a_key_is_answered_twice(
    cast: Cast, lamp: Product, jpeg: bytes, storage: Storage
) -> None:
    path, key = f"products/{lamp.public_id}/photos", {"Idempotency-Key": "upload-1"}
    first = cast.writer.post(path, form(jpeg), form=True, headers=key)
    again = cast.writer.post(path, form(jpeg), form=True, headers=key)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["Idempotent-Replayed"] == "true"
    other = cast.writer.post(path, form(jpeg + b"x"), form=True, headers=key)
    assert (other.status_code, code_of(other)) == (422, "idempotency_key_reused")


# what is there


def test_photos_are_listed_newest_first(cast: Cast, lamp: Product) -> None:
    made = [make_photo(lamp, name=f"{n}.jpg") for n in range(3)]
    make_photo(make_product(cast.shop))
    page = cast.viewer.get(f"products/{lamp.public_id}/photos?limit=2").json()
    assert [photo["id"] for photo in page["results"]] == [made[2].public_id, made[1].public_id]
    rest = cast.viewer.get(page["next"].partition("testserver")[2]).json()
    assert [photo["id"] for photo in rest["results"]] == [made[0].public_id] and rest["next"] is None


def test_a_photo_tells_what_was_seen_in_it(cast: Cast, lamp: Product) -> None:
    whole = {"code": "low_resolution", "text": "The photo is only 800 pixels long.", "level": "usable"}
    box = {"left": 0.0, "top": 0.25, "width": 0.05, "height": 0.5}
    part = {"code": "cut_off", "text": "The product is cut off at the left.", "level": "retake", "boxes": [box]}
    photo = make_photo(lamp, advice=[whole, part], width=800, height=600)
    answer = cast.reader.get(f"photos/{photo.public_id}")
    assert answer.json()["advice"] == [whole | {"boxes": []}, part] and answer.json()["width"] == 800
    known = cast.reader.get(f"photos/{photo.public_id}", headers={"If-None-Match": answer.headers["ETag"]})
    assert known.status_code == 304


def test_a_side_is_changed_by_whoever_knows_the_photo_as_it_is(cast: Cast, lamp: Product) -> None:
    photo = make_photo(lamp, view="front")
    path = f"photos/{photo.public_id}"
    etag = cast.editor.get(path).headers["ETag"]
    changed = cast.editor.patch(path, {"view": "back"}, headers={"If-Match": etag})
    assert (changed.status_code, changed.json()["view"]) == (200, "back")
    late = cast.editor.patch(path, {"view": "top"}, headers={"If-Match": etag})
    assert (late.status_code, code_of(late)) == (412, "changed_meanwhile")
    assert cast.editor.patch(path, {"view": ""}).json()["view"] == ""
    assert cast.editor.patch(path, {}).status_code == 422
    assert cast.editor.patch(path, {"state": "ready"}).status_code == 422


def test_a_deleted_photo_is_gone(cast: Cast, lamp: Product) -> None:
    photo = make_photo(lamp)
    stale = cast.editor.delete(f"photos/{photo.public_id}", headers={"If-Match": '"other"'})
    assert stale.status_code == 412
    assert cast.editor.delete(f"photos/{photo.public_id}").status_code == 204
    assert cast.editor.get(f"photos/{photo.public_id}").status_code == 404
    assert not lamp.photos.exists()


def test_a_photo_from_an_address_has_nothing_to_confirm(cast: Cast, lamp: Product) -> None:
    photo = make_photo(lamp, state=PhotoState.AWAITED, source_url="https://shop.example/a.jpg", sha256="")
    answer = cast.editor.post(f"photos/{photo.public_id}/confirm")
    assert (answer.status_code, code_of(answer)) == (409, "not_an_upload")
