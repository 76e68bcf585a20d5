"""waiting photos -> messages: one merchant after the other, so few at a time that jobs always find a worker

A photo waits for its turn, to be fetched or to be looked at, while `released_at` is None. As with jobs, a bounded
window of them is out with a message or a worker, and a merchant has only a few there. Those that workers hold leave one
slot free of each queue that has jobs (`photo_leases` asks): photos that take minutes keep neither jobs nor other
merchants' photos from going on. A worker that has no jobs to run may be full of them.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from catalog import queue as messages
from catalog.models import Merchant, Photo, Priority, Turn, Worker
from catalog.workers import live_workers, slots_of

SEND: Final[Mapping[str, Callable[[Photo], None]]] = {
    messages.CPU: messages.send_inspect,
    messages.IO: messages.send_fetch,
}
"""By the photo's queue. What has been fetched is looked at before more is fetched."""

OUT_PER_MERCHANT = 4
"""At a time, however large the window is."""

OUT_PER_SLOT = 2
"""They wait in the broker among jobs that take much longer: with fewer, a look would cost a whole row of those."""

RETRIES_AT_ONCE = 500

TURN: Final[Mapping[str, Any]] = {"queue": "", "priority": Priority.INTERACTIVE, "status": "photo"}


def release_photos_after_commit() -> None:
    """Look for photos to release once this transaction is committed; whatever happens then, it stays committed."""
    transaction.on_commit(release_photos, robust=True)


def release_photos() -> int:
    """Release as many waiting photos as there is room for, and send their messages; returns how many.

    May run anywhere and several times at once: no photo is released twice and no room overshot.
    """
    room = room_for_photos(live_workers())
    if not _anything_to_do(room):  # asked without the write lock, which SQLite has only one of
        return 0
    with transaction.atomic():
        turn = _lock_turn()  # passes wait for each other here
        _wake_retries()
        release = PhotoRelease(room, turn)
        release.run()
        for photo in release.released:
            send_photo(photo)
    return len(release.released)


def send_photo(photo: Photo) -> None:
    """Tell the workers, once this transaction is committed, what is to be done with `photo` next."""
    SEND[photo.queue](photo)


@dataclass(frozen=True)
class Room:
    """How many photos may be out at a time, of each queue that somebody reads and in all."""

    of: Mapping[str, int]
    out: int


def room_for_photos(workers: Iterable[Worker]) -> Room:
    """Twice as many as these workers can hold."""
    workers = [worker for worker in workers if not SEND.keys().isdisjoint(worker.queues)]
    slots = {queue: slots_of(queue, workers) for queue in SEND}
    in_all = sum(worker.slots for worker in workers)
    of = {queue: OUT_PER_SLOT * number for queue, number in slots.items() if number}
    return Room(of, out=OUT_PER_SLOT * in_all)


def lock_room(name: str) -> bool:
    """Whether the worker `name` may hold one more photo; stays true until this transaction ends.

    Workers that read a queue of jobs hold photos in all of its slots but one; a single slot is shared with jobs, each a
    task in turn. A worker that has not said yet what it reads counts as one that makes assets.
    """
    _lock_turn()
    workers = live_workers()
    reads = {worker.name: {*worker.queues} - {messages.IO} for worker in workers}
    held = Photo.objects.filter(lease__isnull=False, lease_expires_at__gt=timezone.now())
    holders = [reads.get(holder, {messages.CPU}) for holder in held.values_list("worker", flat=True)]
    return all(
        sum(queue in queues for queues in holders) < max(1, slots_of(queue, workers) - 1)
        for queue in reads.get(name, {messages.CPU})
    )


def waiting_photos(queue: str) -> QuerySet[Photo]:
    """Photos of `queue` that wait for their turn and could be released now."""
    return Photo.objects.filter(queue=queue, released_at=None, retry_at=None)


def photos_out(queue: str) -> QuerySet[Photo]:
    """Photos of `queue` that a worker holds or that a message has been sent for."""
    return Photo.objects.filter(queue=queue, released_at__isnull=False)


@dataclass
class PhotoRelease:
    """One pass, under the lock of the turn.

    left: of the room, by queue; out: merchant -> photos that are out; leaving: merchants who get no more turns.
    """

    room: Room
    turn: Turn
    now: datetime = field(default_factory=timezone.now)
    released: list[Photo] = field(default_factory=list)
    left: dict[str, int] = field(default_factory=dict)
    out: Counter[int] = field(default_factory=Counter)
    leaving: frozenset[int] = frozenset()

    def run(self) -> None:
        """Fill the room, a photo of each merchant in turn."""
        last = self.turn.merchant_id
        self.look()
        while photo := self.find():
            self._release(photo)
        if self.turn.merchant_id != last:
            self.turn.save(update_fields=["merchant_id"])

    def look(self) -> None:
        """See what is out, and who is leaving."""
        for queue, most in self.room.of.items():
            merchants = list(photos_out(queue).values_list("merchant_id", flat=True))
            self.out.update(merchants)
            self.left[queue] = most - len(merchants)
        leaving = Merchant.objects.filter(leaving_at__isnull=False)
        self.leaving = frozenset(leaving.values_list("pk", flat=True))

    def find(self) -> Photo | None:
        """The photo that goes next; the turn is its merchant's then."""
        passed = set[int]()
        while self.out.total() < self.room.out and (photo := self._next()) and photo.merchant_id not in passed:
            self.turn.merchant_id = photo.merchant_id
            if self.out[photo.merchant_id] < OUT_PER_MERCHANT and photo.merchant_id not in self.leaving:
                return photo
            passed.add(photo.merchant_id)
        return None

    def _next(self) -> Photo | None:
        """The first waiting photo of the merchant after the last one, or of the very first."""
        waiting = [waiting_photos(queue).order_by("merchant_id", "id") for queue, left in self.left.items() if left > 0]
        after = [photos.filter(merchant_id__gt=self.turn.merchant_id).first() for photos in waiting]
        found = [photo for photo in after if photo] or [photo for photos in waiting if (photo := photos.first())]
        return min(found, key=lambda photo: photo.merchant_id, default=None)

    def _release(self, photo: Photo) -> None:
        """Mark `photo` as released, unless it has changed meanwhile."""
        if waiting_photos(photo.queue).filter(pk=photo.pk).update(released_at=self.now):
            self.released.append(photo)
            self.left[photo.queue] -= 1
            self.out[photo.merchant_id] += 1


def _anything_to_do(room: Room) -> bool:
    if Photo.objects.filter(retry_at__lte=timezone.now()).exists():
        return True
    if not any(waiting_photos(queue).exists() for queue in room.of):
        return False
    release = PhotoRelease(room, Turn(**TURN))
    release.look()
    return release.find() is not None


def _lock_turn() -> Turn:
    """The photos' turn, locked until the transaction ends."""
    turns = Turn.objects.select_for_update()
    return turns.filter(**TURN).first() or turns.get_or_create(**TURN)[0]


def _wake_retries() -> None:
    """Let photos whose time has come wait for their turn like others."""
    due = Photo.objects.filter(retry_at__lte=timezone.now()).order_by("retry_at")
    pks = list(due.values_list("pk", flat=True)[:RETRIES_AT_ONCE])
    Photo.objects.filter(pk__in=pks).update(retry_at=None)
