"""What people and programs do with jobs."""

from datetime import timedelta
from typing import Any

import dramatiq
import pytest
from django.utils import timezone

from catalog import leases
from catalog.errors import Conflict, Invalid
from catalog.jobs import approve_job, cancel_job, reject_job, request_asset, retry_job
from catalog.models import AssetJob, Group, Photo, PhotoState, Priority, Product, Status
from catalog.recipe import Recipe
from catalog.versions import create_version
from catalog.workers import sign_off
from tests.catalog.makers import (
    SPENT,
    claim,
    finished,
    lease_at,
    make_job,
    make_merchant,
    make_photo,
    make_product,
    make_worker,
    stored,
)
from tests.catalog.races import race
from tests.catalog.sent import sent

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("broker", "storage")]

ENDED = [each for each in Status if each not in {Status.QUEUED, Status.RUNNING}]


@pytest.fixture
def product() -> Product:
    return make_product(make_merchant())


def job_in(product: Product, status: Status) -> AssetJob:
    """A job brought to that status as workers and people do."""
    job = make_job(product)
    if status == Status.RUNNING:
        claim(job)
    elif status == Status.REJECTED:
        leases.reject_input(claim(job), "no_product", "Photograph the product alone.")
    elif status == Status.FAILED:
        leases.fail(claim(job), "bug", "We look into it.")
    elif status == Status.CANCELLED:
        cancel_job(job)
    elif status in {Status.NEEDS_REVIEW, Status.PUBLISHED}:
        leases.end_finish(lease_at(job, Group.FINISH), stored(product.merchant), SPENT)
    job.refresh_from_db()
    if status == Status.PUBLISHED:
        job.move_to(Status.PUBLISHED)
    assert job.status == status
    return job


class TestAsking:
    def test_writes_a_job_its_event_and_sends_it(self, product: Product, broker: dramatiq.Broker) -> None:
        recipe = Recipe(quality="draft", profiles=("web",), triangles=5000, seed=3, auto_publish=True)
        job = request_asset(product, recipe, priority=Priority.BULK, request_id="r-1")
        job.refresh_from_db()
        assert (job.status, job.group, job.queue, job.merchant) == (
            Status.QUEUED,
            Group.PREPARE,
            "cpu",
            product.merchant,
        )
        assert (Recipe.from_json(job.recipe), job.priority, job.request_id) == (recipe, Priority.BULK, "r-1")
        assert job.events.values_list("kind", "status").get() == ("status", Status.QUEUED)
        assert sent(broker) == [("cpu", "prepare", job.pk)]

    def test_at_once_makes_one_job(self, product: Product, broker: dramatiq.Broker) -> None:
        results = race(*[lambda: request_asset(product, Recipe())] * 6)
        assert sorted(type(each).__name__ for each in results) == ["AssetJob"] + ["Conflict"] * 5
        assert {each.code for each in results if isinstance(each, Conflict)} == {"already_running"}
        assert AssetJob.objects.count() == len(sent(broker)) == 1

    @pytest.mark.parametrize("status", Status)
    def test_is_refused_exactly_while_a_job_is_active(self, product: Product, status: Status) -> None:
        job_in(product, status)
        if status in ENDED:
            assert request_asset(product, Recipe()).status == Status.QUEUED
        else:
            with pytest.raises(Conflict, match="already_running"):
                request_asset(product, Recipe())

    @pytest.mark.parametrize(
        ("state", "source_url", "expected"),
        [
            (PhotoState.READY, "", None),
            (PhotoState.CHECKING, "", None),
            (PhotoState.REJECTED, "", Invalid),
            (PhotoState.AWAITED, "", Conflict),
            (PhotoState.AWAITED, "https://shop.example/lamp.jpg", Conflict),
        ],
    )
    def test_needs_a_photo_that_is_there(self, state: PhotoState, source_url: str, expected: Any) -> None:
        product = make_product(make_merchant(), photos=0)
        make_photo(product, state=state, source_url=source_url)
        if expected is None:
            assert request_asset(product, Recipe())
        else:
            with pytest.raises(expected, match=r"no_photos|photos_not_ready"):
                request_asset(product, Recipe())

    def test_without_any_photo_is_refused(self) -> None:
        with pytest.raises(Invalid, match="no_photos"):
            request_asset(make_product(make_merchant(), photos=0), Recipe())

    def test_for_an_archived_product_is_refused(self, product: Product) -> None:
        product.archived = True
        with pytest.raises(Conflict, match="product_archived"):
            request_asset(product, Recipe())

    @pytest.mark.parametrize(
        ("recipe", "code", "field"),
        [
            (Recipe(generator="teapot"), "unknown_generator", "generator"),
            (Recipe(generator="triposg"), "generator_unavailable", "generator"),
            (Recipe(quality="best"), "unknown_quality", "quality"),
            (Recipe(profiles=("web", "moon")), "unknown_profile", "profiles"),
            (Recipe(triangles=0), "bad_value", "triangles"),
            (Recipe(texture_size=-1), "bad_value", "texture_size"),
            (Recipe(seed=-1), "bad_value", "seed"),
        ],
    )
    def test_for_what_no_worker_can_make_is_refused(
        self, product: Product, recipe: Recipe, code: str, field: str
    ) -> None:
        make_worker()
        with pytest.raises(Invalid, match=code) as refusal:
            request_asset(product, recipe)
        assert list(refusal.value.fields) == [field]
        assert not AssetJob.objects.exists()

    def test_goes_by_what_workers_could_do_before_they_were_restarted(self, product: Product) -> None:
        make_worker()
        sign_off("worker")
        with pytest.raises(Invalid, match="unknown_generator"):
            request_asset(product, Recipe(generator="teapot"))
        assert request_asset(product, Recipe(generator="primitive"))

    def test_is_taken_at_its_word_before_any_worker_was_seen(self, product: Product) -> None:
        assert request_asset(product, Recipe(generator="triposg", profiles=("web",)))


class TestCancelling:
    @pytest.mark.parametrize("status", Status)
    def test_at_every_status(self, product: Product, status: Status) -> None:
        job = job_in(product, status)
        if status in ENDED:
            with pytest.raises(Conflict, match="not_possible_now"):
                cancel_job(job)
            job.refresh_from_db()
            assert job.status == status
        elif status == Status.QUEUED:
            assert cancel_job(job).status == Status.CANCELLED
        else:
            asked = cancel_job(job)
            assert (asked.status, asked.cancel_requested_at is None) == (Status.RUNNING, False)
            again = cancel_job(job)
            assert again.cancel_requested_at == asked.cancel_requested_at
            assert job.events.filter(kind="note").count() == 1

    def test_a_job_between_two_groups_ends_at_once(self, product: Product) -> None:
        job = make_job(product)
        leases.end_prepare(claim(job), key="p", generator="primitive", why="", queue="gpu", spent=SPENT)
        assert cancel_job(job).status == Status.CANCELLED

    def test_a_job_that_waits_for_its_next_attempt_ends_at_once(self, product: Product) -> None:
        job = make_job(product)
        leases.postpone(claim(job), "storage_away", "Later.")
        cancelled = cancel_job(job)
        assert (cancelled.status, cancelled.retry_at) == (Status.CANCELLED, None)

    def test_makes_room_for_the_next_job(self, product: Product, broker: dramatiq.Broker) -> None:
        jobs = [request_asset(make_product(product.merchant), Recipe()) for _ in range(3)]
        assert len(sent(broker)) == 2
        cancel_job(jobs[0])
        assert sent(broker)[-1] == ("cpu", "prepare", jobs[2].pk)

    def test_and_claiming_at_once_never_leaves_a_cancelled_job_running(self, product: Product) -> None:
        for _ in range(5):
            job = make_job(make_product(product.merchant))
            results = race(lambda job=job: cancel_job(job), lambda job=job: claim(job))  # type: ignore[misc]
            job.refresh_from_db()
            if isinstance(results[1], leases.Lease):
                assert (job.status, job.cancel_requested_at is None) == (Status.RUNNING, False)
            else:
                assert job.status == Status.CANCELLED


class TestRetrying:
    @pytest.mark.parametrize("status", Status)
    def test_is_possible_exactly_where_the_table_says_so(self, product: Product, status: Status) -> None:
        job = job_in(product, status)
        if status in {Status.REJECTED, Status.FAILED, Status.CANCELLED}:
            again = retry_job(job)
            assert (again.status, again.reason, again.ended_at) == (Status.QUEUED, "", None)
        else:
            with pytest.raises(Conflict, match="not_possible_now"):
                retry_job(job)

    @pytest.mark.parametrize("group", Group)
    def test_goes_on_at_the_newest_checkpoint(self, product: Product, broker: dramatiq.Broker, group: Group) -> None:
        make_worker()
        job = make_job(product)
        leases.fail(lease_at(job, group), "bug", "We look into it.")
        again = retry_job(job)
        assert (again.group, again.attempts, again.lost_leases, again.cancel_requested_at) == (group, 0, 0, None)
        assert sent(broker)[-1] == ("cpu", group, job.pk)
        assert claim(job, group)

    @pytest.mark.parametrize("change", ["view", "new photo", "photo gone", "width", "title"])
    def test_starts_over_when_photos_or_facts_have_changed(self, product: Product, change: str) -> None:
        make_worker()
        make_photo(product)
        job = make_job(product)
        leases.fail(lease_at(job, Group.FINISH), "bug", "We look into it.")
        if change == "view":
            Photo.objects.filter(product=product).update(view="back")
        elif change == "new photo":
            make_photo(product)
        elif change == "photo gone":
            product.photos.all()[0].delete()
        else:
            Product.objects.filter(pk=product.pk).update(**{change: 0.2 if change == "width" else "Desk lamp"})
        again = retry_job(job)
        assert (again.group, again.prepared_key, again.generated_key) == (Group.PREPARE, "", "")

    def test_chooses_anew_when_the_generator_is_gone(self, product: Product) -> None:
        make_worker()
        job = make_job(product)
        lease = lease_at(job, Group.PREPARE)
        leases.end_prepare(lease, key="p", generator="triposg", why="", queue="gpu", spent=SPENT)
        leases.fail(claim(job, Group.GENERATE), "bug", "We look into it.")
        assert retry_job(job).group == Group.PREPARE

    def test_of_a_job_that_wrote_its_version_keeps_it(self, product: Product) -> None:
        job = make_job(product)
        lease = lease_at(job, Group.FINISH)
        version = create_version(job, finished(product.merchant))
        leases.fail(lease, "storage_away", "Later.")
        assert retry_job(job).version_id == version.pk

    def test_after_a_rejected_version_makes_another(self, product: Product) -> None:
        job = reject_job(job_in(product, Status.NEEDS_REVIEW))
        again = retry_job(job)
        assert (again.group, again.version_id) == (Group.FINISH, None)
        version = leases.end_finish(claim(job, Group.FINISH), stored(product.merchant), SPENT)
        assert version.number == 2

    def test_while_another_job_is_active_is_refused(self, product: Product) -> None:
        job = job_in(product, Status.FAILED)
        request_asset(product, Recipe())
        with pytest.raises(Conflict, match="already_running"):
            retry_job(job)

    def test_at_once_happens_once(self, product: Product, broker: dramatiq.Broker) -> None:
        job = job_in(product, Status.FAILED)
        results = race(*[lambda: retry_job(job)] * 4)
        assert sorted(type(each).__name__ for each in results) == ["AssetJob"] + ["Conflict"] * 3
        assert len(sent(broker)) == 1

    def test_needs_photos_and_a_product_on_sale(self, product: Product) -> None:
        job = job_in(product, Status.REJECTED)
        product.photos.all().delete()
        with pytest.raises(Invalid, match="no_photos"):
            retry_job(AssetJob.objects.get(pk=job.pk))
        Product.objects.filter(pk=product.pk).update(archived=True)
        with pytest.raises(Conflict, match="product_archived"):
            retry_job(AssetJob.objects.get(pk=job.pk))


class TestReviewing:
    @pytest.mark.parametrize("status", [each for each in Status if each != Status.NEEDS_REVIEW])
    def test_is_possible_only_where_something_waits_for_it(self, product: Product, status: Status) -> None:
        job = job_in(product, status)
        for decide in (approve_job, reject_job):
            with pytest.raises(Conflict, match="not_possible_now"):
                decide(job)
        job.refresh_from_db()
        assert job.status == status


def test_a_long_note_is_shortened(product: Product) -> None:
    assert len(reject_job(job_in(product, Status.NEEDS_REVIEW), "x" * 600).advice) == 500


def test_a_job_postponed_can_be_claimed_when_its_time_has_come(product: Product) -> None:
    job = make_job(product)
    leases.postpone(claim(job), "storage_away", "Later.")
    AssetJob.objects.filter(pk=job.pk).update(retry_at=timezone.now() - timedelta(seconds=1))
    assert claim(job)
