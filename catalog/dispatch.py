"""waiting jobs -> messages: a bounded window of them, fair by merchant, interactive before bulk

A job waits for its turn while `released_at` is None. Released jobs of a queue, those that run and those that a message
has been sent for, never exceed the queue's window: so a job that somebody waits for is never behind a backlog that has
been sent already. Jobs under way go on before new ones start, and only so many are under way at a time.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

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
    """One pass over all queues, under the lock of the turns."""

    windows: dict[str, int]
    turns: dict[tuple[str, int], Turn]
    now: datetime = field(default_factory=timezone.now)
    released: list[AssetJob] = field(default_factory=list)
    under_way: int = 0
    """Jobs that have begun, or that a message to begin has been sent for."""

    def run(self) -> None:
        """Fill every queue's window."""
        released = {queue: list(released_in(queue).values_list("status", flat=True)) for queue in self.windows}
        running = AssetJob.objects.filter(ended_at=None, status=Status.RUNNING).count()
        self.under_way = running + sum(statuses.count(Status.QUEUED) for statuses in released.values())
        for queue in self.windows:
            room = self.windows[queue] - len(released[queue])
            for priority in Priority:
                room -= self.go_on(queue, priority, room) if room > 0 else 0
                room -= self.start(queue, priority, room) if room > 0 else 0

    def go_on(self, queue: str, priority: Priority, room: int) -> int:
        """Release jobs that are under way already, oldest first."""
        jobs = waiting_in(queue).filter(priority=priority, status=Status.RUNNING).order_by("id")
        return sum(self._release(job) for job in jobs[:room])

    def start(self, queue: str, priority: Priority, room: int) -> int:
        """Release new jobs, one of each merchant in turn.

        As many may be under way as all windows hold together, so that results come steadily; a job that somebody waits
        for need not wait for bulk work to end.
        """
        limit = sum(self.windows.values()) * (2 if priority == Priority.INTERACTIVE else 1)
        turn, count = self.turns[queue, priority], 0
        while count < room and self.under_way < limit and (job := self._next(turn)) is not None:
            turn.merchant_id = job.merchant_id
            if self._release(job):
                count += 1
                self.under_way += 1
        if count:
            turn.save(update_fields=["merchant_id"])
        return count

    def _next(self, turn: Turn) -> AssetJob | None:
        """The first waiting job of the merchant after the last one, or of the very first."""
        jobs = waiting_in(turn.queue).filter(priority=turn.priority, status=Status.QUEUED)
        jobs = jobs.order_by("merchant_id", "id")
        return jobs.filter(merchant_id__gt=turn.merchant_id).first() or jobs.first()

    def _release(self, job: AssetJob) -> bool:
        """Mark `job` as released, unless it has changed meanwhile."""
        waiting = waiting_in(job.queue).filter(pk=job.pk, status=job.status)
        if not waiting.update(released_at=self.now):
            return False
        job.released_at = self.now
        self.released.append(job)
        return True


def _anything_to_do(windows: dict[str, int]) -> bool:
    if AssetJob.objects.filter(retry_at__lte=timezone.now()).exists():
        return True
    return any(waiting_in(queue).exists() and released_in(queue).count() < window for queue, window in windows.items())


def _lock_turns(windows: dict[str, int]) -> dict[tuple[str, int], Turn]:
    """The turns of these queues, locked until the transaction ends; this is what makes passes wait for each other."""
    wanted = {(queue, priority.value) for queue in windows for priority in Priority}
    turns = _read_turns(wanted)
    if len(turns) < len(wanted):
        missing = [Turn(queue=queue, priority=priority) for queue, priority in sorted(wanted - turns.keys())]
        Turn.objects.bulk_create(missing, ignore_conflicts=True)
        turns = _read_turns(wanted)
    return turns


def _read_turns(wanted: set[tuple[str, int]]) -> dict[tuple[str, int], Turn]:
    rows = Turn.objects.select_for_update().order_by("queue", "priority")
    return {(turn.queue, turn.priority): turn for turn in rows if (turn.queue, turn.priority) in wanted}


def _wake_retries() -> None:
    """Let jobs whose time has come wait for their turn like others."""
    due = AssetJob.objects.filter(retry_at__lte=timezone.now()).order_by("retry_at")
    pks = list(due.values_list("pk", flat=True)[:RETRIES_AT_ONCE])
    AssetJob.objects.filter(pk__in=pks).update(retry_at=None)
