"""What an S3 server must do for us: every check's docstring is one line of the list

Other servers than Amazon's often leave something out, and some leave out what keeps private files private.
"""

import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import urllib3
from botocore.exceptions import ClientError

from assets_pipeline.stores.s3 import PART_BYTES, S3Store, UploadForm
from catalog.errors import Away
from catalog.storage import IMMUTABLE, UPLOADS

GLB, JPEG = "model/gltf-binary", "image/jpeg"


class CheckFailed(Exception):
    """The server does something else; the message says what."""


@dataclass(frozen=True)
class Trial:
    """A place within the bucket for one run of the checks, and a way to come as a stranger."""

    store: S3Store
    private: str
    public: str
    http: urllib3.PoolManager

    def ask(self, url: str, method: str = "GET", **headers: str) -> urllib3.BaseHTTPResponse:
        """What a stranger's browser gets. Names of headers with _ for -."""
        return self.http.request(method, url, headers={name.replace("_", "-"): each for name, each in headers.items()})

    def send(self, form: UploadForm, data: bytes, **changed: str) -> int:
        """The status that a browser gets which sends the form."""
        fields: dict[str, Any] = {**form.fields, **changed, "file": ("photo.jpg", data)}
        return self.http.request("POST", form.url, fields=fields).status


def check_bucket(store: S3Store) -> Iterator[tuple[str, str]]:
    """Run every check; yields (what must be so, what was wrong or nothing). What it stores, it deletes."""
    name = f"check-{secrets.token_hex(8)}"
    http = urllib3.PoolManager(timeout=store.timeout_seconds, retries=False)
    trial = Trial(store, f"{UPLOADS}/{name}", f"{store.public_prefix}{name}", http)
    try:
        for check in CHECKS:
            assert check.__doc__ is not None
            try:
                check(trial)
            except (CheckFailed, Away, ClientError, KeyError, urllib3.exceptions.HTTPError) as error:
                yield check.__doc__, str(error) or type(error).__name__
            else:
                yield check.__doc__, ""
    finally:
        for place in (trial.private, trial.public):
            store.delete(store.list(place))


def expect(found: object, wanted: object, what: str) -> None:
    """Raises CheckFailed when they differ."""
    if found != wanted:
        raise CheckFailed(f"{what}: {found!r} instead of {wanted!r}")


def keeps_objects(trial: Trial) -> None:
    """keeps an object's bytes, content type and SHA-256"""
    key = f"{trial.private}/a b+ü"
    stored = trial.store.put(key, b"data", content_type=GLB)
    expect(trial.store.stat(key), stored, "what is known of it")
    expect(trial.store.get(key), b"data", "its bytes")


def keeps_large_objects(trial: Trial) -> None:
    """takes large objects in parts"""
    data = bytes(PART_BYTES) + b"end"
    trial.store.put(f"{trial.private}/large", data, content_type=GLB)
    expect(trial.store.get(f"{trial.private}/large") == data, True, "the same bytes came back")


def keeps_the_first(trial: Trial) -> None:
    """keeps the first of two objects that are stored with If-None-Match"""
    for _ in range(2):
        try:
            trial.store.client().put_object(
                Bucket=trial.store.bucket, Key=f"{trial.private}/once", Body=b"", IfNoneMatch="*"
            )
            status = 200
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    expect(status, 412, "the answer to the second")


def copies(trial: Trial) -> None:
    """copies within the bucket and gives the copy its own headers"""
    stored = trial.store.put(f"{trial.private}/a", b"data", content_type=JPEG)
    trial.store.copy(stored.key, f"{trial.public}/a", content_type=GLB, cache_control=IMMUTABLE)
    expect(
        trial.store.stat(f"{trial.public}/a"), replace(stored, key=f"{trial.public}/a", content_type=GLB), "the copy"
    )


def lists_and_deletes(trial: Trial) -> None:
    """lists by prefix, page after page, and deletes many at once"""
    keys = {f"{trial.private}/list/{number}" for number in range(3)}
    trial.store.put_all(dict.fromkeys(keys, b""))
    prefix = f"{trial.private}/list/"
    pages = trial.store.client().get_paginator("list_objects_v2")
    found = pages.paginate(Bucket=trial.store.bucket, Prefix=prefix, PaginationConfig={"PageSize": 2})
    expect({each["Key"] for page in found for each in page["Contents"]}, keys, "the listing")
    trial.store.delete(keys)
    expect(list(trial.store.list(prefix)), [], "what is left")


def refuses_strangers(trial: Trial) -> None:
    """shows private objects to nobody without a signature, and lets nobody write"""
    trial.store.put(f"{trial.private}/a", b"data", content_type=JPEG)
    expect(trial.ask(f"{trial.store.bucket_url()}/{trial.private}/a").status, 403, "reading a private object")
    expect(trial.ask(f"{trial.store.bucket_url()}/{trial.public}/b", "PUT").status, 403, "writing a public one")
    expect(trial.ask(f"{trial.store.bucket_url()}/?list-type=2").status, 403, "listing the bucket")


def refuses_wrong_secrets(trial: Trial) -> None:
    """refuses a wrong secret"""
    if not trial.store.secret_key:
        return  # the machine's own role signs; there is no secret to get wrong
    try:
        replace(trial.store, secret_key=secrets.token_hex()).get(f"{trial.private}/a")
    except Away as error:
        expect(error.code, "storage_denied", "the refusal")
    else:
        raise CheckFailed("it was let in")


def shows_published_files(trial: Trial) -> None:
    """shows published files to anyone, with type and Cache-Control, to pages of any site (CORS)"""
    trial.store.put(f"{trial.public}/a", b"0123456789", content_type=GLB, cache_control=IMMUTABLE)
    answer = trial.ask(trial.store.public_url(f"{trial.public}/a"), Origin="https://shop.example")
    expect((answer.status, answer.data), (200, b"0123456789"), "the file")
    expect(answer.headers.get("Content-Type"), GLB, "Content-Type")
    expect(answer.headers.get("Cache-Control"), IMMUTABLE, "Cache-Control")
    expect(answer.headers.get("Access-Control-Allow-Origin") in {"*", "https://shop.example"}, True, "CORS allows it")


def answers_browsers(trial: Trial) -> None:
    """answers Range and If-None-Match"""
    trial.store.put(f"{trial.public}/a", b"0123456789", content_type=GLB, cache_control=IMMUTABLE)
    url = trial.store.public_url(f"{trial.public}/a")
    part = trial.ask(url, Range="bytes=2-4")
    expect((part.status, part.data), (206, b"234"), "a part")
    expect(trial.ask(url, If_None_Match=part.headers.get("ETag", "")).status, 304, "what has not changed")


def signs_links(trial: Trial) -> None:
    """lets signed links read one object until they expire"""
    trial.store.put(f"{trial.private}/a", b"data", content_type=JPEG)
    link, short = (trial.store.link(f"{trial.private}/a", expires_in=seconds) for seconds in (60, 1))
    expect(trial.ask(link).data, b"data", "the object")
    expect(trial.ask(f"{link[:-4]}0000").status, 403, "another signature")
    time.sleep(2.5)
    expect(trial.ask(short).status, 403, "an expired link")


def takes_forms(trial: Trial) -> None:
    """takes uploads by a signed form, of the agreed size, type and place alone"""
    form = trial.store.upload_form(f"{trial.private}/form", content_type=JPEG, max_bytes=100, expires_in=60)
    for what, status in {
        "too large": trial.send(form, bytes(101)),
        "another type": trial.send(form, b"x", **{"Content-Type": "text/html"}),
        "another place": trial.send(form, b"x", key=f"{trial.public}/form"),
    }.items():
        expect(status in {400, 403}, True, f"{what} is refused")
    expect(trial.send(form, bytes(100)) in {200, 201, 204}, True, "what was agreed is taken")
    stored = trial.store.stat(f"{trial.private}/form")
    expect((stored.bytes, stored.content_type), (100, JPEG), "what is known of it")


CHECKS: tuple[Callable[[Trial], None], ...] = (
    keeps_objects,
    keeps_large_objects,
    keeps_the_first,
    copies,
    lists_and_deletes,
    refuses_strangers,
    refuses_wrong_secrets,
    shows_published_files,
    answers_browsers,
    signs_links,
    takes_forms,
)
