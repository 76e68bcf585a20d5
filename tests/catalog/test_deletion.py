"""Gone for good: rows and objects, nobody else's."""

import itertools
import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import DatabaseError, transaction
from django.utils import timezone

from catalog import deletion, versions
from catalog import storage as catalog_storage
from catalog.deletion import delete_merchant, delete_product, erase_due, remove_due, remove_later
from catalog.errors import Away, LostRace
from catalog.invitations import find_invitation, invite
from catalog.leases import end_finish, end_generate, end_prepare, extend_lease, resume_finish
from catalog.merchants import find_api_key, issue_api_key, memberships
from catalog.models import (
    ApiKey,
    AssetJob,
    AssetVersion,
    FileKey,
    Group,
    IdempotentRequest,
    Member,
    Merchant,
    Photo,
    Product,
    Removal,
    Role,
    Status,
)
from catalog.photo_leases import claim_photo, extend_photo_lease
from catalog.photo_turns import release_photos
from catalog.recipe import Recipe
from catalog.storage import UPLOAD_SECONDS, Storage
from catalog.storefront import find_by_id, find_by_sku
from catalog.tidy import tidy
from infra.engines.engine import free_ports
from tests.catalog.makers import (
    SPENT,
    claim,
    finished,
    lease_at,
    make_job,
    make_merchant,
    make_photo,
    make_photos,
    make_product,
    make_worker,
    stored,
    stored_file,
)
from tests.catalog.races import race
from tests.catalog.stuck import stuck

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("broker")]

PREFIXES = ("photos", "uploads", "files", "checkpoints", "m")


def make_everything(storage: Storage, merchant: Merchant, *, name: str = "lamp") -> Product:
    """A product with a photo, an upload, checkpoints, a published version, an active job; all in the store too."""
    product = make_product(merchant)
    for photo in (*product.photos.all(), make_photo(product, state="awaited", sha256="", key=_upload(merchant, name))):
        storage.put(photo.key, b"photo", content_type="image/jpeg")
    job = make_job(product, recipe=Recipe(auto_publish=True))
    keys = [f"checkpoints/{merchant.public_id}/{name}-{group}.npz" for group in ("p", "g")]
    for key in keys:
        storage.put(key, b"npz", content_type="application/octet-stream")
    end_prepare(claim(job), key=keys[0], generator="primitive", why="", queue="cpu", spent=SPENT)
    end_generate(claim(job, Group.GENERATE), key=keys[1], spent=SPENT)
    files = tuple(stored_file(merchant, each, f"{name} {each}".encode()) for each in ("model.glb", "poster.webp"))
    for file in files:
        storage.put(file.key, f"{name} {file.name}".encode(), content_type=file.content_type)
    end_finish(claim(job, Group.FINISH), finished(merchant, files=files), SPENT)
    job.refresh_from_db()
    assert job.status == Status.PUBLISHED
    make_job(product)
    return product


def _upload(merchant: Merchant, name: str) -> str:
    return f"uploads/{merchant.public_id}/{name}"


def objects(storage: Storage, merchant: Merchant) -> set[str]:
    return {key for prefix in PREFIXES for key in storage.list(f"{prefix}/{merchant.public_id}/")}


def rows() -> dict[str, int]:
    """Rows of everything that belongs to merchants."""
    models = apps.get_app_config("catalog").get_models()
    return {model.__name__: model._default_manager.count() for model in models}


def pass_time() -> None:
    """Until whoever has taken a Removal has it no longer."""
    Removal.objects.update(due_at=timezone.now())


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


class TestAProduct:
    def test_goes_with_every_row_and_every_object(self, storage: Storage, merchant: Merchant) -> None:
        product = make_everything(storage, merchant)
        assert {key.split("/")[0] for key in objects(storage, merchant)} == set(PREFIXES)
        delete_product(product)
        assert objects(storage, merchant) == set()
        left = {name for name, count in rows().items() if count}
        assert left <= {"Merchant", "StageTotal", "Turn", "UsageDay"}

    def test_leaves_other_products_and_other_merchants_alone(self, storage: Storage, merchant: Merchant) -> None:
        other = make_merchant()
        kept = [make_everything(storage, merchant, name="kept"), make_everything(storage, other)]
        before = objects(storage, merchant) | objects(storage, other), rows()
        delete_product(make_everything(storage, merchant, name="gone"))
        assert (objects(storage, merchant) | objects(storage, other), rows()) == before
        for product in kept:
            product.refresh_from_db()
            assert product.published_version is not None

    def test_leaves_what_it_shared_with_another_of_the_same_merchant(
        self, storage: Storage, merchant: Merchant
    ) -> None:
        """The same photos make the same bytes, which lie under the same key."""
        twins = [make_everything(storage, merchant), make_everything(storage, merchant)]
        shared = objects(storage, merchant)
        delete_product(twins[0])
        used = {file["key"] for v in twins[1].versions.all() for file in (*v.files, *v.public_files)}
        assert used <= objects(storage, merchant) < shared
        assert {key for key in shared if key.startswith("checkpoints/")} <= objects(storage, merchant)
        delete_product(twins[1])
        assert objects(storage, merchant) == set()

    def test_goes_at_once_while_the_store_is_away_and_its_objects_later(
        self, storage: Storage, merchant: Merchant, settings: Any
    ) -> None:
        product = make_everything(storage, merchant)
        there = objects(storage, merchant)
        env = settings.ENV
        settings.ENV = replace(env, s3_endpoint_url=f"http://127.0.0.1:{free_ports(1)[0]}")
        catalog_storage.storage.cache_clear()
        delete_product(product)
        settings.ENV = env
        catalog_storage.storage.cache_clear()
        removals = set(Removal.objects.values_list("key", flat=True))
        assert removals >= there
        assert not Product.objects.exists()
        assert objects(storage, merchant) == there
        pass_time()
        assert remove_due() == len(removals)
        assert objects(storage, merchant) == set()
        assert not Removal.objects.exists()

    def test_is_deleted_twice_at_once_without_harm(self, storage: Storage, merchant: Merchant) -> None:
        product = make_everything(storage, merchant)
        assert race(*[lambda: delete_product(product)] * 3) == [None] * 3
        assert objects(storage, merchant) == set()
        assert not Product.objects.exists()

    def test_stays_whole_when_the_deletion_breaks_off(self, storage: Storage, merchant: Merchant) -> None:
        product = make_everything(storage, merchant)
        before = objects(storage, merchant), rows()
        with stuck("DELETE", "catalog_product"), pytest.raises(DatabaseError):
            delete_product(product)
        assert (objects(storage, merchant), rows()) == before
        delete_product(product)
        assert objects(storage, merchant) == set()


def erase_all() -> int:
    """As often as it takes; returns how often that was."""
    for times in itertools.count():
        if not erase_due():
            return times
    raise AssertionError


class TestAMerchant:
    def test_goes_with_everything_and_leaves_people_and_others(self, storage: Storage, merchant: Merchant) -> None:
        other = make_merchant()
        make_everything(storage, other)
        kept = objects(storage, other), rows() | {"Merchant": 1}
        user = User.objects.create_user("owner")
        Member.objects.create(merchant=merchant, user=user, role="owner")
        ApiKey.objects.create(merchant=merchant, name="k", prefix="pl", sha256="0" * 64)
        IdempotentRequest.objects.create(merchant=merchant, key="k", fingerprint="f")
        for name in ("one", "two", "three"):
            make_everything(storage, merchant, name=name)
        storage.put(f"photos/{merchant.public_id}/lost", b"x", content_type="image/jpeg")
        delete_merchant(merchant)
        erase_all()
        remove_due()
        assert objects(storage, merchant) == set()
        Removal.objects.all().delete()  # the second look at what running tasks may still write
        assert (objects(storage, other), rows()) == kept
        assert User.objects.filter(pk=user.pk).exists()

    def test_is_gone_for_everybody_at_once(self, storage: Storage, merchant: Merchant) -> None:
        product = make_everything(storage, merchant)
        user = User.objects.create_user("owner")
        Member.objects.create(merchant=merchant, user=user, role="owner")
        _, key = issue_api_key(merchant, "k", may_write=True)
        _, token = invite(merchant, "new@example.test", Role.EDITOR, by=user)
        assert find_by_id(product.public_id) and find_by_sku(merchant.slug, product.sku)
        assert memberships(user) and find_api_key(key) and find_invitation(token)
        delete_merchant(merchant)
        assert Product.objects.filter(pk=product.pk).exists()
        assert find_by_id(product.public_id) is find_by_sku(merchant.slug, product.sku) is None
        assert (memberships(user), find_api_key(key), find_invitation(token)) == ([], None, None)

    def test_stops_its_workers_and_holds_up_nobody_elses_jobs(self, merchant: Merchant) -> None:
        held, waiting = make_job(make_product(merchant)), make_job(make_product(merchant))
        lease = claim(held)
        delete_merchant(merchant)
        with pytest.raises(LostRace):
            claim(waiting)
        waiting.refresh_from_db()
        assert (waiting.status, waiting.reason) == (Status.CANCELLED, "cancelled")
        assert erase_due()
        with pytest.raises(LostRace):
            extend_lease(lease)

    def test_is_erased_by_what_tidies_up(self, storage: Storage, merchant: Merchant) -> None:
        make_everything(storage, merchant)
        delete_merchant(merchant)
        tidy()
        assert not Merchant.objects.exists()
        assert objects(storage, merchant) == set()

    def test_is_gone_for_good_also_from_what_tasks_wrote_that_still_ran(
        self, storage: Storage, merchant: Merchant
    ) -> None:
        make_everything(storage, merchant)
        delete_merchant(merchant)
        erase_all()
        remove_due()
        storage.put(f"files/{merchant.public_id}/{'0' * 64}/model.glb", b"late", content_type="model/gltf-binary")
        remove_due()
        assert objects(storage, merchant) != set()
        pass_time()
        remove_due()
        assert objects(storage, merchant) == set()
        assert not Removal.objects.exists()

    def test_has_its_prefixes_emptied_once_more_when_forms_are_no_longer_good(
        self, merchant: Merchant, settings: Any
    ) -> None:
        settings.JOB_TIMEOUT_SECONDS = 60
        delete_merchant(merchant)
        erase_all()
        late = Removal.objects.filter(due_at__gt=timezone.now() + timedelta(seconds=UPLOAD_SECONDS))
        assert late.count() == len(PREFIXES)

    def test_goes_in_steps_that_are_bounded_also_when_several_take_them(
        self, storage: Storage, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(deletion, "PRODUCTS_AT_ONCE", 2)
        monkeypatch.setattr(deletion, "STEPS_AT_ONCE", 3)
        for _ in range(30):
            make_product(merchant)
        delete_merchant(merchant)
        assert erase_due() == 6
        assert merchant.products.count() == 24
        assert erase_all() == 5  # four times six products, and then the merchant

    def test_is_erased_by_several_at_once_without_harm(
        self, storage: Storage, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(deletion, "PRODUCTS_AT_ONCE", 2)
        for number in range(6):
            make_everything(storage, merchant, name=f"p{number}")
        delete_merchant(merchant)
        assert [each for each in race(*[erase_all] * 3) if isinstance(each, Exception)] == []
        assert not Merchant.objects.exists()
        remove_due()
        assert objects(storage, merchant) == set()

    def test_in_steps_goes_on_where_it_was_interrupted(
        self, storage: Storage, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(deletion, "PRODUCTS_AT_ONCE", 2)
        products = [make_everything(storage, merchant, name=f"p{number}") for number in range(5)]
        delete_merchant(merchant)
        with stuck("DELETE", "catalog_product", f"ROW.id = {products[3].pk}"), pytest.raises(DatabaseError):
            erase_due()
        assert Product.objects.count() == 3
        used = set(FileKey.objects.values_list("key", flat=True)) | set(Photo.objects.values_list("key", flat=True))
        remove_due()
        assert used <= objects(storage, merchant)
        erase_all()
        pass_time()
        for _ in range(3):
            remove_due()
        assert objects(storage, merchant) == set()
        assert not Merchant.objects.exists()
        assert not Removal.objects.exists()

    def test_with_more_objects_than_one_request_takes_is_emptied_in_turns(
        self, storage: Storage, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(deletion, "AT_ONCE", 3)
        monkeypatch.setattr(deletion, "PREFIX_SECONDS", 0)
        for number in range(8):
            storage.put(f"photos/{merchant.public_id}/{number}", b"x", content_type="image/jpeg")
        delete_merchant(merchant)
        erase_all()
        left = []
        for _ in range(4):
            remove_due()
            left.append(len(objects(storage, merchant)))
        assert left == [5, 2, 0, 0]


class TestSeveralMerchantsThatLeave:
    """The first has a large catalogue, or rows that do not go; the second's workers stop nevertheless."""

    @pytest.fixture
    def first(self, monkeypatch: pytest.MonkeyPatch) -> Merchant:
        monkeypatch.setattr(deletion, "PRODUCTS_AT_ONCE", 1)
        first = make_merchant("first")
        for _ in range(30):
            make_product(first)
        delete_merchant(first)
        return first

    def test_have_their_jobs_and_photos_ended_before_any_products_go(self, first: Merchant, merchant: Merchant) -> None:
        lease = claim(make_job(make_product(merchant)))
        photo = make_photos(merchant, 1)[0]
        _, photo_lease = claim_photo(photo.pk, "cpu", "w1")
        delete_merchant(merchant)
        assert erase_due()
        assert first.products.exists()
        with pytest.raises(LostRace):
            extend_lease(lease)
        with pytest.raises(LostRace):
            extend_photo_lease(photo_lease)

    def test_go_in_turn(self, first: Merchant, merchant: Merchant) -> None:
        make_product(merchant)
        delete_merchant(merchant)
        erase_due()
        assert first.products.exists()
        assert not Merchant.objects.filter(pk=merchant.pk).exists()

    def test_hold_up_nobody_with_rows_that_do_not_go(self, first: Merchant, merchant: Merchant) -> None:
        make_job(make_product(first))
        make_job(make_product(merchant))
        delete_merchant(merchant)
        for table in ("catalog_assetjob", "catalog_product"):
            with stuck("DELETE", table, f"ROW.merchant_id = {first.pk}"), pytest.raises(DatabaseError):
                erase_due()
        assert not Merchant.objects.filter(pk=merchant.pk).exists()
        assert first.products.exists()


class TestAMerchantWhoLeavesWhileWorkersAreBusy:
    @pytest.fixture
    def lease(self, merchant: Merchant) -> Any:
        return lease_at(make_job(make_product(merchant), recipe=Recipe(auto_publish=True)), Group.FINISH)

    def test_asks_them_to_stop(self, merchant: Merchant, lease: Any) -> None:
        assert extend_lease(lease)
        delete_merchant(merchant)
        assert not extend_lease(lease)

    def test_gets_no_version_any_more(self, storage: Storage, merchant: Merchant, lease: Any) -> None:
        result = stored(merchant)
        delete_merchant(merchant)
        with pytest.raises(LostRace):
            end_finish(lease, result, SPENT)
        assert not AssetVersion.objects.exists()
        assert AssetJob.objects.get().status == Status.CANCELLED

    def test_gets_nothing_published_any_more(
        self, storage: Storage, merchant: Merchant, lease: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        result = stored(merchant)
        with monkeypatch.context() as patch:
            patch.setattr(versions, "storage", lambda: Broken(storage, "copy"))
            with pytest.raises(Away):
                end_finish(lease, result, SPENT)
        assert AssetVersion.objects.exists()
        delete_merchant(merchant)
        resume_finish(lease)
        assert AssetJob.objects.get().status == Status.CANCELLED
        assert list(storage.list(f"m/{merchant.public_id}/")) == []

    def test_has_no_photo_looked_at_any_more(self, merchant: Merchant) -> None:
        make_worker(slots=9)
        ours, others = make_photos(merchant, 2), make_photos(make_merchant(), 1)
        delete_merchant(merchant)
        assert release_photos() == 1
        with pytest.raises(LostRace):
            claim_photo(ours[0].pk, "cpu", "worker")
        claim_photo(others[0].pk, "cpu", "worker")


class Broken:
    """The real store, but `method` is away."""

    def __init__(self, storage: Storage, method: str) -> None:
        self._storage, self._method = storage, method

    def __getattr__(self, name: str) -> Any:
        if name == self._method:
            raise Away("storage_away", "Later.")
        return getattr(self._storage, name)


class TestADeadlock:
    def test_between_a_worker_that_writes_a_version_and_a_deletion_does_not_happen(
        self, storage: Storage, merchant: Merchant
    ) -> None:
        """Both lock the job first, then the product."""
        for _ in range(6):
            product = make_product(merchant)
            lease = lease_at(make_job(product), Group.FINISH)
            finish, delete = race(
                lambda lease=lease: end_finish(lease, stored(merchant), SPENT),  # type: ignore[misc]
                lambda product=product: delete_product(product),  # type: ignore[misc]
            )
            assert delete is None
            assert isinstance(finish, AssetVersion | LostRace | Away), finish
            assert not Product.objects.filter(pk=product.pk).exists()


class TestRemoving:
    def test_spares_what_a_row_uses(self, storage: Storage, merchant: Merchant) -> None:
        product = make_product(merchant)
        photo = product.photos.get()
        storage.put(photo.key, b"photo", content_type="image/jpeg")
        remove_later([photo.key, "", "photos/nowhere"])
        assert objects(storage, merchant) == {photo.key}
        assert not Removal.objects.exists()
        photo.delete()
        remove_later([photo.key])
        assert objects(storage, merchant) == set()

    def test_does_not_happen_when_the_transaction_is_rolled_back(self, storage: Storage, merchant: Merchant) -> None:
        key = f"photos/{merchant.public_id}/x"
        storage.put(key, b"photo", content_type="image/jpeg")
        with transaction.atomic():
            remove_later([key])
            transaction.set_rollback(True)
        assert objects(storage, merchant) == {key}
        assert not Removal.objects.exists()


class Halting:
    """The real store, but `method` waits: `reached` says that it has been called, `go` lets it do its work."""

    def __init__(self, storage: Storage, method: str) -> None:
        self.reached, self.go = threading.Event(), threading.Event()
        self._storage, self._method = storage, method

    def __getattr__(self, name: str) -> Any:
        if name == self._method:
            self.reached.set()
            assert self.go.wait(30)
        return getattr(self._storage, name)


class TestFilesThatAnotherAssetIsAboutToShare:
    """A worker has found them in the store and not stored them again, when the last row that names them goes."""

    @pytest.fixture
    def doomed(self, storage: Storage, merchant: Merchant) -> Product:
        """Its version has the same files that `stored` stores."""
        product = make_product(merchant)
        end_finish(lease_at(make_job(product), Group.FINISH), stored(merchant), SPENT)
        return product

    def assert_whole(self, storage: Storage, version: AssetVersion) -> None:
        assert {file["key"]: storage.get(file["key"]).decode() for file in version.files} == {
            file["key"]: file["name"] for file in version.files
        }

    def test_are_made_again_when_the_removal_came_first(
        self, storage: Storage, merchant: Merchant, doomed: Product, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job = make_job(make_product(merchant))
        lease, result = lease_at(job, Group.FINISH), stored(merchant)
        halting = Halting(storage, "delete")
        monkeypatch.setattr(deletion, "storage", lambda: halting)
        remover = threading.Thread(target=race, args=(lambda: delete_product(doomed),))
        remover.start()
        assert halting.reached.wait(30)  # it has found them unused
        with pytest.raises(Away, match="files_missing"):
            end_finish(lease, result, SPENT)
        halting.go.set()
        remover.join(60)
        assert not AssetVersion.objects.exists()
        assert objects(storage, merchant).isdisjoint(file.key for file in result.files)
        version = end_finish(lease, stored(merchant), SPENT)
        self.assert_whole(storage, version)

    def test_stay_when_the_worker_came_first(
        self, storage: Storage, merchant: Merchant, doomed: Product, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job = make_job(make_product(merchant))
        lease, result = lease_at(job, Group.FINISH), stored(merchant)
        halting = Halting(storage, "stat")
        monkeypatch.setattr(versions, "storage", lambda: halting)
        made: list[Any] = []
        worker = threading.Thread(target=lambda: made.extend(race(lambda: end_finish(lease, result, SPENT))))
        worker.start()
        assert halting.reached.wait(30)  # it has named them
        delete_product(doomed)
        halting.go.set()
        worker.join(60)
        self.assert_whole(storage, made[0])
        assert not Removal.objects.exists()

    def test_wait_no_longer_than_a_while_for_a_process_that_died_removing_them(
        self, storage: Storage, merchant: Merchant, doomed: Product, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lease, result = lease_at(make_job(make_product(merchant)), Group.FINISH), stored(merchant)

        def die(keys: object) -> int:
            raise SystemExit

        with monkeypatch.context() as patch:
            patch.setattr(deletion, "_remove_unused", die)
            with pytest.raises(SystemExit):
                delete_product(doomed)
        with pytest.raises(Away, match="files_missing"):
            end_finish(lease, result, SPENT)
        pass_time()
        version = end_finish(lease, result, SPENT)
        remove_due()
        self.assert_whole(storage, version)
        assert not Removal.objects.exists()

    def test_are_there_whoever_is_faster(self, storage: Storage, merchant: Merchant) -> None:
        for _ in range(8):
            doomed = make_product(merchant)
            end_finish(lease_at(make_job(doomed), Group.FINISH), stored(merchant), SPENT)
            lease = lease_at(make_job(make_product(merchant)), Group.FINISH)

            def finish(lease: Any = lease) -> Any:
                while True:
                    try:
                        return end_finish(lease, stored(merchant), SPENT)
                    except Away:
                        continue

            version, deleted = race(finish, lambda doomed=doomed: delete_product(doomed))  # type: ignore[misc]
            assert deleted is None
            self.assert_whole(storage, version)
            delete_product(version.product)


def test_jobs_under_way_cannot_write_any_more(storage: Storage, merchant: Merchant) -> None:
    product = make_product(merchant)
    lease = claim(make_job(product))
    delete_product(product)
    with pytest.raises(LostRace):
        end_prepare(lease, key="p", generator="primitive", why="", queue="cpu", spent=SPENT)
    assert not AssetJob.objects.exists()
    assert not AssetVersion.objects.exists()
