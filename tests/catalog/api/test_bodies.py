"""Bodies that are odd, hostile or of the wrong kind: a clear refusal, never an error of ours"""

from typing import Any

import pytest

from catalog.models import Product
from tests.catalog.conftest import Cast

DEEP = "[" * 100_000


def answer_to(cast: Cast, body: str | bytes, kind: str = "application/json") -> tuple[int, str]:
    answer = cast.writer.post("products", body, content_type=kind)
    told = answer.json()
    assert set(told) == {"error", "request_id"} and set(told["error"]) == {"code", "message", "fields"}
    assert told["request_id"] == answer.headers["X-Request-ID"]
    assert not Product.objects.exists()
    return answer.status_code, told["error"]["code"]


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "nonsense",
        "[]",
        '"text"',
        "null",
        b"\xff\xfe{}",
        b'{"sku": "\xc3\x28"}',
        b"\xef\xbb\xbf{}",
        '{"sku": "a", "sku": "b"}',
        '{"sku": "\\u0000"}',
        '{"\\u0000": 1}',
        '{"sku": "\\ud800"}',
        '{"tags": [["\\udfff"]]}',
        '{"height": NaN}',
        '{"height": -Infinity}',
        '{"height": 1e999}',
        f'{{"height": {"9" * 400}}}',
        f'{{"height": {"9" * 5000}}}',
        f'{{"height": {2**63}}}',
        DEEP,
        '{"tags": ' + "[" * 30 + "]" * 30 + "}",
        '{"a":' * 5000,
    ],
)
def test_what_is_no_json_of_ours_is_malformed(cast: Cast, body: str | bytes) -> None:
    assert answer_to(cast, body) == (400, "malformed")


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "x/y", "x"],
)
def test_another_content_type_is_refused(cast: Cast, kind: str) -> None:
    assert answer_to(cast, '{"sku": "a", "title": "b"}', kind) == (415, "unsupported_media_type")


def test_json_with_parameters_of_its_type_is_json(cast: Cast) -> None:
    kind = "application/json; charset=utf-8"
    assert cast.writer.post("products", {"sku": "a", "title": "ä"}, content_type=kind).status_code == 201


def test_a_huge_body_is_refused(cast: Cast, settings: Any) -> None:
    body = '{"title": "' + "x" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE + '"}'
    assert answer_to(cast, body) == (413, "body_too_large")


def test_a_body_of_unknown_length_is_refused(cast: Cast) -> None:
    answer = cast.writer.generic("POST", "products", b"", "application/json", headers={"Transfer-Encoding": "chunked"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (411, "length_required")


def test_no_body_at_all_is_an_empty_object(cast: Cast) -> None:
    answer = cast.writer.generic("POST", "products", b"", "")
    assert (answer.status_code, set(answer.json()["error"]["fields"])) == (422, {"sku", "title"})


def test_every_mistake_is_named_at_once(cast: Cast) -> None:
    body = {"sku": "", "height": "x", "tags": ["", 5], "colour": "red"}
    error = cast.writer.post("products", body).json()["error"]
    assert set(error["fields"]) == {"sku", "title", "height", "tags.0", "tags.1", "colour"}
    assert (error["code"], error["message"]) == ("unknown_field", "There is no field colour.")


@pytest.mark.parametrize("where", ["nothing", "products/a/b/c", "", "products/", "jobs/"])
def test_addresses_that_are_none_are_told_in_the_same_shape(cast: Cast, where: str) -> None:
    for caller in (cast.nobody, cast.owner):
        answer = caller.get(where)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize("name", ["%00", "prd_%00", "x" * 5000, "%F0%9F%92%A9", "%ff", "..%2f", "'", "%"])
def test_ids_that_are_none_are_not_found(cast: Cast, name: str) -> None:
    for kind in ("products", "photos", "jobs", "versions", "products/by-sku"):
        assert cast.writer.get(f"{kind}/{name}").status_code == 404, kind


def test_a_method_that_there_is_not_is_told_with_those_that_there_are(cast: Cast) -> None:
    answer = cast.owner.put("products", {})
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "POST", "HEAD", "OPTIONS"}


def test_options_tells_the_methods_and_head_the_headers(cast: Cast) -> None:
    options = cast.reader.options("products")
    assert (options.status_code, options.content) == (204, b"")
    assert set(options.headers["Allow"].split(", ")) == {"GET", "POST", "HEAD", "OPTIONS"}
    get, head = cast.reader.get("merchant"), cast.reader.head("merchant")
    assert (head.status_code, head.content, head.headers["ETag"]) == (200, b"", get.headers["ETag"])


def test_what_callers_accept_does_not_change_what_they_get(cast: Cast) -> None:
    for accepted in ("text/html", "application/json", "image/webp", "nonsense", ""):
        answer = cast.reader.get("me", headers={"Accept": accepted})
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")


def test_answers_are_kept_by_nobody_but_the_caller(cast: Cast) -> None:
    assert cast.reader.get("merchant").headers["Cache-Control"] == "private, no-cache"
