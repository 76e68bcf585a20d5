"""What went wrong unseen is put right, once, a bounded part at a time."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import dramatiq
import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from catalog import queue
from catalog import reconcile as parts
from catalog import storage as catalog_storage
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
    Removal,
    Status,
    Worker,
)
from catalog.photo_leases import claim_photo
from catalog.photo_turns import release_photos
from catalog.recipe import Recipe
from catalog.reconcile import Sweep, reconcile
from catalog.storage import Storage
from catalog.workers import KEEP_SECONDS
from infra.broker import make_broker
from infra.engines.engine import free_ports
from tests.catalog.makers import SPENT, claim, make_job, make_jobs, make_merchant, make_photo, make_product, make_worker
from tests.catalog.races import race
from tests.catalog.sent import sent

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

    def test_uploaded_but_never_confirmed_are_forgotten_after_a_day(self, product: Product, storage: Storage) -> None:
        key = f"uploads/{product.merchant.public_id}/x"
        photo = make_photo(product, state=PhotoState.AWAITED, key=key, sha256="")
        storage.put(key, b"photo", content_type="image/jpeg")
        reconcile(in_(hours=23))
        assert Photo.objects.filter(pk=photo.pk).exists()
        reconcile(in_(hours=25))
        assert not Photo.objects.filter(pk=photo.pk).exists()
        assert list(storage.list(key)) == []
        assert product.photos.count() == 1

    def test_wait_for_workers_however_long_it_takes(self, photo: Photo) -> None:
        reconcile(in_(hours=25))
        photo.refresh_from_db()
        assert photo.state == PhotoState.CHECKING


class TestCheckpoints:
    def make(self, product: Product, storage: Storage, key: str) -> AssetJob:
        storage.put(key, b"npz", content_type=NPZ)
        return make_job(product, status=Status.FAILED, ended_at=timezone.now(), prepared_key=key)

    def test_expire_with_the_last_job_that_shares_them(self, product: Product, storage: Storage) -> None:
        days = django_settings.KEEP_CHECKPOINTS_DAYS
        key = f"checkpoints/{product.merchant.public_id}/a.npz"
        old, young = self.make(product, storage, key), self.make(product, storage, key)
        AssetJob.objects.filter(pk=old.pk).update(ended_at=in_(days=-days, seconds=-1))
        assert reconcile()["checkpoints expired"] == 1
        assert list(storage.list(key)) == [key]
        AssetJob.objects.filter(pk=young.pk).update(ended_at=in_(days=-days, seconds=-1))
        reconcile()
        assert list(storage.list(key)) == []
        assert set(AssetJob.objects.values_list("prepared_key", "generated_key")) == {("", "")}

    def test_of_active_jobs_never_expire(self, product: Product, storage: Storage) -> None:
        key = f"checkpoints/{product.merchant.public_id}/a.npz"
        storage.put(key, b"npz", content_type=NPZ)
        make_job(product, prepared_key=key)
        reconcile(in_(days=400))
        assert list(storage.list(key)) == [key]


class TestOrphans:
    def test_are_removed_after_a_day_and_what_rows_name_stays(self, product: Product, storage: Storage) -> None:
        photo = product.photos.get()
        used = {photo.key, f"checkpoints/{product.merchant.public_id}/used.npz"}
        make_job(product, prepared_key=f"checkpoints/{product.merchant.public_id}/used.npz")
        orphans = {f"{prefix}/mer_gone/{number}" for prefix in ("checkpoints", "files", "m") for number in range(3)}
        for key in used | orphans:
            storage.put(key, b"x", content_type=NPZ)
        assert Sweep()(timezone.now()) == 0
        assert Sweep()(in_(hours=25)) == len(orphans)
        assert {key for prefix in ("photos", "checkpoints", "files", "m") for key in storage.list(f"{prefix}/")} == used

    def test_are_looked_for_a_few_at_a_time(
        self, storage: Storage, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(parts, "AT_ONCE", 4)
        for number in range(10):
            storage.put(f"files/{merchant.public_id}/{number}", b"x", content_type=NPZ)
        sweep, now = Sweep(), in_(hours=25)
        assert [sweep(now) for _ in range(4)] == [4, 4, 2, 0]


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


def test_a_store_that_is_away_keeps_no_other_part_from_its_work(
    product: Product, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    job = make_job(product)
    claim(job)
    AssetJob.objects.update(lease_expires_at=in_(seconds=-1))
    Removal.objects.create(key="photos/mer_x/y", due_at=timezone.now())
    IdempotentRequest.objects.create(merchant=product.merchant, key="k", fingerprint="f")
    settings.ENV = replace(settings.ENV, s3_endpoint_url=f"http://127.0.0.1:{free_ports(1)[0]}")
    catalog_storage.storage.cache_clear()
    counts = reconcile(in_(hours=25))
    assert (counts["lost leases"], counts["objects removed"], counts["requests forgotten"]) == (1, 0, 1)
    assert "objects removed has to wait" in caplog.text
    assert Removal.objects.exists()


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
