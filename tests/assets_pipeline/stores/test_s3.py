"""The S3 store against a real server: what it keeps, whom it lets in, and what it says when the server fails."""

import hashlib
import http.client
import io
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from assets_pipeline.errors import Unavailable
from assets_pipeline.stores.s3 import PART_BYTES, S3Store, UploadForm, content_type_of
from catalog.storage import IMMUTABLE
from infra.bucket import set_up_bucket
from infra.engines.engine import LOOPBACK, Engine, free_ports
from infra.engines.seaweedfs import Room
from tests.engines import fill_up, s3_client, s3_store, start_seaweedfs

GLB = "model/gltf-binary"
JPEG = "image/jpeg"


@pytest.fixture
def store(seaweedfs: Engine, bucket: str) -> S3Store:
    store = s3_store(seaweedfs, bucket)
    list(set_up_bucket(store, checkpoint_days=14))
    return store


def operations(store: S3Store) -> dict[str, Callable[[], Any]]:
    """Everything that asks the server."""
    return {
        "put": lambda: store.put("k", b"data", content_type=GLB),
        "put in parts": lambda: store.put("k", bytes(PART_BYTES + 1), content_type=GLB),
        "put_once": lambda: store.put_once("k", b"data", content_type=GLB),
        "put_all": lambda: store.put_all({"k": b"data"}),
        "get": lambda: store.get("k"),
        "stat": lambda: store.stat("k"),
        "copy": lambda: store.copy("k", "l", content_type=GLB, cache_control=""),
        "delete": lambda: store.delete(["k"]),
        "list": lambda: list(store.list("")),
        "check": store.check,
    }


def refusals(store: S3Store) -> dict[str, str]:
    """What each operation says, all at once: waiting for a server that is away takes its time."""

    def attempt(operation: Callable[[], Any]) -> str:
        try:
            operation()
        except Unavailable as error:
            return error.code
        return "done"

    asked = operations(store)
    with ThreadPoolExecutor(len(asked)) as threads:
        return dict(zip(asked, threads.map(attempt, asked.values()), strict=True))


# What is stored


def test_size_type_and_hash_are_known_without_reading(store: S3Store) -> None:
    stored = store.put("files/a", b"abc", content_type=GLB, cache_control="no-store")
    assert store.stat("files/a") == stored
    assert (stored.bytes, stored.content_type, stored.sha256) == (3, GLB, hashlib.sha256(b"abc").hexdigest())
    assert store.client().head_object(Bucket=store.bucket, Key="files/a")["CacheControl"] == "no-store"


def test_the_server_checks_the_hash_of_what_arrives(store: S3Store) -> None:
    store.put("files/a", b"abc", content_type=GLB)
    head = store.client().head_object(Bucket=store.bucket, Key="files/a", ChecksumMode="ENABLED")
    assert head["ChecksumSHA256"] == "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="


@pytest.mark.parametrize("size", [0, PART_BYTES, 2 * PART_BYTES + 1234])
def test_streams_of_any_size_are_stored_whole_and_stay_open(store: S3Store, size: int) -> None:
    data = os.urandom(size)
    stream = io.BytesIO(data)
    stream.seek(size // 2)
    stored = store.put("photos/large", stream, content_type=JPEG)
    assert not stream.closed
    assert store.get("photos/large") == data
    assert store.stat("photos/large") == stored
    assert (stored.bytes, stored.sha256) == (size, hashlib.sha256(data).hexdigest())


def test_a_stream_that_cannot_go_back_is_stored_whole(store: S3Store) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *args: Any) -> int:
            raise io.UnsupportedOperation

    assert store.put("k", Pipe(b"from a pipe"), content_type=GLB).bytes == 11
    assert store.get("k") == b"from a pipe"


def test_an_upload_in_parts_that_breaks_leaves_nothing_behind(store: S3Store) -> None:
    class Broken(io.BytesIO):
        reads = 0

        def read(self, size: int | None = -1, /) -> bytes:
            if size == PART_BYTES:
                self.reads += 1
                if self.reads == 2:
                    raise OSError("the disk is gone")
            return super().read(size)

    with pytest.raises(OSError, match="the disk is gone"):
        store.put("k", Broken(bytes(2 * PART_BYTES)), content_type=GLB)
    assert list(store.list("")) == []
    assert not store.client().list_multipart_uploads(Bucket=store.bucket).get("Uploads")


def test_what_is_there_is_not_stored_once_more(store: S3Store) -> None:
    first = store.put_once("files/abc", b"first", content_type=GLB)
    again = store.put_once("files/abc", b"other", content_type=JPEG)
    assert again == first
    assert store.get("files/abc") == b"first"


def test_what_was_cut_short_under_a_content_addressed_key_is_stored_again(store: S3Store) -> None:
    store.put("files/abc", b"fir", content_type=GLB)
    stored = store.put_once("files/abc", b"first", content_type=GLB)
    assert (stored.bytes, store.get("files/abc")) == (5, b"first")


def test_of_many_who_store_once_one_wins_and_all_agree(store: S3Store) -> None:
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(lambda n: store.put_once("k", bytes([n]) * 100, content_type=GLB), range(8)))
    assert len(set(results)) == 1
    assert hashlib.sha256(store.get("k")).hexdigest() == results[0].sha256


def test_a_copy_keeps_bytes_and_hash_and_gets_its_own_headers(store: S3Store) -> None:
    data = os.urandom(PART_BYTES + 1)
    stored = store.put("files/a", data, content_type="application/octet-stream")
    store.copy("files/a", "m/a", content_type=GLB, cache_control=IMMUTABLE)
    assert store.get("m/a") == data
    copied = store.stat("m/a")
    assert (copied.content_type, copied.sha256, copied.bytes) == (GLB, stored.sha256, stored.bytes)
    assert store.client().head_object(Bucket=store.bucket, Key="m/a")["CacheControl"] == IMMUTABLE


@pytest.mark.parametrize("method", ["get", "stat", "copy"])
def test_what_is_not_there_is_a_key_error(store: S3Store, method: str) -> None:
    with pytest.raises(KeyError, match="'k'"):
        operations(store)[method]()


def test_listing_and_deleting_go_over_pages(store: S3Store) -> None:
    keys = {f"p/{number:04d}" for number in range(1100)}
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda key: store.put(key, b"", content_type=GLB), keys))
    store.put("q", b"", content_type=GLB)
    listed = list(store.list("p/"))
    assert len(listed) == len(keys)
    assert set(listed) == keys
    store.delete(listed)
    assert list(store.list("")) == ["q"]


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("model.web.glb", GLB),
        ("model.usdz", "model/vnd.usdz+zip"),
        ("poster.webp", "image/webp"),
        ("report.json", "application/json"),
        ("checkpoint.npz", "application/octet-stream"),
    ],
)
def test_files_are_served_as_what_their_names_say(name: str, content_type: str) -> None:
    assert content_type_of(name) == content_type


# Who may read and write


def test_published_files_are_read_by_anyone_with_their_headers(store: S3Store) -> None:
    store.put("m/1/ü b.glb", b"0123456789", content_type=GLB, cache_control=IMMUTABLE)
    answer = requests.get(store.public_url("m/1/ü b.glb"), headers={"Origin": "https://shop.example"})
    assert (answer.status_code, answer.content) == (200, b"0123456789")
    assert answer.headers["Content-Type"] == GLB
    assert answer.headers["Cache-Control"] == IMMUTABLE
    assert answer.headers["Access-Control-Allow-Origin"] in {"*", "https://shop.example"}
    assert "ETag" in answer.headers


def test_browsers_fetch_parts_and_ask_whether_anything_changed(store: S3Store) -> None:
    store.put("m/a.glb", b"0123456789", content_type=GLB, cache_control=IMMUTABLE)
    url = store.public_url("m/a.glb")
    part = requests.get(url, headers={"Range": "bytes=2-4"})
    assert (part.status_code, part.content, part.headers["Content-Range"]) == (206, b"234", "bytes 2-4/10")
    assert requests.get(url, headers={"Range": "bytes=50-60"}).status_code == 416
    etag = requests.head(url).headers["ETag"]
    unchanged = requests.get(url, headers={"If-None-Match": etag})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert requests.get(url, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("key", ["photos/a", "uploads/a", "files/a", "checkpoints/a", "ma", "m"])
def test_nothing_else_is_read_by_strangers(store: S3Store, key: str) -> None:
    store.put(key, b"private", content_type=JPEG)
    url = f"{store.endpoint_url}/{store.bucket}/{key}"
    for method in ("GET", "HEAD"):
        answer = requests.request(method, url)
        assert (answer.status_code, b"private" in answer.content) == (403, False)


@pytest.mark.parametrize(
    "path",
    ["m/../photos/a", "m/%2e%2e/photos/a", "m/..%2fphotos/a", "m//../photos/a", "m/./../photos/a", "m%2f..%2fphotos/a"],
)
def test_no_way_leads_out_of_the_public_prefix(store: S3Store, path: str) -> None:
    store.put("photos/a", b"private", content_type=JPEG)
    store.put("m/a", b"public", content_type=JPEG)
    connection = http.client.HTTPConnection(urlsplit(store.endpoint_url).netloc)
    connection.request("GET", f"/{store.bucket}/{path}")
    answer = connection.getresponse()
    assert b"private" not in answer.read()
    assert answer.status != 200
    connection.close()


def test_strangers_neither_list_nor_write_nor_delete(store: S3Store) -> None:
    store.put("m/a", b"public", content_type=JPEG)
    bucket = f"{store.endpoint_url}/{store.bucket}"
    for method, path in [
        *(
            ("GET", ""),
            ("GET", "?list-type=2&prefix=m/"),
            ("GET", "?policy"),
            ("GET", "?versions"),
            ("GET", "?uploads"),
        ),
        *(("PUT", "/m/b"), ("POST", "/m/b?uploads"), ("DELETE", "/m/a"), ("DELETE", ""), ("PUT", "/m/a?tagging")),
    ]:
        assert requests.request(method, bucket + path, data=b"x").status_code in {400, 403, 405}, (method, path)
    assert b"<Key>" not in requests.get(bucket + "/m/").content
    assert (list(store.list("")), store.get("m/a")) == (["m/a"], b"public")


def test_only_published_files_have_a_lasting_address(store: S3Store) -> None:
    with pytest.raises(ValueError, match="not public"):
        store.public_url("photos/a")
    cdn = S3Store("b", public_base_url="https://cdn.example/x")
    assert cdn.public_url("m/1/a b.glb") == "https://cdn.example/x/m/1/a%20b.glb"
    assert S3Store("b", region="eu-central-1").public_url("m/a") == "https://b.s3.eu-central-1.amazonaws.com/m/a"


def test_a_link_reads_one_private_object_until_it_expires(store: S3Store) -> None:
    store.put("files/a", b"private", content_type=GLB)
    store.put("files/b", b"other", content_type=GLB)
    link = store.link("files/a", expires_in=60, filename='ein "Stuhl" ü.glb')
    answer = requests.get(link)
    assert (answer.status_code, answer.content) == (200, b"private")
    assert answer.headers["Content-Disposition"].endswith("filename*=UTF-8''ein%20%22Stuhl%22%20%C3%BC.glb")
    assert "Content-Disposition" not in requests.get(store.link("files/a", expires_in=60)).headers
    for tampered in (
        link[:-4] + "0000",
        link.replace("files/a", "files/b"),
        link.replace("X-Amz-Expires=60", "X-Amz-Expires=600"),
        link.replace(".glb", ".exe"),
    ):
        assert requests.get(tampered).status_code == 403
    assert requests.put(link, data=b"written").status_code == 403
    assert store.get("files/a") == b"private"


def test_a_link_and_a_form_end_when_they_said(store: S3Store) -> None:
    store.put("files/a", b"private", content_type=GLB)
    link = store.link("files/a", expires_in=1)
    form = store.upload_form("uploads/a", content_type=JPEG, max_bytes=100, expires_in=1)
    time.sleep(2.2)
    assert requests.get(link).status_code == 403
    assert send(form, b"late") == 403
    assert list(store.list("uploads/")) == []


def test_presigned_addresses_are_those_that_browsers_reach(store: S3Store) -> None:
    outside = s3_store_like(store, browser_url="https://files.shop.example")
    assert outside.link("files/a", expires_in=60).startswith(f"https://files.shop.example/{store.bucket}/files/a?")
    form = outside.upload_form("uploads/a", content_type=JPEG, max_bytes=1, expires_in=60)
    assert form.url == f"https://files.shop.example/{store.bucket}"
    assert outside.public_url("m/a") == f"https://files.shop.example/{store.bucket}/m/a"
    outside.check()  # while we go the short way


def s3_store_like(store: S3Store, **options: Any) -> S3Store:
    return S3Store(**{**vars(store), **options})


def send(form: UploadForm, data: bytes, **changed: str) -> int:
    """What the server answers to a browser that sends the form."""
    return requests.post(form.url, data={**form.fields, **changed}, files={"file": ("photo.jpg", data)}).status_code


def test_a_form_stores_one_object_of_its_type_and_size(store: S3Store) -> None:
    form = store.upload_form("uploads/1/a", content_type=JPEG, max_bytes=1000, expires_in=60)
    assert send(form, b"P" * 1000) in {200, 201, 204}
    stored = store.stat("uploads/1/a")
    assert (stored.bytes, stored.content_type, stored.sha256) == (1000, JPEG, "")
    assert store.get("uploads/1/a") == b"P" * 1000


@pytest.mark.parametrize(
    ("data", "changed"),
    [
        pytest.param(b"P" * 1001, {}, id="too large"),
        pytest.param(b"P" * 3_000_000, {}, id="far too large"),
        pytest.param(b"", {}, id="empty"),
        pytest.param(b"P", {"Content-Type": "text/html"}, id="another type"),
        pytest.param(b"P", {"key": "m/a"}, id="another place"),
        pytest.param(b"P", {"key": "uploads/../m/a"}, id="a way out"),
        pytest.param(b"P", {"x-amz-signature": "0" * 64}, id="another signature"),
        pytest.param(b"P", {"policy": "e30="}, id="another policy"),
    ],
)
def test_a_form_stores_nothing_else(store: S3Store, data: bytes, changed: dict[str, str]) -> None:
    form = store.upload_form("uploads/1/a", content_type=JPEG, max_bytes=1000, expires_in=60)
    assert send(form, data, **changed) in {400, 403}
    assert list(store.list("")) == []


def test_no_field_of_a_form_makes_an_upload_public(store: S3Store) -> None:
    form = store.upload_form("uploads/1/a", content_type=JPEG, max_bytes=1000, expires_in=60)
    send(form, b"private", acl="public-read")  # Amazon refuses fields that were not agreed, SeaweedFS ignores them
    answer = requests.get(f"{store.endpoint_url}/{store.bucket}/uploads/1/a")
    assert (answer.status_code, b"private" in answer.content) == (403, False)


# When the server fails


def test_a_wrong_secret_is_told_as_denied(store: S3Store) -> None:
    store.put("k", b"data", content_type=GLB)
    wrong = s3_store_like(store, secret_key="not-the-secret")
    assert set(refusals(wrong).values()) == {"storage_denied"}
    assert requests.get(wrong.link("k", expires_in=60)).status_code == 403
    form = wrong.upload_form("uploads/a", content_type=JPEG, max_bytes=10, expires_in=60)
    assert send(form, b"P") == 403
    assert list(store.list("")) == ["k"]


def test_a_missing_bucket_is_told_with_what_to_do(store: S3Store) -> None:
    missing = s3_store_like(store, bucket="never-made")
    told = refusals(missing)
    assert told.pop("delete") in {"done", "storage_away"}  # nothing is there to delete
    assert set(told.values()) == {"storage_away"}
    with pytest.raises(Unavailable, match="setup_storage"):
        missing.check()


def test_a_server_that_is_stopped_is_away_and_one_that_is_back_serves(tmp_path: Path) -> None:
    engine = start_seaweedfs(tmp_path)
    s3_client(engine).create_bucket(Bucket="kept")
    store = s3_store(engine, "kept")
    store.put("k", b"data", content_type=GLB)
    engine.kill()
    assert set(refusals(store).values()) == {"storage_away"}
    again = start_seaweedfs(tmp_path)
    try:
        assert again.url == engine.url
        assert store.get("k") == b"data"
        store.put("k", b"new", content_type=GLB)
    finally:
        again.kill()


def test_a_server_that_hangs_is_away_before_long(seaweedfs: Engine, tmp_path: Path) -> None:
    engine = start_seaweedfs(tmp_path)
    try:
        s3_client(engine).create_bucket(Bucket="kept")
        store = s3_store(engine, "kept", timeout_seconds=0.3)
        store.put("k", b"data", content_type=GLB)
        os.kill(engine.pid, signal.SIGSTOP)
        start = time.monotonic()
        assert set(refusals(store).values()) == {"storage_away"}
        assert time.monotonic() - start < 15
    finally:
        engine.kill()


def test_a_full_server_stores_nothing_and_still_reads(tmp_path: Path) -> None:
    engine = start_seaweedfs(tmp_path, room=Room(2, 1_048_576))
    try:
        s3_client(engine).create_bucket(Bucket="full")
        store = s3_store(engine, "full")
        store.put("k", b"kept", content_type=GLB)
        fill_up(store)
        before = set(store.list(""))
        for attempt in (
            lambda: store.put("new", bytes(1000), content_type=GLB),
            lambda: store.put("new", bytes(PART_BYTES + 1), content_type=GLB),
            lambda: store.put_all({"new": bytes(1000), "other": bytes(1000)}),
            lambda: store.put_once("new", bytes(1000), content_type=GLB),
        ):
            with pytest.raises(Unavailable, match="may be full"):
                attempt()
        assert set(store.list("")) == before
        assert store.get("k") == b"kept"
        store.delete(["k"])
        assert "k" not in set(store.list(""))
    finally:
        engine.kill()


@contextmanager
def foreign_server(answer: bytes) -> Iterator[S3Store]:
    """A server somewhere that answers everything with the same bytes and hangs up."""

    class Handler(BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            self.close_connection = True
            if self.rfile.readline():
                self.wfile.write(answer)

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield S3Store("b", endpoint_url=f"http://{LOOPBACK}:{server.server_port}", access_key="a", secret_key="s")
    finally:
        server.shutdown()
        server.server_close()


def answer(status: str, code: str = "", *, body: bytes | None = None, length: int | None = None) -> bytes:
    text = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode() if body is None else body
    size = len(text) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\nContent-Type: application/xml\r\n\r\n".encode() + text


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (answer("507 Insufficient Storage", "XMinioStorageFull"), "storage_full"),
        (answer("507 Insufficient Storage", "Other"), "storage_full"),
        (answer("403 Forbidden", "QuotaExceeded"), "storage_full"),
        (answer("403 Forbidden", "AccessDenied"), "storage_denied"),
        (answer("403 Forbidden", "RequestTimeTooSkewed"), "storage_denied"),
        (answer("400 Bad Request", "ExpiredToken"), "storage_denied"),
        (answer("401 Unauthorized", body=b"<html>who are you?</html>"), "storage_denied"),
        (answer("404 Not Found", "NoSuchBucket"), "storage_away"),
        (answer("429 Too Many", "SlowDown"), "storage_away"),
        (answer("503 Away", "SlowDown"), "storage_away"),
        (answer("500 Oh", "InternalError"), "storage_away"),
        (answer("502 Bad Gateway", body=b"<html>proxy</html>"), "storage_away"),
        (answer("400 Bad Request", "BadDigest"), "storage_away"),
        (answer("200 OK", body=b"short", length=100), "storage_away"),
        (b"SSH-2.0-OpenSSH\r\n", "storage_away"),
        (b"", "storage_away"),
    ],
    ids=lambda said: str(said)[:45],
)
def test_every_refusal_of_a_server_has_its_name(said: bytes, code: str) -> None:
    with foreign_server(said) as store, pytest.raises(Unavailable) as caught:
        store.get("k")
    assert caught.value.code == code
    assert caught.value.__cause__ is not None


def test_a_page_instead_of_a_listing_is_no_s3_server() -> None:
    with foreign_server(answer("200 OK", body=b"<html><p>log in")) as store, pytest.raises(Unavailable):
        list(store.list(""))


def test_a_request_that_is_our_mistake_stays_a_bug() -> None:
    with foreign_server(answer("400 Bad Request", "InvalidArgument")) as store:
        with pytest.raises(Exception, match="InvalidArgument") as caught:
            store.get("k")
        assert not isinstance(caught.value, Unavailable)


def test_no_key_at_all_is_denied(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(Unavailable) as caught:
        S3Store("b", endpoint_url=f"http://{LOOPBACK}:{free_ports(1)[0]}").get("k")
    assert caught.value.code == "storage_denied"


# How it is made


def test_no_secret_is_shown(store: S3Store) -> None:
    assert store.secret_key not in repr(store)
    assert store.access_key not in repr(store)


def test_what_away_means_is_its_owners_matter_and_survives_pickling(store: S3Store) -> None:
    mine = pickle.loads(pickle.dumps(s3_store_like(store, secret_key="wrong", away=Elsewhere)))
    with pytest.raises(Elsewhere) as caught:
        mine.check()
    assert caught.value.args[0] == "storage_denied"


class Elsewhere(Exception):
    pass


def test_it_needs_neither_numpy_nor_django() -> None:
    script = "import sys; import assets_pipeline.stores.s3; print({'numpy', 'django', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_forked_process_opens_its_own_connections(store: S3Store) -> None:
    store.put("k", b"data", content_type=GLB)
    client = store.client()
    assert client is store.client()
    child = os.fork()
    if child == 0:
        os._exit(0 if store.get("k") == b"data" and store.client() is not client else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert store.get("k") == b"data"
