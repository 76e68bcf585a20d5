"""The dispatcher: bounded, fair, exact when several run at once, and quick however many wait."""

import itertools
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import dramatiq
import pytest
from django.db import connection
from django.utils import timezone

from catalog import dispatch, leases
from catalog.dispatch import release_window
from catalog.jobs import queue_position, request_asset, seconds_left
from catalog.models import AssetJob, Group, Merchant, Photo, Priority, Status
from catalog.recipe import Recipe
from catalog.reconcile import reconcile
from tests.catalog.makers import (
    SPENT,
    claim,
    make_job,
    make_jobs,
    make_merchant,
    make_photo,
    make_product,
    make_worker,
    stored,
)
from tests.catalog.races import race, run_processes
from tests.catalog.sent import sent

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("broker", "storage")]

BULK, INTERACTIVE = Priority.BULK, Priority.INTERACTIVE


def released() -> list[int]:
    """Jobs whose message has been sent, the first released first."""
    jobs = AssetJob.objects.filter(released_at__isnull=False, ended_at=None)
    return list(jobs.order_by("released_at", "id").values_list("pk", flat=True))


def work(job_pk: int) -> Group:
    """Run the group that comes next, as a worker would, for no time; returns it."""
    job, lease = leases.claim_job(job_pk, AssetJob.objects.get(pk=job_pk).group, "w1")
    if lease.group == Group.PREPARE:
        leases.end_prepare(lease, key="p", generator="primitive", why="", queue="cpu", spent=SPENT)
    elif lease.group == Group.GENERATE:
        leases.end_generate(lease, key="g", spent=SPENT)
    else:
        leases.end_finish(lease, stored(job.merchant), SPENT)
    return lease.group


def work_off(broker: dramatiq.Broker, most: int) -> list[int]:
    """Do what the messages say, one after the other; returns the merchants of jobs in the order in which they began."""
    begun = []
    for done in range(most):
        waiting = sent(broker)
        if len(waiting) <= done:
            break
        pk = waiting[done][2]
        job = AssetJob.objects.get(pk=pk)
        if job.group == Group.PREPARE:
            begun.append(job.merchant_id)
        work(pk)
    return begun


class TestTheWindow:
    def test_holds_two_jobs_of_a_queue_that_nobody_reads(self) -> None:
        make_jobs(make_merchant(), 9)
        assert release_window() == 2
        assert release_window() == 0

    def test_holds_twice_as_many_as_the_live_workers_slots(self) -> None:
        make_worker("a", slots=2)
        make_worker("b", slots=3)
        make_worker("c", queues=("gpu",), slots=50)
        make_jobs(make_merchant(), 40)
        assert release_window() == 10

    def test_moves_on_as_jobs_end(self, broker: dramatiq.Broker) -> None:
        make_jobs(make_merchant(), 5)
        release_window()
        work_off(broker, most=1000)
        assert Counter(AssetJob.objects.values_list("status", flat=True)) == {Status.NEEDS_REVIEW: 5}

    def test_bounds_the_jobs_under_way_so_that_results_come_steadily(self, broker: dramatiq.Broker) -> None:
        make_worker(slots=1)
        make_jobs(make_merchant(), 30, priority=BULK)
        release_window()
        most = 0
        for done in itertools.count():
            waiting = sent(broker)
            if len(waiting) <= done:
                break
            work(waiting[done][2])
            most = max(most, AssetJob.objects.filter(status=Status.RUNNING).count())
        assert AssetJob.objects.filter(status=Status.NEEDS_REVIEW).count() == 30
        assert most <= sum(dispatch.current_windows().values())

    def test_jobs_under_way_go_on_before_others_start(self, broker: dramatiq.Broker) -> None:
        jobs = make_jobs(make_merchant(), 6)
        release_window()
        work(jobs[0].pk)
        assert sent(broker)[-1] == ("cpu", "generate", jobs[0].pk)


class TestConcurrentReleases:
    def test_of_threads_release_no_job_twice_and_do_not_overshoot(self, broker: dramatiq.Broker) -> None:
        make_worker(slots=7)
        for _ in range(3):
            make_jobs(make_merchant(), 20)
        counts = race(*[release_window] * 6)
        assert sum(counts) == 14
        assert len(released()) == 14
        messages = [pk for *_, pk in sent(broker)]
        assert sorted(messages) == sorted(set(messages)) == sorted(released())

    def test_of_processes_release_no_job_twice_and_do_not_overshoot(self, broker: dramatiq.Broker, valkey: Any) -> None:
        make_worker(slots=6)
        make_jobs(make_merchant(), 50)
        script = """
from catalog.dispatch import release_window
print("ready", flush=True)
input()
print(release_window())
"""
        counts = run_processes(script, 4, BROKER_URL=f"{valkey.url}/0")
        assert sum(map(int, counts)) == len(released()) == 12
        assert sorted(pk for *_, pk in sent(broker)) == sorted(released())

    def test_and_claims_and_ends_leave_every_job_done_once(self, broker: dramatiq.Broker) -> None:
        """Two workers in threads and a dispatcher: all jobs end, no group of any job runs twice."""
        make_worker(slots=2)
        jobs = make_jobs(make_merchant(), 6) + make_jobs(make_merchant(), 6)
        ran: Counter[tuple[int, str]] = Counter()

        def worker() -> None:
            while AssetJob.objects.filter(ended_at=None).exists():
                for pk in released():
                    try:
                        ran[pk, work(pk)] += 1
                    except leases.LostRace:
                        continue

        def dispatcher() -> None:
            while AssetJob.objects.filter(ended_at=None).exists():
                release_window()

        assert race(worker, worker, dispatcher) == [None] * 3
        assert AssetJob.objects.filter(status=Status.NEEDS_REVIEW).count() == len(jobs)
        assert set(ran.values()) == {1}
        assert len(ran) == 3 * len(jobs)


class TestFairness:
    def test_interactive_jobs_go_before_bulk_ones(self) -> None:
        merchant = make_merchant()
        make_jobs(merchant, 10, priority=BULK)
        wanted = make_jobs(merchant, 2)
        release_window()
        assert set(released()) == {job.pk for job in wanted}

    def test_merchants_take_turns(self, broker: dramatiq.Broker) -> None:
        first, second, third = (make_merchant() for _ in range(3))
        make_jobs(first, 20, priority=BULK)
        make_jobs(second, 3, priority=BULK)
        make_jobs(third, 2, priority=BULK)
        release_window()
        begun = work_off(broker, most=1000)
        order = [first.pk, second.pk, third.pk] * 2 + [first.pk, second.pk] + [first.pk] * 17
        assert begun == order

    @pytest.mark.parametrize("late_is_first", [True, False])
    def test_a_thousand_bulk_jobs_do_not_delay_anothers_single_one(
        self, broker: dramatiq.Broker, late_is_first: bool
    ) -> None:
        """It is the next one to start, whichever merchant came first to us."""
        one, other = make_merchant(), make_merchant()
        many, single = (other, one) if late_is_first else (one, other)
        make_worker(slots=1)
        make_jobs(many, 1000, priority=BULK)
        release_window()
        job = make_jobs(single, 1, priority=BULK)[0]
        begun = work_off(broker, most=40)
        windows = sum(dispatch.current_windows().values())
        assert single.pk in begun[: windows + 1]
        job.refresh_from_db()
        assert job.status == Status.NEEDS_REVIEW

    def test_a_bulk_backlog_under_way_does_not_keep_an_interactive_job_from_starting(
        self, broker: dramatiq.Broker
    ) -> None:
        make_worker(slots=1)
        make_jobs(make_merchant(), 100, priority=BULK)
        release_window()
        waiting = sent(broker)
        work(waiting[0][2])  # as many as may be are under way now, and wait
        job = make_jobs(make_merchant(), 1)[0]
        work(waiting[1][2])
        assert job.pk in released()

    def test_jobs_that_wait_for_a_slow_queue_are_few_for_each_merchant_and_delay_nobody_else(
        self, broker: dramatiq.Broker
    ) -> None:
        """One GPU that hangs: whoever wants it fills a share of his own, others go on."""
        make_worker(slots=1)
        greedy, other = make_merchant(), make_merchant()
        make_jobs(greedy, 100, priority=BULK)
        release_window()
        for done in range(1000):
            waiting = sent(broker, "cpu")
            if len(waiting) <= done:
                break
            lease = claim(AssetJob.objects.get(pk=waiting[done][2]))
            leases.end_prepare(lease, key="p", generator="triposg", why="", queue="gpu", spent=SPENT)
        begun = AssetJob.objects.filter(status=Status.RUNNING)
        assert begun.count() == sum(dispatch.current_windows().values())
        assert len(sent(broker, "gpu")) == 2
        job = make_jobs(other, 1, priority=BULK)[0]
        assert release_window() == 1
        assert job.pk in released()

    def test_merchants_take_turns_with_jobs_that_go_on_too(self) -> None:
        first, second = make_merchant(), make_merchant()
        make_jobs(first, 9, status=Status.RUNNING, group=Group.GENERATE, queue="gpu")
        last = make_jobs(second, 1, status=Status.RUNNING, group=Group.GENERATE, queue="gpu")[0]
        assert release_window() == 2
        assert last.pk in released()

    def test_failed_jobs_of_one_merchant_that_wait_for_their_next_attempt_block_nobody(self) -> None:
        first, second = make_merchant(), make_merchant()
        later = timezone.now() + timedelta(seconds=60)
        make_jobs(first, 50, retry_at=later)
        job = make_jobs(second, 1)[0]
        assert release_window() == 1
        assert released() == [job.pk]

    def test_a_job_waits_again_once_its_time_has_come(self) -> None:
        job = make_jobs(make_merchant(), 1, retry_at=timezone.now() - timedelta(seconds=1))[0]
        assert release_window() == 1
        job.refresh_from_db()
        assert (job.retry_at, released()) == (None, [job.pk])


class TestPlaceAndTime:
    def test_the_places_are_about_those_in_which_jobs_start(self, broker: dramatiq.Broker) -> None:
        """Exact for whom nobody shares a turn with; otherwise off by less than the number of merchants."""
        merchants = [make_merchant() for _ in range(3)]
        jobs = []
        for merchant, number in zip(merchants, (7, 2, 4), strict=True):
            jobs += make_jobs(merchant, number, priority=BULK)
        jobs += make_jobs(merchants[1], 2)
        places = {job.pk: queue_position(job) or 0 for job in jobs}
        assert [places[job.pk] for job in jobs[-2:]] == [1, 2]
        release_window()
        work_off(broker, most=1000)
        begun = list(AssetJob.objects.order_by("started_at").values_list("pk", flat=True))
        assert len(begun) == len(jobs)
        assert all(abs(begun.index(pk) + 1 - place) < len(merchants) for pk, place in places.items())

    def test_the_places_of_jobs_that_were_sent_are_theirs_in_the_broker(self, broker: dramatiq.Broker) -> None:
        make_worker(slots=3)
        make_jobs(make_merchant(), 7)
        release_window()
        places = [queue_position(AssetJob.objects.get(pk=pk)) for *_, pk in sent(broker)]
        assert places == [1, 2, 3, 4, 5, 6]
        assert queue_position(AssetJob.objects.get(released_at=None)) == 7

    def test_no_place_for_a_job_that_runs_has_ended_or_waits_for_a_time(self) -> None:
        merchant = make_merchant()
        running = make_job(make_product(merchant))
        claim(running)
        running.refresh_from_db()
        ended = make_job(make_product(merchant), status=Status.FAILED, ended_at=timezone.now())
        later = make_job(make_product(merchant), retry_at=timezone.now() + timedelta(seconds=9))
        assert [queue_position(job) for job in (running, ended, later)] == [None, None, None]
        assert seconds_left(ended) is None

    def test_the_time_left_is_unknown_until_jobs_of_that_quality_have_ended(self, broker: dramatiq.Broker) -> None:
        make_worker()
        merchant = make_merchant()
        job = request_asset(make_product(merchant), Recipe())
        assert seconds_left(job) is None
        work_off(broker, most=3)
        following = request_asset(make_product(merchant), Recipe())
        following.refresh_from_db()
        assert seconds_left(following) == 6
        lease = claim(following)
        leases.report_progress(lease, "bake", 50)
        following.refresh_from_db()
        assert seconds_left(following) == 3
        assert seconds_left(request_asset(make_product(merchant), Recipe(quality="draft"))) is None

    def test_the_time_left_is_unknown_while_nobody_works(self, broker: dramatiq.Broker) -> None:
        merchant = make_merchant()
        request_asset(make_product(merchant), Recipe())
        work_off(broker, most=3)
        assert seconds_left(request_asset(make_product(merchant), Recipe())) is None


@contextmanager
def statements() -> Iterator[list[tuple[str, Any]]]:
    """Every statement and its parameters."""
    seen: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield seen


def plan(sql: str, params: Any) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
        return "\n".join(str(row[3]) for row in cursor.fetchall())


def multiply(job: AssetJob, number: int, **changes: Any) -> None:
    """That many copies of `job`, each of a product of its own, without a detour through Python."""
    for row in (job.product, job):
        table = row._meta.db_table
        own = {"id": "id + n", "public_id": "public_id || n", "sku": "sku || n", "product_id": "product_id + n"}
        names = [field.column for field in row._meta.concrete_fields]
        values = ", ".join(own.get(name, f'"{name}"') for name in names)
        columns = ", ".join(f'"{name}"' for name in names)
        with connection.cursor() as cursor:
            cursor.execute(
                f"WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {number}) "
                f"INSERT INTO {table} ({columns}) SELECT {values} FROM {table}, c WHERE id = {row.pk}"
            )
    if changes:
        AssetJob.objects.filter(product__merchant=job.merchant).update(**changes)


def make_crowd(number: int) -> Merchant:
    """`number` waiting jobs of one merchant, returned, and as many postponed and ended ones of others."""
    make_worker(slots=4)
    now = timezone.now()
    many = make_merchant()
    multiply(make_job(make_product(many), priority=BULK), number)
    postponed = make_job(make_product(make_merchant()), retry_at=now + timedelta(hours=1), reason="storage_away")
    multiply(postponed, number)
    ended = make_job(make_product(make_merchant()), status=Status.FAILED, ended_at=now, prepared_key="p")
    multiply(ended, number)
    photo = make_photo(make_product(make_merchant()), state="checking", width=None)
    Photo.objects.filter(pk=photo.pk).update(created_at=now - timedelta(seconds=90))
    make_jobs(make_merchant(), 3)
    return many


def use_everything(crowd: Merchant) -> None:
    """Release jobs, work on some, ask for the place of one, look after all."""
    assert release_window() == 8
    for pk in released()[:3]:
        work(pk)
    job = make_job(make_product(crowd), priority=BULK)
    queue_position(job)
    assert queue_position(make_job(make_product(crowd))) is not None
    seconds_left(job)
    reconcile()


@contextmanager
def steps() -> Iterator[Counter[str]]:
    """How many thousand steps SQLite's machine takes."""
    taken: Counter[str] = Counter()

    def count() -> int:
        taken["thousands"] += 1
        return 0

    connection.ensure_connection()
    connection.connection.set_progress_handler(count, 1_000)
    try:
        yield taken
    finally:
        connection.connection.set_progress_handler(None, 0)


class TestAHundredThousandJobs:
    def test_are_released_claimed_ended_and_looked_after_by_index_alone(
        self, storage: Any, broker: dramatiq.Broker
    ) -> None:
        crowd = make_crowd(1_000)
        with statements() as seen:
            use_everything(crowd)
        reads = [(sql, params) for sql, params in seen if sql.startswith(("SELECT", "UPDATE", "DELETE"))]
        big = [each for each in reads if "catalog_assetjob" in each[0] or "catalog_photo" in each[0]]
        assert len(big) > 30
        plans = [(line, sql) for sql, params in big for line in plan(sql, params).splitlines()]
        assert [each for each in plans if _looks_through(each[0])] == []

    def test_cost_no_more_than_three_thousand(self, storage: Any, broker: dramatiq.Broker) -> None:
        """SQLite's steps are counted, not seconds: they are the same on every machine."""
        with steps() as few:
            crowd = make_crowd(3_000)
            few.clear()
            use_everything(crowd)
        Merchant.objects.all().delete()
        with steps() as many:
            crowd = make_crowd(100_000)
            many.clear()
            use_everything(crowd)
        assert few["thousands"] > 3
        assert many["thousands"] < 1.5 * few["thousands"]


def _looks_through(line: str) -> bool:
    """Whether SQLite reads a whole table, or sorts more than an index gave it."""
    if line.startswith("SCAN") and "catalog_assetjob" in line:
        return "USING" not in line
    return line.startswith("SCAN catalog_photo") and "USING" not in line
