"""what went wrong unseen -> put right: lost leases, lost messages; and rows forgotten that nobody needs any more

Every part handles a bounded number at a time and may run in several processes at once. None asks the store, which
answers late when it is ill: that is for `tidy`.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from catalog import queue as messages
from catalog.dispatch import released_in
from catalog.happenings import forget_happenings
from catalog.leases import lose_expired_lease
from catalog.models import AssetJob, IdempotentRequest, JobEvent, Photo, Worker
from catalog.periodic import Part, do_parts
from catalog.photo_leases import lose_expired_photo
from catalog.photo_turns import photos_out, send_photo
from catalog.stranded import settle_stranded
from catalog.workers import KEEP_SECONDS, live_workers

RECONCILE_SECONDS = 5
AT_ONCE = 200
ROWS_AT_ONCE = 1_000

STALE_SECONDS = 10
"""A released job or photo not taken for that long, while a worker has nothing to do: its message got lost."""

STALE_BUSY_SECONDS = 600
"""The same while all workers are busy, as they say: it waits behind others, or they say something wrong."""

REQUEST_HOURS = 24


def reconcile(now: datetime | None = None) -> dict[str, int]:
    """Put right what can be; returns how many of each."""
    return do_parts("reconcile", PARTS, now or timezone.now())


def lose_leases(now: datetime) -> int:
    """Jobs whose workers give no sign of life are queued again; the third time in one group they fail."""
    expired = AssetJob.objects.filter(lease__isnull=False, lease_expires_at__lte=now).order_by("lease_expires_at")
    return sum(lose_expired_lease(pk) for pk in expired.values_list("pk", flat=True)[:AT_ONCE])


def lose_photo_leases(now: datetime) -> int:
    """Photos whose workers give no sign of life get another turn; the third time they are refused."""
    expired = Photo.objects.filter(lease__isnull=False, lease_expires_at__lte=now).order_by("lease_expires_at")
    return sum(lose_expired_photo(pk) for pk in expired.values_list("pk", flat=True)[:AT_ONCE])


def resend_jobs(now: datetime) -> int:
    """Send released jobs again that no worker has taken although it could have."""
    sent = 0
    for queue, free in free_slots().items():
        stale = released_in(queue).filter(lease=None, released_at__lte=_stale_since(now, free)).order_by("released_at")
        sent += sum(_resend(job, now) for job in stale[:AT_ONCE])
    return sent


def resend_photos(now: datetime) -> int:
    """Send released photos again that no worker has taken although it could have."""
    sent = 0
    for queue, free in free_slots().items():
        stale = photos_out(queue).filter(lease=None, released_at__lte=_stale_since(now, free)).order_by("released_at")
        sent += sum(_resend_photo(photo, now) for photo in stale[:AT_ONCE])
    return sent


def free_slots() -> dict[str, int]:
    """Queue -> tasks that live workers could begin at once; no entry where nobody reads the queue."""
    busy = Counter(AssetJob.objects.filter(lease__isnull=False).values_list("worker", flat=True))
    busy.update(Photo.objects.filter(lease__isnull=False).values_list("worker", flat=True))
    free: dict[str, int] = {}
    for worker in live_workers():
        for queue in worker.queues:
            free[queue] = free.get(queue, 0) + max(0, worker.slots - busy[worker.name])
    return free


def _stale_since(now: datetime, free: int) -> datetime:
    return now - timedelta(seconds=STALE_SECONDS if free > 0 else STALE_BUSY_SECONDS)


@transaction.atomic
def _resend(job: AssetJob, now: datetime) -> bool:
    """Send the job's message once more, unless it has been taken or sent meanwhile."""
    unchanged = AssetJob.objects.filter(pk=job.pk, lease=None, ended_at=None, released_at=job.released_at)
    if not unchanged.update(released_at=now):
        return False
    job.record("note", text="Sent to the workers again.")
    messages.send_group(job)
    return True


@transaction.atomic
def _resend_photo(photo: Photo, now: datetime) -> bool:
    """Send the photo's message once more, unless it has been taken, settled or sent meanwhile."""
    unchanged = photos_out(photo.queue).filter(pk=photo.pk, lease=None, released_at=photo.released_at)
    if not unchanged.update(released_at=now):
        return False
    send_photo(photo)
    return True


def forget_events(now: datetime) -> int:
    """Delete old events of ended jobs."""
    cutoff = now - timedelta(days=settings.KEEP_EVENTS_DAYS)
    old = JobEvent.objects.filter(at__lte=cutoff, job__ended_at__isnull=False).order_by("at")
    return _delete(JobEvent.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:ROWS_AT_ONCE])))


def forget_requests(now: datetime) -> int:
    """Delete the answers kept for repeated requests."""
    old = IdempotentRequest.objects.filter(created_at__lte=now - timedelta(hours=REQUEST_HOURS))
    pks = list(old.order_by("created_at").values_list("pk", flat=True)[:ROWS_AT_ONCE])
    return _delete(IdempotentRequest.objects.filter(pk__in=pks))


def forget_workers(now: datetime) -> int:
    """Delete workers that have been silent for a day."""
    return _delete(Worker.objects.filter(last_seen_at__lte=now - timedelta(seconds=KEEP_SECONDS)))


PARTS: Final[Mapping[str, Part]] = {
    "lost leases": lose_leases,
    "photos' lost leases": lose_photo_leases,
    "jobs sent again": resend_jobs,
    "jobs without workers": settle_stranded,
    "photos sent again": resend_photos,
    "requests forgotten": forget_requests,
    "events forgotten": forget_events,
    "happenings forgotten": forget_happenings,
    "workers forgotten": forget_workers,
}


def _delete(rows: QuerySet[Any]) -> int:
    return rows.delete()[0]
