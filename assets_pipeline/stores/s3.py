"""objects -> any S3 server: private and public ones in one bucket"""

import base64
import contextlib
import hashlib
import io
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import islice
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote

from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import ClientError

from assets_pipeline.errors import Unavailable
from assets_pipeline.stores.s3_errors import FOREIGN, Away, explain

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef

ATTEMPTS = 3
"""Of one request, with growing pauses of up to a second or two between them."""

PART_BYTES = 16 * 1_048_576
"""Larger data goes in parts of that size; S3 asks for 5 MiB at least."""

CONTENT_TYPES = {
    ".glb": "model/gltf-binary",
    ".usdz": "model/vnd.usdz+zip",
    ".webp": "image/webp",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".html": "text/html; charset=utf-8",
}


def content_type_of(name: str) -> str:
    """What a file of that name is served as."""
    return CONTENT_TYPES.get(PurePosixPath(name).suffix.lower(), "application/octet-stream")


@dataclass(frozen=True)
class StoredObject:
    """What the store knows of an object. sha256: hex, or empty when it was stored by a form.

    modified_at: when it was stored last, if the server has said so.
    """

    key: str
    bytes: int
    content_type: str
    sha256: str = ""
    modified_at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True)
class UploadForm:
    """A presigned POST: `fields`, then the file, as multipart/form-data to `url`, before it expires."""

    url: str
    fields: Mapping[str, str]
    expires_in: int


@dataclass(frozen=True)
class S3Store:
    """One bucket. Holds no connection: it may be pickled and shared by threads; each process opens its own.

    endpoint_url: empty means Amazon's. browser_url: the same server as browsers reach it, for presigned addresses.
    public_base_url: where objects under `public_prefix` are read from; empty means the bucket itself.
    timeout_seconds: for one sign of life of the server; everything is tried three times.
    Every method that asks the server raises what `away` makes of (code, sentence): `storage_away` when it does not
    answer, `storage_full` when there is no room left, `storage_denied` when it refuses our key.
    """

    bucket: str
    region: str = "us-east-1"
    endpoint_url: str = ""
    browser_url: str = ""
    access_key: str = field(default="", repr=False)
    secret_key: str = field(default="", repr=False)
    public_base_url: str = ""
    public_prefix: str = "m/"
    timeout_seconds: float = 10
    away: Away = field(default=Unavailable, repr=False)

    def put(self, key: str, data: bytes | IO[bytes], *, content_type: str, cache_control: str = "") -> StoredObject:
        """Store `data`, a stream from its beginning, under `key`; replaces what is there."""
        with _seekable(data) as file, self.translated():
            digest, size = _measure(file)
            stored = StoredObject(key, size, content_type, digest)
            if size <= PART_BYTES:
                self._put(stored, file.read(), cache_control)
            else:
                self._put_parts(stored, file, cache_control)
        return stored

    def put_once(self, key: str, data: bytes, *, content_type: str, cache_control: str = "") -> StoredObject:
        """Store under a content-addressed key; when it is there already nothing is sent, and it is what we return.

        What is there with another size is damaged, and replaced.
        """
        with self.translated():
            conditions = {"IfNoneMatch": "*"}
            try:
                known = _described(key, self._head(key))
                if known.bytes == len(data):
                    return known
                conditions = {}
            except KeyError:
                pass
            stored = StoredObject(key, len(data), content_type, hashlib.sha256(data).hexdigest())
            try:
                self._put(stored, data, cache_control, **conditions)
            except ClientError as error:
                if _code(error) not in {"PreconditionFailed", "ConditionalRequestConflict"}:
                    raise
                return self.stat(key)  # another process was faster
        return stored

    def put_all(self, objects: Mapping[str, bytes]) -> None:
        """Store each under its key, or undo those that were stored; see `ObjectStore.put_all`.

        While it runs, S3 shows some already: link to them afterwards. Content types go by the names.
        """
        with contextlib.ExitStack() as undo:
            for key, data in objects.items():
                self._replace(key, data, undo)
            undo.pop_all()

    def get(self, key: str) -> bytes:
        """The bytes under `key`. Raises KeyError."""
        with self.translated(key):
            return self.client().get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def stat(self, key: str) -> StoredObject:
        """What is known of `key` without reading it. Raises KeyError."""
        with self.translated(key):
            try:
                return _described(key, self._head(key))
            except KeyError:
                self.check()  # a bucket that is missing looks the same
                raise

    def copy(self, source: str, target: str, *, content_type: str, cache_control: str) -> None:
        """Copy within the bucket, on the server. Raises KeyError."""
        found = self.stat(source)
        with self.translated(source):
            self.client().copy_object(
                Bucket=self.bucket,
                Key=target,
                CopySource={"Bucket": self.bucket, "Key": source},
                MetadataDirective="REPLACE",
                ChecksumAlgorithm="SHA256",
                **_headers(found.sha256, content_type, cache_control),
            )

    def delete(self, keys: Iterable[str]) -> None:
        """Delete; what is not there is no error."""
        remaining = iter(keys)
        while batch := list(islice(remaining, 1000)):  # S3 takes no more at once
            with self.translated():
                answer = self.client().delete_objects(
                    Bucket=self.bucket, Delete={"Objects": [{"Key": key} for key in batch], "Quiet": True}
                )
            for error in answer.get("Errors", []):
                if error.get("Code") not in {"NoSuchKey", "404"}:
                    denied = error.get("Code") == "AccessDenied"
                    raise self.away(
                        "storage_denied" if denied else "storage_away", "The file store did not delete a file."
                    )

    def list(self, prefix: str) -> Iterator[str]:
        """Every key under `prefix`, once, in the server's order."""
        with self.translated():
            for page in self.client().get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
                yield from (each["Key"] for each in page.get("Contents", []))

    def upload_form(self, key: str, *, content_type: str, max_bytes: int, expires_in: int) -> UploadForm:
        """A form that lets a browser store one object of that type and at most that size."""
        with self.translated():
            form = self.client(browser=True).generate_presigned_post(
                self.bucket,
                key,
                Fields={"Content-Type": content_type},
                Conditions=[{"Content-Type": content_type}, ["content-length-range", 1, max_bytes]],
                ExpiresIn=expires_in,
            )
        return UploadForm(form["url"], form["fields"], expires_in)

    def link(self, key: str, *, expires_in: int, filename: str = "") -> str:
        """A presigned GET address; with `filename` browsers save it under that name (RFC 6266)."""
        asked = {"Bucket": self.bucket, "Key": key}
        if filename:
            asked["ResponseContentDisposition"] = f"attachment; filename*=UTF-8''{quote(filename, safe='')}"
        with self.translated():
            return self.client(browser=True).generate_presigned_url("get_object", Params=asked, ExpiresIn=expires_in)

    def public_url(self, key: str) -> str:
        """The lasting address of an object under `public_prefix`."""
        if not key.startswith(self.public_prefix):
            raise ValueError(f"not public: {key!r}")
        return f"{self.public_base_url or self.bucket_url()}/{quote(key)}"

    def check(self) -> None:
        """Ask the bucket for a sign of life, once: whoever asks wants to know how it is now."""
        with self.translated():
            try:
                self.client(attempts=1).head_bucket(Bucket=self.bucket)
            except ClientError as error:
                if _code(error) == "404":  # a HEAD has no body to say what is missing
                    error.response["Error"]["Code"] = "NoSuchBucket"
                raise

    def client(self, *, browser: bool = False, attempts: int = ATTEMPTS) -> "S3Client":
        """boto3's client; its errors come out as ours within `translated`."""
        endpoint = self.browser_url if browser and self.browser_url else self.endpoint_url
        key = self.access_key, self.secret_key
        return _open_client(os.getpid(), endpoint, self.region, *key, self.timeout_seconds, attempts)

    @contextlib.contextmanager
    def translated(self, key: str = "") -> Iterator[None]:
        """Foreign errors as ours. `key`: whose absence is a KeyError."""
        try:
            yield
        except FOREIGN as error:
            ours = explain(error, key, self.away)
            if ours is error:
                raise
            raise ours from error

    def bucket_url(self) -> str:
        """The bucket as browsers reach it; without a signature it shows what is public."""
        endpoint = self.browser_url or self.endpoint_url
        return f"{endpoint}/{self.bucket}" if endpoint else f"https://{self.bucket}.s3.{self.region}.amazonaws.com"

    def _replace(self, key: str, data: bytes, undo: contextlib.ExitStack) -> None:
        try:
            head = self._head(key)
        except KeyError:
            undo.callback(self.delete, [key])
        else:
            if head["Metadata"].get("sha256") == hashlib.sha256(data).hexdigest():
                return
            kept = {"content_type": head["ContentType"], "cache_control": head.get("CacheControl", "")}
            undo.callback(self.put, key, self.get(key), **kept)
        self.put(key, data, content_type=content_type_of(key))

    def _head(self, key: str) -> "HeadObjectOutputTypeDef":
        with self.translated(key):
            return self.client().head_object(Bucket=self.bucket, Key=key)

    def _put(self, stored: StoredObject, data: bytes, cache_control: str, **conditions: Any) -> None:
        self.client().put_object(
            Bucket=self.bucket,
            Key=stored.key,
            Body=data,
            ChecksumSHA256=base64.b64encode(bytes.fromhex(stored.sha256)).decode(),
            **_headers(stored.sha256, stored.content_type, cache_control),
            **conditions,
        )

    def _put_parts(self, stored: StoredObject, file: IO[bytes], cache_control: str) -> None:
        client = self.client()
        place: dict[str, Any] = {"Bucket": self.bucket, "Key": stored.key}
        upload = client.create_multipart_upload(
            **place, ChecksumAlgorithm="SHA256", **_headers(stored.sha256, stored.content_type, cache_control)
        )
        place["UploadId"] = upload["UploadId"]
        try:
            parts: list[Any] = []
            for number, part in enumerate(iter(lambda: file.read(PART_BYTES), b""), start=1):
                digest = base64.b64encode(hashlib.sha256(part).digest()).decode()
                sent = client.upload_part(**place, PartNumber=number, Body=part, ChecksumSHA256=digest)
                parts.append({"PartNumber": number, "ETag": sent["ETag"], "ChecksumSHA256": digest})
            client.complete_multipart_upload(**place, MultipartUpload={"Parts": parts})
        except BaseException:
            with contextlib.suppress(*FOREIGN):  # what stays behind, the bucket's lifecycle rule removes
                client.abort_multipart_upload(**place)
            raise


@lru_cache(maxsize=16)
def _open_client(
    process: int,
    endpoint_url: str,
    region: str,
    access_key: str,
    secret_key: str,
    timeout_seconds: float,
    attempts: int,
) -> "S3Client":
    """One client for all threads of `process`: connections must not cross a fork."""
    session = Session(access_key or None, secret_key or None, region_name=region)
    config = Config(
        signature_version="s3v4",
        s3={"addressing_style": "path" if endpoint_url else "auto"},
        connect_timeout=min(timeout_seconds, 3),
        read_timeout=timeout_seconds,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=32,
        request_checksum_calculation="when_required",  # we send SHA-256; many servers do not know CRC trailers
    )
    return session.client("s3", endpoint_url=endpoint_url or None, config=config)


@contextlib.contextmanager
def _seekable(data: bytes | IO[bytes]) -> Iterator[IO[bytes]]:
    """The same data as a stream that can be read twice: once for its hash, once to send it."""
    if isinstance(data, bytes):
        yield io.BytesIO(data)
    elif data.seekable():
        data.seek(0)
        yield data
    else:
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(data, copy)
            copy.seek(0)
            yield copy


def _measure(file: IO[bytes]) -> tuple[str, int]:
    """SHA-256 in hex, and the number of bytes; the stream is at its beginning again."""
    digest = hashlib.sha256()
    while part := file.read(1_048_576):
        digest.update(part)
    size = file.tell()
    file.seek(0)
    return digest.hexdigest(), size


def _headers(sha256: str, content_type: str, cache_control: str) -> dict[str, Any]:
    """The hash goes into the metadata too: of what came in parts, S3 knows only the hash of the parts' hashes."""
    headers: dict[str, Any] = {"ContentType": content_type, "Metadata": {"sha256": sha256} if sha256 else {}}
    return {**headers, "CacheControl": cache_control} if cache_control else headers


def _described(key: str, head: "HeadObjectOutputTypeDef") -> StoredObject:
    sha256 = head["Metadata"].get("sha256", "")
    return StoredObject(key, head["ContentLength"], head["ContentType"], sha256, head["LastModified"])


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")
