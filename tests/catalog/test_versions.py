"""Publishing: all or nothing, once, and back again."""

import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalog import leases
from catalog import storage as catalog_storage
from catalog.checks import at_revision
from catalog.deletion import used_keys
from catalog.errors import Away, Conflict, LostRace
from catalog.jobs import approve_job, cancel_job, reject_job
from catalog.leases import claim_job, end_finish, resume_finish
from catalog.models import AssetJob, AssetVersion, FileKey, Group, JobEvent, Merchant, Product, Status
from catalog.recipe import Recipe
from catalog.storage import Storage
from catalog.versions import create_version, publish_version, roll_back, unpublish
from infra.engines.engine import free_ports
from tests.catalog.makers import SPENT, finished, lease_at, make_job, make_merchant, make_product, stored, stored_file
from tests.catalog.races import race
from tests.catalog.stuck import stuck

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("broker", "storage")]


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


@pytest.fixture
def product(merchant: Merchant) -> Product:
    return make_product(merchant)


def store(merchant: Merchant, *names: str) -> None:
    """Put the bytes of `finished` into the private store."""
    for name in names or ("model.glb", "model.usdz", "poster.webp"):
        file = stored_file(merchant, name)
        catalog_storage.storage().put(file.key, name.encode(), content_type=file.content_type)


def make_version(product: Product, **fields: Any) -> AssetVersion:
    """A version to be looked at, its files stored."""
    store(product.merchant)
    job = make_job(product)
    return end_finish(lease_at(job, Group.FINISH), finished(product.merchant, **fields), SPENT)


def shown(product: Product) -> tuple[int | None, int]:
    """What the storefront shows, and the product's revision."""
    product.refresh_from_db()
    version = product.published_version
    return version.number if version else None, product.revision


@pytest.fixture
def store_away(settings: Any, storage: Storage) -> Iterator[Any]:
    """Calling it takes the store away; calling what that returns brings it back."""
    env = settings.ENV

    def take_away() -> Any:
        settings.ENV = replace(env, s3_endpoint_url=f"http://127.0.0.1:{free_ports(1)[0]}")
        catalog_storage.storage.cache_clear()

        def bring_back() -> None:
            settings.ENV = env
            catalog_storage.storage.cache_clear()

        return bring_back

    yield take_away
    settings.ENV = env
    catalog_storage.storage.cache_clear()


class TestPublishing:
    def test_copies_every_file_with_its_type_to_an_immutable_public_place(self, product: Product) -> None:
        version = make_version(product)
        publish_version(version)
        version.refresh_from_db()
        assert [file["name"] for file in version.public_files] == ["model.glb", "model.usdz", "poster.webp"]
        for file in version.public_files:
            assert file["key"] == f"m/{product.merchant.public_id}/{file['sha256']}/{file['name']}"
            with urllib.request.urlopen(catalog_storage.storage().public_url(file["key"])) as answer:
                assert answer.read() == file["name"].encode()
                assert answer.headers["Content-Type"] == file["content_type"]
                assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        private = catalog_storage.storage().public_url("m/x").replace("m/x", version.files[0]["key"])
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(private)

    def test_keeps_the_merchants_report_and_preview_private(self, product: Product) -> None:
        version = make_version(product)
        report = {**version.files[0], "name": "report.json", "content_type": "application/json"}
        AssetVersion.objects.filter(pk=version.pk).update(files=[*version.files, report])
        version.refresh_from_db()
        publish_version(version)
        version.refresh_from_db()
        assert "report.json" not in {file["name"] for file in version.public_files}
        public = list(catalog_storage.storage().list(f"m/{product.merchant.public_id}/"))
        assert len(public) == 3

    def test_moves_the_pointer_and_ends_the_review_together(self, product: Product) -> None:
        version = make_version(product)
        revision = shown(product)[1]
        publish_version(version)
        version.refresh_from_db()
        assert shown(product) == (1, revision + 1)
        assert version.published_at is not None
        assert version.job.status == Status.PUBLISHED

    def test_a_second_time_changes_nothing(self, product: Product) -> None:
        version = make_version(product)
        publish_version(version)
        before = shown(product), list(JobEvent.objects.values()), list(AssetVersion.objects.values())
        publish_version(version)
        publish_version(AssetVersion.objects.get(pk=version.pk))
        assert (shown(product), list(JobEvent.objects.values()), list(AssetVersion.objects.values())) == before

    def test_by_many_at_once_happens_exactly_once(self, product: Product) -> None:
        version = make_version(product)
        revision = shown(product)[1]
        results = race(*(lambda: publish_version(AssetVersion.objects.get(pk=version.pk)) for _ in range(6)))
        assert results == [None] * 6
        assert shown(product) == (1, revision + 1)
        assert version.job.events.filter(status=Status.PUBLISHED).count() == 1

    def test_of_two_versions_at_once_leaves_one_of_them_whole(self, product: Product) -> None:
        first, second = make_version(product), make_version(product)
        race(lambda: publish_version(first), lambda: publish_version(second))
        assert shown(product)[0] in {1, 2}
        assert AssetVersion.objects.filter(published_at__isnull=False).exclude(public_files=[]).count() == 2

    def test_while_the_store_is_away_leaves_what_was_shown(self, product: Product, store_away: Any) -> None:
        publish_version(make_version(product))
        second = make_version(product)
        before = shown(product)
        bring_back = store_away()
        with pytest.raises(Away):
            approve_job(second.job)
        second.refresh_from_db()
        assert (shown(product), second.published_at, second.job.status) == (before, None, Status.NEEDS_REVIEW)
        bring_back()
        approve_job(second.job)
        assert shown(product)[0] == 2

    def test_that_breaks_off_at_the_last_step_leaves_what_was_shown(self, product: Product) -> None:
        publish_version(make_version(product))
        second = make_version(product)
        before = shown(product)
        with stuck("INSERT", "catalog_jobevent", "ROW.status = 'published'"), pytest.raises(DatabaseError):
            publish_version(second)
        second.refresh_from_db()
        assert (shown(product), second.published_at, second.public_files) == (before, None, [])
        publish_version(second)
        assert shown(product) == (2, before[1] + 1)
        assert second.job.events.filter(status=Status.PUBLISHED).count() == 1

    def test_of_a_version_whose_files_are_gone_is_refused(self, product: Product) -> None:
        version = make_version(product)
        catalog_storage.storage().delete([version.files[1]["key"]])
        with pytest.raises(Conflict, match="files_missing"):
            publish_version(version)
        assert shown(product)[0] is None

    def test_of_an_archived_product_is_refused(self, product: Product) -> None:
        version = make_version(product)
        Product.objects.filter(pk=product.pk).update(archived=True)
        with pytest.raises(Conflict, match="product_archived"):
            publish_version(AssetVersion.objects.get(pk=version.pk))
        with pytest.raises(Conflict, match="product_archived"):  # read before it was archived
            publish_version(version)
        assert shown(product)[0] is None

    def test_of_a_rejected_version_is_refused(self, product: Product) -> None:
        version = make_version(product)
        reject_job(version.job, "too dark")
        with pytest.raises(Conflict, match="not_possible_now"):
            publish_version(AssetVersion.objects.get(pk=version.pk))
        assert shown(product)[0] is None

    def test_of_a_version_deleted_meanwhile_is_lost(self, product: Product) -> None:
        version = make_version(product)
        version.job.delete()
        AssetVersion.objects.filter(pk=version.pk).delete()
        with pytest.raises(LostRace):
            publish_version(version)


class TestReview:
    def test_approving_and_rejecting_at_once_does_exactly_one(self, product: Product) -> None:
        for _ in range(4):
            job = make_version(product).job
            results = race(lambda job=job: approve_job(job), lambda job=job: reject_job(job))  # type: ignore[misc]
            assert sorted(type(each).__name__ for each in results) == ["AssetJob", "Conflict"]
            job.refresh_from_db()
            assert (job.status == Status.PUBLISHED) == isinstance(results[0], AssetJob)
            assert (job.version.published_at is not None) == (job.status == Status.PUBLISHED)

    def test_rejecting_keeps_the_note(self, product: Product) -> None:
        job = reject_job(make_version(product).job, "The handle is missing.")
        assert (job.status, job.reason, job.advice) == (Status.REJECTED, "review_rejected", "The handle is missing.")


class TestPublishingByItself:
    @pytest.mark.parametrize(
        ("auto_publish", "grade", "publishable", "status", "reason"),
        [
            (True, "A", True, Status.PUBLISHED, ""),
            (True, "B", True, Status.PUBLISHED, ""),
            (True, "C", True, Status.NEEDS_REVIEW, "grade_c"),
            (True, "C", False, Status.NEEDS_REVIEW, "below_threshold"),
            (True, "A", False, Status.NEEDS_REVIEW, "below_threshold"),
            (False, "A", True, Status.NEEDS_REVIEW, ""),
            (False, "C", False, Status.NEEDS_REVIEW, "below_threshold"),
        ],
    )
    def test_needs_the_recipe_the_threshold_and_a_grade(
        self, product: Product, auto_publish: bool, grade: str, publishable: bool, status: Status, reason: str
    ) -> None:
        store(product.merchant)
        job = make_job(product, recipe=Recipe(auto_publish=auto_publish))
        review_reason = "" if publishable else "below_threshold"
        result = finished(product.merchant, grade=grade, publishable=publishable, review_reason=review_reason)
        version = end_finish(lease_at(job, Group.FINISH), result, SPENT)
        job.refresh_from_db()
        assert (job.status, job.reason, job.version) == (status, reason, version)
        assert shown(product)[0] == (1 if status == Status.PUBLISHED else None)

    def test_while_the_store_is_away_goes_on_later_without_another_version(
        self, product: Product, store_away: Any
    ) -> None:
        store(product.merchant)
        job = make_job(product, recipe=Recipe(auto_publish=True))
        lease = lease_at(job, Group.FINISH)
        create_version(job, finished(product.merchant))  # as an `end_finish` does that breaks off
        bring_back = store_away()
        with pytest.raises(Away) as away:
            resume_finish(lease)
        leases.postpone(lease, away.value.code, away.value.message)
        job.refresh_from_db()
        assert (job.status, job.reason, shown(product)[0]) == (Status.QUEUED, "storage_away", None)
        bring_back()
        AssetJob.objects.filter(pk=job.pk).update(retry_at=None)
        _, lease = claim_job(job.pk, Group.FINISH, "w2")
        version = resume_finish(lease)
        job.refresh_from_db()
        assert (job.status, job.version, shown(product)[0]) == (Status.PUBLISHED, version, 1)
        assert AssetVersion.objects.count() == 1

    def test_does_not_happen_when_the_merchant_cancels_at_the_last_moment(
        self, product: Product, store_away: Any
    ) -> None:
        store(product.merchant)
        job = make_job(product, recipe=Recipe(auto_publish=True))
        lease = lease_at(job, Group.FINISH)
        create_version(job, finished(product.merchant))
        bring_back = store_away()
        with pytest.raises(Away):
            resume_finish(lease)
        cancel_job(job)
        bring_back()
        resume_finish(lease)
        job.refresh_from_db()
        assert (job.status, shown(product)[0]) == (Status.CANCELLED, None)

    def test_there_is_nothing_to_resume_before_a_version_was_written(self, product: Product) -> None:
        assert resume_finish(lease_at(make_job(product), Group.FINISH)) is None

    def test_of_a_product_archived_meanwhile_waits_for_somebody_to_look(self, product: Product) -> None:
        store(product.merchant)
        job = make_job(product, recipe=Recipe(auto_publish=True))
        lease = lease_at(job, Group.FINISH)
        Product.objects.filter(pk=product.pk).update(archived=True)
        end_finish(lease, finished(product.merchant), SPENT)
        job.refresh_from_db()
        assert (job.status, job.reason, shown(product)[0]) == (Status.NEEDS_REVIEW, "product_archived", None)

    def test_by_a_worker_that_lost_its_lease_while_copying_does_not_happen(self, product: Product) -> None:
        """The one that took over publishes; together they write one version."""
        store(product.merchant)
        job = make_job(product, recipe=Recipe(auto_publish=True))
        first = lease_at(job, Group.FINISH)
        create_version(job, finished(product.merchant))
        AssetJob.objects.filter(pk=job.pk).update(lease_expires_at=timezone.now())
        _, second = claim_job(job.pk, Group.FINISH, "w2")
        with pytest.raises(LostRace):
            end_finish(first, finished(product.merchant), SPENT)
        assert shown(product)[0] is None
        end_finish(second, finished(product.merchant), SPENT)
        assert shown(product)[0] == 1
        assert AssetVersion.objects.count() == 1


class TestFilesThatAreNotThere:
    @pytest.mark.parametrize("damage", ["gone", "cut short"])
    @pytest.mark.parametrize("auto_publish", [False, True])
    def test_make_no_version_and_finish_is_run_again(self, product: Product, damage: str, auto_publish: bool) -> None:
        job = make_job(product, recipe=Recipe(auto_publish=auto_publish))
        lease, result = lease_at(job, Group.FINISH), stored(product.merchant)
        if damage == "gone":
            catalog_storage.storage().delete([result.files[1].key])
        else:
            catalog_storage.storage().put(result.files[1].key, b"x", content_type="model/vnd.usdz+zip")
        with pytest.raises(Away, match="files_missing") as away:
            end_finish(lease, result, SPENT)
        assert not AssetVersion.objects.exists()
        leases.postpone(lease, away.value.code, away.value.message, SPENT)
        job.refresh_from_db()
        assert (job.status, job.reason, job.version) == (Status.QUEUED, "files_missing", None)
        AssetJob.objects.filter(pk=job.pk).update(retry_at=None)
        lease = claim_job(job.pk, Group.FINISH, "w2")[1]
        assert resume_finish(lease) is None
        version = end_finish(lease, stored(product.merchant), SPENT)
        for file in version.files:
            assert catalog_storage.storage().get(file["key"]) == file["name"].encode()
        job.refresh_from_db()
        assert job.status == (Status.PUBLISHED if auto_publish else Status.NEEDS_REVIEW)
        assert job.cpu_seconds == version.cpu_seconds == 4 * SPENT.cpu_seconds

    def test_are_kept_for_the_version_from_the_moment_they_are_named(self, product: Product) -> None:
        job = make_job(product)
        lease, result = lease_at(job, Group.FINISH), stored(product.merchant)
        catalog_storage.storage().delete([result.files[1].key])
        with pytest.raises(Away):
            end_finish(lease, result, SPENT)
        assert used_keys(file.key for file in result.files) == {file.key for file in result.files}
        leases.fail(lease, "bug", "We look into it.")
        assert used_keys(file.key for file in result.files) == set()

    def test_cost_what_publishing_took_twice_only_once(self, product: Product, store_away: Any) -> None:
        """What a worker tells when it postpones is not told again with the version."""
        job = make_job(product, recipe=Recipe(auto_publish=True))
        lease, result = lease_at(job, Group.FINISH), stored(product.merchant)
        bring_back = store_away()
        with pytest.raises(Away) as away:
            end_finish(lease, result, SPENT)
        leases.postpone(lease, away.value.code, away.value.message, SPENT)
        bring_back()
        job.refresh_from_db()
        assert job.cpu_seconds == 3 * SPENT.cpu_seconds


class TestNumbers:
    def test_count_within_the_product_also_when_written_at_once(self, product: Product) -> None:
        other = make_product(product.merchant)
        jobs = [make_job(product, status=Status.FAILED, ended_at=timezone.now()) for _ in range(5)]
        result = finished(product.merchant)
        versions = race(*(lambda job=job: create_version(job, result) for job in jobs))
        assert sorted(version.number for version in versions) == [1, 2, 3, 4, 5]
        assert create_version(make_job(other), result).number == 1

    def test_a_job_writes_one_version(self, product: Product) -> None:
        job = make_job(product)
        versions = race(*(lambda: create_version(job, finished(product.merchant)) for _ in range(4)))
        assert len({version.pk for version in versions}) == 1
        assert FileKey.objects.count() == 6


class TestRollingBack:
    def test_shows_the_version_published_before(self, product: Product) -> None:
        for _ in range(4):
            make_version(product)
        one, _, three, four = AssetVersion.objects.order_by("number")
        for version in (one, three, four):
            publish_version(version)
        assert roll_back(product) == three
        assert shown(product)[0] == 3
        assert roll_back(product) == one
        with pytest.raises(Conflict, match="nothing_to_roll_back"):
            roll_back(product)
        publish_version(four)
        assert shown(product)[0] == 4
        assert roll_back(product) == three

    def test_works_while_the_store_is_away(self, product: Product, store_away: Any) -> None:
        publish_version(make_version(product))
        publish_version(make_version(product))
        store_away()
        assert roll_back(product).number == 1

    def test_is_one_step_for_each_who_asks_at_once(self, product: Product) -> None:
        for _ in range(3):
            publish_version(make_version(product))
        results = race(*[lambda: roll_back(product)] * 3)
        assert sorted(type(each).__name__ for each in results) == ["AssetVersion", "AssetVersion", "Conflict"]
        assert shown(product)[0] == 1

    def test_locks_the_jobs_before_the_product_as_deletion_does(self, product: Product) -> None:
        """Otherwise its note waits for a job that a deletion has locked, which waits for the product."""
        for _ in range(2):
            publish_version(make_version(product))
        with CaptureQueriesContext(connection) as queries:
            roll_back(product)
        tables = [re.search(r'FROM "catalog_(\w+)"', each["sql"]) for each in queries]
        assert [table[1] for table in tables if table][:2] == ["assetjob", "product"]

    def test_is_one_step_for_two_who_have_read_the_same(self, product: Product) -> None:
        for _ in range(3):
            publish_version(make_version(product))
        read = Product.objects.get(pk=product.pk).revision
        assert roll_back(product, check=at_revision(read)).number == 2
        with pytest.raises(LostRace):
            roll_back(product, check=at_revision(read))
        assert shown(product)[0] == 2

    def test_of_what_is_not_shown_is_refused(self, product: Product) -> None:
        with pytest.raises(Conflict, match="nothing_to_roll_back"):
            roll_back(product)


class TestUnpublishing:
    def test_takes_the_asset_out_and_may_be_repeated(self, product: Product) -> None:
        version = make_version(product)
        publish_version(version)
        revision = shown(product)[1]
        unpublish(product)
        unpublish(product)
        assert shown(product) == (None, revision + 1)
        publish_version(version)
        assert shown(product)[0] == 1
