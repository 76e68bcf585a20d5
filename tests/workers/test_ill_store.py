"""A store that is full or denies writes: jobs wait or fail with that reason, and nothing is half-published."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import timezone

from assets_pipeline.stores.s3 import S3Store
from catalog.jobs import request_asset
from catalog.models import AssetJob, AssetVersion, Merchant, PhotoState, Product, Status
from catalog.recipe import Recipe
from catalog.storage import Storage
from catalog.storage import storage as open_store
from infra.engines.engine import Engine
from tests.engines import fill_up
from tests.workers.conftest import MakeProduct, add_photo
from tests.workers.processes import Processes, beside, wait_until
from tests.workers.refusing_store import Door, door_to, nothing, writes_to

pytestmark = pytest.mark.slow

DRAFT = Recipe(quality="draft", texture_size=512, triangles=4000, auto_publish=True)


def wait_for(job: AssetJob, status: Status, reason: str, *, seconds: float = 180) -> None:
    """Return once the job is there."""

    def there() -> bool:
        job.refresh_from_db()
        return (job.status, job.reason) == (status, reason)

    wait_until(there, seconds=seconds, what=f"{status} ({reason}); it is {job.status} ({job.reason}) in {job.stage}")


def nothing_is_published(product: Product) -> bool:
    product.refresh_from_db()
    return product.published_version is None and not AssetVersion.objects.filter(published_at__isnull=False).exists()


def published_whole(job: AssetJob, store: Storage) -> bool:
    """Whether the job has published one version, once, with all of its public files there."""
    job.product.refresh_from_db()
    (version,) = job.product.versions.all()
    for file in [*version.files, *version.public_files]:
        assert store.stat(file["key"]).bytes == file["bytes"]
    ends = job.events.filter(kind="status", status=Status.PUBLISHED).count()
    return bool(version.public_files) and ends == 1 and job.product.published_version == version


class TestAFullStore:
    @pytest.fixture
    def product(self, small_storage: Engine, merchant: Merchant, samples: Path) -> Product:
        product = Product.objects.create(merchant=merchant, sku="MUG", title="Coffee mug", height=0.095)
        photo = (samples / "mug" / "front.jpg").read_bytes()
        add_photo(product, photo, open_store(), state=PhotoState.READY)  # type: ignore[arg-type]
        fill_up(open_store())
        return product

    @pytest.fixture
    def processes(
        self, service_environ: dict[str, str], small_storage: Engine, tmp_path: Path, transactional_db: None
    ) -> Iterator[Processes]:
        small = {"S3_ENDPOINT_URL": small_storage.url, "S3_BUCKET": "small"}
        with beside(service_environ | small, tmp_path) as running:
            yield running

    def test_makes_a_job_wait_and_in_the_end_fail_with_that_reason(
        self, product: Product, processes: Processes
    ) -> None:
        processes.start_worker()
        job = request_asset(product, DRAFT)
        wait_for(job, Status.QUEUED, "storage_away")
        assert (job.attempts, job.lost_leases) == (1, 0) and job.retry_at
        assert "may be full" in job.advice  # this server has no code of its own for that
        AssetJob.objects.filter(pk=job.pk).update(attempts=4, retry_at=timezone.now())  # as after four tries
        wait_for(job, Status.FAILED, "storage_away")
        assert nothing_is_published(product) and not AssetVersion.objects.exists()
        assert [key for prefix in ("files/", "m/", "checkpoints/") for key in open_store().list(prefix)] == []


class TestAStoreThatDenies:
    @pytest.fixture
    def door(self, seaweedfs: Engine) -> Iterator[Door]:
        with door_to(seaweedfs.url) as door:
            yield door

    @pytest.fixture
    def processes(
        self, service_environ: dict[str, str], door: Door, tmp_path: Path, transactional_db: None
    ) -> Iterator[Processes]:
        with beside(service_environ | {"S3_ENDPOINT_URL": door.url}, tmp_path) as running:
            yield running

    @pytest.mark.parametrize(("part", "after"), [("/checkpoints/", 0), ("/files/", 3), ("/m/", 2)])
    def test_writes_makes_a_job_wait_wherever_it_is_and_go_on_afterwards(
        self, processes: Processes, door: Door, make_product: MakeProduct, storage: S3Store, part: str, after: int
    ) -> None:
        door.refuses = writes_to(part, after=after)
        processes.start_worker()
        product = make_product()
        job = request_asset(product, DRAFT)
        wait_for(job, Status.QUEUED, "storage_denied")
        assert door.refused and all(part in path for path in door.refused)
        assert (job.lost_leases, job.attempts) == (0, 1)
        assert nothing_is_published(product)
        if part != "/m/":
            assert not product.versions.exists()
        door.refuses = nothing
        wait_for(job, Status.PUBLISHED, "")
        assert published_whole(job, storage)
