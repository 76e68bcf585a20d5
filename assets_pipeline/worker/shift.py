"""One group of a job under this worker's lease, and the one except-ladder of the project

A GPU worker reads the queue `gpu` alone (`--queues gpu`), so that it does nothing but generate. Fetching the next job's
inputs while it computes, and running jobs that fit together at once, would begin in `Shift.generate`.
"""

import logging
import time
from collections.abc import Callable

from django.db import DatabaseError, close_old_connections

from assets_pipeline import tasks
from assets_pipeline.errors import Cancelled, InputRejected, Unavailable
from assets_pipeline.progress import EDIT_SECONDS, EXPECTED_SECONDS, UPLOAD_SECONDS, share_of_all
from assets_pipeline.runner import TaskLost
from assets_pipeline.worker.heartbeat import beating
from assets_pipeline.worker.presence import Stopping, presence, runner
from assets_pipeline.worker.words import blame, choose_generator, finished_asset, task_of, worded
from catalog import leases
from catalog.context import working_on
from catalog.errors import Away, LostRace
from catalog.models import AssetJob, Group, Kind, Priority

log = logging.getLogger(__name__)

REPORT_SECONDS = 1.0
"""How often progress within a stage is written down at most."""

SECONDS = {Kind.MAKE: EXPECTED_SECONDS, Kind.EDIT: EDIT_SECONDS, Kind.UPLOAD: UPLOAD_SECONDS}

BUG = "Something went wrong on our side; we have been told."


def work_on(job_pk: int, group: Group) -> None:
    """Run that group of the job; and the next at once, if this worker may and somebody waits for it.

    That saves the way through the queue and reading the checkpoint back. Bulk work lets others in between.
    """
    close_old_connections()
    try:
        presence.wait_until_ready()
    except Stopping:
        return  # nothing was claimed: the reconciler sends it to another worker
    following: Group | None = group
    while following is not None:
        try:
            job, lease = leases.claim_job(job_pk, following, presence.name)
        except LostRace as error:
            log.debug("%s", error)
            return
        with working_on(request=job.request_id, job=job.public_id):
            Shift(job, lease).work()
        following = next_group(job)


def next_group(job: AssetJob) -> Group | None:
    """The group that this worker goes on with; None: whoever comes first."""
    if job.priority != Priority.INTERACTIVE or presence.stopping.is_set():
        return None
    before = job.group
    try:
        job.refresh_from_db(fields=["group", "queue", "lease", "ended_at", "retry_at"])
    except (AssetJob.DoesNotExist, DatabaseError):
        return None
    if job.group == before or job.lease or job.ended_at or job.retry_at or job.queue not in presence.queues:
        return None
    return Group(job.group)


class Shift:
    """One group of a job, for as long as the lease is ours."""

    def __init__(self, job: AssetJob, lease: leases.Lease) -> None:
        self.job = job
        self.lease = lease
        self._spent = tasks.Spent()
        self._stage = ""
        self._progress = job.progress
        self._wanted = True
        self._beat_at = self._reported_at = time.monotonic()

    def work(self) -> None:
        """Run the group and write down how it ended: the one place where trouble becomes a job's status."""
        steps = {Group.PREPARE: self.prepare, Group.GENERATE: self.generate, Group.FINISH: self.finish}
        log.info("%s begins", self.lease.group)
        try:
            try:
                steps[self.lease.group]()
            except InputRejected as error:
                leases.reject_input(self.lease, error.code, worded(error), self.spent)
                blame(self.job, error)
            except Unavailable as error:
                log.warning("%s has to wait: %s", self.lease.group, error)
                leases.postpone(self.lease, error.code, error.advice, self.spent)
            except Away as error:
                log.warning("%s has to wait: %s", self.lease.group, error)
                leases.postpone(self.lease, error.code, error.message, self.spent)
            except Cancelled:
                leases.stop_cancelled(self.lease, self.spent)
            except Stopping:
                log.info("%s is handed back: this worker ends", self.lease.group)
                leases.hand_back(self.lease, self.spent)
            except TaskLost as error:
                log.warning("%s is lost: %s", self.lease.group, error)
                leases.lose(self.lease, str(error), self.spent)
            except (LostRace, DatabaseError):
                raise
            except Exception:
                log.exception("%s failed", self.lease.group)
                leases.fail(self.lease, "internal_error", BUG, self.spent)
        except LostRace as error:
            log.info("the job is no longer ours: %s", error)
        except DatabaseError:
            log.exception("the database is away: the lease ends by itself, and the job resumes from its checkpoint")

    def prepare(self) -> None:
        """Choose the generator and cut the product out."""
        chosen = choose_generator(self.job)
        self.job.generator, self.job.generator_why = chosen.name, chosen.why
        result = self.run()
        assert isinstance(result, tasks.Checkpoint)
        chosen_so = {"generator": chosen.name, "why": chosen.why, "queue": chosen.queue}
        leases.end_prepare(self.lease, key=result.key, spent=self.spent, **chosen_so)

    def generate(self) -> None:
        """Make the shape."""
        result = self.run()
        assert isinstance(result, tasks.Checkpoint)
        leases.end_generate(self.lease, key=result.key, spent=self.spent)

    def finish(self) -> None:
        """Make the files and the version."""
        with beating(self.keep_lease):
            version = leases.resume_finish(self.lease)
        if version is None:
            result = self.run()
            assert isinstance(result, tasks.Finished)
            with beating(self.keep_lease):
                leases.end_finish(self.lease, finished_asset(result), self.spent)

    def run(self) -> tasks.Result:
        """Have the child do this group. Raises whatever the ladder knows."""
        return runner.run(task_of(self.job, self.lease.group), tell=self.tell, tick=self.tick)

    @property
    def spent(self) -> leases.Spent:
        """What the child's task has taken."""
        return leases.Spent(self._spent.seconds, self._spent.cpu_seconds, self._spent.gpu_seconds)

    def keep_lease(self) -> bool:
        """False when the merchant called the job off. Raises LostRace."""
        return leases.extend_lease(self.lease)

    def tick(self) -> bool:
        """Keep the lease; False when the merchant called the job off. Raises Stopping, LostRace."""
        presence.go_on()
        if time.monotonic() - self._beat_at >= leases.HEARTBEAT_SECONDS:
            self._beat_at = time.monotonic()
            self._wanted = self._patiently(self.keep_lease, otherwise=self._wanted)
        return self._wanted

    def tell(self, news: tasks.News) -> None:
        """Write down how far the job is. Raises LostRace."""
        match news:
            case tasks.Began(stage):
                self._stage = stage
                self._report(0.0)
            case tasks.Share(done):
                if time.monotonic() - self._reported_at >= REPORT_SECONDS:
                    self._report(done)
            case tasks.Spent():
                self._spent = news

    def _report(self, share: float) -> None:
        """Progress never goes back, also when a group runs again. 100 is for jobs that have ended."""
        self._reported_at = time.monotonic()
        done = share_of_all(self._stage, share, SECONDS[Kind(self.job.kind)])
        self._progress = max(self._progress, min(int(100 * done), 99))

        def report() -> bool:
            leases.report_progress(self.lease, self._stage, self._progress)
            return True

        self._patiently(report, otherwise=True)

    def _patiently(self, ask: Callable[[], bool], *, otherwise: bool) -> bool:
        """What the database answers; `otherwise` while it is away, which the lease survives if it is short."""
        try:
            return ask()
        except DatabaseError as error:
            log.warning("the database does not answer: %s", error)
            return otherwise
