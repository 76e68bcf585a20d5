"""what nobody needs any more -> gone from the store: uploads nobody confirmed, old checkpoints, objects without a row

A store that is ill answers late, so this has a beat of its own: nothing here may keep `reconcile` from its work. Every
part handles a bounded number at a time and may run in several processes at once.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from catalog.deletion import PREFIXES, erase_due, remove_due, remove_later, used_keys
from catalog.models import AssetJob, Photo, PhotoState
from catalog.periodic import Part, do_parts
from catalog.storage import storage

TIDY_SECONDS = 5
AT_ONCE = 200

UPLOAD_HOURS = 24
ORPHAN_HOURS = 24
"""Objects are written before the rows that name them; nothing takes that long."""

SWEEP_SECONDS = 6 * 3600
"""Between two looks through the whole store."""

SWEEP_AGAIN_SECONDS = 60
"""Before a look that has failed starts over."""


def tidy(now: datetime | None = None) -> dict[str, int]:
    """Remove what can be; returns how many of each."""
    return do_parts("tidy", PARTS, now or timezone.now())


def forget_uploads(now: datetime) -> int:
    """Forget uploads that nobody has confirmed."""
    old = Photo.objects.filter(state=PhotoState.AWAITED, queue=None, width=None)
    found = list(old.filter(created_at__lte=now - timedelta(hours=UPLOAD_HOURS)).order_by("created_at")[:AT_ONCE])
    for photo in found:
        _forget_upload(photo)
    return len(found)


@transaction.atomic
def _forget_upload(photo: Photo) -> None:
    deleted, _ = Photo.objects.filter(pk=photo.pk, state=PhotoState.AWAITED).delete()
    if deleted:
        remove_later([photo.key])


def expire_models(now: datetime) -> int:
    """Forget uploaded models of jobs that ended long ago; their versions stay."""
    cutoff = now - timedelta(days=settings.KEEP_CHECKPOINTS_DAYS)
    with transaction.atomic():
        jobs = AssetJob.objects.select_for_update().exclude(source_key="").filter(ended_at__lte=cutoff)
        rows = list(jobs.order_by("ended_at").values_list("pk", "source_key")[:AT_ONCE])
        AssetJob.objects.filter(pk__in=[pk for pk, _ in rows]).update(source_key="")
        remove_later(key for _, key in rows)
    return len(rows)


def expire_checkpoints(now: datetime) -> int:
    """Forget the checkpoints of jobs that ended long ago; what no younger job shares is removed."""
    cutoff = now - timedelta(days=settings.KEEP_CHECKPOINTS_DAYS)
    with transaction.atomic():
        jobs = AssetJob.objects.select_for_update().exclude(prepared_key="").filter(ended_at__lte=cutoff)
        rows = list(jobs.order_by("ended_at").values_list("pk", "prepared_key", "generated_key")[:AT_ONCE])
        if rows:
            AssetJob.objects.filter(pk__in=[pk for pk, *_ in rows]).update(prepared_key="", generated_key="")
            remove_later(key for _, *keys in rows for key in keys)
    return len(rows)


def erase_merchants(now: datetime) -> int:
    """Erase what merchants have that are leaving."""
    return erase_due()


def remove_objects(now: datetime) -> int:
    """Remove from the store what deleted rows have left."""
    return remove_due()


@dataclass
class Sweep:
    """A slow look through the whole store for what no row names: a worker died between an object and its row."""

    keys: Iterator[str] = field(default_factory=lambda: iter(()))
    next_at: float = 0.0

    def __call__(self, now: datetime) -> int:
        """Look at the next keys; a look that fails starts over after a while. Raises Away, DatabaseError."""
        try:
            return self._look_on(now)
        except Exception:  # where a listing broke off it cannot be taken up again
            self.keys, self.next_at = iter(()), time.monotonic() + SWEEP_AGAIN_SECONDS
            raise

    def _look_on(self, now: datetime) -> int:
        keys = list(islice(self.keys, AT_ONCE))
        if not keys and time.monotonic() >= self.next_at:
            self.next_at = time.monotonic() + SWEEP_SECONDS
            self.keys = chain.from_iterable(storage().list(f"{prefix}/") for prefix in PREFIXES)
            keys = list(islice(self.keys, AT_ONCE))
        orphans = [key for key in sorted(set(keys) - used_keys(keys)) if _is_old(key, now)]
        if orphans:
            remove_later(orphans)  # not at once: a worker may have found one and be about to name it
        return len(orphans)


def _is_old(key: str, now: datetime) -> bool:
    try:
        modified_at = storage().stat(key).modified_at
    except KeyError:
        return False
    return modified_at is not None and modified_at <= now - timedelta(hours=ORPHAN_HOURS)


PARTS: Final[Mapping[str, Part]] = {
    "uploads forgotten": forget_uploads,
    "checkpoints expired": expire_checkpoints,
    "uploaded models expired": expire_models,
    "leaving merchants' rows erased": erase_merchants,
    "objects removed": remove_objects,
    "orphans removed": Sweep(),
}
