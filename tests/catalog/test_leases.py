"""The worker's side of a job, on a real database with real threads and processes."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import dramatiq
import pytest
from django.db import DatabaseError
from django.utils import timezone

from catalog import held_jobs, leases
from catalog.errors import LostRace
from catalog.jobs import cancel_job, request_asset
from catalog.leases import Lease, Spent
from catalog.models import AssetJob, AssetVersion, Group, JobEvent, Product, StageTotal, Status
from catalog.recipe import Recipe
from tests.catalog.makers import SPENT, claim, lease_at, make_job, make_merchant, make_product, make_worker, stored
from tests.catalog.races import race, run_processes
from tests.catalog.sent import sent
from tests.catalog.stuck import stuck

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("broker", "storage")]


@pytest.fixture
def product() -> Product:
    return make_product(make_merchant())


@pytest.fixture
def job(product: Product) -> AssetJob:
    return make_job(product)


def state(job: AssetJob) -> Any:
    """Everything that a worker's write could have changed."""
    return (
        AssetJob.objects.filter(pk=job.pk).values().get(),
        list(JobEvent.objects.values()),
        list(AssetVersion.objects.values()),
        list(StageTotal.objects.values()),
        list(Product.objects.values("published_version", "revision")),
    )


def expire(job: AssetJob) -> None:
    AssetJob.objects.filter(pk=job.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))


def kinds(job: AssetJob) -> list[tuple[str, str]]:
    return list(job.events.order_by("id").values_list("kind", "reason"))


WRITES: dict[str, tuple[Group, Callable[[Lease], object]]] = {
    "report_progress": (Group.PREPARE, lambda lease: leases.report_progress(lease, "segment", 7)),
    "end_prepare": (
        Group.PREPARE,
        lambda lease: leases.end_prepare(lease, key="k", generator="hull", why="", queue="gpu", spent=SPENT),
    ),
    "end_generate": (Group.GENERATE, lambda lease: leases.end_generate(lease, key="k", spent=SPENT)),
    "end_finish": (
        Group.FINISH,
        lambda lease: leases.end_finish(lease, stored(AssetJob.objects.get(pk=lease.job_pk).merchant), SPENT),
    ),
    "reject_input": (Group.PREPARE, lambda lease: leases.reject_input(lease, "no_product", "Come closer.", SPENT)),
    "postpone": (Group.GENERATE, lambda lease: leases.postpone(lease, "storage_away", "Later.", SPENT)),
    "fail": (Group.FINISH, lambda lease: leases.fail(lease, "bug", "We look into it.", SPENT)),
    "hand_back": (Group.GENERATE, leases.hand_back),
    "lose": (Group.FINISH, lambda lease: leases.lose(lease, "killed", SPENT)),
    "stop_cancelled": (Group.PREPARE, lambda lease: leases.stop_cancelled(lease, SPENT)),
}


class TestClaiming:
    def test_of_many_threads_exactly_one_claims(self, job: AssetJob) -> None:
        results = race(*(lambda n=n: leases.claim_job(job.pk, Group.PREPARE, f"w{n}") for n in range(8)))
        assert sorted(type(each).__name__ for each in results) == ["LostRace"] * 7 + ["tuple"]
        job.refresh_from_db()
        winner = next(each for each in results if isinstance(each, tuple))
        assert (job.status, job.lease) == (Status.RUNNING, winner[1].token)
        assert kinds(job) == [("status", ""), ("lease", "claimed")]

    def test_of_many_processes_exactly_one_claims(self, job: AssetJob) -> None:
        script = f"""
from catalog.errors import LostRace
from catalog.leases import claim_job
print("ready", flush=True)
input()
try:
    print(claim_job({job.pk}, "prepare", "w")[1].token)
except LostRace:
    print("lost")
"""
        answers = run_processes(script, 4)
        job.refresh_from_db()
        assert sorted(answers, key=len)[:3] == ["lost"] * 3
        assert str(job.lease) in answers

    def test_an_expired_lease_goes_to_exactly_one_and_counts_once(self, job: AssetJob) -> None:
        claim(job)
        expire(job)
        results = race(*(lambda: claim(job) for _ in range(6)))
        assert sum(isinstance(each, Lease) for each in results) == 1
        job.refresh_from_db()
        assert job.lost_leases == 1
        assert kinds(job).count(("lease", "lost")) == 1

    @pytest.mark.parametrize("status", [each for each in Status if each not in {Status.QUEUED, Status.RUNNING}])
    def test_an_ended_job_is_not_claimed(self, product: Product, status: Status) -> None:
        version = AssetVersion.objects.create(
            product=product, number=1, files=[], dimensions={}, metrics={}, certificate={}, grade="B", licence={},
            cpu_seconds=0, gpu_seconds=0,
        )  # fmt: skip
        job = make_job(product, status=status, ended_at=timezone.now(), version=version)
        with pytest.raises(LostRace):
            claim(job)

    def test_a_message_for_another_group_does_nothing(self, job: AssetJob) -> None:
        for group in (Group.GENERATE, Group.FINISH):
            with pytest.raises(LostRace):
                claim(job, group)

    def test_a_job_to_be_tried_later_is_not_claimed_before(self, job: AssetJob) -> None:
        AssetJob.objects.filter(pk=job.pk).update(retry_at=timezone.now() + timedelta(seconds=30))
        with pytest.raises(LostRace):
            claim(job)
        AssetJob.objects.filter(pk=job.pk).update(retry_at=timezone.now() - timedelta(seconds=1))
        assert claim(job)

    def test_a_job_that_is_gone_is_not_claimed(self) -> None:
        with pytest.raises(LostRace):
            leases.claim_job(4711, Group.PREPARE, "w")

    def test_messages_that_come_twice_are_harmless(self, job: AssetJob) -> None:
        lease = claim(job)
        before = state(job)
        with pytest.raises(LostRace):
            claim(job)
        assert state(job) == before
        assert leases.extend_lease(lease)


class TestALostLease:
    @pytest.mark.parametrize("name", WRITES)
    def test_writes_nothing_once_another_worker_holds_the_job(self, job: AssetJob, name: str) -> None:
        group, write = WRITES[name]
        lost = lease_at(job, group)
        expire(job)
        claim(job, group, "w2")
        before = state(job)
        with pytest.raises(LostRace):
            write(lost)
        assert state(job) == before

    @pytest.mark.parametrize("name", WRITES)
    def test_writes_nothing_after_the_job_has_ended(self, job: AssetJob, name: str) -> None:
        group, write = WRITES[name]
        lost = lease_at(job, group)
        leases.fail(lost, "bug", "We look into it.")
        before = state(job)
        with pytest.raises(LostRace):
            write(lost)
        assert state(job) == before

    def test_is_not_extended(self, job: AssetJob) -> None:
        lost = claim(job)
        expire(job)
        claim(job, worker="w2")
        with pytest.raises(LostRace):
            leases.extend_lease(lost)

    def test_that_only_ran_out_is_still_good_while_nobody_took_it(self, job: AssetJob) -> None:
        lease = claim(job)
        expire(job)
        assert leases.extend_lease(lease)
        job.refresh_from_db()
        assert job.lease_expires_at is not None
        assert job.lease_expires_at > timezone.now() + timedelta(seconds=leases.LEASE_SECONDS - 2)

    def test_loses_against_the_one_that_takes_over_at_the_same_moment(self, job: AssetJob) -> None:
        """Whoever comes first, exactly one of both has the job and no write is half done."""
        for number in range(5):
            job = make_job(make_product(job.merchant))
            lease = claim(job)
            expire(job)
            end = race(
                lambda lease=lease: leases.end_prepare(  # type: ignore[misc]
                    lease, key="k", generator="hull", why="", queue="cpu", spent=SPENT
                ),
                lambda job=job, number=number: claim(job, worker=f"other{number}"),  # type: ignore[misc]
            )
            job.refresh_from_db()
            ended = not isinstance(end[0], Exception)
            assert ended != isinstance(end[1], Lease)
            assert job.group == (Group.GENERATE if ended else Group.PREPARE)
            assert job.lost_leases == (0 if ended else 1)


class TestOneTransaction:
    @pytest.mark.parametrize("name", WRITES)
    def test_holds_each_write_and_its_event(self, job: AssetJob, name: str) -> None:
        """Where the event cannot be written, the job has not changed either."""
        group, write = WRITES[name]
        lease = lease_at(job, group)
        before = state(job)
        with stuck("INSERT", "catalog_jobevent"), pytest.raises(DatabaseError):
            write(lease)
        assert state(job) == before
        write(lease)
        assert state(job) != before


class TestTheWay:
    def test_leads_through_the_groups_and_books_what_was_spent(self, product: Product, broker: dramatiq.Broker) -> None:
        make_worker()
        job = request_asset(product, Recipe(quality="draft"))
        lease = claim(job)
        leases.report_progress(lease, "segment", 10)
        leases.report_progress(lease, "segment", 12)
        leases.end_prepare(lease, key="p", generator="primitive", why="one photo", queue="gpu", spent=SPENT)
        job.refresh_from_db()
        assert (job.status, job.group, job.queue, job.lease) == (Status.RUNNING, Group.GENERATE, "gpu", None)
        lease = claim(job, Group.GENERATE)
        leases.end_generate(lease, key="g", spent=Spent({"generate": 4.0}, cpu_seconds=1, gpu_seconds=4))
        lease = claim(job, Group.FINISH)
        version = leases.end_finish(lease, stored(product.merchant), SPENT)
        job.refresh_from_db()
        assert (job.status, job.progress, job.version) == (Status.NEEDS_REVIEW, 100, version)
        assert (job.prepared_key, job.generated_key, job.generator_why) == ("p", "g", "one photo")
        assert (job.cpu_seconds, job.gpu_seconds) == (version.cpu_seconds, version.gpu_seconds) == (7, 4)
        assert sent(broker) == [("cpu", "prepare", job.pk), ("cpu", "finish", job.pk), ("gpu", "generate", job.pk)]
        totals = dict(StageTotal.objects.values_list("stage", "seconds"))
        assert totals == {
            "segment": 4.0, "generate": 4.0, "prepare/draft": 2.0, "generate/draft": 4.0, "finish/draft": 2.0
        }  # fmt: skip
        begun = list(job.events.filter(kind="stage", seconds=None).values_list("stage", flat=True))
        assert begun == ["segment"]

    def test_lost_leases_and_attempts_count_within_a_group(self, job: AssetJob) -> None:
        lease = claim(job)
        leases.lose(lease, "killed")
        lease = claim(job)
        leases.end_prepare(lease, key="p", generator="primitive", why="", queue="cpu", spent=SPENT)
        job.refresh_from_db()
        assert (job.lost_leases, job.attempts) == (0, 0)

    def test_progress_is_kept_within_bounds(self, job: AssetJob) -> None:
        lease = claim(job)
        leases.report_progress(lease, "segment", 130)
        job.refresh_from_db()
        assert job.progress == 100


class TestTrouble:
    def test_a_job_handed_back_is_queued_at_once_and_nothing_is_counted(
        self, product: Product, broker: dramatiq.Broker
    ) -> None:
        make_worker()
        job = request_asset(product, Recipe())
        leases.hand_back(claim(job))
        job.refresh_from_db()
        assert (job.status, job.lost_leases, job.attempts, job.lease) == (Status.QUEUED, 0, 0, None)
        assert sent(broker) == [("cpu", "prepare", job.pk)] * 2
        assert claim(job)

    def test_the_third_lost_lease_in_a_group_fails_the_job(self, job: AssetJob) -> None:
        for _ in range(held_jobs.MAX_LOST_LEASES):
            job.refresh_from_db()
            assert not job.ended_at
            leases.lose(claim(job), "killed by the system: out of memory")
        job.refresh_from_db()
        assert (job.status, job.reason) == (Status.FAILED, "worker_lost")
        assert kinds(job).count(("lease", "lost")) == 3

    def test_away_means_ever_longer_waits_and_then_failure(self, job: AssetJob) -> None:
        for attempt, wait in enumerate(leases.BACKOFF_SECONDS, start=1):
            before = timezone.now()
            leases.postpone(claim(job), "storage_away", "The file store is away.")
            job.refresh_from_db()
            assert (job.status, job.reason, job.attempts) == (Status.QUEUED, "storage_away", attempt)
            assert job.retry_at is not None
            seconds = (job.retry_at - before).total_seconds()
            assert wait * 0.8 <= seconds <= wait * 1.2 + 1
            AssetJob.objects.filter(pk=job.pk).update(retry_at=None)
        leases.postpone(claim(job), "storage_away", "The file store is away.")
        job.refresh_from_db()
        assert (job.status, job.reason, job.advice) == (Status.FAILED, "storage_away", "The file store is away.")

    def test_a_lost_checkpoint_sends_the_job_back_one_group(self, job: AssetJob) -> None:
        make_worker()
        leases.postpone(lease_at(job, Group.FINISH), "checkpoint_lost", "It is made again.", SPENT)
        job.refresh_from_db()
        assert (job.status, job.reason, job.group, job.queue) == (
            Status.QUEUED, "checkpoint_lost", Group.GENERATE, "cpu"
        )  # fmt: skip
        assert (job.prepared_key, job.generated_key, job.retry_at) == ("checkpoints/p.npz", "", None)
        leases.postpone(claim(job, Group.GENERATE), "checkpoint_lost", "It is made again.", SPENT)
        job.refresh_from_db()
        assert (job.group, job.prepared_key, job.attempts) == (Group.PREPARE, "", 0)

    def test_a_lost_checkpoint_of_a_generator_that_nobody_knows_any_more_has_it_chosen_again(
        self, job: AssetJob
    ) -> None:
        leases.postpone(lease_at(job, Group.FINISH), "checkpoint_lost", "It is made again.")
        job.refresh_from_db()
        assert (job.group, job.queue) == (Group.PREPARE, "cpu")

    def test_a_checkpoint_that_is_lost_again_and_again_fails_the_job(self, job: AssetJob) -> None:
        make_worker()
        lease = lease_at(job, Group.FINISH)
        for _ in range(held_jobs.MAX_LOST_CHECKPOINTS):
            leases.postpone(lease, "checkpoint_lost", "It is made again.")
            leases.end_generate(claim(job, Group.GENERATE), key="g", spent=SPENT)
            lease = claim(job, Group.FINISH)
        leases.postpone(lease, "checkpoint_lost", "It is made again.")
        job.refresh_from_db()
        assert (job.status, job.reason) == (Status.FAILED, "checkpoint_lost")

    def test_rejection_tells_the_merchant_what_to_do(self, job: AssetJob) -> None:
        leases.reject_input(claim(job), "no_product", "Photograph the product alone.", SPENT)
        job.refresh_from_db()
        assert (job.status, job.reason, job.advice) == (
            Status.REJECTED, "no_product", "Photograph the product alone."
        )  # fmt: skip
        assert job.cpu_seconds == SPENT.cpu_seconds


class TestCancelling:
    def test_a_running_job_is_asked_and_obeys(self, job: AssetJob) -> None:
        lease = claim(job)
        assert leases.extend_lease(lease)
        cancel_job(job)
        assert not leases.extend_lease(lease)
        leases.stop_cancelled(lease, SPENT)
        job.refresh_from_db()
        assert (job.status, job.reason) == (Status.CANCELLED, "cancelled")

    @pytest.mark.parametrize("name", ["end_prepare", "end_generate", "postpone", "hand_back", "lose"])
    def test_a_cancelled_job_ends_wherever_its_worker_lets_go(self, job: AssetJob, name: str) -> None:
        group, write = WRITES[name]
        lease = lease_at(job, group)
        cancel_job(job)
        write(lease)
        job.refresh_from_db()
        assert (job.status, job.reason) == (Status.CANCELLED, "cancelled")

    def test_a_cancelled_job_publishes_nothing(self, product: Product) -> None:
        job = make_job(product, recipe=Recipe(auto_publish=True))
        lease = lease_at(job, Group.FINISH)
        cancel_job(job)
        with pytest.raises(LostRace):
            leases.end_finish(lease, stored(product.merchant), SPENT)
        job.refresh_from_db()
        product.refresh_from_db()
        assert (job.status, product.published_version) == (Status.CANCELLED, None)
        assert job.cpu_seconds == 3 * SPENT.cpu_seconds

    def test_the_worker_dying_on_a_cancelled_job_ends_it(self, job: AssetJob) -> None:
        claim(job)
        cancel_job(job)
        expire(job)
        assert leases.lose_expired_lease(job.pk)
        job.refresh_from_db()
        assert job.status == Status.CANCELLED
