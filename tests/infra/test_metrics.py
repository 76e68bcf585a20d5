"""/metrics is Prometheus's text, true to the database, for those who know the token."""

import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from catalog.dispatch import release_window
from catalog.jobs import retry_job
from catalog.leases import Spent, claim_job, end_prepare
from catalog.models import AssetJob, Merchant, Photo, PhotoState, Product, StageTotal, Status
from catalog.models.usage import count_usage
from catalog.recipe import Recipe
from catalog.workers import advertise, sign_off
from infra import metrics
from infra.parse import Secret
from tests.catalog.api.plans import explain

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def read(client: Client, **headers: str) -> Samples:
    response = client.get("/metrics", headers=headers)
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(response.content.decode())
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float | None:
    return samples.get((name, tuple(sorted(labels.items()))))


@pytest.fixture
def merchant(db: None, monkeypatch: pytest.MonkeyPatch) -> Merchant:
    monkeypatch.setattr(metrics, "USAGE", metrics.Usage())
    return Merchant.objects.create(name="Lamps", slug="lamps")


def add_job(merchant: Merchant, sku: str, **fields: object) -> AssetJob:
    product = Product.objects.create(merchant=merchant, sku=sku, title=sku)
    return AssetJob.objects.create(product=product, merchant=merchant, recipe=Recipe().as_json(), **fields)


def test_jobs_are_counted_by_status_and_running_ones_by_stage(client: Client, merchant: Merchant) -> None:
    for number in range(3):
        add_job(merchant, f"q{number}")
    add_job(merchant, "r", status=Status.RUNNING, stage="bake")
    samples = read(client)
    counts = {status: value(samples, "plinth_jobs", status=status) for status in Status.values}
    assert counts == {**dict.fromkeys(Status.values), "queued": 3, "running": 1}, "those that have ended are no gauge"
    assert value(samples, "plinth_jobs_running", stage="bake") == 1


def ago(**duration: float) -> datetime:
    return timezone.now() - timedelta(**duration)


def test_the_job_that_has_waited_longest_in_each_queue_tells_its_age(client: Client, merchant: Merchant) -> None:
    add_job(merchant, "old", queue="gpu", waiting_since=ago(seconds=90))
    add_job(merchant, "new", queue="gpu")
    samples = read(client)
    assert value(samples, "plinth_queue_oldest_seconds", queue="gpu") == pytest.approx(90, abs=5)
    assert value(samples, "plinth_queue_oldest_seconds", queue="cpu") is None


def test_a_job_between_two_groups_waits_too(client: Client, merchant: Merchant) -> None:
    job = add_job(merchant, "a", waiting_since=ago(hours=3))
    _, lease = claim_job(job.pk, "prepare", "w1")
    assert value(read(client), "plinth_queue_oldest_seconds", queue="cpu") is None, "it runs"
    end_prepare(lease, key="p", generator="triposg", why="", queue="gpu", spent=Spent())
    assert value(read(client), "plinth_queue_oldest_seconds", queue="gpu") == pytest.approx(0, abs=5)
    AssetJob.objects.update(waiting_since=ago(seconds=70), released_at=timezone.now())
    assert value(read(client), "plinth_queue_oldest_seconds", queue="gpu") == pytest.approx(70, abs=5)


def test_a_job_that_is_retried_after_weeks_has_waited_since_then(client: Client, merchant: Merchant) -> None:
    job = add_job(merchant, "a", status=Status.FAILED, ended_at=timezone.now(), waiting_since=ago(days=30))
    Photo.objects.create(product=job.product, merchant=merchant, name="a.jpg", key="a", state=PhotoState.READY)
    AssetJob.objects.update(created_at=ago(days=30))
    retry_job(job)
    assert value(read(client), "plinth_queue_oldest_seconds", queue="cpu") == pytest.approx(0, abs=5)


def test_a_job_that_waits_for_its_next_attempt_waits_for_no_worker_until_then(
    client: Client, merchant: Merchant
) -> None:
    job = add_job(merchant, "a", waiting_since=ago(hours=1), retry_at=timezone.now() + timedelta(seconds=60))
    assert value(read(client), "plinth_queue_oldest_seconds", queue="cpu") is None
    AssetJob.objects.filter(pk=job.pk).update(retry_at=ago(seconds=1))
    release_window()
    assert value(read(client), "plinth_queue_oldest_seconds", queue="cpu") == pytest.approx(0, abs=5)


def test_stage_seconds_are_a_summary_that_only_grows(client: Client, merchant: Merchant) -> None:
    StageTotal.objects.create(stage="decimate", count=4, seconds=10.5)
    samples = read(client)
    assert value(samples, "plinth_stage_seconds_count", stage="decimate") == 4
    assert value(samples, "plinth_stage_seconds_sum", stage="decimate") == 10.5


def test_only_live_workers_count(client: Client, merchant: Merchant) -> None:
    for name in ("one", "two", "gone"):
        advertise(name, queues=["cpu", "io"], generators=[], profiles=[], qualities=[], slots=1)
    sign_off("gone")
    samples = read(client)
    assert (value(samples, "plinth_workers", queue="cpu"), value(samples, "plinth_workers", queue="io")) == (2, 2)


def test_a_queue_without_workers_shows_zero(client: Client, merchant: Merchant) -> None:
    assert value(read(client), "plinth_workers", queue="cpu") == 0


def test_photos_on_their_way_are_counted_once_by_what_comes_next(client: Client, merchant: Merchant) -> None:
    product = Product.objects.create(merchant=merchant, sku="a", title="a")
    now = timezone.now()
    fetched = {"state": PhotoState.AWAITED, "source_url": "https://shop.example/a.jpg"}
    for number, fields in enumerate(
        (
            {"state": PhotoState.READY},
            {"state": PhotoState.REJECTED},
            {"state": PhotoState.AWAITED},
            {"state": PhotoState.CHECKING},
            {"state": PhotoState.CHECKING, "released_at": now},
            {"state": PhotoState.CHECKING, "released_at": now, "retry_at": now},
            {"state": PhotoState.CHECKING, "retry_at": now},
            fetched,
            fetched | {"retry_at": now},
        )
    ):
        Photo.objects.create(product=product, merchant=merchant, name="a.jpg", key=f"{number}", **fields)
    samples = read(client)
    assert (value(samples, "plinth_photos", queue="cpu"), value(samples, "plinth_photos", queue="io")) == (4, 2)


def test_ends_of_jobs_and_versions_are_counted_for_good(client: Client, merchant: Merchant) -> None:
    job = add_job(merchant, "a")
    job.move_to(Status.CANCELLED, ended_at=timezone.now())
    count_usage(merchant.pk, "primitive", {"versions": 3})
    job.delete()
    samples = read(client)
    assert value(samples, "plinth_jobs_ended_total", status="cancelled") == 1
    assert value(samples, "plinth_jobs_ended_total", status="failed") == 0
    assert value(samples, "plinth_versions_made_total") == 3
    with CaptureQueriesContext(connection) as queries:
        read(client)
    assert not any("usageday" in query["sql"] for query in queries), "summed up once in a while is enough"


def test_a_scrape_reads_no_table_that_grows_from_end_to_end(client: Client, merchant: Merchant) -> None:
    with CaptureQueriesContext(connection) as queries:
        read(client)
    asked = [query["sql"] for query in queries if query["sql"].startswith("SELECT")]
    plans = [step for sql in asked for step in explain(sql).splitlines()]
    of_ours = [step for step in plans if re.search("catalog_(assetjob|photo|assetversion)", step)]
    assert len(of_ours) >= 5
    # Each of these indexes holds no more than what is under way.
    small = "job_active|job_waiting|job_waiting_since|job_released|photo_waiting|photo_released|photo_retry"
    assert [step for step in of_ours if not re.search(f"INDEX ({small})\\b", step)] == []


def test_requests_and_this_process_are_measured(client: Client, merchant: Merchant) -> None:
    client.get("/healthz")
    samples = read(client)
    labels = {"method": "GET", "route": "healthz", "status": "200"}
    count = value(samples, "plinth_request_seconds_count", **labels)
    assert count
    assert value(samples, "plinth_request_seconds_bucket", le="+Inf", **labels) == count
    assert (value(samples, "process_resident_memory_bytes") or 0) > 1_000_000


def test_without_the_database_the_rest_is_still_told(client: Client, merchant: Merchant) -> None:
    assert value(read(client), "plinth_database_up") == 1

    def refuse(*_: object) -> None:
        raise OperationalError("away")

    with connection.execute_wrapper(refuse):
        samples = read(client)
    assert value(samples, "plinth_database_up") == 0
    assert value(samples, "plinth_jobs", status="queued") is None
    assert value(samples, "process_resident_memory_bytes")


def test_the_token_is_asked_for(client: Client, merchant: Merchant, settings) -> None:
    settings.METRICS_TOKEN = Secret("let-me-in")
    for given in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "let-me-in"}, {"Authorization": "Bearer ü"}):
        response = client.get("/metrics", headers=given)
        assert (response.status_code, response["WWW-Authenticate"]) == (401, "Bearer")
    assert value(read(client, Authorization="Bearer let-me-in"), "plinth_database_up") == 1


def test_without_a_token_metrics_exist_in_the_demo_only(client: Client, merchant: Merchant, settings) -> None:
    settings.ENV = replace(settings.ENV, demo=False)
    assert client.get("/metrics").status_code == 404


def test_no_label_names_a_merchant_or_a_person(client: Client, merchant: Merchant) -> None:
    get_user_model().objects.create_user("owner@lamps.example")
    add_job(merchant, "secret-sku")
    text = client.get("/metrics").content.decode()
    assert not any(name in text for name in ("Lamps", "lamps", "secret-sku", merchant.public_id))
