"""The same POST sent twice"""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connections
from django.test.client import encode_multipart
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate

from catalog.api.access import Access
from catalog.api.base import View
from catalog.api.idempotency import IN_FLIGHT, KEPT
from catalog.models import ApiKey, IdempotentRequest, Photo, Product, Role
from catalog.storage import storage as open_storage
from tests.catalog.conftest import Cast, make_cast
from tests.catalog.makers import make_product
from tests.catalog.races import race

MUG = {"sku": "MUG-1", "title": "Mug"}
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
KEY = {"Idempotency-Key": "order-7"}


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_a_request_sent_twice_is_done_once_and_answered_twice(cast: Cast) -> None:
    first = cast.writer.post("products", MUG, headers=KEY)
    again = cast.writer.post("products", MUG, headers=KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true" and "Idempotent-Replayed" not in first.headers
    assert [again.headers[name] for name in ("ETag", "Location")] == [
        first.headers[name] for name in ("ETag", "Location")
    ]
    assert Product.objects.count() == 1


def test_the_order_and_spaces_of_json_do_not_make_another_request(cast: Cast) -> None:
    cast.writer.post("products", MUG, headers=KEY)
    body = json.dumps(dict(reversed(MUG.items())), indent=3)
    again = cast.writer.post("products", body, headers=KEY)
    assert again.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    ("where", "body"), [("products", {"sku": "MUG-2", "title": "Mug"}), ("products?x=1", MUG), ("products", {})]
)
def test_another_request_with_the_key_is_refused(cast: Cast, where: str, body: dict[str, str]) -> None:
    cast.writer.post("products", MUG, headers=KEY)
    assert code(cast.writer.post(where, body, headers=KEY)) == (422, "idempotency_key_reused")
    assert Product.objects.count() == 1


def test_a_key_is_a_merchants_own(cast: Cast) -> None:
    cast.writer.post("products", MUG, headers=KEY)
    theirs = cast.stranger_key.post("products", {"sku": "X", "title": "X"}, headers=KEY)
    assert theirs.status_code == 201


def test_a_refusal_is_answered_again_too(cast: Cast) -> None:
    first = cast.writer.post("products", {"sku": "MUG-1"}, headers=KEY)
    again = cast.writer.post("products", {"sku": "MUG-1"}, headers=KEY)
    assert code(first) == code(again) == (422, "bad_value")
    assert again.headers["Idempotent-Replayed"] == "true"


def test_whoever_may_not_write_learns_nothing_from_a_key(cast: Cast) -> None:
    cast.writer.post("products", MUG, headers=KEY)
    assert code(cast.reader.post("products", MUG, headers=KEY)) == (403, "read_only")
    assert cast.nobody.post("products", MUG, headers=KEY).status_code == 401


def test_the_text_of_an_api_key_is_told_once_and_kept_nowhere(cast: Cast) -> None:
    first = cast.owner.post("keys", {"name": "shop"}, headers=KEY)
    again = cast.owner.post("keys", {"name": "shop"}, headers=KEY)
    assert first.json()["key"].startswith("plk_") and again.json() == first.json() | {"key": None}
    assert ApiKey.objects.filter(name="shop").count() == 1
    assert first.json()["key"] not in json.dumps(list(IdempotentRequest.objects.values("body")))


def test_while_the_first_is_being_worked_on_the_second_has_to_wait(cast: Cast) -> None:
    cast.writer.post("products", MUG, headers=KEY)
    IdempotentRequest.objects.update(status=None, body=None)
    answer = cast.writer.post("products", MUG, headers=KEY)
    assert code(answer) == (409, "request_in_flight")
    assert answer.headers["Retry-After"] == "1"


def test_what_a_dead_request_has_left_is_taken_over_after_a_minute(cast: Cast) -> None:
    cast.writer.post("products", MUG, headers=KEY)
    Product.objects.all().delete()
    IdempotentRequest.objects.update(status=None, body=None, created_at=timezone.now() - IN_FLIGHT)
    assert cast.writer.post("products", MUG, headers=KEY).status_code == 201
    assert cast.writer.post("products", MUG, headers=KEY).headers["Idempotent-Replayed"] == "true"
    assert Product.objects.count() == 1


def test_after_a_day_the_key_is_free(cast: Cast) -> None:
    cast.writer.post("products", MUG, headers=KEY)
    IdempotentRequest.objects.update(created_at=timezone.now() - KEPT - timedelta(seconds=1))
    assert cast.writer.post("products", {"sku": "MUG-2", "title": "Mug"}, headers=KEY).status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 256, "ä", "a\tb"])
def test_a_key_that_is_none_is_refused(cast: Cast, key: str) -> None:
    assert code(cast.writer.post("products", MUG, headers={"Idempotency-Key": key})) == (422, "bad_idempotency_key")
    assert not Product.objects.exists()


def test_a_forms_boundary_does_not_make_another_request_but_its_file_does(
    cast: Cast, storage: object, broker: object
) -> None:
    product = make_product(cast.shop, photos=0)

    def send(boundary: str, data: bytes, view: str = "front") -> Any:
        file = SimpleUploadedFile("mug.png", data, "image/png")
        body = encode_multipart(boundary, {"file": file, "view": view, "rights": "ours"})
        kind = f"multipart/form-data; boundary={boundary}"
        where = f"products/{product.public_id}/photos"
        return cast.writer.post(where, body, content_type=kind, headers=KEY)

    one, other = PNG, PNG + b"more"
    first = send("aaaa", one)
    again = send("bbbb", one)
    assert (first.status_code, again.status_code) == (201, 201), first.content
    assert again.json() == first.json() and again.headers["Idempotent-Replayed"] == "true"
    assert code(send("cccc", other)) == (422, "idempotency_key_reused")
    assert code(send("dddd", one, view="back")) == (422, "idempotency_key_reused")
    assert Photo.objects.count() == 1


def test_an_answer_that_was_our_fault_is_not_kept(cast: Cast, settings: Any) -> None:
    settings.ENV = replace(settings.ENV, s3_endpoint_url="http://127.0.0.1:9")
    open_storage.cache_clear()
    where = f"products/{make_product(cast.shop).public_id}/photos"
    form = {"file": SimpleUploadedFile("mug.png", PNG, "image/png"), "rights": "ours"}
    away = cast.writer.post(where, form, form=True, headers=KEY)
    open_storage.cache_clear()
    assert code(away) == (503, "storage_away")
    assert int(away.headers["Retry-After"]) > 0
    assert not IdempotentRequest.objects.exists()


class Broken(View):
    """A view with a bug."""

    def post(self, request: Request) -> Response:
        return self.show({"third": 1 / len(request.data)})


def test_a_bug_of_ours_lets_go_of_the_key(cast: Cast) -> None:
    request = APIRequestFactory().post("/", {}, format="json", headers=KEY)
    force_authenticate(request, user=User.objects.first(), token=Access(cast.shop, Role.OWNER))  # type: ignore[arg-type]
    with pytest.raises(ZeroDivisionError):
        Broken.as_view()(request)
    assert not IdempotentRequest.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_many_at_the_same_moment_one_is_done(settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    cast = make_cast()
    answers = race(*[lambda: cast.writer.post("products", MUG, headers=KEY)] * 4)
    assert not [answer for answer in answers if isinstance(answer, DatabaseError)]
    assert Product.objects.count() == 1
    statuses = sorted(answer.status_code for answer in answers)
    assert set(statuses) <= {201, 409} and 201 in statuses
    connections.close_all()
