import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import requests
from django.db import connections

from catalog import photos
from catalog.errors import Conflict, Invalid
from catalog.models import Merchant, Photo, PhotoState, Product
from catalog.photos import (
    add_photo,
    add_photo_from_url,
    change_photo,
    confirm_upload,
    delete_photo,
    start_upload,
)
from catalog.storage import Storage, UploadForm
from tests.catalog.makers import make_worker
from tests.catalog.sent import sent as waiting_messages
from tests.catalog.web import photo as photo_answer
from tests.catalog.web import serve

pytestmark = pytest.mark.usefixtures("db", "broker")

Sent = Callable[[], list[tuple[str, int]]]


@pytest.fixture
def lamp(db: None) -> Product:
    make_worker()
    merchant = Merchant.objects.create(name="Lamp House", slug="lamp-house")
    return Product.objects.create(merchant=merchant, sku="LAMP-1", title="Lamp")


@pytest.fixture
def jpeg(samples: Path) -> bytes:
    return (samples / "lamp" / "front.jpg").read_bytes()


@pytest.fixture
def sent(broker: Any) -> Sent:
    """(actor, id) of every message that waits in the queues."""
    return lambda: [message[1:] for message in waiting_messages(broker)]


def add(product: Product, data: bytes, name: str = "front.jpg", **more: str) -> Photo:
    return add_photo(product, name=name, data=io.BytesIO(data), **more)


def checking(product: Product, data: bytes) -> Photo:
    """A photo that came by an upload: its hash is not known yet."""
    key = f"photos/x/{len(data)}"
    return Photo.objects.create(product=product, merchant=product.merchant, name="x.jpg", key=key)


# received


def test_a_photo_lies_in_the_store_before_anybody_hears_of_it(
    lamp: Product, jpeg: bytes, storage: Storage, sent: Sent, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        photo = add(lamp, jpeg, view="front", rights="own work")
    assert storage.get(photo.key) == jpeg
    assert storage.stat(photo.key).content_type == photo.content_type == "image/jpeg"
    assert photo.key.startswith(f"photos/{lamp.merchant.public_id}/")
    assert (photo.sha256, photo.bytes) == (sha256(jpeg).hexdigest(), len(jpeg))
    assert (photo.state, photo.view, photo.rights) == ("checking", "front", "own work")
    assert sent() == [("inspect_photo", photo.pk)]


def test_the_same_bytes_again_are_the_same_photo(lamp: Product, jpeg: bytes, storage: Storage) -> None:
    first = add(lamp, jpeg)
    assert add(lamp, jpeg, name="again.jpg", view="back") == first
    assert lamp.photos.count() == 1
    other = Product.objects.create(merchant=lamp.merchant, sku="LAMP-2", title="Lamp")
    assert add(other, jpeg) != first


@pytest.mark.django_db(transaction=True)
def test_the_same_bytes_many_times_at_once_are_one_photo(lamp: Product, jpeg: bytes, storage: Storage) -> None:
    def send(_: int) -> int:
        try:
            return add(lamp, jpeg).pk
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(send, range(8)))
    photo = Photo.objects.get()
    assert found == {photo.pk}
    assert storage.get(photo.key) == jpeg
    assert list(storage.list("photos/")) == [photo.key]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "photo_empty"),
        (b"<html>", "not_an_image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not_an_image"),
        (b"\xff\xd8\xff" + bytes(3000), "photo_too_large"),
    ],
)
def test_what_is_no_photo_reaches_neither_store_nor_table(
    lamp: Product, storage: Storage, settings: Any, data: bytes, code: str
) -> None:
    settings.MAX_PHOTO_BYTES = 3000
    with pytest.raises(Invalid) as caught:
        add(lamp, data)
    assert caught.value.code == code and list(caught.value.fields) == ["file"]
    assert not lamp.photos.exists() and list(storage.list("photos/")) == []


def test_a_product_has_only_so_many_photos(lamp: Product, storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photos, "MAX_PHOTOS", 2)
    for n in range(2):
        add(lamp, b"\xff\xd8\xff" + bytes([n]))
    for more in (
        lambda: add(lamp, b"\xff\xd8\xff new"),
        lambda: add_photo_from_url(lamp, "https://shop.example/a.jpg"),
        lambda: start_upload(lamp, name="a.jpg", content_type="image/jpeg"),
    ):
        with pytest.raises(Conflict, match="too_many_photos"):
            more()


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("C:\\shots\\front.jpg", "front.jpg"),
        ("../../etc/passwd", "passwd"),
        ("a\r\nb\0.jpg", "ab.jpg"),
        ("", "photo"),
        ("folder/", "photo"),
        ("ä" * 300, "ä" * 200),
    ],
)
def test_names_lose_what_is_no_name(lamp: Product, storage: Storage, name: str, kept: str) -> None:
    assert add(lamp, b"\xff\xd8\xff", name=name).name == kept


def test_a_side_that_nobody_knows_is_refused(lamp: Product, storage: Storage) -> None:
    with pytest.raises(Invalid, match="unknown_view"):
        add(lamp, b"\xff\xd8\xff", view="inside")


# uploaded straight to the store


def upload(form: UploadForm, data: bytes, **forged: str) -> int:
    return requests.post(form.url, {**form.fields, **forged}, files={"file": ("x", data)}, timeout=10).status_code


def test_an_upload_is_taken_over_when_it_is_confirmed(
    lamp: Product, jpeg: bytes, storage: Storage, sent: Sent, django_capture_on_commit_callbacks: Any
) -> None:
    photo, form = start_upload(lamp, name="front.jpg", content_type="image/jpeg", view="front")
    place = photo.key
    assert photo.state == "awaited" and place.startswith("uploads/")
    assert upload(form, jpeg) in {200, 201, 204}
    with django_capture_on_commit_callbacks(execute=True):
        confirmed = confirm_upload(photo)
        again = confirm_upload(confirmed)
    assert again == confirmed and confirmed.state == "checking" and confirmed.bytes == len(jpeg)
    assert confirmed.key.startswith(f"photos/{lamp.merchant.public_id}/") and storage.get(confirmed.key) == jpeg
    assert sent() == [("inspect_photo", photo.pk)]
    assert list(storage.list("uploads/")) == [], "what the form can still overwrite is not what we keep"


def test_what_has_not_arrived_cannot_be_confirmed(lamp: Product, storage: Storage) -> None:
    photo, _ = start_upload(lamp, name="front.jpg", content_type="image/jpeg")
    with pytest.raises(Conflict, match="upload_missing"):
        confirm_upload(photo)
    photo.refresh_from_db()
    assert photo.state == "awaited"


@pytest.mark.parametrize(
    ("data", "content_type", "code"),
    [
        (bytes(3001), "image/jpeg", "photo_too_large"),
        (b"<script>", "text/html", "not_an_image"),
        (b"", "image/jpeg", "photo_empty"),
    ],
)
def test_what_lies_at_the_place_by_other_ways_is_checked(
    lamp: Product, storage: Storage, settings: Any, data: bytes, content_type: str, code: str
) -> None:
    settings.MAX_PHOTO_BYTES = 3000
    photo, _ = start_upload(lamp, name="front.jpg", content_type="image/jpeg")
    storage.put(photo.key, data, content_type=content_type)
    with pytest.raises(Invalid, match=code):
        confirm_upload(photo)
    photo.refresh_from_db()
    assert photo.state == "awaited" and list(storage.list("photos/")) == []


def test_the_form_takes_no_more_than_the_limit_and_no_other_type(
    lamp: Product, storage: Storage, settings: Any
) -> None:
    settings.MAX_PHOTO_BYTES = 3000
    photo, form = start_upload(lamp, name="front.jpg", content_type="image/jpeg")
    assert upload(form, bytes(3001)) >= 400
    assert upload(form, b"x", **{"Content-Type": "text/html"}) >= 400
    assert upload(form, b"x", key=photo.key + "x") >= 400
    assert upload(form, b"x", policy=form.fields["policy"][:-4] + "AAAA") >= 400
    with pytest.raises(Conflict, match="upload_missing"):
        confirm_upload(photo)


def test_only_photos_may_be_announced(lamp: Product, storage: Storage) -> None:
    for content_type in ("text/html", "image/svg+xml", "", "application/octet-stream"):
        with pytest.raises(Invalid, match="not_an_image"):
            start_upload(lamp, name="x", content_type=content_type)
    assert not lamp.photos.exists()


@pytest.mark.django_db(transaction=True)
def test_confirming_many_times_at_once_sends_one_message(
    lamp: Product, jpeg: bytes, storage: Storage, sent: Sent
) -> None:
    photo, form = start_upload(lamp, name="front.jpg", content_type="image/jpeg")
    upload(form, jpeg)

    def confirm(_: int) -> str:
        try:
            return confirm_upload(Photo.objects.get(pk=photo.pk)).state
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(confirm, range(8))) == {"checking"}
    assert sent() == [("inspect_photo", photo.pk)]


# fetched


def test_a_photo_to_be_fetched_waits_for_a_worker_once(
    lamp: Product, sent: Sent, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.FETCH_ALLOWED_NETWORKS = ("127.0.0.0/8",)
    with serve(photo_answer(b"never asked")) as web:
        with django_capture_on_commit_callbacks(execute=True):
            photo = add_photo_from_url(lamp, f"{web.url}/img/lamp%20front.jpg?w=2", view="front")
            assert add_photo_from_url(lamp, f"{web.url}/img/lamp%20front.jpg?w=2") == photo
        assert (photo.state, photo.name) == ("awaited", "lamp front.jpg")
        assert web.requests == [], "the web process fetches nothing"
    assert sent() == [("fetch_photo", photo.pk)]


def test_a_rejected_address_may_be_tried_again(lamp: Product) -> None:
    photo = add_photo_from_url(lamp, "https://shop.example/a.jpg")
    Photo.objects.filter(pk=photo.pk).update(state=PhotoState.REJECTED, reject_code="url_status")
    assert add_photo_from_url(lamp, "https://shop.example/a.jpg") != photo


def test_an_address_that_will_not_do_is_refused_at_once(lamp: Product) -> None:
    with pytest.raises(Invalid, match="url_scheme"):
        add_photo_from_url(lamp, "ftp://shop.example/a.jpg")
    assert not lamp.photos.exists()


# changed and deleted


def test_a_photo_is_told_which_side_it_shows(lamp: Product) -> None:
    photo = checking(lamp, b"1")
    assert change_photo(photo, "three-quarter").view == "three-quarter"
    assert change_photo(photo, "").view == ""
    with pytest.raises(Invalid, match="unknown_view"):
        change_photo(photo, "inside")
    photo.refresh_from_db()
    assert photo.view == ""


def test_a_deleted_photo_goes_from_the_store_too(
    lamp: Product, jpeg: bytes, storage: Storage, django_capture_on_commit_callbacks: Any
) -> None:
    photo = add(lamp, jpeg)
    other = Product.objects.create(merchant=lamp.merchant, sku="LAMP-2", title="Lamp")
    twin = add(other, jpeg)
    with django_capture_on_commit_callbacks(execute=True):
        delete_photo(photo)
    assert not lamp.photos.exists()
    assert list(storage.list("photos/")) == [twin.key]
