"""jobs whose generator no worker can run any more -> another generator, or an end

A job that has been prepared waits in its generator's queue. When the workers that can run it go and never come back,
it would wait for ever; so after a while it chooses again, if the merchant has left the choice to us, or fails.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from catalog.dispatch import release_after_commit
from catalog.models import AssetJob, Group, Status, Worker
from catalog.queue import CPU
from catalog.recipe import Recipe

AUTO = "auto"
AT_ONCE = 100
NO_WORKER = "no_worker"
NO_WORKER_ADVICE = (
    "There has been no worker for the generator {generator} for {hours} hours: ask for another generator, or try again "
    "once one is back."
)


def settle_stranded(now: datetime) -> int:
    """Settle jobs whose generator no worker could run for NO_WORKER_HOURS, in which they waited; returns how many."""
    found = stranded(now).order_by("pk").values_list("pk", flat=True)
    return sum(_settle(pk, now) for pk in found[:AT_ONCE])


def stranded(now: datetime) -> QuerySet[AssetJob]:
    """Jobs that nobody can go on with."""
    since = now - timedelta(hours=settings.NO_WORKER_HOURS)
    lately = Worker.objects.filter(last_seen_at__gt=since).values_list("queues", "generators")
    able = {
        spec["name"]
        for queues, generators in lately
        for spec in generators
        if spec.get("runs_here", True) and spec["queue"] in queues
    }
    waiting = AssetJob.objects.filter(ended_at=None, lease=None, group=Group.GENERATE, waiting_since__lte=since)
    return waiting.exclude(generator__in=able)


@transaction.atomic
def _settle(job_pk: int, now: datetime) -> bool:
    """False when the job has gone on meanwhile."""
    job = stranded(now).select_for_update().filter(pk=job_pk).first()
    if job is None:
        return False
    advice = NO_WORKER_ADVICE.format(generator=job.generator, hours=settings.NO_WORKER_HOURS)
    if Recipe.from_json(job.recipe).generator == AUTO:
        _choose_again(job)
    else:
        job.move_to(Status.FAILED, reason=NO_WORKER, advice=advice)
    release_after_commit()
    return True


def _choose_again(job: AssetJob) -> None:
    """Back to where a generator is chosen, by what workers can run by then."""
    job.record("note", text=f"No worker for {job.generator}: the generator is chosen again.")
    AssetJob.objects.filter(pk=job.pk).update(
        group=Group.PREPARE,
        queue=CPU,
        generator="",
        generator_why="",
        prepared_key="",
        generated_key="",
        released_at=None,
        retry_at=None,
        lost_leases=0,
        attempts=0,
        waiting_since=timezone.now(),
    )
