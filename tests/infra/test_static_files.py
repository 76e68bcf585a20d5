"""Static files are served in both kinds of server, whole, in part, packed or not at all."""

import asyncio
import gzip
import warnings
from pathlib import Path

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from infra.static_files import serve_static

STYLE = b"body { color: black }\n" * 100


@pytest.fixture
def folder(tmp_path: Path, settings) -> Path:
    settings.STATIC_ROOT = tmp_path
    (tmp_path / "a.0123456789ab.css").write_bytes(STYLE)
    (tmp_path / "a.0123456789ab.css.gz").write_bytes(gzip.compress(STYLE))
    return tmp_path


def ask(path: str, **headers: str) -> HttpResponse:
    """From the asynchronous handler; the synchronous one must say the same."""

    async def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse("from the view")

    request = RequestFactory().get(path, headers=headers)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        later = asyncio.run(serve_static(view)(request))  # type: ignore[arg-type]
    at_once = serve_static(lambda request: HttpResponse("from the view"))(request)  # type: ignore[arg-type, return-value]
    body = b"".join(at_once) if at_once.streaming else at_once.content  # type: ignore[union-attr, arg-type]
    at_once.close()  # type: ignore[union-attr]
    assert (later.status_code, later.content) == (at_once.status_code, body)  # type: ignore[union-attr]
    assert later.headers.items() == at_once.headers.items()  # type: ignore[union-attr]
    return later  # type: ignore[return-value]


def test_a_file_is_sent_whole(folder: Path) -> None:
    response = ask("/static/a.0123456789ab.css")
    assert (response.status_code, response.content) == (200, STYLE)
    assert response["Content-Type"].startswith("text/css")


def test_a_packed_file_is_sent_to_who_can_unpack_it(folder: Path) -> None:
    response = ask("/static/a.0123456789ab.css", **{"Accept-Encoding": "gzip"})
    assert response["Content-Encoding"] == "gzip"
    assert gzip.decompress(response.content) == STYLE


def test_a_part_of_a_file_is_sent(folder: Path) -> None:
    response = ask("/static/a.0123456789ab.css", Range="bytes=5-9")
    assert (response.status_code, response.content) == (206, STYLE[5:10])


def test_what_is_known_already_is_not_sent_again(folder: Path) -> None:
    etag = ask("/static/a.0123456789ab.css")["ETag"]
    response = ask("/static/a.0123456789ab.css", **{"If-None-Match": etag})
    assert (response.status_code, response.content) == (304, b"")


def test_everything_else_goes_on_to_the_views(folder: Path) -> None:
    for path in ("/", "/static/none.css", "/static/../secret"):
        assert ask(path).content == b"from the view"
