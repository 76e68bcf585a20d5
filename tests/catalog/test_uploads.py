"""Models made by hand: straight to the store, confirmed once, kept as long as somebody may need them"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import requests
from django.utils import timezone

from catalog import storage as catalog_storage
from catalog import tidy, uploads
from catalog.deletion import delete_product, used_keys
from catalog.errors import Conflict, Invalid
from catalog.jobs import cancel_job, retry_job
from catalog.leases import claim_job, end_finish
from catalog.models import AssetJob, Group, Kind, Product, Status
from catalog.recipe import Recipe
from catalog.storage import Storage
from catalog.uploads import begin_model_upload, confirm_model_upload, kept_place, upload_place
from tests.catalog.makers import SPENT, finished, make_job, make_merchant, make_product, stored_file

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("broker", "storage")]

NEVER_SENT = "upl_2345678923456789"
RECIPE = Recipe(quality="draft", auto_publish=True, generator="hull")


@pytest.fixture
def product(db: None) -> Product:
    return make_product(make_merchant(), photos=0)


def send(product: Product, data: bytes = b"glTF, and so on", name: str = "Mug.GLB") -> str:
    """What a browser does; returns the upload's id."""
    upload, form = begin_model_upload(product, name=name)
    sent = requests.post(form.url, dict(form.fields), files={"file": (name, data)}, timeout=10)
    assert sent.status_code in {200, 201, 204}, sent.text
    return upload


def lying(prefix: str = "") -> set[str]:
    return set(catalog_storage.storage().list(prefix))


def test_an_upload_becomes_a_job_that_needs_no_photos(product: Product) -> None:
    upload = send(product)
    job = confirm_model_upload(product, upload, RECIPE, request_id="req")
    job.refresh_from_db()
    assert (job.kind, job.group, job.queue, job.status) == (Kind.UPLOAD, Group.FINISH, "cpu", Status.QUEUED)
    assert (job.source_key, job.generator, job.request_id) == (kept_place(product, upload), "uploaded", "req")
    assert catalog_storage.storage().get(job.source_key) == b"glTF, and so on"
    assert lying("uploads/") == set()
    assert lying("m/") == set()


def test_it_is_never_published_by_itself(product: Product) -> None:
    job = confirm_model_upload(product, send(product), RECIPE)
    assert Recipe.from_json(job.recipe) == Recipe(quality="draft")
    file = stored_file(product.merchant, "model.glb")
    catalog_storage.storage().put(file.key, b"model.glb", content_type=file.content_type)
    version = end_finish(
        claim_job(job.pk, Group.FINISH, "w")[1], finished(product.merchant, files=(file,), generator="uploaded"), SPENT
    )
    assert (version.origin, version.parent, version.generator) == (Kind.UPLOAD, None, "uploaded")
    assert version.job.status == Status.NEEDS_REVIEW


def test_confirming_twice_is_one_job(product: Product) -> None:
    upload = send(product)
    job = confirm_model_upload(product, upload, RECIPE)
    assert confirm_model_upload(product, upload, RECIPE) == job
    cancel_job(job)
    assert confirm_model_upload(product, upload, RECIPE) == job
    assert AssetJob.objects.count() == 1


class Meanwhile:
    """The real store, but something else happens right before the first call of `method`."""

    def __init__(self, method: str, happens: Callable[[], object]) -> None:
        self._method, self._happens = method, [happens]

    def __getattr__(self, name: str) -> Any:
        if name == self._method and self._happens:
            self._happens.pop()()
        return getattr(catalog_storage.storage(), name)


@pytest.mark.parametrize("method", ["stat", "copy"])
def test_confirming_twice_at_the_same_moment_is_one_job(
    product: Product, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """The second has seen no job of the first yet when the first is through."""
    upload = send(product)
    jobs: list[AssetJob] = []
    store = Meanwhile(method, lambda: jobs.append(confirm_model_upload(product, upload, RECIPE)))
    monkeypatch.setattr(uploads, "storage", lambda: store)
    assert confirm_model_upload(product, upload, RECIPE) == jobs[0]
    assert AssetJob.objects.count() == 1


@pytest.mark.parametrize(
    "upload", ["", "upl_", "upl_2345678923456789", "../../m/x", "upl_2345678923456789\n", "x" * 999]
)
def test_what_has_not_arrived_cannot_be_confirmed(product: Product, upload: str) -> None:
    with pytest.raises(Conflict, match="upload_missing"):
        confirm_model_upload(product, upload, RECIPE)


def test_an_upload_belongs_to_its_product(product: Product) -> None:
    upload = send(product)
    with pytest.raises(Conflict, match="upload_missing"):
        confirm_model_upload(make_product(product.merchant), upload, RECIPE)
    with pytest.raises(Conflict, match="upload_missing"):
        confirm_model_upload(make_product(make_merchant("other")), upload, RECIPE)


@pytest.mark.parametrize("name", ["mug.obj", "mug.gltf", "mug.usdz", "mug", ""])
def test_other_files_are_told_apart_by_their_names(product: Product, name: str) -> None:
    with pytest.raises(Invalid, match="not_a_glb"):
        begin_model_upload(product, name=name)


def test_the_form_takes_one_file_of_that_size_at_that_place_alone(product: Product, settings: Any) -> None:
    settings.MAX_MODEL_BYTES = 1000
    upload, form = begin_model_upload(product, name="a.glb")
    for forged, data in (
        ({"key": form.fields["key"] + "x"}, b"x"),
        ({"key": form.fields["key"].replace("uploads/", "m/")}, b"x"),
        ({"Content-Type": "text/html"}, b"x"),
        ({"x-amz-signature": "0" * 64}, b"x"),
        ({}, bytes(1001)),
    ):
        fields = {**form.fields, **forged}
        assert requests.post(form.url, fields, files={"file": data}, timeout=10).status_code >= 400
    with pytest.raises(Conflict, match="upload_missing"):
        confirm_model_upload(product, upload, RECIPE)


def test_empty_and_large_files_are_refused(product: Product, settings: Any) -> None:
    large, (empty, _) = send(product, bytes(2000)), begin_model_upload(product, name="a.glb")
    catalog_storage.storage().put(upload_place(product, empty), b"", content_type="model/gltf-binary")
    settings.MAX_MODEL_BYTES = 1000
    for upload, code in ((large, "model_too_large"), (empty, "model_empty")):
        with pytest.raises(Invalid, match=code):
            confirm_model_upload(product, upload, RECIPE)
    assert not AssetJob.objects.exists() and lying("files/") == set()


def test_a_product_has_one_job_at_a_time_and_the_upload_waits(product: Product) -> None:
    running, upload = make_job(product), send(product)
    with pytest.raises(Conflict, match="already_running"):
        confirm_model_upload(product, upload, RECIPE)
    cancel_job(running)
    assert confirm_model_upload(product, upload, RECIPE).kind == Kind.UPLOAD


def test_an_archived_product_takes_no_model(product: Product) -> None:
    upload = send(product)
    product.archived = True
    for refused in (
        lambda: begin_model_upload(product, name="a.glb"),
        lambda: confirm_model_upload(product, upload, RECIPE),
    ):
        with pytest.raises(Conflict, match="product_archived"):
            refused()


def test_nothing_sweeps_away_what_a_job_starts_from(product: Product, storage: Storage) -> None:
    job = confirm_model_upload(product, send(product), RECIPE)
    send(product)  # and never confirmed
    later = timezone.now() + timedelta(days=2)
    assert used_keys([job.source_key]) == {job.source_key}
    assert tidy.Sweep()(later) == 1
    assert lying() == {job.source_key}


def test_an_upload_that_nobody_confirms_stays_for_a_day(product: Product) -> None:
    upload = send(product)
    assert tidy.Sweep()(timezone.now() + timedelta(hours=23)) == 0
    assert lying() == {upload_place(product, upload)}


def test_the_model_goes_some_time_after_its_job_and_then_cannot_be_tried_again(product: Product, settings: Any) -> None:
    job = cancel_job(confirm_model_upload(product, send(product), RECIPE))
    later = timezone.now() + timedelta(days=settings.KEEP_CHECKPOINTS_DAYS, minutes=1)
    assert tidy.expire_models(timezone.now()) == 0
    assert retry_job(job).group == Group.FINISH
    cancel_job(job)
    assert tidy.expire_models(later) == 1
    assert lying() == set()
    job.refresh_from_db()
    with pytest.raises(Conflict, match="source_gone"):
        retry_job(job)


def test_deleting_the_product_removes_its_models(product: Product) -> None:
    confirm_model_upload(product, send(product), RECIPE)
    delete_product(product)
    assert lying("files/") == set()
