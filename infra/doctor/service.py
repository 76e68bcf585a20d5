"""settings, engines and workers -> findings"""

import http.client
import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from catalog.errors import Away
from catalog.models import AssetJob, Status
from catalog.storage import CHECKPOINTS, UPLOADS, storage
from catalog.workers import known_generators, live_workers
from infra.broker import ping_broker
from infra.doctor.finding import Check, Finding, error, ok, warning

UP = "start it; on one machine `manage.py up` starts what is missing"
SKEW_WARNING_SECONDS, SKEW_ERROR_SECONDS = 60, 600
"""S3 refuses what was signed 15 minutes off."""

LONG_WAIT_SECONDS = 900


def check_settings() -> Iterator[Finding]:
    """What Django's own deployment check says, and what we would add."""
    if settings.ENV.demo:
        yield warning("settings", "DEMO=true: known secrets, no HTTPS", "never let others reach this machine's ports")
        messages = checks.run_checks()
    else:
        messages = checks.run_checks(include_deployment_checks=True)
        if not settings.ENV.cache_url.reveal():
            yield warning("settings", "each web process counts rate limits for itself", "set CACHE_URL")
        if not settings.METRICS_TOKEN.reveal():
            yield warning("settings", "there is no /metrics", "set METRICS_TOKEN and give it to Prometheus")
    for message in messages:
        make = error if message.is_serious() else warning
        yield make(
            "settings", f"{message.id}: {message.msg}", message.hint or "see Django's documentation of that code"
        )
    if not messages:
        yield ok("settings", "Django's checks find nothing")


def check_database() -> Iterator[Finding]:
    """Whether it answers and has this version's tables."""
    where = f"{settings.ENV.database.engine} {settings.ENV.database.name}"
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as problem:
        yield error("database", f"{where} does not answer: {_one_line(problem)}", "see DATABASE_URL, or start it")
        return
    if missing:
        yield error("database", f"{where}: {len(missing)} migrations are missing", "manage.py migrate")
    else:
        yield ok("database", f"{where} answers; every migration is applied")


def check_broker() -> Iterator[Finding]:
    """Whether the queue's server answers; Redis must not throw messages away."""
    url = settings.BROKER_URL.reveal()
    where = _without_password(url)
    try:
        ping_broker(url)
    except Exception as problem:  # each client library has its own
        yield error("broker", f"{where} cannot be used: {_one_line(problem)}", f"see BROKER_URL, or {UP}")
        return
    policy = _redis_setting(url, "maxmemory-policy")
    if policy not in {"", "noeviction"}:
        yield error("broker", f"{where} drops messages when it is full ({policy})", "set maxmemory-policy noeviction")
    elif _redis_setting(url, "appendonly") == "no":
        fix = "set appendonly yes; the reconciler sends lost messages again, but late"
        yield warning("broker", f"{where} forgets its latest messages when it stops", fix)
    else:
        yield ok("broker", f"{where} answers")


def check_cache() -> Iterator[Finding]:
    """Whether the common counters of the rate limits answer."""
    url = settings.ENV.cache_url.reveal()
    if not url:
        return
    try:
        ping_broker(url)
        yield ok("cache", f"{_without_password(url)} answers")
    except Exception as problem:
        yield error("cache", f"{_without_password(url)} does not answer: {_one_line(problem)}", UP)


def check_store() -> Iterator[Finding]:
    """Whether the bucket is there and configured."""
    env = settings.ENV
    where = f"bucket {env.s3_bucket} at {env.s3_endpoint_url or 'Amazon S3'}"
    try:
        storage().check()
    except Away as away:
        yield error("store", f"{where}: {away.message}", "see S3_* settings; manage.py setup_storage makes the bucket")
        return
    yield ok("store", f"{where} answers")
    yield from _bucket()


def _bucket() -> Iterator[Finding]:
    from infra.bucket import NAME
    from infra.storage import make_store

    store = make_store(settings.ENV)
    client, bucket = store.client(), store.bucket
    wanted: tuple[tuple[str, Callable[[], Any], tuple[str, ...]], ...] = (
        ("who may read (policy)", lambda: client.get_bucket_policy(Bucket=bucket), (NAME,)),
        ("what browsers may do (CORS)", lambda: client.get_bucket_cors(Bucket=bucket), (NAME,)),
        (
            "what expires (lifecycle)",
            lambda: client.get_bucket_lifecycle_configuration(Bucket=bucket),
            (f"{NAME}-{UPLOADS}", f"{NAME}-{CHECKPOINTS}"),
        ),
    )
    for what, read, names in wanted:
        try:
            text = str(read())
        except Exception as problem:  # most servers answer 404 where nothing is set, some that they cannot
            text = _one_line(problem)
        if all(name in text for name in names):
            yield ok("store", f"{what} is set")
        else:
            yield warning("store", f"{what} is not set as needed", "manage.py setup_storage says what it could not do")


def check_clock() -> Iterator[Finding]:
    """This machine's clock against the store's: signatures carry the time."""
    env = settings.ENV
    parts = urlsplit(env.s3_endpoint_url or f"https://s3.{env.s3_region}.amazonaws.com")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    client = kind(parts.netloc, timeout=5)
    try:
        client.request("GET", "/")
        date = client.getresponse().headers["Date"]
        skew = abs(time.time() - parsedate_to_datetime(date).timestamp())
    except (OSError, http.client.HTTPException, TypeError, ValueError):
        return  # that it is away has been said
    finally:
        client.close()
    if skew > SKEW_ERROR_SECONDS:
        yield error("clock", f"{skew:.0f} s off the store's: it refuses what we sign", "set this machine's clock (NTP)")
    elif skew > SKEW_WARNING_SECONDS:
        yield warning("clock", f"{skew:.0f} s off the store's", "set this machine's clock (NTP)")
    else:
        yield ok("clock", f"within {max(2, skew):.0f} s of the store's")


def check_workers() -> Iterator[Finding]:
    """Whether somebody works, on every queue, and nobody waits too long."""
    try:
        workers = live_workers()
        oldest = AssetJob.objects.filter(status=Status.QUEUED).order_by("created_at").first()
        specs = known_generators().values()
    except DatabaseError:
        return  # that has been said
    if not workers:
        fix = "dramatiq assets_pipeline.worker --processes 1 --threads 1, or manage.py up"
        yield warning("workers", "none is alive; jobs wait", fix)
        return
    yield ok("workers", f"{len(workers)} alive: {', '.join(worker.name for worker in workers)}")
    read = {queue for worker in workers for queue in worker.queues}
    for queue in sorted({"cpu", "io", *(spec["queue"] for spec in specs if spec.get("runs_here"))} - read):
        yield error("workers", f"nobody reads the queue {queue}", f"start a worker with --queues {queue}")
    waited = (timezone.now() - oldest.created_at).total_seconds() if oldest else 0.0
    if waited > LONG_WAIT_SECONDS:
        yield warning("workers", f"the oldest job waits for {waited / 60:.0f} minutes", "start more workers")


def check_licences() -> Iterator[Finding]:
    """The terms of the generators that workers offer."""
    try:
        specs = [spec for spec in known_generators().values() if spec.get("runs_here")]
    except DatabaseError:
        return
    for spec in specs:
        licence = spec["licence"]
        terms = f"{spec['name']}: code {licence['code']}, weights {licence['weights']}"
        limits = [f"not for {', '.join(licence['territories_excluded'])}"] if licence["territories_excluded"] else []
        if licence["revenue_cap_usd"]:
            limits.append(f"not above {licence['revenue_cap_usd']} USD a year")
        if limits:
            yield warning("licences", f"{terms}; {'; '.join(limits)}", "state country and revenue of your merchants")
        else:
            yield ok("licences", terms)


def _redis_setting(url: str, name: str) -> str:
    """Empty where it is no Redis, or does not tell."""
    if not url.startswith("redis"):
        return ""
    import redis

    try:
        with redis.Redis.from_url(url, socket_connect_timeout=2, socket_timeout=2) as client:
            return str(client.config_get(name).get(name, ""))
    except redis.RedisError:
        return ""


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}:{parts.port or 'default'}"


def _one_line(problem: Exception) -> str:
    return " ".join(str(problem).split())[:200] or type(problem).__name__


SERVICE: tuple[Check, ...] = (
    check_settings,
    check_database,
    check_broker,
    check_cache,
    check_store,
    check_clock,
    check_workers,
    check_licences,
)
