"""The worker's side of a job: claim it, say how far it is, end it

A lease is a random token with an end. Every write of a worker asks for its token within the same transaction: a worker
that has lost its lease changes nothing, whatever it still believes.
"""

import random
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from catalog import versions
from catalog.errors import Conflict, LostRace
from catalog.held_jobs import (
    CANCELLED_BY_MERCHANT,
    CHECKPOINT_LOST,
    NOTHING_SPENT,
    Lease,
    Spent,
    change,
    end,
    end_unwanted,
    go_back,
    go_to,
    hold,
    is_wanted,
    locked,
    lose_lease,
    obey,
    queue_again,
    record_lease,
    spend,
)
from catalog.inputs import fingerprint
from catalog.models import AssetJob, AssetVersion, Group, Status, count_usage
from catalog.queue import CPU
from catalog.recipe import Recipe

LEASE_SECONDS = 12
HEARTBEAT_SECONDS = 3

MAX_ATTEMPTS = 5
"""Of one group that end in something being away."""

BACKOFF_SECONDS = (5, 15, 45, 120)
"""Before the second to the fifth attempt, give or take a fifth, so that jobs do not come back all at once."""

UNWANTED = Q(cancel_requested_at__isnull=False) | Q(merchant__leaving_at__isnull=False)
"""Jobs that end as soon as their workers can: the merchant has cancelled, or is leaving."""


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
        job = locked(job_pk)
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
            change(job, **held)
        record_lease(job, "claimed")
    return job, lease


def _end_if_leaving(job_pk: int) -> None:
    """End the job if nobody holds it and its merchant is leaving."""
    free = {"ended_at": None, "lease": None, "merchant__leaving_at__isnull": False}
    if not AssetJob.objects.filter(pk=job_pk, **free).exists():
        return
    with transaction.atomic():
        job = locked(job_pk, **free)
        if job is not None:
            end(job, Status.CANCELLED, reason=CANCELLED_BY_MERCHANT)


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
    job = hold(lease)
    progress = min(max(progress, 0), 100)
    if job.stage != stage:
        change(job, stage=stage, progress=progress)
        job.record("stage")
    elif job.progress != progress:
        change(job, progress=progress)


@transaction.atomic
def end_prepare(lease: Lease, *, key: str, generator: str, why: str, queue: str, spent: Spent) -> None:
    """The cut-outs lie under `key`; `generate` comes next, on the `queue` of the generator chosen. Raises LostRace."""
    job = hold(lease)
    chosen = {"generator": generator, "generator_why": why[:500], "prepared_key": key}
    job.generator = generator  # what preparing took counts as its
    go_to(job, Group.GENERATE, spent, queue=queue, **chosen)


@transaction.atomic
def end_generate(lease: Lease, *, key: str, spent: Spent) -> None:
    """The raw shape lies under `key`; `finish` comes next. Raises LostRace."""
    go_to(hold(lease), Group.FINISH, spent, queue=CPU, generated_key=key)


def end_finish(lease: Lease, result: versions.FinishedAsset, spent: Spent) -> AssetVersion:
    """Write the version; publish it if the recipe and the result say so, otherwise somebody has to look at it.

    Raises LostRace, also when the merchant has cancelled meanwhile or is leaving, or Away when files are missing or
    cannot be published now: postpone then, which books what was spent, and `resume_finish` goes on.
    """
    if end_unwanted(lease, spent):
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
        job = hold(lease)
    if job.version is not None:
        _publish(lease, job.version, NOTHING_SPENT)
    return job.version


@transaction.atomic
def reject_input(lease: Lease, code: str, advice: str, spent: Spent = NOTHING_SPENT) -> None:
    """The photos will not do: the merchant must act. Raises LostRace."""
    job = hold(lease)
    spend(job, spent)
    end(job, Status.REJECTED, reason=code, advice=advice)


@transaction.atomic
def postpone(lease: Lease, code: str, advice: str, spent: Spent = NOTHING_SPENT) -> None:
    """Something is away: queued again for later, failed after MAX_ATTEMPTS of this group. Raises LostRace.

    With CHECKPOINT_LOST it goes back to the group before, at once.
    """
    job = hold(lease)
    spend(job, spent)
    attempts = job.attempts + 1
    if obey(job):
        return
    if code == CHECKPOINT_LOST:
        go_back(job, advice)
    elif attempts >= MAX_ATTEMPTS:
        end(job, Status.FAILED, reason=code, advice=advice, attempts=attempts)
    else:
        wait = timedelta(seconds=BACKOFF_SECONDS[attempts - 1] * random.uniform(0.8, 1.2))  # noqa: S311
        queue_again(job, reason=code, advice=advice, attempts=attempts, retry_at=timezone.now() + wait)


@transaction.atomic
def fail(lease: Lease, reason: str, advice: str, spent: Spent = NOTHING_SPENT) -> None:
    """A bug of ours: we must act. Raises LostRace."""
    job = hold(lease)
    spend(job, spent)
    end(job, Status.FAILED, reason=reason, advice=advice)


@transaction.atomic
def hand_back(lease: Lease, spent: Spent = NOTHING_SPENT) -> None:
    """The worker has to stop: queued again at once, which counts as nothing. Raises LostRace."""
    job = hold(lease)
    spend(job, spent)
    record_lease(job, "handed_back")
    if not obey(job):
        queue_again(job)


@transaction.atomic
def lose(lease: Lease, why: str, spent: Spent = NOTHING_SPENT) -> None:
    """The task's process died: counts as a lost lease. Raises LostRace."""
    job = hold(lease)
    spend(job, spent)
    lose_lease(job, why)


@transaction.atomic
def stop_cancelled(lease: Lease, spent: Spent = NOTHING_SPENT) -> None:
    """The worker has stopped because the merchant asked for it. Raises LostRace."""
    job = hold(lease)
    spend(job, spent)
    end(job, Status.CANCELLED, reason=CANCELLED_BY_MERCHANT)


def lose_expired_lease(job_pk: int) -> bool:
    """Take the job from a worker that has given no sign of life; False when there was nothing to take."""
    expired = {"lease__isnull": False, "lease_expires_at__lte": timezone.now()}
    if not AssetJob.objects.filter(pk=job_pk, **expired).exists():
        return False
    with transaction.atomic():
        job = locked(job_pk, **expired)
        if job is not None:
            lose_lease(job, "The worker gave no sign of life.")
    return job is not None


@transaction.atomic
def _reserve_files(lease: Lease, result: versions.FinishedAsset) -> AssetJob:
    job = hold(lease)
    versions.reserve_files(job, result)
    return job


@transaction.atomic
def _write_version(lease: Lease, result: versions.FinishedAsset, spent: Spent) -> AssetVersion | None:
    """Write the version; unless it is to be published, that ends the job. None: the merchant has cancelled.

    What was spent is booked with the end, so that it is booked once however often publishing has to be tried.
    """
    job = hold(lease)
    if not is_wanted(job):
        spend(job, spent, whole_group=True)
        obey(job)
        return None
    job.version = versions.create_version(job, result, cpu_seconds=spent.cpu_seconds, gpu_seconds=spent.gpu_seconds)
    if _may_publish(job, result):
        count_usage(job.merchant_id, job.generator, {"versions": 1})
    else:
        spend(job, spent, whole_group=True, versions=1)
        reason = "" if result.publishable and result.grade != "C" else (result.review_reason or "grade_c")
        end(job, Status.NEEDS_REVIEW, reason=reason, advice=result.review_advice, progress=100)
    return job.version


def _may_publish(job: AssetJob, result: versions.FinishedAsset) -> bool:
    """Grade C is a guess of free form: somebody has to look at it, whatever the recipe says."""
    return Recipe.from_json(job.recipe).auto_publish and result.publishable and result.grade != "C"


def _publish(lease: Lease, version: AssetVersion, spent: Spent) -> None:
    """Publish what the lease's job has made, and end the job with it; what cannot be published is to be looked at."""
    public_files, refusal = [], None
    if end_unwanted(lease, spent):
        return
    try:
        public_files = versions.copy_to_public(version)
    except Conflict as error:
        refusal = error
    with transaction.atomic():
        job = hold(lease)
        product = versions.lock_product(version)
        try:
            versions.refuse_archived(product)
        except Conflict as error:
            refusal = refusal or error
        spend(job, spent, whole_group=True)
        if obey(job):
            return
        if refusal is not None:
            end(job, Status.NEEDS_REVIEW, reason=refusal.code, advice=refusal.message, progress=100)
        else:
            versions.show_version(product, version, public_files)
            end(job, Status.PUBLISHED, progress=100)
