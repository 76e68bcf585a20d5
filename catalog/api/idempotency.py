"""the same POST sent twice -> done once, answered twice

The first request with an `Idempotency-Key` leaves a row before it does anything; its answer is kept there for a day,
unless a bug or an outage of ours gave it. Keys are each merchant's own. A request that died on the way can be taken
over after a minute.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.http import QueryDict
from django.utils import timezone
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.errors import Replay
from catalog.errors import Conflict, Invalid
from catalog.models import IdempotentRequest, Merchant

HEADER = "Idempotency-Key"
LONGEST_KEY = 255
KEPT = timedelta(hours=24)
KEPT_HEADERS = ("Location", "ETag")
IN_FLIGHT = timedelta(seconds=60)
"""A request that has given no answer for that long has died: the next one may try."""


class InFlight(Conflict):
    """The first request with this key has not been answered yet."""

    headers = {"Retry-After": "1"}  # noqa: RUF012 - never changed

    def __init__(self) -> None:
        super().__init__("request_in_flight", "The first request with this Idempotency-Key is still being worked on.")


@dataclass(frozen=True)
class Claim:
    """The right to answer a key: the row as this request wrote it."""

    row_pk: int
    created_at: datetime

    def keep(self, response: Response, told_once: tuple[str, ...] = ()) -> None:
        """Keep the answer, without its members that are `told_once`.

        Let go of the key if the answer is our fault, or will be another one once the state of things has changed.
        """
        if response.status_code >= 500 or response.status_code == 409:
            self.let_go()
            return
        data = json.loads(JSONRenderer().render(response.data) or b"null")
        if isinstance(data, dict):
            data |= {name: None for name in told_once if name in data}
        headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
        row = IdempotentRequest.objects.filter(pk=self.row_pk, created_at=self.created_at)
        row.update(status=response.status_code, body={"data": data, "headers": headers})

    def let_go(self) -> None:
        """Let the request be tried again."""
        IdempotentRequest.objects.filter(pk=self.row_pk, created_at=self.created_at).delete()


def begin(request: Request, merchant: Merchant) -> Claim | None:
    """Claim the request's key; None without the header.

    Raises Replay with the answer given before, Conflict while the first request is in flight, Invalid when the key was
    used for another request or is none.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        raise Invalid("bad_idempotency_key", f"An Idempotency-Key has 1 to {LONGEST_KEY} printable characters.")
    wanted = fingerprint(request)
    merchant.idempotent_requests.filter(key=key, created_at__lt=timezone.now() - KEPT).delete()
    try:
        with transaction.atomic():
            row = merchant.idempotent_requests.create(key=key, fingerprint=wanted)
            return Claim(row.pk, row.created_at)
    except IntegrityError:
        known = merchant.idempotent_requests.filter(key=key).first()
    if known is None:  # let go at this very moment
        raise InFlight
    return _take_over(known, wanted)


def fingerprint(request: Request) -> str:
    """SHA-256 of method, address and what the body says: not a form's boundaries or JSON's order."""
    digest = sha256(f"{request.method} {request.get_full_path()}\n".encode())
    for part in _form_parts(request.data) if isinstance(request.data, QueryDict) else _json_parts(request.data):
        digest.update(sha256(part).digest())
    return digest.hexdigest()


def _json_parts(data: Any) -> Iterator[bytes]:
    yield json.dumps(data, sort_keys=True).encode()


def _form_parts(form: QueryDict) -> Iterator[bytes]:
    """Names and values by name; of files what they are called and what they hold."""
    for name in sorted(form):
        for value in form.getlist(name):
            yield name.encode("utf-8", "surrogatepass")
            if isinstance(value, UploadedFile):
                content = sha256()
                for chunk in value.chunks():
                    content.update(chunk)
                value.seek(0)
                yield f"file {value.name} {value.content_type} {content.hexdigest()}".encode("utf-8", "surrogatepass")
            else:
                yield f"text {value}".encode("utf-8", "surrogatepass")


def _take_over(known: IdempotentRequest, wanted: str) -> Claim:
    """Claim what a request that died has left, or say why not."""
    if known.fingerprint != wanted:
        raise Invalid("idempotency_key_reused", "This Idempotency-Key belongs to another request: use a new one.")
    if known.status is not None:
        body = known.body or {}
        raise Replay(known.status, body.get("data"), body.get("headers", {}))
    now = timezone.now()
    dead = IdempotentRequest.objects.filter(pk=known.pk, status=None, created_at=known.created_at)
    if known.created_at > now - IN_FLIGHT or not dead.update(created_at=now):
        raise InFlight
    return Claim(known.pk, now)
