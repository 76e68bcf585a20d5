"""The worker's side of a photo: claim it, fetch it or say what was seen in it, let go of it

As with jobs, a lease is a random token with an end. Every write of a worker asks for its token: a worker that has lost
its lease changes nothing, and a message that comes twice finds nothing to do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from catalog.deletion import remove_later
from catalog.errors import LostRace, Refused
from catalog.fetching import fetch
from catalog.leases import LEASE_SECONDS
from catalog.models import Photo, PhotoState
from catalog.photo_turns import lock_room, release_photos_after_commit
from catalog.photos import look_at, photo_key
from catalog.storage import storage

MAX_LOST_LEASES = 3
"""A photo that stops its worker that often is refused: it must not go round for ever."""

NO_ROOM_SECONDS = 3
"""Before a photo for which there is no room gets another turn; until then others have theirs."""

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 20, 600
"""After something was away; each pause is twice as long as the one before."""

MAX_ATTEMPTS = 150
"""With these pauses they take a day."""

UNREADABLE_ADVICE = "We could not look at this photo: save it once more as a JPEG, and add that."


@dataclass(frozen=True)
class PhotoLease:
    """The right to work on one photo."""

    photo_pk: int
    token: UUID


def claim_photo(photo_pk: int, queue: str, worker: str) -> tuple[Photo, PhotoLease]:
    """Take the photo for `worker`, to do what `queue` stands for.

    Raises LostRace when there is nothing to do: it is gone, settled, held by a live lease, at another step, of a
    merchant who is leaving, or must not be tried again yet; or when workers hold as many as they may, then it gets
    another turn soon.
    """
    lose_expired_photo(photo_pk)
    now, lease = timezone.now(), PhotoLease(photo_pk, uuid4())
    held = {
        "lease": lease.token,
        "lease_expires_at": now + timedelta(seconds=LEASE_SECONDS),
        "worker": worker[:120],
        "released_at": Coalesce("released_at", now),
        "retry_at": None,
    }
    free = Photo.objects.filter(Q(retry_at=None) | Q(retry_at__lte=now), pk=photo_pk, queue=queue, lease=None)
    if free.filter(merchant__leaving_at=None).exists():  # asked without the write lock, which SQLite has only one of
        with transaction.atomic():
            later = {"released_at": None, "retry_at": now + timedelta(seconds=NO_ROOM_SECONDS)}
            free.update(**held if lock_room(worker[:120]) else later)
    photo = _held(lease).first()
    if photo is None:
        raise LostRace(f"nothing to do on {queue} for photo {photo_pk} now")
    return photo, lease


def extend_photo_lease(lease: PhotoLease) -> None:
    """Keep the photo for LEASE_SECONDS from now. Raises LostRace."""
    _change(lease, lease_expires_at=timezone.now() + timedelta(seconds=LEASE_SECONDS))


def fetch_photo(photo: Photo, lease: PhotoLease) -> None:
    """Bring the photo from its address into the store; it waits to be looked at then. Raises Away, LostRace.

    Each lease stores under a key of its own: a fetch that goes on after its lease is gone replaces nobody's bytes.
    """
    key = fetched_key(photo, lease)
    try:
        with fetch(photo.source_url, max_bytes=settings.MAX_PHOTO_BYTES) as data:
            _, size, content_type = look_at(data)
            storage().put(key, data, content_type=content_type)
    except Refused as trouble:
        refuse_photo(lease, trouble.code, trouble.message)
        return
    here = {"key": key, "bytes": size, "content_type": content_type, "attempts": 0, "lost_leases": 0}
    try:
        _let_go(lease, state=PhotoState.CHECKING, **here)
    except LostRace:
        remove_later([key])
        raise


def fetched_key(photo: Photo, lease: PhotoLease) -> str:
    """Where that lease stores the photo it fetches."""
    return f"{photo_key(photo)}-{lease.token.hex}"


def settle_photo(
    lease: PhotoLease,
    *,
    sha256: str,
    bytes: int,  # noqa: A002
    width: int,
    height: int,
    advice: Sequence[Mapping[str, Any]],
) -> None:
    """Write down what was seen in a photo that will do. Raises LostRace.

    advice: `code`, `text`, `level` and `boxes` of each remark; see `Photo`.
    """
    seen = {"sha256": sha256, "bytes": bytes, "width": width, "height": height, "advice": [*map(dict, advice)]}
    try:
        _let_go(lease, state=PhotoState.READY, **seen)
    except IntegrityError:
        refuse_photo(lease, "photo_twice", "The product has this very photo already.")


def refuse_photo(lease: PhotoLease, code: str, advice: str, boxes: Sequence[Mapping[str, float]] = ()) -> None:
    """Write down why the photo will not do, what helps, and where to look. Raises LostRace."""
    remark = {"code": code, "text": advice, "level": "retake", "boxes": [*map(dict, boxes)]}
    _let_go(lease, state=PhotoState.REJECTED, reject_code=code, advice=[remark])


@transaction.atomic
def postpone_photo(lease: PhotoLease) -> None:
    """Something is away: it is tried again later, ever more rarely, and refused after a day. Raises LostRace."""
    attempts = _leave_nothing(lease).attempts + 1
    if attempts >= MAX_ATTEMPTS:
        refuse_photo(lease, "photo_unreadable", UNREADABLE_ADVICE)
    else:
        pause = min(FIRST_PAUSE_SECONDS * 2 ** min(attempts - 1, 10), LONGEST_PAUSE_SECONDS)
        _let_go(lease, attempts=attempts, retry_at=timezone.now() + timedelta(seconds=pause))


@transaction.atomic
def hand_back_photo(lease: PhotoLease) -> None:
    """The worker has to stop: the photo waits for its turn again, which counts as nothing. Raises LostRace."""
    _leave_nothing(lease)
    _let_go(lease)


@transaction.atomic
def lose_photo(lease: PhotoLease) -> None:
    """The process that had it died: counts as a lost lease. Raises LostRace."""
    lost = _leave_nothing(lease).lost_leases + 1
    if lost >= MAX_LOST_LEASES:
        refuse_photo(lease, "photo_unreadable", UNREADABLE_ADVICE)
    else:
        _let_go(lease, lost_leases=lost)


def lose_expired_photo(photo_pk: int) -> bool:
    """Take the photo from a worker that has given no sign of life; False when there was nothing to take."""
    expired = Photo.objects.filter(pk=photo_pk, lease__isnull=False, lease_expires_at__lte=timezone.now())
    if not expired.exists():
        return False
    with transaction.atomic():
        photo = expired.select_for_update().first()
        if photo is None or photo.lease is None:
            return False
        lose_photo(PhotoLease(photo_pk, photo.lease))
    return True


def _held(lease: PhotoLease) -> QuerySet[Photo]:
    """The photo as long as the lease is ours."""
    return Photo.objects.filter(pk=lease.photo_pk, lease=lease.token)


def _hold(lease: PhotoLease) -> Photo:
    """The photo, locked until the transaction ends. Raises LostRace."""
    photo = _held(lease).select_for_update().first()
    if photo is None:
        raise LostRace(f"photo {lease.photo_pk} is no longer ours")
    return photo


def _leave_nothing(lease: PhotoLease) -> Photo:
    """The photo, as of `_hold`; what its fetch may have stored is removed."""
    photo = _hold(lease)
    if photo.state == PhotoState.AWAITED:
        remove_later([fetched_key(photo, lease)])
    return photo


def _let_go(lease: PhotoLease, /, **fields: object) -> None:
    """Write `fields`, and let others have the photo. Raises LostRace."""
    with transaction.atomic():
        _change(lease, lease=None, lease_expires_at=None, worker="", released_at=None, **fields)
        release_photos_after_commit()


def _change(lease: PhotoLease, /, **fields: object) -> None:
    """Write `fields` as long as the lease is ours. Raises LostRace."""
    if not _held(lease).update(**fields):
        raise LostRace(f"photo {lease.photo_pk} is no longer ours")
