"""The worker's side of a job: claim it, say how far it is, end it

A lease is a random token with an end. Every write of a worker asks for its token within the same transaction: a worker
that has lost its lease changes nothing, whatever it still believes.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from catalog import versions
from catalog.dispatch import release_after_commit
from catalog.errors import Conflict, LostRace
from catalog.inputs import fingerprint
from catalog.models import AssetJob, AssetVersion, Group, Status, count_usage
from catalog.queue import CPU
from catalog.recipe import Recipe
from catalog.spending import book
from catalog.workers import known_generators

LEASE_SECONDS = 12
HEARTBEAT_SECONDS = 3

MAX_LOST_LEASES = 3
"""In one group: an input that kills its worker must not do so for ever."""

MAX_ATTEMPTS = 5
"""Of one group that end in something being away."""

BACKOFF_SECONDS = (5, 15, 45, 120)
"""Before the second to the fifth attempt, give or take a fifth, so that jobs do not come back all at once."""

CANCELLED_BY_MERCHANT = "cancelled"
CHECKPOINT_LOST = "checkpoint_lost"
"""What a worker says that cannot read what the group before has left, and cannot make it either."""

UNWANTED = Q(cancel_requested_at__isnull=False) | Q(merchant__leaving_at__isnull=False)
"""Jobs that end as soon as their workers can: the merchant has cancelled, or is leaving."""

MAX_LOST_CHECKPOINTS = 3
WORKER_LOST = "worker_lost"
WORKER_LOST_ADVICE = "Making this asset stopped a worker several times; we have to look into it."


@dataclass(frozen=True)
class Lease:
    """The right to work on one group of a job."""

    job_pk: int
    token: UUID
    group: Group


@dataclass(frozen=True)
class Spent:
    """What a task took: seconds of each stage it ran, and of the processors."""

    seconds: Mapping[str, float] = field(default_factory=dict)
    cpu_seconds: float = 0
    gpu_seconds: float = 0


NOTHING_SPENT = Spent()


def claim_job(job_pk: int, group: Group | str, worker: str) -> tuple[AssetJob, Lease]:
    """Take the job for `worker`; product and merchant come with it.

    Raises LostRace when there is nothing to do: it is not at `group`, has ended, is held by a live lease, or must not
    be tried again yet. A job of a merchant who is leaving ends at that, so that it holds up nobody else's.
    """
    lose_expired_lease(job_pk)
    _end_if_leaving(job_pk)
    lease = Lease(job_pk, uuid4(), Group(group))
    now = timezone.now()
    with transaction.atomic():
        job = _locked(job_pk)
        if job is None or job.ended_at or job.lease or job.group != group or (job.retry_at and job.retry_at > now):
            raise LostRace(f"nothing to do for {group} of job {job_pk}")
        held: dict[str, Any] = {
            "lease": lease.token,
            "lease_expires_at": now + timedelta(seconds=LEASE_SECONDS),
            "worker": worker[:120],
            "released_at": job.released_at or now,
            "retry_at": None,
            "started_at": job.started_at or now,
        }
        if lease.group == Group.PREPARE:
            held["inputs"] = fingerprint(job.product)
        if job.status == Status.QUEUED:
            job.move_to(Status.RUNNING, **held)
        else:
            _change(job, **held)
        _record_lease(job, "claimed")
    return job, lease


def _end_if_leaving(job_pk: int) -> None:
    """End the job if nobody holds it and its merchant is leaving."""
    free = {"ended_at": None, "lease": None, "merchant__leaving_at__isnull": False}
    if not AssetJob.objects.filter(pk=job_pk, **free).exists():
        return
    with transaction.atomic():
        job = _locked(job_pk, **free)
        if job is not None:
            _end(job, Status.CANCELLED, reason=CANCELLED_BY_MERCHANT)


def extend_lease(lease: Lease) -> bool:
    """Keep the job for LEASE_SECONDS from now; False: nobody wants it any more. Raises LostRace."""
    until = timezone.now() + timedelta(seconds=LEASE_SECONDS)
    ours = AssetJob.objects.filter(pk=lease.job_pk, lease=lease.token, status=Status.RUNNING)
    if not ours.update(lease_expires_at=until):
        raise LostRace(f"job {lease.job_pk} is no longer ours")
    return not ours.filter(UNWANTED).exists()


@transaction.atomic
def report_progress(lease: Lease, stage: str, progress: int) -> None:
    """Say that `stage` runs and how far the whole job is, 0 to 100. Raises LostRace."""
    job = _hold(lease)
    progress = min(max(progress, 0), 100)
    if job.stage != stage:
        _change(job, stage=stage, progress=progress)
        job.record("stage")
    elif job.progress != progress:
        _change(job, progress=progress)


@transaction.atomic
def end_prepare(lease: Lease, *, key: str, generator: str, why: str, queue: str, spent: Spent) -> None:
    """The cut-outs lie under `key`; `generate` comes next, on the `queue` of the generator chosen. Raises LostRace."""
    job = _hold(lease)
    chosen = {"generator": generator, "generator_why": why[:500], "prepared_key": key}
    job.generator = generator  # what preparing took counts as its
    _go_to(job, Group.GENERATE, spent, queue=queue, **chosen)


@transaction.atomic
def end_generate(lease: Lease, *, key: str, spent: Spent) -> None:
    """The raw shape lies under `key`; `finish` comes next. Raises LostRace."""
    _go_to(_hold(lease), Group.FINISH, spent, queue=CPU, generated_key=key)


def end_finish(lease: Lease, result: versions.FinishedAsset, spent: Spent) -> AssetVersion:
    """Write the version; publish it if the recipe and the result say so, otherwise somebody has to look at it.

    Raises LostRace, also when the merchant has cancelled meanwhile or is leaving, or Away when files are missing or
    cannot be published now: postpone then, which books what was spent, and `resume_finish` goes on.
    """
    if _end_unwanted(lease, spent):
        raise LostRace(f"job {lease.job_pk} has been cancelled")
    job = _reserve_files(lease, result)
    versions.ensure_files(job.merchant, result.files)
    version = _write_version(lease, result, spent)
    if version is None:
        raise LostRace(f"job {lease.job_pk} has been cancelled")
    if not AssetJob.objects.filter(pk=lease.job_pk, status=Status.NEEDS_REVIEW).exists():
        _publish(lease, version, spent)
    return version


def resume_finish(lease: Lease) -> AssetVersion | None:
    """The version that an interrupted `end_finish` has written already, now published; None: `finish` has to run.

    Raises as `end_finish`.
    """
    with transaction.atomic():
        job = _hold(lease)
    if job.version is not None:
        _publish(lease, job.version, NOTHING_SPENT)
    return job.version


@transaction.atomic
def reject_input(lease: Lease, code: str, advice: str, spent: Spent = NOTHING_SPENT) -> None:
    """The photos will not do: the merchant must act. Raises LostRace."""
    job = _hold(lease)
    _spend(job, spent)
    _end(job, Status.REJECTED, reason=code, advice=advice)


@transaction.atomic
def postpone(lease: Lease, code: str, advice: str, spent: Spent = NOTHING_SPENT) -> None:
    """Something is away: queued again for later, failed after MAX_ATTEMPTS of this group. Raises LostRace.

    With CHECKPOINT_LOST it goes back to the group before, at once.
    """
    job = _hold(lease)
    _spend(job, spent)
    attempts = job.attempts + 1
    if _obey(job):
        return
    if code == CHECKPOINT_LOST:
        _go_back(job, advice)
    elif attempts >= MAX_ATTEMPTS:
        _end(job, Status.FAILED, reason=code, advice=advice, attempts=attempts)
    else:
        wait = timedelta(seconds=BACKOFF_SECONDS[attempts - 1] * random.uniform(0.8, 1.2))  # noqa: S311
        _queue_again(job, reason=code, advice=advice, attempts=attempts, retry_at=timezone.now() + wait)


@transaction.atomic
def fail(lease: Lease, reason: str, advice: str, spent: Spent = NOTHING_SPENT) -> None:
    """A bug of ours: we must act. Raises LostRace."""
    job = _hold(lease)
    _spend(job, spent)
    _end(job, Status.FAILED, reason=reason, advice=advice)


@transaction.atomic
def hand_back(lease: Lease, spent: Spent = NOTHING_SPENT) -> None:
    """The worker has to stop: queued again at once, which counts as nothing. Raises LostRace."""
    job = _hold(lease)
    _spend(job, spent)
    _record_lease(job, "handed_back")
    if not _obey(job):
        _queue_again(job)


@transaction.atomic
def lose(lease: Lease, why: str, spent: Spent = NOTHING_SPENT) -> None:
    """The task's process died: counts as a lost lease. Raises LostRace."""
    job = _hold(lease)
    _spend(job, spent)
    _lose(job, why)


@transaction.atomic
def stop_cancelled(lease: Lease, spent: Spent = NOTHING_SPENT) -> None:
    """The worker has stopped because the merchant asked for it. Raises LostRace."""
    job = _hold(lease)
    _spend(job, spent)
    _end(job, Status.CANCELLED, reason=CANCELLED_BY_MERCHANT)


def lose_expired_lease(job_pk: int) -> bool:
    """Take the job from a worker that has given no sign of life; False when there was nothing to take."""
    expired = {"lease__isnull": False, "lease_expires_at__lte": timezone.now()}
    if not AssetJob.objects.filter(pk=job_pk, **expired).exists():
        return False
    with transaction.atomic():
        job = _locked(job_pk, **expired)
        if job is not None:
            _lose(job, "The worker gave no sign of life.")
    return job is not None


def _locked(job_pk: int, **conditions: object) -> AssetJob | None:
    """The job, locked until the transaction ends, with what it belongs to.

    Not with its version: who waits for PostgreSQL's lock gets the job as it is then, but joined rows as they were.
    """
    jobs = AssetJob.objects.select_for_update(of=("self",)).select_related("product", "merchant")
    return jobs.filter(pk=job_pk, **conditions).first()


def _hold(lease: Lease) -> AssetJob:
    """The job, locked until the transaction ends. Raises LostRace when the lease is no longer ours."""
    job = _locked(lease.job_pk, lease=lease.token, status=Status.RUNNING, group=lease.group)
    if job is None:
        raise LostRace(f"job {lease.job_pk} is no longer ours")
    return job


def _change(job: AssetJob, **fields: object) -> None:
    """Write `fields` of the locked job."""
    for name, value in fields.items():
        setattr(job, name, value)
    job.save(update_fields=list(fields))


def _record_lease(job: AssetJob, reason: str, text: str = "") -> None:
    job.events.create(kind="lease", status=job.status, stage=job.stage, reason=reason, text=text[:500])


def _spend(job: AssetJob, spent: Spent, *, whole_group: bool = False, versions: int = 0) -> None:
    """Book what a task took and made; only a group that ran to its end tells how long groups take."""
    used = {"cpu_seconds": spent.cpu_seconds, "gpu_seconds": spent.gpu_seconds, "versions": versions}
    book(job, spent.seconds, used, whole_group=whole_group)


def _go_to(job: AssetJob, group: Group, spent: Spent, **fields: object) -> None:
    """Let go of the job so that its next group can be released."""
    _spend(job, spent, whole_group=True)
    free = {"lease": None, "lease_expires_at": None, "released_at": None, "worker": ""}
    _change(job, group=group, lost_leases=0, attempts=0, waiting_since=timezone.now(), **free, **fields)
    if not _obey(job):
        release_after_commit()


def _end(job: AssetJob, status: Status, *, reason: str = "", advice: str = "", **fields: object) -> None:
    job.move_to(status, reason=reason, advice=advice, **fields)
    release_after_commit()


@transaction.atomic
def _end_unwanted(lease: Lease, spent: Spent) -> bool:
    """End the lease's job, and book what was spent, if nobody wants it any more."""
    job = _hold(lease)
    if _is_wanted(job):
        return False
    _spend(job, spent, whole_group=True)
    return _obey(job)


def _is_wanted(job: AssetJob) -> bool:
    return job.cancel_requested_at is None and job.merchant.leaving_at is None


def _obey(job: AssetJob) -> bool:
    """End the locked job if nobody wants it any more: the merchant has asked for it, or is leaving."""
    if _is_wanted(job):
        return False
    _end(job, Status.CANCELLED, reason=CANCELLED_BY_MERCHANT)
    return True


def _queue_again(job: AssetJob, *, reason: str = "", advice: str = "", **fields: object) -> None:
    free = {"lease": None, "lease_expires_at": None, "released_at": None, "worker": ""}
    job.move_to(Status.QUEUED, reason=reason, advice=advice, **free, **fields)
    release_after_commit()


def _go_back(job: AssetJob, advice: str) -> None:
    """Have the group before run again, where its generator can; fail where that has not helped several times."""
    times = job.events.filter(kind="status", reason=CHECKPOINT_LOST, at__gte=job.started_at).count()
    spec = known_generators().get(job.generator)
    if times >= MAX_LOST_CHECKPOINTS:
        _end(job, Status.FAILED, reason=CHECKPOINT_LOST, advice=advice)
    elif job.group == Group.FINISH and spec is not None:
        lost = {"group": Group.GENERATE, "queue": str(spec["queue"]), "generated_key": ""}
        _queue_again(job, reason=CHECKPOINT_LOST, advice=advice, lost_leases=0, attempts=0, **lost)
    else:
        lost = {"group": Group.PREPARE, "queue": CPU, "prepared_key": "", "generated_key": ""}
        _queue_again(job, reason=CHECKPOINT_LOST, advice=advice, lost_leases=0, attempts=0, **lost)


def _lose(job: AssetJob, why: str) -> None:
    """Count a lost lease of the locked job."""
    _record_lease(job, "lost", why)
    lost = job.lost_leases + 1
    if _obey(job):
        return
    if lost >= MAX_LOST_LEASES:
        _end(job, Status.FAILED, reason=WORKER_LOST, advice=WORKER_LOST_ADVICE, lost_leases=lost)
    else:
        _queue_again(job, reason=WORKER_LOST, lost_leases=lost)


@transaction.atomic
def _reserve_files(lease: Lease, result: versions.FinishedAsset) -> AssetJob:
    job = _hold(lease)
    versions.reserve_files(job, result)
    return job


@transaction.atomic
def _write_version(lease: Lease, result: versions.FinishedAsset, spent: Spent) -> AssetVersion | None:
    """Write the version; unless it is to be published, that ends the job. None: the merchant has cancelled.

    What was spent is booked with the end, so that it is booked once however often publishing has to be tried.
    """
    job = _hold(lease)
    if not _is_wanted(job):
        _spend(job, spent, whole_group=True)
        _obey(job)
        return None
    job.version = versions.create_version(job, result, cpu_seconds=spent.cpu_seconds, gpu_seconds=spent.gpu_seconds)
    if _may_publish(job, result):
        count_usage(job.merchant_id, job.generator, {"versions": 1})
    else:
        _spend(job, spent, whole_group=True, versions=1)
        reason = "" if result.publishable and result.grade != "C" else (result.review_reason or "grade_c")
        _end(job, Status.NEEDS_REVIEW, reason=reason, advice=result.review_advice, progress=100)
    return job.version


def _may_publish(job: AssetJob, result: versions.FinishedAsset) -> bool:
    """Grade C is a guess of free form: somebody has to look at it, whatever the recipe says."""
    return Recipe.from_json(job.recipe).auto_publish and result.publishable and result.grade != "C"


def _publish(lease: Lease, version: AssetVersion, spent: Spent) -> None:
    """Publish what the lease's job has made, and end the job with it; what cannot be published is to be looked at."""
    public_files, refusal = [], None
    if _end_unwanted(lease, spent):
        return
    try:
        public_files = versions.copy_to_public(version)
    except Conflict as error:
        refusal = error
    with transaction.atomic():
        job = _hold(lease)
        product = versions.lock_product(version)
        try:
            versions.refuse_archived(product)
        except Conflict as error:
            refusal = refusal or error
        _spend(job, spent, whole_group=True)
        if _obey(job):
            return
        if refusal is not None:
            _end(job, Status.NEEDS_REVIEW, reason=refusal.code, advice=refusal.message, progress=100)
        else:
            versions.show_version(product, version, public_files)
            _end(job, Status.PUBLISHED, progress=100)
