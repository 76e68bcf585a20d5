"""What nobody needs any more leaves the store, and a store that is ill holds up nothing else."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalog import storage as catalog_storage
from catalog import tidy as parts
from catalog.errors import Away
from catalog.models import AssetJob, Merchant, Photo, PhotoState, Product, Removal, Status
from catalog.storage import Storage
from catalog.tidy import SWEEP_AGAIN_SECONDS, Sweep, tidy
from infra.engines.engine import free_ports
from tests.catalog.makers import make_job, make_merchant, make_photo, make_product

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("broker", "storage")]

NPZ = "application/octet-stream"


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


@pytest.fixture
def product(merchant: Merchant) -> Product:
    return make_product(merchant)


def in_(**duration: float) -> datetime:
    return timezone.now() + timedelta(**duration)


class TestUploads:
    def test_that_nobody_confirmed_are_forgotten_after_a_day(self, product: Product, storage: Storage) -> None:
        key = f"uploads/{product.merchant.public_id}/x"
        photo = make_photo(product, state=PhotoState.AWAITED, key=key, sha256="")
        storage.put(key, b"photo", content_type="image/jpeg")
        tidy(in_(hours=23))
        assert Photo.objects.filter(pk=photo.pk).exists()
        tidy(in_(hours=25))
        assert not Photo.objects.filter(pk=photo.pk).exists()
        assert list(storage.list(key)) == []
        assert product.photos.count() == 1

    def test_that_a_worker_fetches_wait(self, product: Product) -> None:
        photo = make_photo(product, state=PhotoState.AWAITED, source_url="https://shop.example/a.jpg")
        tidy(in_(hours=25))
        assert Photo.objects.filter(pk=photo.pk).exists()


class TestCheckpoints:
    def make(self, product: Product, storage: Storage, key: str) -> AssetJob:
        storage.put(key, b"npz", content_type=NPZ)
        return make_job(product, status=Status.FAILED, ended_at=timezone.now(), prepared_key=key)

    def test_expire_with_the_last_job_that_shares_them(self, product: Product, storage: Storage) -> None:
        days = django_settings.KEEP_CHECKPOINTS_DAYS
        key = f"checkpoints/{product.merchant.public_id}/a.npz"
        old, young = self.make(product, storage, key), self.make(product, storage, key)
        AssetJob.objects.filter(pk=old.pk).update(ended_at=in_(days=-days, seconds=-1))
        assert tidy()["checkpoints expired"] == 1
        assert list(storage.list(key)) == [key]
        AssetJob.objects.filter(pk=young.pk).update(ended_at=in_(days=-days, seconds=-1))
        tidy()
        assert list(storage.list(key)) == []
        assert set(AssetJob.objects.values_list("prepared_key", "generated_key")) == {("", "")}

    def test_of_active_jobs_never_expire(self, product: Product, storage: Storage) -> None:
        key = f"checkpoints/{product.merchant.public_id}/a.npz"
        storage.put(key, b"npz", content_type=NPZ)
        make_job(product, prepared_key=key)
        tidy(in_(days=400))
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

    def test_of_a_look_that_failed_half_way_are_found_by_the_next(
        self, storage: Storage, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for number in range(6):
            storage.put(f"files/mer_gone/{number}", b"x", content_type=NPZ)
        monkeypatch.setattr(parts, "AT_ONCE", 4)
        sweep, now, env = Sweep(), in_(hours=25), settings.ENV
        assert sweep(now) == 4
        settings.ENV = replace(env, s3_endpoint_url=f"http://127.0.0.1:{free_ports(1)[0]}")
        catalog_storage.storage.cache_clear()
        with pytest.raises(Away):
            sweep(now)
        settings.ENV = env
        catalog_storage.storage.cache_clear()
        assert sweep(now) == 0, "it does not try at once"
        assert 0 < sweep.next_at - time.monotonic() <= SWEEP_AGAIN_SECONDS
        sweep.next_at = time.monotonic()
        assert sweep(now) == 2

    def test_of_a_listing_that_broke_off_are_found_by_the_next(self, storage: Storage) -> None:
        def listing() -> Iterator[str]:
            yield "files/mer_gone/1"
            raise Away("storage_away", "The file store does not answer.")

        storage.put("files/mer_gone/2", b"x", content_type=NPZ)
        sweep = Sweep(listing(), next_at=time.monotonic() + 3600)
        with pytest.raises(Away):
            sweep(in_(hours=25))
        sweep.next_at = min(sweep.next_at, time.monotonic() + SWEEP_AGAIN_SECONDS) - SWEEP_AGAIN_SECONDS
        assert sweep(in_(hours=25)) == 1


def test_a_store_that_is_away_keeps_no_other_part_from_its_work(
    product: Product, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    Removal.objects.create(key="photos/mer_x/y", due_at=timezone.now())
    key = f"checkpoints/{product.merchant.public_id}/a.npz"
    make_job(product, status=Status.FAILED, ended_at=in_(days=-400), prepared_key=key)
    settings.ENV = replace(settings.ENV, s3_endpoint_url=f"http://127.0.0.1:{free_ports(1)[0]}")
    catalog_storage.storage.cache_clear()
    counts = tidy(in_(hours=25))
    assert (counts["checkpoints expired"], counts["objects removed"]) == (1, 0)
    assert "objects removed has to wait" in caplog.text
    assert Removal.objects.filter(key="photos/mer_x/y").exists()


def test_models_and_checkpoints_that_expire_are_found_by_index() -> None:
    """They are looked for every few seconds, among all jobs there have ever been."""
    with CaptureQueriesContext(connection) as queries:
        parts.expire_models(timezone.now())
        parts.expire_checkpoints(timezone.now())
    asked = [each["sql"] for each in queries if 'ORDER BY "catalog_assetjob"."ended_at"' in each["sql"]]
    with connection.cursor() as cursor:
        plans = [str(cursor.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall()) for sql in asked]
    assert ["job_models" in plans[0], "job_checkpoints" in plans[1]] == [True, True]
    assert "TEMP B-TREE" not in "".join(plans)
