"""/metrics: what the database knows of jobs, photos and workers, and how long this process took to answer

The catalogue's figures are read at every scrape and are the same from every process; the requests' are this process's
own. Counters live in the database where they must outlast it (`StageTotal`).
"""

import hmac
import logging
from collections.abc import Iterator

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Count, Min
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from catalog.models import AssetJob, AssetVersion, Photo, PhotoState, StageTotal, Status
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
            families = [*_jobs(), _queues(), _stages(), _workers(), _versions(), _photos()]
        except DatabaseError as error:
            log.warning("metrics: the database is away: %s", error)
            families = []
        yield GaugeMetricFamily("plinth_database_up", "Whether the database answered.", value=float(bool(families)))
        yield from families


def _jobs() -> Iterator[Metric]:
    counts = dict(AssetJob.objects.values_list("status").annotate(Count("pk")))
    jobs = GaugeMetricFamily("plinth_jobs", "Jobs by status.", labels=["status"])
    for status in Status.values:
        jobs.add_metric([status], counts.get(status, 0))
    yield jobs
    running = GaugeMetricFamily("plinth_jobs_running", "Running jobs by the stage they are in.", labels=["stage"])
    for stage, count in (
        AssetJob.objects.filter(ended_at=None, status=Status.RUNNING)
        .values_list("stage")
        .annotate(Count("pk"))
        .order_by("stage")
    ):
        running.add_metric([stage or "none"], count)
    yield running


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


def _versions() -> Metric:
    published = AssetVersion.objects.filter(published_at__isnull=False).count()
    return GaugeMetricFamily("plinth_versions_published", "Versions that were published.", value=published)


def _photos() -> Metric:
    counts = dict(Photo.objects.values_list("state").annotate(Count("pk")))
    photos = GaugeMetricFamily("plinth_photos", "Photos by state.", labels=["state"])
    for state in PhotoState.values:
        photos.add_metric([state], counts.get(state, 0))
    return photos


REGISTRY.register(Catalogue())
ProcessCollector(registry=REGISTRY)
