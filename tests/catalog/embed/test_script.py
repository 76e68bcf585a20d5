"""The script that shops embed is small, fresh, and speaks its languages whole."""

import gzip
import json
import re
from collections.abc import Iterator

import pytest
from django.test import Client

from catalog.embed.script import WORDS, languages, read_script


@pytest.fixture(autouse=True)
def _hashed(settings, tmp_path) -> Iterator[None]:
    """Addresses as long as in production."""
    names = (
        "embed/live.js",
        "embed/none.js",
        "vendor/model-viewer.min.js",
        *(f"embed/words/{x}.json" for x in languages()),
    )
    hashed = {name: re.sub(r"(\.\w+)$", r".0123456789ab\1", name) for name in names}
    (tmp_path / "staticfiles.json").write_text(json.dumps({"version": "1.1", "paths": hashed, "hash": ""}))
    settings.STATIC_ROOT = tmp_path
    backend = {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": backend}
    read_script.cache_clear()
    yield
    read_script.cache_clear()


def ask(client: Client, **headers: str):
    return client.get("/embed.js", headers=headers)


def test_it_is_smaller_than_five_kilobytes_packed(client: Client) -> None:
    packed = ask(client, accept_encoding="gzip, br")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.content) < 5000
    assert gzip.decompress(packed.content) == ask(client).content


def test_any_page_may_load_it_and_has_a_new_one_within_minutes(client: Client) -> None:
    headers = ask(client).headers
    assert headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert headers["Cache-Control"] == "public, max-age=300, stale-while-revalidate=86400"
    assert headers["Vary"] == "Accept-Encoding"
    assert "Set-Cookie" not in headers


def test_who_has_it_gets_no_body(client: Client) -> None:
    for encoding in ("identity", "gzip"):
        etag = ask(client, accept_encoding=encoding).headers["ETag"]
        again = ask(client, accept_encoding=encoding, if_none_match=etag)
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)


def test_everything_else_is_named_by_its_content(client: Client) -> None:
    text = ask(client).content.decode()
    files = json.loads(re.search(r"const FILES = (\{.*\});", text)[1])  # type: ignore[index]
    words = files.pop("words")
    assert set(words) == set(languages()) - {"en"}
    named = [files["live"], files["none"], files["viewer"], *words.values()]
    assert all(".0123456789ab." in name for name in named)
    assert "/*" not in text.partition("class PlinthViewer")[0]  # both places are filled in


def test_every_language_says_the_same_things() -> None:
    found = {path.stem: json.loads(path.read_text()) for path in WORDS.glob("*.json")}
    assert {"en", "de", "fr"} <= set(found)
    keys = {
        language: {
            (name, inner) for name, word in words.items() for inner in (word if isinstance(word, dict) else [""])
        }
        for language, words in found.items()
    }
    assert all(keys[language] == keys["en"] for language in found)
    said = {
        language: [w for word in words.values() for w in (word.values() if isinstance(word, dict) else [word])]
        for language, words in found.items()
    }
    assert all(all(word.strip() for word in words) for words in said.values())
    assert all(len(set(said[language]) & set(said["en"])) == 0 for language in found if language != "en")


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_nothing_can_be_sent_to_it(client: Client, method: str) -> None:
    assert getattr(client, method)("/embed.js").status_code == 405
