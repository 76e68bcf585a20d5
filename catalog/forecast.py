"""what making one more model would take: how long until it is there, and how many seconds of processors it costs

From what jobs of the same quality took before; as long as none has run, nothing is said.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from catalog.dispatch import released_in, waiting_in
from catalog.models import AssetJob, Group, Kind, Merchant, StageTotal
from catalog.queue import CPU
from catalog.spending import group_total
from catalog.workers import slots_of

JOBS_LOOKED_AT = 100
"""The newest ones, of all shops: what a model costs depends on machines and quality, not on who sells."""


@dataclass(frozen=True)
class Forecast:
    """seconds: from pressing the button to the model; None: not known yet. cpu_seconds, gpu_seconds: of processors."""

    seconds: int | None = None
    cpu_seconds: int | None = None
    gpu_seconds: int | None = None


@dataclass(frozen=True)
class Line:
    """Who works, and what waits. slots: jobs that can run at a time. ahead: jobs that come before a new one."""

    slots: int
    ahead: int


def line_for(merchant: Merchant) -> Line:
    """Where a job of `merchant` would stand that is asked for now: merchants take turns."""
    counts: dict[int, int] = {}
    for each in waiting_in(CPU).values_list("merchant_id", flat=True)[:JOBS_LOOKED_AT]:
        counts[each] = counts.get(each, 0) + 1
    own = counts.pop(merchant.pk, 0)
    ahead = released_in(CPU).count() + own + sum(min(count, own + 1) for count in counts.values())
    return Line(slots_of(CPU), ahead)


def forecast(line: Line, qualities: Iterable[str]) -> Mapping[str, Forecast]:
    """Quality -> what a job asked for now would take."""
    wanted = tuple(qualities)
    names = {quality: [group_total(group, {"quality": quality}) for group in Group] for quality in wanted}
    totals = StageTotal.objects.filter(stage__in=[name for some in names.values() for name in some], count__gt=0)
    means = {total.stage: total.seconds / total.count for total in totals}
    costs = _costs()
    found = {}
    for quality in wanted:
        known = [means[name] for name in names[quality] if name in means]
        seconds = None
        if len(known) == len(names[quality]) and line.slots:
            turns = 1 + line.ahead // line.slots
            seconds = round(turns * sum(known))
        cpu, gpu = costs.get(quality, (None, None))
        found[quality] = Forecast(seconds, cpu, gpu)
    return found


def _costs() -> dict[str, tuple[int, int]]:
    """Quality -> mean seconds of (CPU, GPU) of the newest jobs that made a model."""
    made = AssetJob.objects.filter(kind=Kind.MAKE, version__isnull=False).order_by("-pk")
    spent: dict[str, list[tuple[float, float]]] = {}
    for recipe, cpu, gpu in made.values_list("recipe", "cpu_seconds", "gpu_seconds")[:JOBS_LOOKED_AT]:
        if cpu or gpu:
            spent.setdefault(str(recipe.get("quality")), []).append((cpu, gpu))
    return {
        quality: (round(sum(cpu for cpu, _ in some) / len(some)), round(sum(gpu for _, gpu in some) / len(some)))
        for quality, some in spent.items()
    }
