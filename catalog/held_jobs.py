"""A job that a worker holds, locked until the transaction ends: what its tasks' ends have in common"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from catalog.dispatch import release_after_commit
from catalog.errors import LostRace
from catalog.models import AssetJob, Group, Status
from catalog.queue import CPU
from catalog.spending import book
from catalog.workers import known_generators

MAX_LOST_LEASES = 3
"""In one group: an input that kills its worker must not do so for ever."""

CANCELLED_BY_MERCHANT = "cancelled"
CHECKPOINT_LOST = "checkpoint_lost"
"""What a worker says that cannot read what the group before has left, and cannot make it either."""

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


def locked(job_pk: int, **conditions: object) -> AssetJob | None:
    """The job, locked until the transaction ends, with what it belongs to.

    Not with its version: who waits for PostgreSQL's lock gets the job as it is then, but joined rows as they were.
    """
    jobs = AssetJob.objects.select_for_update(of=("self",)).select_related("product", "merchant")
    return jobs.filter(pk=job_pk, **conditions).first()


def hold(lease: Lease) -> AssetJob:
    """The job, locked until the transaction ends. Raises LostRace when the lease is no longer ours."""
    job = locked(lease.job_pk, lease=lease.token, status=Status.RUNNING, group=lease.group)
    if job is None:
        raise LostRace(f"job {lease.job_pk} is no longer ours")
    return job


def change(job: AssetJob, **fields: object) -> None:
    """Write `fields` of the locked job."""
    for name, value in fields.items():
        setattr(job, name, value)
    job.save(update_fields=list(fields))


def record_lease(job: AssetJob, reason: str, text: str = "") -> None:
    """Write down what became of a lease."""
    job.events.create(kind="lease", status=job.status, stage=job.stage, reason=reason, text=text[:500])


def spend(job: AssetJob, spent: Spent, *, whole_group: bool = False, versions: int = 0) -> None:
    """Book what a task took and made; only a group that ran to its end tells how long groups take."""
    used = {"cpu_seconds": spent.cpu_seconds, "gpu_seconds": spent.gpu_seconds, "versions": versions}
    book(job, spent.seconds, used, whole_group=whole_group)


def go_to(job: AssetJob, group: Group, spent: Spent, **fields: object) -> None:
    """Let go of the job so that its next group can be released."""
    spend(job, spent, whole_group=True)
    free = {"lease": None, "lease_expires_at": None, "released_at": None, "worker": ""}
    change(job, group=group, lost_leases=0, attempts=0, waiting_since=timezone.now(), **free, **fields)
    if not obey(job):
        release_after_commit()


def end(job: AssetJob, status: Status, *, reason: str = "", advice: str = "", **fields: object) -> None:
    """End the locked job, and let others begin."""
    job.move_to(status, reason=reason, advice=advice, **fields)
    release_after_commit()


@transaction.atomic
def end_unwanted(lease: Lease, spent: Spent) -> bool:
    """End the lease's job, and book what was spent, if nobody wants it any more."""
    job = hold(lease)
    if is_wanted(job):
        return False
    spend(job, spent, whole_group=True)
    return obey(job)


def is_wanted(job: AssetJob) -> bool:
    """Whether the merchant has neither called it off nor leaves."""
    return job.cancel_requested_at is None and job.merchant.leaving_at is None


def obey(job: AssetJob) -> bool:
    """End the locked job if nobody wants it any more: the merchant has asked for it, or is leaving."""
    if is_wanted(job):
        return False
    end(job, Status.CANCELLED, reason=CANCELLED_BY_MERCHANT)
    return True


def queue_again(job: AssetJob, *, reason: str = "", advice: str = "", **fields: object) -> None:
    """Put the locked job back into its queue."""
    free = {"lease": None, "lease_expires_at": None, "released_at": None, "worker": ""}
    job.move_to(Status.QUEUED, reason=reason, advice=advice, **free, **fields)
    release_after_commit()


def go_back(job: AssetJob, advice: str) -> None:
    """Have the group before run again, where its generator can; fail where that has not helped several times."""
    times = job.events.filter(kind="status", reason=CHECKPOINT_LOST, at__gte=job.started_at).count()
    spec = known_generators().get(job.generator)
    if times >= MAX_LOST_CHECKPOINTS:
        end(job, Status.FAILED, reason=CHECKPOINT_LOST, advice=advice)
    elif job.group == Group.FINISH and spec is not None:
        lost = {"group": Group.GENERATE, "queue": str(spec["queue"]), "generated_key": ""}
        queue_again(job, reason=CHECKPOINT_LOST, advice=advice, lost_leases=0, attempts=0, **lost)
    else:
        lost = {"group": Group.PREPARE, "queue": CPU, "prepared_key": "", "generated_key": ""}
        queue_again(job, reason=CHECKPOINT_LOST, advice=advice, lost_leases=0, attempts=0, **lost)


def lose_lease(job: AssetJob, why: str) -> None:
    """Count a lost lease of the locked job."""
    record_lease(job, "lost", why)
    lost = job.lost_leases + 1
    if obey(job):
        return
    if lost >= MAX_LOST_LEASES:
        end(job, Status.FAILED, reason=WORKER_LOST, advice=WORKER_LOST_ADVICE, lost_leases=lost)
    else:
        queue_again(job, reason=WORKER_LOST, lost_leases=lost)
