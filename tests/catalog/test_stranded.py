"""A job that was prepared for workers who never come back does not wait for ever."""

from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from catalog import leases
from catalog.dispatch import release_window
from catalog.jobs import retry_job
from catalog.models import AssetJob, Group, Product, Status, Worker
from catalog.recipe import Recipe
from catalog.reconcile import reconcile
from catalog.stranded import settle_stranded
from catalog.workers import advertise, sign_off
from tests.catalog.makers import SPENT, claim, make_job, make_merchant, make_product, make_worker
from tests.catalog.races import race

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("broker")]


@pytest.fixture
def product() -> Product:
    return make_product(make_merchant())


def advertise_gpu() -> None:
    spec = {"name": "triposg", "queue": "gpu", "runs_here": True, "why_not": ""}
    advertise("gpu worker", queues=["gpu"], generators=[spec], profiles=[], qualities=[], slots=1)


def in_hours(hours: float) -> datetime:
    return timezone.now() + timedelta(hours=hours)


def prepared(product: Product, generator: str) -> AssetJob:
    """A job that waits for a GPU, its message sent."""
    advertise_gpu()
    job = make_job(product, recipe=Recipe(generator=generator))
    leases.end_prepare(claim(job), key="p", generator="triposg", why="the best", queue="gpu", spent=SPENT)
    release_window()
    job.refresh_from_db()
    assert (job.status, job.group, job.queue) == (Status.RUNNING, Group.GENERATE, "gpu")
    return job


def test_a_generator_asked_for_by_name_that_stays_away_ends_it_and_says_so(product: Product) -> None:
    job = prepared(product, "triposg")
    sign_off("gpu worker")
    assert settle_stranded(in_hours(settings.NO_WORKER_HOURS - 0.1)) == 0
    assert reconcile(in_hours(settings.NO_WORKER_HOURS + 0.1))["jobs without workers"] == 1
    job.refresh_from_db()
    assert (job.status, job.reason) == (Status.FAILED, "no_worker")
    assert "triposg" in job.advice and str(settings.NO_WORKER_HOURS) in job.advice
    assert settle_stranded(in_hours(48)) == 0


def test_a_worker_of_the_same_queue_that_runs_other_generators_is_no_help(product: Product) -> None:
    job = prepared(product, "triposg")
    sign_off("gpu worker")
    absent = {"name": "triposg", "queue": "gpu", "runs_here": False, "why_not": "no weights"}
    other = {"name": "hull", "queue": "gpu", "runs_here": True, "why_not": ""}
    advertise("other", queues=["gpu"], generators=[absent, other], profiles=[], qualities=[], slots=1)
    later = in_hours(settings.NO_WORKER_HOURS + 0.1)
    Worker.objects.filter(name="other").update(last_seen_at=later)
    assert settle_stranded(later) == 1
    job.refresh_from_db()
    assert (job.status, job.reason) == (Status.FAILED, "no_worker")


def test_with_auto_another_is_chosen_among_the_workers_there_are(product: Product) -> None:
    job = prepared(product, "auto")
    sign_off("gpu worker")
    assert settle_stranded(in_hours(settings.NO_WORKER_HOURS + 0.1)) == 1
    job.refresh_from_db()
    assert (job.status, job.group, job.queue, job.generator) == (Status.RUNNING, Group.PREPARE, "cpu", "")
    assert job.prepared_key == ""
    make_worker()
    lease = claim(job)
    leases.end_prepare(lease, key="p", generator="primitive", why="fits", queue="cpu", spent=SPENT)
    assert claim(job, Group.GENERATE)


def test_a_job_that_waits_while_its_worker_is_busy_is_left_alone(product: Product) -> None:
    prepared(product, "triposg")
    later = in_hours(settings.NO_WORKER_HOURS + 5)
    Worker.objects.update(last_seen_at=later - timedelta(hours=1))  # there until an hour ago
    assert settle_stranded(later) == 0


def test_jobs_that_any_worker_could_take_wait_as_long_as_it_takes(product: Product) -> None:
    """Nobody could choose better for them."""
    job = make_job(product)
    assert settle_stranded(in_hours(1000)) == 0
    job.refresh_from_db()
    assert job.status == Status.QUEUED


def test_waiting_counts_from_when_the_job_was_tried_again(product: Product) -> None:
    job = prepared(product, "triposg")
    sign_off("gpu worker")
    settle_stranded(in_hours(settings.NO_WORKER_HOURS + 0.1))
    again = retry_job(job)
    AssetJob.objects.filter(pk=again.pk).update(group=Group.GENERATE, queue="gpu")
    assert settle_stranded(in_hours(settings.NO_WORKER_HOURS - 0.1)) == 0


@pytest.mark.parametrize("generator", ["triposg", "auto"])
def test_a_worker_that_comes_at_the_last_moment_has_it_or_it_is_settled(product: Product, generator: str) -> None:
    for _ in range(5):
        job = prepared(make_product(product.merchant), generator)
        sign_off("gpu worker")
        later = in_hours(settings.NO_WORKER_HOURS + 0.1)
        taken, settled = race(
            lambda job=job: claim(job, Group.GENERATE),  # type: ignore[misc]
            lambda later=later: settle_stranded(later),  # type: ignore[misc]
        )
        job.refresh_from_db()
        if isinstance(taken, leases.Lease):
            assert (settled, job.lease, job.group, job.ended_at) == (0, taken.token, Group.GENERATE, None)
            leases.fail(taken, "bug", "We look into it.")
        else:
            assert isinstance(taken, leases.LostRace)
            assert settled == 1 and job.lease is None
            AssetJob.objects.filter(pk=job.pk).delete()
