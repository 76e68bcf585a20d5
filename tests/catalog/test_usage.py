"""What is used is written down once, with what it tells about, and nothing that is deleted takes it along."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError
from django.utils import timezone

from catalog import held_jobs, leases
from catalog.deletion import delete_product
from catalog.errors import Away
from catalog.jobs import approve_job, cancel_job, reject_job, retry_job
from catalog.leases import Spent, end_finish
from catalog.models import AssetJob, AssetVersion, Group, Merchant, UsageDay
from catalog.recipe import Recipe
from catalog.storage import storage
from catalog.usage import Month, Spending, usage_by_month
from tests.catalog.makers import SPENT, claim, lease_at, make_job, make_merchant, make_product, make_worker, stored
from tests.catalog.races import race
from tests.catalog.stuck import stuck

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("broker", "storage")]


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


def month(merchant: Merchant) -> Month:
    return usage_by_month(merchant, 1)[0]


def ends(merchant: Merchant) -> dict[str, int]:
    return {status: number for status, number in month(merchant).jobs.items() if number}


def make_asset(merchant: Merchant, **recipe: Any) -> AssetJob:
    job = make_job(make_product(merchant), recipe=Recipe(**recipe))
    end_finish(lease_at(job, Group.FINISH), stored(merchant), SPENT)
    job.refresh_from_db()
    return job


@pytest.mark.parametrize("auto_publish", [False, True])
def test_deleting_a_product_leaves_what_it_cost(merchant: Merchant, auto_publish: bool) -> None:
    job = make_asset(merchant, auto_publish=auto_publish)
    before = month(merchant)
    assert before.generators == [Spending("primitive", 3 * SPENT.cpu_seconds, 0, 1)]
    assert (before.cpu_seconds, before.versions) == (job.cpu_seconds, 1)
    assert ends(merchant) == {job.status: 1}
    assert before.bytes > 0
    delete_product(job.product)
    after = month(merchant)
    assert (after.jobs, after.generators, after.versions) == (before.jobs, before.generators, 1)
    assert after.bytes == 0


def test_seconds_on_a_gpu_count_for_the_generator_that_took_them(merchant: Merchant) -> None:
    job = make_job(make_product(merchant))
    leases.end_prepare(claim(job), key="p", generator="triposg", why="", queue="gpu", spent=Spent({}, cpu_seconds=1))
    leases.postpone(claim(job, Group.GENERATE), "out_of_memory", "Later.", Spent({}, gpu_seconds=2))
    AssetJob.objects.update(retry_at=None)
    leases.fail(claim(job, Group.GENERATE), "bug", "We look into it.", Spent({}, cpu_seconds=0.5, gpu_seconds=4))
    assert month(merchant).generators == [Spending("triposg", 1.5, 6.0, 0)]
    leases.reject_input(claim(make_job(make_product(merchant))), "no_product", "Alone.", SPENT)
    assert month(merchant).generators == [Spending("triposg", 1.5, 6.0, 0), Spending("", SPENT.cpu_seconds, 0, 0)]


def test_every_end_of_a_job_counts(merchant: Merchant) -> None:
    make_worker()
    job = make_job(make_product(merchant))
    leases.fail(claim(job), "bug", "We look into it.")
    cancel_job(retry_job(job))
    leases.reject_input(claim(retry_job(job)), "no_product", "Alone.")
    assert ends(merchant) == {"failed": 1, "cancelled": 1, "rejected": 1}
    reject_job(make_asset(merchant))
    approve_job(make_asset(merchant))
    assert ends(merchant) == {"failed": 1, "cancelled": 1, "rejected": 2, "needs_review": 2, "published": 1}


def test_a_worker_that_dies_counts_when_the_job_ends_and_is_not_paid_twice(merchant: Merchant) -> None:
    job = make_job(make_product(merchant))
    for _ in range(held_jobs.MAX_LOST_LEASES):
        lease = claim(job)
        AssetJob.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
        leases.lose_expired_lease(job.pk)
        with pytest.raises(leases.LostRace):
            leases.fail(lease, "bug", "Too late.", SPENT)
    assert ends(merchant) == {"failed": 1}
    assert month(merchant).cpu_seconds == 0


def test_of_a_write_that_breaks_off_nothing_counts(merchant: Merchant) -> None:
    lease = claim(make_job(make_product(merchant)))
    with stuck("INSERT", "catalog_usageday", "ROW.ended_as <> ''"), pytest.raises(DatabaseError):
        leases.fail(lease, "bug", "We look into it.", SPENT)
    assert not UsageDay.objects.exists()
    assert AssetJob.objects.get().ended_at is None
    leases.fail(lease, "bug", "We look into it.", SPENT)
    assert (ends(merchant), month(merchant).cpu_seconds) == ({"failed": 1}, SPENT.cpu_seconds)


def test_finishing_that_has_to_be_repeated_is_paid_for_each_time_it_ran_and_told_once(merchant: Merchant) -> None:
    job = make_job(make_product(merchant), recipe=Recipe(auto_publish=True))
    lease, result = lease_at(job, Group.FINISH), stored(merchant)
    storage().delete([result.files[0].key])
    with pytest.raises(Away) as away:
        end_finish(lease, result, SPENT)
    leases.postpone(lease, away.value.code, away.value.message, SPENT)
    AssetJob.objects.update(retry_at=None)
    end_finish(claim(job, Group.FINISH), stored(merchant), SPENT)
    job.refresh_from_db()
    assert month(merchant).cpu_seconds == job.cpu_seconds == 4 * SPENT.cpu_seconds
    assert (ends(merchant), month(merchant).versions) == ({"published": 1}, 1)


def test_many_jobs_that_end_at_once_are_all_counted(merchant: Merchant) -> None:
    """They write to the same rows, some of them for the first time: none is lost and none waits for another's lock."""
    jobs = [make_job(make_product(merchant), recipe=Recipe(auto_publish=number % 2 == 0)) for number in range(8)]
    held = [lease_at(job, Group.FINISH) for job in jobs]
    UsageDay.objects.all().delete()
    result = stored(merchant)

    def finish(lease: leases.Lease) -> Any:
        return end_finish(lease, result, Spent({"render": 1.0, "bake": 2.0}, cpu_seconds=3.0))

    def refuse() -> None:
        lease = claim(make_job(make_product(merchant)))
        leases.fail(lease, "bug", "We look into it.", Spent({"bake": 1.0, "render": 2.0}, cpu_seconds=3.0))

    results = race(*(lambda lease=lease: finish(lease) for lease in held), *[refuse] * 4)
    assert [each for each in results if isinstance(each, Exception)] == []
    assert ends(merchant) == {"published": 4, "needs_review": 4, "failed": 4}
    assert month(merchant).versions == 8
    assert {spent.generator: spent.cpu_seconds for spent in month(merchant).generators} == {"primitive": 24.0, "": 12.0}


def test_what_a_clock_ahead_has_written_waits_for_its_month(merchant: Merchant) -> None:
    make_asset(merchant)
    next_month = timezone.now() + timedelta(days=32)
    UsageDay.objects.update(day=next_month.date())
    AssetVersion.objects.update(created_at=next_month)
    assert usage_by_month(merchant, 2)[0] == Month(f"{timezone.now():%Y-%m}")


def test_bytes_of_a_version_are_those_of_its_files(merchant: Merchant) -> None:
    make_asset(merchant)
    made = AssetVersion.objects.get()
    assert made.bytes == sum(file["bytes"] for file in made.files) == month(merchant).bytes
