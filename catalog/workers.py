"""Who works: what worker processes advertise, and what follows from it for jobs"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.utils import timezone

from catalog.models import Worker

ADVERTISE_SECONDS = 10
"""How often a worker says again what it can do."""

LIVE_SECONDS = 35
"""A worker that has been silent for longer is taken for dead: three calls missed."""

KEEP_SECONDS = 86_400
"""What a worker could do stays known for that long: a restart of all workers must not make recipes invalid."""


def advertise(
    name: str,
    *,
    queues: Sequence[str],
    generators: Sequence[Mapping[str, Any]],
    profiles: Sequence[str],
    qualities: Sequence[str],
    slots: int,
) -> Worker:
    """Say that the worker `name` lives and what it can run; call it again every ADVERTISE_SECONDS.

    generators: GeneratorSpecs as JSON, with `runs_here` and `why_not`.
    """
    worker, _ = Worker.objects.update_or_create(
        name=name,
        defaults={
            "queues": list(queues),
            "generators": [dict(spec) for spec in generators],
            "profiles": list(profiles),
            "qualities": list(qualities),
            "slots": slots,
            "last_seen_at": timezone.now(),
        },
    )
    return worker


def sign_off(name: str) -> None:
    """The worker `name` stops: it counts no longer, though what it could do stays known for a while."""
    Worker.objects.filter(name=name).update(last_seen_at=timezone.now() - timedelta(seconds=LIVE_SECONDS + 1))


def live_workers() -> list[Worker]:
    """Workers that have given a sign of life lately, without what they advertise about generators."""
    since = timezone.now() - timedelta(seconds=LIVE_SECONDS)
    return list(Worker.objects.filter(last_seen_at__gte=since).defer("generators").order_by("name"))


def slots_of(queue: str, workers: Iterable[Worker] | None = None) -> int:
    """How many tasks of `queue` can run at a time, by the live workers that read it (or by `workers`)."""
    return sum(worker.slots for worker in (live_workers() if workers is None else workers) if queue in worker.queues)


def known_generators() -> dict[str, dict[str, Any]]:
    """Name -> GeneratorSpec as JSON, of all workers known; where they differ, of one that can run it."""
    known: dict[str, dict[str, Any]] = {}
    for worker in Worker.objects.order_by("-last_seen_at"):
        for spec in worker.generators:
            seen = known.get(spec["name"])
            if seen is None or (spec.get("runs_here") and not seen.get("runs_here")):
                known[spec["name"]] = dict(spec)
    return known


def known_names(kind: str) -> frozenset[str]:
    """Every name of that kind, "profiles" or "qualities", that a known worker takes."""
    return frozenset(name for names in Worker.objects.values_list(kind, flat=True) for name in names)
