"""what tasks took -> the job, its events, the totals that estimates come from, and the merchant's usage"""

from collections.abc import Mapping
from typing import Any

from django.db.models import F

from catalog.models import AssetJob, Group, Kind, StageTotal, count_usage
from catalog.recipe import Recipe


def book(job: AssetJob, seconds: Mapping[str, float], used: Mapping[str, float], *, whole_group: bool) -> None:
    """Write down what a task of the locked job took, in the order of locks that `count_usage` states.

    seconds: of each stage. used: `cpu_seconds`, `gpu_seconds`, and `versions` made. whole_group: whether the task ran
    to its end, so that it tells how long its group takes.
    """
    job.cpu_seconds += used["cpu_seconds"]
    job.gpu_seconds += used["gpu_seconds"]
    job.save(update_fields=["cpu_seconds", "gpu_seconds"])
    for stage, taken in seconds.items():
        job.events.create(kind="stage", status=job.status, stage=stage, seconds=taken)
    totals = dict(seconds)
    if whole_group and totals:
        group = job.group if job.kind == Kind.MAKE else job.kind
        totals[group_total(group, job.recipe)] = sum(seconds.values())
    for stage, taken in sorted(totals.items()):  # in one order, or two workers would wait for each other
        StageTotal.objects.get_or_create(stage=stage)
        StageTotal.objects.filter(stage=stage).update(count=F("count") + 1, seconds=F("seconds") + taken)
    if any(used.values()):
        count_usage(job.merchant_id, job.generator, used)


def group_total(group: str, recipe: Mapping[str, Any]) -> str:
    """The name of the StageTotal that says how long a group takes at the recipe's quality."""
    return f"{group}/{Recipe.from_json(recipe).quality}"[:20]


def group_totals(job: AssetJob) -> list[str]:
    """Those of every group that the job goes through. Edits and uploads have one, of their own."""
    groups = list(Group) if job.kind == Kind.MAKE else [job.kind]
    return [group_total(group, job.recipe) for group in groups]
