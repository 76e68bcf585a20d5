"""The object store as the catalogue sees it: the protocol, the prefixes, and how to get at the one that serves

Which adapter serves is told by the setting STORAGE_FACTORY; the catalogue imports none.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import IO, Any, Protocol, cast

from django.conf import settings
from django.utils.module_loading import import_string

PUBLIC = "m"
"""Everything under `m/` is readable by anyone; nothing else is."""

UPLOADS = "uploads"
"""What browsers sent and nobody has confirmed yet; expires after a day."""

UPLOAD_SECONDS = 3600
"""For that long a form for an upload is good."""

PHOTOS, FILES, CHECKPOINTS = "photos", "files", "checkpoints"

IMMUTABLE = "public, max-age=31536000, immutable"
"""Cache-Control of published files: a year, since they lie under the hash of their content and never change."""


class StoredObject(Protocol):
    """What the store knows of an object."""

    @property
    def key(self) -> str: ...

    @property
    def bytes(self) -> int: ...

    @property
    def content_type(self) -> str: ...

    @property
    def sha256(self) -> str:
        """In hex; empty when a browser stored it by an upload form."""
        ...

    @property
    def modified_at(self) -> datetime | None:
        """When it was stored last; None where the server was not asked."""
        ...


class UploadForm(Protocol):
    """A presigned POST: send `fields` and then `file` as multipart/form-data to `url`, before it expires."""

    @property
    def url(self) -> str: ...

    @property
    def fields(self) -> Mapping[str, str]: ...

    @property
    def expires_in(self) -> int:
        """Seconds."""
        ...


class Storage(Protocol):
    """Private and public objects in one bucket.

    Every method that asks the server raises `catalog.errors.Away`: `storage_away`, `storage_full`, `storage_denied`.
    """

    def put(self, key: str, data: bytes | IO[bytes], *, content_type: str, cache_control: str = "") -> StoredObject:
        """Store `data`, a stream from its beginning, with its SHA-256. Replaces what is there."""
        ...

    def put_once(self, key: str, data: bytes, *, content_type: str, cache_control: str = "") -> StoredObject:
        """Store under a content-addressed key; what is there already is kept and returned."""
        ...

    def get(self, key: str) -> bytes:
        """The bytes under `key`. Raises KeyError."""
        ...

    def stat(self, key: str) -> StoredObject:
        """What is known of `key` without reading it. Raises KeyError."""
        ...

    def copy(self, source: str, target: str, *, content_type: str, cache_control: str) -> None:
        """Copy within the bucket, on the server. Raises KeyError."""
        ...

    def delete(self, keys: Iterable[str]) -> None:
        """Delete; what is not there is no error."""
        ...

    def list(self, prefix: str) -> Iterator[str]:
        """Every key under `prefix`, once, in the server's order."""
        ...

    def upload_form(self, key: str, *, content_type: str, max_bytes: int, expires_in: int) -> UploadForm:
        """A form that lets a browser store one object of that type and at most that size."""
        ...

    def link(self, key: str, *, expires_in: int, filename: str = "") -> str:
        """A presigned GET address; with `filename` browsers save it under that name."""
        ...

    def public_url(self, key: str) -> str:
        """The lasting address of an object under `PUBLIC`."""
        ...

    def check(self) -> None:
        """Ask the bucket for a sign of life. Raises when it is away."""
        ...


@cache
def storage() -> Storage:
    """The one store of this process."""
    return cast(Storage, cast(Any, import_string(settings.STORAGE_FACTORY))())
