"""waiting jobs -> messages: a bounded window of them, fair by merchant, interactive before bulk

A job waits for its turn while `released_at` is None. Released jobs of a queue, those that run and those that a message
has been sent for, never exceed the queue's window: so a job that somebody waits for is never behind a backlog that has
been sent already. Jobs that have begun go on before others start, and a merchant has only so many under way.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import product

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from catalog import queue as messages
from catalog.models import AssetJob, Priority, Status, Turn, Worker
from catalog.workers import live_workers, slots_of

RELEASE_SECONDS = 0.5
"""How often the dispatcher looks by itself."""

WINDOW_PER_SLOT = 2
"""One runs and one waits in the broker, so that a worker never waits for us."""

SMALLEST_WINDOW = 2
"""Also of a queue that nobody reads yet: its first jobs lie ready when a worker comes."""

RETRIES_AT_ONCE = 500

TurnKey = tuple[str, int, str]
"""Queue, priority, status."""


def release_after_commit() -> None:
    """Look for jobs to release once this transaction is committed; whatever happens then, it stays committed."""
    transaction.on_commit(release_window, robust=True)


def release_window() -> int:
    """Release as many waiting jobs as the windows have room for, and send their messages; returns how many.

    May run anywhere and several times at once: no job is released twice and no window overshot.
    """
    windows = current_windows()
    if not _anything_to_do(windows):  # asked without the write lock, which SQLite has only one of
        return 0
    with transaction.atomic():
        turns = _lock_turns(windows)
        _wake_retries()
        release = Release(windows, turns)
        release.run()
        for job in release.released:
            messages.send_group(job)
    return len(release.released)


def current_windows() -> dict[str, int]:
    """Queue -> how many of its jobs may be released at a time, by the workers alive now."""
    workers = live_workers()
    queues = sorted({*messages.QUEUES, *(queue for worker in workers for queue in worker.queues)})
    return {queue: window_of(queue, workers) for queue in queues}


def window_of(queue: str, workers: Iterable[Worker]) -> int:
    """How many jobs of `queue` may be released at a time."""
    return max(SMALLEST_WINDOW, WINDOW_PER_SLOT * slots_of(queue, workers))


def waiting_in(queue: str) -> QuerySet[AssetJob]:
    """Jobs of `queue` that wait for their turn and could be released now."""
    return AssetJob.objects.filter(queue=queue, ended_at=None, released_at=None, retry_at=None)


def released_in(queue: str) -> QuerySet[AssetJob]:
    """Jobs of `queue` that run or that a message has been sent for."""
    return AssetJob.objects.filter(queue=queue, ended_at=None, released_at__isnull=False)


@dataclass
class Release:
    """One pass over all queues, under the lock of the turns.

    under_way: merchant -> its jobs that have begun, or that a message to begin has been sent for.
    """

    windows: dict[str, int]
    turns: dict[TurnKey, Turn]
    now: datetime = field(default_factory=timezone.now)
    released: list[AssetJob] = field(default_factory=list)
    under_way: Counter[int] = field(default_factory=Counter)

    def run(self) -> None:
        """Fill every queue's window."""
        begun = AssetJob.objects.filter(ended_at=None, status=Status.RUNNING)
        self.under_way.update(begun.values_list("merchant_id", flat=True))
        sent = {queue: list(released_in(queue).values_list("status", "merchant_id")) for queue in self.windows}
        for jobs in sent.values():
            self.under_way.update(merchant for status, merchant in jobs if status == Status.QUEUED)
        for queue, window in self.windows.items():
            room = window - len(sent[queue])
            for priority, status in product(Priority, (Status.RUNNING, Status.QUEUED)):  # what has begun goes on first
                room -= self.take_turns(self.turns[queue, priority, status], room)

    def take_turns(self, turn: Turn, room: int) -> int:
        """Release up to `room` jobs, one of each merchant in turn; returns how many."""
        count, last, passed = 0, turn.merchant_id, set[int]()
        while count < room and (job := self._next(turn)) is not None and job.merchant_id not in passed:
            turn.merchant_id = job.merchant_id
            if self._may_go(job) and self._release(job):
                count += 1
                passed.clear()
            else:
                passed.add(job.merchant_id)
        if turn.merchant_id != last:
            turn.save(update_fields=["merchant_id"])
        return count

    def _next(self, turn: Turn) -> AssetJob | None:
        """The first waiting job of the merchant after the last one, or of the very first."""
        jobs = waiting_in(turn.queue).filter(priority=turn.priority, status=turn.status)
        jobs = jobs.order_by("merchant_id", "id")
        return jobs.filter(merchant_id__gt=turn.merchant_id).first() or jobs.first()

    def _may_go(self, job: AssetJob) -> bool:
        """Whether the merchant may have one more under way.

        Without this limit everything would be prepared while a slow queue lies ahead, such as that of the only GPU. It
        is each merchant's own, so nobody waits for another's; somebody waits for interactive ones, so they get more.
        """
        limit = sum(self.windows.values()) * (2 if job.priority == Priority.INTERACTIVE else 1)
        return job.status == Status.RUNNING or self.under_way[job.merchant_id] < limit

    def _release(self, job: AssetJob) -> bool:
        """Mark `job` as released, unless it has changed meanwhile."""
        if not waiting_in(job.queue).filter(pk=job.pk, status=job.status).update(released_at=self.now):
            return False
        job.released_at = self.now
        self.released.append(job)
        self.under_way[job.merchant_id] += job.status == Status.QUEUED
        return True


def _anything_to_do(windows: dict[str, int]) -> bool:
    if AssetJob.objects.filter(retry_at__lte=timezone.now()).exists():
        return True
    return any(waiting_in(queue).exists() and released_in(queue).count() < window for queue, window in windows.items())


def _lock_turns(windows: dict[str, int]) -> dict[TurnKey, Turn]:
    """The turns of these queues, locked until the transaction ends; this is what makes passes wait for each other."""
    wanted = set(product(windows, Priority.values, (Status.RUNNING.value, Status.QUEUED.value)))
    turns = _read_turns()
    if wanted - turns.keys():
        missing = [Turn(queue=q, priority=p, status=s) for q, p, s in sorted(wanted - turns.keys())]
        Turn.objects.bulk_create(missing, ignore_conflicts=True)
        turns = _read_turns()
    return turns


def _read_turns() -> dict[TurnKey, Turn]:
    rows = Turn.objects.select_for_update().order_by("queue", "priority", "status")
    return {(turn.queue, turn.priority, turn.status): turn for turn in rows}


def _wake_retries() -> None:
    """Let jobs whose time has come wait for their turn like others."""
    due = AssetJob.objects.filter(retry_at__lte=timezone.now()).order_by("retry_at")
    pks = list(due.values_list("pk", flat=True)[:RETRIES_AT_ONCE])
    AssetJob.objects.filter(pk__in=pks).update(retry_at=None, waiting_since=timezone.now())
