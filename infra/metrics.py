"""/metrics: what the database knows of jobs, photos and workers, and how long this process took to answer

The catalogue's figures are the same from every process; the requests' are this process's own. Counters live in the
database where they must outlast it (`StageTotal`, `UsageDay`). A scrape reads no table that grows with the catalogue
from end to end: what is under way has indexes of its own, and what has ended is summed up already.
"""

import hmac
import logging
import math
import time
from collections import Counter
from collections.abc import Iterator, Mapping

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Count, Min, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from catalog.models import AssetJob, Photo, StageTotal, Status, UsageDay
from catalog.usage import ENDED
from catalog.workers import live_workers

log = logging.getLogger(__name__)

REGISTRY = CollectorRegistry()
REQUEST_SECONDS = Histogram(
    "plinth_request_seconds",
    "Seconds until the answer's first byte; events that are streamed count until their start.",
    ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=REGISTRY,
)
UNDER_WAY = tuple(status for status in Status if status not in ENDED)
USED_SECONDS = 15
METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})


def observe_request(method: str, route: str, status: int, seconds: float) -> None:
    """Count one answered request. What strangers may invent (methods, paths) becomes one label, not many."""
    REQUEST_SECONDS.labels(method if method in METHODS else "other", route or "none", str(status)).observe(seconds)


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus's text, for who knows METRICS_TOKEN; without a token it exists in the demo only."""
    token = settings.METRICS_TOKEN.reveal()
    if not token and not settings.ENV.demo:
        raise Http404
    if token and not hmac.compare_digest(request.headers.get("Authorization", "").encode(), f"Bearer {token}".encode()):
        return HttpResponse("unauthorized\n", status=401, headers={"WWW-Authenticate": "Bearer"})
    return HttpResponse(generate_latest(REGISTRY), content_type=CONTENT_TYPE_PLAIN_0_0_4)


class Catalogue(Collector):
    """Reads the catalogue's figures whenever somebody asks."""

    def describe(self) -> list[Metric]:
        """Nothing: registering must not ask the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Everything the database knows; without the database only that it is away."""
        try:
            families = [*_jobs(), *_used(), _queues(), _stages(), _workers(), _photos()]
        except DatabaseError as error:
            log.warning("metrics: the database is away: %s", error)
            families = []
        yield GaugeMetricFamily("plinth_database_up", "Whether the database answered.", value=float(bool(families)))
        yield from families


def _jobs() -> Iterator[Metric]:
    active = AssetJob.objects.filter(ended_at=None).values_list("status", "stage").order_by("status", "stage")
    jobs = GaugeMetricFamily("plinth_jobs", "Jobs that are under way, by status.", labels=["status"])
    running = GaugeMetricFamily("plinth_jobs_running", "Running jobs by the stage they are in.", labels=["stage"])
    counts = dict.fromkeys(UNDER_WAY, 0)
    for status, stage, count in active.annotate(Count("pk")):
        counts[status] += count
        if status == Status.RUNNING:
            running.add_metric([stage or "none"], count)
    for status, count in counts.items():
        jobs.add_metric([status], count)
    yield from (jobs, running)


def _used() -> Iterator[Metric]:
    """From what is written down for bills, a few rows for each merchant and day: jobs and versions grow without end."""
    ended = CounterMetricFamily("plinth_jobs_ended", "How often jobs came to an end, by how.", labels=["status"])
    used = USAGE.sums()
    for status in ENDED:
        ended.add_metric([status], used.get(status, (0, 0))[0])
    yield ended
    versions = sum(made for _, made in used.values())
    yield CounterMetricFamily("plinth_versions_made", "Versions that were made.", value=versions)


class Usage:
    """Sums over all merchants' days, read again when they are USED_SECONDS old."""

    def __init__(self) -> None:
        self._sums: Mapping[str, tuple[int, int]] = {}
        self._read_at = -math.inf

    def sums(self) -> Mapping[str, tuple[int, int]]:
        """How a job ends -> (how often, versions made)."""
        if time.monotonic() - self._read_at >= USED_SECONDS:
            rows = UsageDay.objects.order_by().values_list("ended_as").annotate(Sum("ended"), Sum("versions"))
            self._sums = {status: (ended, versions) for status, ended, versions in rows}
            self._read_at = time.monotonic()
        return self._sums


USAGE = Usage()


def _queues() -> Metric:
    age = GaugeMetricFamily(
        "plinth_queue_oldest_seconds",
        "How long the job has waited that waits longest for a worker, to begin or to go on.",
        labels=["queue"],
    )
    waiting = AssetJob.objects.filter(ended_at=None, lease=None, retry_at=None)
    for queue, since in waiting.values_list("queue").annotate(Min("waiting_since")).order_by("queue"):
        age.add_metric([queue], (timezone.now() - since).total_seconds())
    return age


def _stages() -> Metric:
    seconds = SummaryMetricFamily("plinth_stage_seconds", "Seconds that stages took.", labels=["stage"])
    for total in StageTotal.objects.exclude(stage__contains="/").order_by("stage"):  # those are sums, for estimates
        seconds.add_metric([total.stage], total.count, total.seconds)
    return seconds


def _workers() -> Metric:
    family = GaugeMetricFamily("plinth_workers", "Live workers by the queue they read.", labels=["queue"])
    queues = [queue for worker in live_workers() for queue in worker.queues]
    for queue in sorted({"cpu", *queues}):
        family.add_metric([queue], queues.count(queue))
    return family


def _photos() -> Metric:
    """Counted in three parts, each of which has an index of its own: most photos are long done."""
    way = Photo.objects.filter(queue__isnull=False).order_by("queue").values_list("queue")
    waiting = way.filter(released_at__isnull=True, retry_at__isnull=True)
    released = way.filter(released_at__isnull=False)
    later = way.filter(released_at__isnull=True, retry_at__isnull=False)
    counts = Counter(cpu=0, io=0)
    for part in (waiting, released, later):
        counts.update(dict(part.annotate(Count("pk"))))
    photos = GaugeMetricFamily(
        "plinth_photos",
        "Photos on their way by what comes next: io to be fetched, cpu to be looked at.",
        labels=["queue"],
    )
    for queue, count in sorted(counts.items()):
        photos.add_metric([queue], count)
    return photos


REGISTRY.register(Catalogue())
ProcessCollector(registry=REGISTRY)
