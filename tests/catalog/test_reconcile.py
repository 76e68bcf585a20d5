"""What went wrong unseen is put right, once, a bounded part at a time."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dramatiq
import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from catalog import queue
from catalog.dispatch import release_window
from catalog.errors import LostRace
from catalog.jobs import cancel_job, request_asset
from catalog.leases import end_generate, end_prepare
from catalog.models import (
    AssetJob,
    Group,
    IdempotentRequest,
    JobEvent,
    Merchant,
    Photo,
    PhotoState,
    Product,
    Status,
    Worker,
)
from catalog.photo_leases import claim_photo
from catalog.photo_turns import release_photos
from catalog.recipe import Recipe
from catalog.reconcile import reconcile
from catalog.workers import KEEP_SECONDS
from infra.broker import make_broker
from infra.engines.engine import free_ports
from tests.catalog.makers import SPENT, claim, make_job, make_jobs, make_merchant, make_photo, make_product, make_worker
from tests.catalog.races import race
from tests.catalog.sent import sent
from tests.catalog.stuck import stuck

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("broker", "storage")]

NPZ = "application/octet-stream"


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    """Each test starts with a process that has done nothing yet."""
    queue.forget_failures()
    yield
    queue.forget_failures()


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


@pytest.fixture
def product(merchant: Merchant) -> Product:
    return make_product(merchant)


def in_(**duration: float) -> datetime:
    return timezone.now() + timedelta(**duration)


def lose_messages(broker: dramatiq.Broker) -> None:
    """As a broker without a disk that was restarted."""
    assert queue.flush()
    broker.client.flushall()  # type: ignore[attr-defined]


class TestLostLeases:
    def test_are_found_and_the_job_goes_on_at_once(self, product: Product, broker: dramatiq.Broker) -> None:
        make_worker()
        job = request_asset(product, Recipe())
        claim(job)
        assert reconcile()["lost leases"] == 0
        assert reconcile(in_(seconds=13))["lost leases"] == 0  # the lease itself says when it ends
        AssetJob.objects.update(lease_expires_at=in_(seconds=-1))
        assert reconcile()["lost leases"] == 1
        job.refresh_from_db()
        assert (job.status, job.lost_leases) == (Status.QUEUED, 1)
        assert sent(broker) == [("cpu", "prepare", job.pk)] * 2

    def test_are_counted_once_when_several_look(self, merchant: Merchant) -> None:
        jobs = make_jobs(merchant, 5)
        for job in jobs:
            claim(job)
        AssetJob.objects.update(lease_expires_at=in_(seconds=-1))
        assert sum(each["lost leases"] for each in race(*[reconcile] * 4)) == 5
        assert set(AssetJob.objects.values_list("lost_leases", "status")) == {(1, Status.QUEUED)}

    def test_three_times_in_a_group_fail_the_job(self, product: Product) -> None:
        job = make_job(product)
        for _ in range(3):
            claim(job)
            AssetJob.objects.update(lease_expires_at=in_(seconds=-1))
            reconcile()
        job.refresh_from_db()
        assert (job.status, job.reason) == (Status.FAILED, "worker_lost")

    def test_of_cancelled_jobs_end_them(self, product: Product) -> None:
        job = make_job(product)
        claim(job)
        cancel_job(job)
        AssetJob.objects.update(lease_expires_at=in_(seconds=-1))
        reconcile()
        job.refresh_from_db()
        assert job.status == Status.CANCELLED


class TestLostMessages:
    def test_are_sent_again_when_a_worker_has_nothing_to_do(self, product: Product, broker: dramatiq.Broker) -> None:
        make_worker()
        job = request_asset(product, Recipe())
        lose_messages(broker)
        assert reconcile(in_(seconds=9))["jobs sent again"] == 0
        assert reconcile(in_(seconds=11))["jobs sent again"] == 1
        assert sent(broker) == [("cpu", "prepare", job.pk)]
        assert claim(job)

    def test_between_commit_and_send_are_sent_again(self, product: Product, broker: dramatiq.Broker) -> None:
        """The process died after the commit: the row says released, nobody was told."""
        make_worker()
        job = make_job(product, released_at=in_(seconds=-30))
        assert sent(broker) == []
        reconcile()
        assert sent(broker) == [("cpu", "prepare", job.pk)]

    def test_of_every_group_are_sent_again(self, product: Product, broker: dramatiq.Broker) -> None:
        make_worker()
        job = make_job(product)
        end_prepare(claim(job), key="p", generator="primitive", why="", queue="gpu", spent=SPENT)
        lose_messages(broker)
        reconcile(in_(seconds=11))
        assert sent(broker) == [("gpu", "generate", job.pk)]
        end_generate(claim(job, Group.GENERATE), key="g", spent=SPENT)
        lose_messages(broker)
        reconcile(in_(seconds=11))
        assert sent(broker) == [("cpu", "finish", job.pk)]

    def test_are_not_suspected_while_every_worker_is_busy(self, merchant: Merchant, broker: dramatiq.Broker) -> None:
        make_worker("w1", slots=1)
        jobs = [request_asset(make_product(merchant), Recipe()) for _ in range(2)]
        claim(jobs[0], worker="w1")
        lose_messages(broker)
        AssetJob.objects.filter(lease__isnull=False).update(lease_expires_at=in_(hours=1))
        assert reconcile(in_(seconds=60))["jobs sent again"] == 0
        assert reconcile(in_(seconds=601))["jobs sent again"] == 1
        assert sent(broker) == [("cpu", "prepare", jobs[1].pk)]

    def test_are_not_piled_up_while_nobody_works(self, product: Product, broker: dramatiq.Broker) -> None:
        request_asset(product, Recipe())
        for minutes in range(1, 20):
            reconcile(in_(minutes=minutes))
        assert len(sent(broker)) == 1

    def test_are_sent_again_by_one_of_several_that_look(self, product: Product, broker: dramatiq.Broker) -> None:
        make_worker()
        request_asset(product, Recipe())
        lose_messages(broker)
        now = in_(seconds=11)
        race(*[lambda: reconcile(now)] * 4)
        assert len(sent(broker)) == 1

    def test_because_the_broker_was_away_are_sent_once_it_is_back(
        self, product: Product, broker: dramatiq.Broker
    ) -> None:
        make_worker()
        dramatiq.set_broker(make_broker(f"redis://127.0.0.1:{free_ports(1)[0]}/0"))
        job = request_asset(product, Recipe())
        reconcile(in_(seconds=11))
        assert not queue.flush()
        dramatiq.set_broker(broker)
        queue.forget_failures()
        reconcile(in_(seconds=22))
        assert sent(broker) == [("cpu", "prepare", job.pk)]


class TestPhotos:
    @pytest.fixture
    def photo(self, product: Product) -> Photo:
        return make_photo(product, state=PhotoState.CHECKING)

    def test_of_dead_workers_get_another_turn_at_once(self, photo: Photo, broker: dramatiq.Broker) -> None:
        make_worker()
        claim_photo(photo.pk, "cpu", "gone")
        assert reconcile(in_(seconds=11))["photos' lost leases"] == 0
        Photo.objects.filter(pk=photo.pk).update(lease_expires_at=in_(seconds=-1))
        assert reconcile()["photos' lost leases"] == 1
        photo.refresh_from_db()
        assert (photo.lease, photo.lost_leases) == (None, 1)
        assert sent(broker) == [("cpu", "inspect_photo", photo.pk)]

    def test_whose_message_got_lost_are_sent_again(self, photo: Photo, broker: dramatiq.Broker) -> None:
        make_worker()
        release_photos()
        lose_messages(broker)
        assert reconcile(in_(seconds=9))["photos sent again"] == 0
        assert reconcile(in_(seconds=11))["photos sent again"] == 1
        assert sent(broker) == [("cpu", "inspect_photo", photo.pk)]

    def test_to_be_fetched_are_sent_again_too(self, product: Product, broker: dramatiq.Broker) -> None:
        make_worker()
        photo = make_photo(product, state=PhotoState.AWAITED, source_url="https://shop.example/a.jpg")
        release_photos()
        lose_messages(broker)
        reconcile(in_(seconds=11))
        assert sent(broker) == [("io", "fetch_photo", photo.pk)]

    def test_are_not_suspected_while_every_worker_is_busy(
        self, merchant: Merchant, photo: Photo, broker: dramatiq.Broker
    ) -> None:
        make_worker("w1")
        release_photos()
        lose_messages(broker)
        claim(make_job(make_product(merchant)), worker="w1")
        AssetJob.objects.filter(lease__isnull=False).update(lease_expires_at=in_(hours=1))
        assert reconcile(in_(seconds=60))["photos sent again"] == 0
        assert reconcile(in_(seconds=601))["photos sent again"] == 1

    def test_that_workers_hold_make_those_busy(self, product: Product, photo: Photo, broker: dramatiq.Broker) -> None:
        """Or a job that waits behind a photo would be sent again and again."""
        make_worker("w1")
        claim_photo(photo.pk, "cpu", "w1")
        Photo.objects.filter(pk=photo.pk).update(lease_expires_at=in_(hours=1))
        request_asset(product, Recipe())
        assert reconcile(in_(seconds=60))["jobs sent again"] == 0

    def test_are_not_piled_up_while_nobody_works(self, photo: Photo, broker: dramatiq.Broker) -> None:
        for minutes in range(1, 20):
            release_photos()
            reconcile(in_(minutes=minutes))
        assert sent(broker) == []

    def test_wait_for_workers_however_long_it_takes(self, photo: Photo) -> None:
        reconcile(in_(hours=25))
        photo.refresh_from_db()
        assert photo.state == PhotoState.CHECKING


class TestOldRows:
    def test_events_of_ended_jobs_go_and_those_of_active_ones_stay(self, merchant: Merchant) -> None:
        ended = make_job(make_product(merchant), status=Status.FAILED, ended_at=timezone.now())
        active = make_job(make_product(merchant))
        for job in (ended, active):
            job.record("note")
        days = django_settings.KEEP_EVENTS_DAYS
        assert reconcile(in_(days=days - 1))["events forgotten"] == 0
        assert reconcile(in_(days=days, seconds=1))["events forgotten"] == 1
        assert JobEvent.objects.get().job == active

    def test_answers_kept_for_a_day_go(self, merchant: Merchant) -> None:
        IdempotentRequest.objects.create(merchant=merchant, key="k", fingerprint="f")
        reconcile(in_(hours=23))
        assert IdempotentRequest.objects.exists()
        reconcile(in_(hours=25))
        assert not IdempotentRequest.objects.exists()

    def test_workers_silent_for_a_day_go(self) -> None:
        make_worker()
        reconcile(in_(seconds=KEEP_SECONDS - 1))
        assert Worker.objects.exists()
        reconcile(in_(seconds=KEEP_SECONDS + 1))
        assert not Worker.objects.exists()


def test_a_part_that_fails_keeps_no_other_from_its_work(product: Product, caplog: pytest.LogCaptureFixture) -> None:
    job = make_job(product)
    claim(job)
    AssetJob.objects.update(lease_expires_at=in_(seconds=-1))
    IdempotentRequest.objects.create(merchant=product.merchant, key="k", fingerprint="f")
    with stuck("UPDATE", "catalog_assetjob"):
        counts = reconcile(in_(hours=25))
    assert (counts["lost leases"], counts["requests forgotten"]) == (0, 1)
    assert "lost leases has to wait" in caplog.text
    assert reconcile()["lost leases"] == 1


def test_everything_at_once_by_several_leaves_no_job_behind(merchant: Merchant, broker: dramatiq.Broker) -> None:
    """Workers that die all the time: every job still ends, by failing in the end."""
    make_worker(slots=4)
    make_jobs(merchant, 6)

    def chaos() -> None:
        while AssetJob.objects.filter(ended_at=None).exists():
            release_window()
            for pk in AssetJob.objects.filter(ended_at=None, lease=None).values_list("pk", flat=True):
                try:
                    claim(AssetJob.objects.get(pk=pk))
                except LostRace:
                    continue
            AssetJob.objects.filter(lease__isnull=False).update(lease_expires_at=datetime.now(UTC))
            reconcile()

    assert race(chaos, chaos, chaos) == [None] * 3
    assert set(AssetJob.objects.values_list("status", "lost_leases")) == {(Status.FAILED, 3)}
