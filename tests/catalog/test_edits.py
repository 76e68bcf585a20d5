"""Edits of a version: what may be asked for, and jobs that begin with their last group and live like others"""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from catalog import storage as catalog_storage
from catalog.dispatch import release_window
from catalog.edits import Edits, request_edit
from catalog.errors import Conflict, Invalid, LostRace
from catalog.jobs import approve_job, cancel_job, reject_job, retry_job, seconds_left
from catalog.leases import claim_job, end_finish, lose_expired_lease, reject_input
from catalog.models import AssetJob, AssetVersion, Group, Kind, Product, StageTotal, Status
from catalog.recipe import Recipe
from tests.catalog.makers import SPENT, finished, make_job, make_merchant, make_product, make_worker, stored_file

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("broker", "storage")]

NAMES = ("model.glb", "report.json", "poster.webp")


def store(product: Product, *names: str) -> tuple:
    """Files in the private store, whose bytes are their names."""
    files = tuple(stored_file(product.merchant, name) for name in names)
    for file in files:
        catalog_storage.storage().put(file.key, file.name.encode(), content_type=file.content_type)
    return files


@pytest.fixture
def product(db: None) -> Product:
    return make_product(make_merchant())


@pytest.fixture
def version(product: Product) -> AssetVersion:
    """What a job has made, approved."""
    result = finished(product.merchant, files=store(product, *NAMES))
    job = make_job(product, group=Group.FINISH, recipe=Recipe(quality="draft", auto_publish=True))
    return end_finish(claim_job(job.pk, Group.FINISH, "w")[1], result, SPENT)


def finish(job: AssetJob, **fields: Any) -> AssetVersion:
    result = finished(job.merchant, files=store(job.product, *NAMES), **fields)
    return end_finish(claim_job(job.pk, Group.FINISH, "w")[1], result, SPENT)


def test_an_edit_is_a_job_that_begins_with_its_last_group(version: AssetVersion) -> None:
    make_worker()
    job = request_edit(version, Edits(roughness=0.0, tint="#ffeedd"), request_id="req")
    job.refresh_from_db()
    assert (job.kind, job.group, job.queue, job.status) == (Kind.EDIT, Group.FINISH, "cpu", Status.QUEUED)
    assert (job.source_version, job.edits) == (version, {"roughness": 0.0, "tint": "#ffeedd"})
    assert (job.generator, job.request_id) == ("primitive", "req")
    assert job.released_at is not None or release_window() == 1
    assert Recipe.from_json(job.recipe) == Recipe(quality="draft")


def test_what_it_makes_waits_for_review_and_knows_its_parent(version: AssetVersion) -> None:
    made = finish(request_edit(version, Edits(turn_degrees=90)))
    assert (made.origin, made.parent, made.edits, made.number) == (Kind.EDIT, version, {"turn_degrees": 90}, 2)
    job = made.job
    assert job.status == Status.NEEDS_REVIEW
    approve_job(job)
    again = finish(request_edit(made, Edits(metallic=1)))
    assert (again.parent, again.number) == (made, 3)
    version.refresh_from_db()
    assert (version.origin, version.parent, version.edits) == (Kind.MAKE, None, {})


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"roughness": 1.01}, "roughness"),
        ({"roughness": -0.1}, "roughness"),
        ({"roughness": True}, "roughness"),
        ({"metallic": "shiny"}, "metallic"),
        ({"metallic": float("nan")}, "metallic"),
        ({"tint": "red"}, "tint"),
        ({"tint": "#fff"}, "tint"),
        ({"tint": 5}, "tint"),
        ({"tint": "#ffffff\n"}, "tint"),
        ({"turn_degrees": 360}, "turn_degrees"),
        ({"turn_degrees": 1.5}, "turn_degrees"),
        ({"lay": "y90"}, "lay"),
        ({"lay": []}, "lay"),
        ({"colour": "#ffffff"}, "colour"),
    ],
)
def test_what_no_edit_can_be_is_refused(version: AssetVersion, wish: dict, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        request_edit(version, Edits.from_json(wish))
    assert (caught.value.code, set(caught.value.fields)) == ("bad_value", {field})
    assert not AssetJob.objects.filter(kind=Kind.EDIT).exists()


def test_an_edit_that_changes_nothing_is_refused(version: AssetVersion) -> None:
    for edits in (Edits(), Edits(tint="", lay="", turn_degrees=0), Edits.from_json({"roughness": None})):
        with pytest.raises(Invalid, match="nothing_to_change"):
            request_edit(version, edits)


def test_edits_read_back_as_they_were() -> None:
    edits = Edits(roughness=0.25, metallic=0, tint="#C0FFEE", turn_degrees=-45, lay="z-90")
    assert Edits.from_json(edits.as_json()) == Edits(0.25, 0, "#c0ffee", -45, "z-90")
    assert Edits().as_json() == {}


def test_a_product_has_one_job_at_a_time(version: AssetVersion) -> None:
    request_edit(version, Edits(roughness=0.5))
    with pytest.raises(Conflict, match="already_running"):
        request_edit(version, Edits(roughness=0.6))


def test_an_archived_product_is_not_edited(version: AssetVersion) -> None:
    Product.objects.update(archived=True)
    version.refresh_from_db()
    with pytest.raises(Conflict, match="product_archived"):
        request_edit(version, Edits(roughness=0.5))


@pytest.mark.parametrize("name", ["model.glb", "report.json"])
def test_a_version_whose_files_are_gone_is_not_edited(version: AssetVersion, name: str) -> None:
    catalog_storage.storage().delete([file["key"] for file in version.files if file["name"] == name])
    with pytest.raises(Conflict, match="files_missing"):
        request_edit(version, Edits(roughness=0.5))
    assert not AssetJob.objects.filter(kind=Kind.EDIT).exists()


def test_an_edit_is_cancelled_and_tried_again_from_where_it_began(version: AssetVersion) -> None:
    job = cancel_job(request_edit(version, Edits(roughness=0.5)))
    assert job.status == Status.CANCELLED
    job.product.photos.all().delete()
    job = retry_job(job)
    assert (job.status, job.group, job.queue) == (Status.QUEUED, Group.FINISH, "cpu")
    claim_job(job.pk, Group.FINISH, "w")


def test_a_rejected_edit_is_made_anew(version: AssetVersion) -> None:
    made = finish(request_edit(version, Edits(roughness=0.5)))
    job = retry_job(reject_job(made.job, "too shiny"))
    assert job.version is None
    assert finish(job).number == 3


def test_an_edit_whose_input_will_not_do_is_rejected(version: AssetVersion) -> None:
    job = request_edit(version, Edits(roughness=0.5))
    reject_input(claim_job(job.pk, Group.FINISH, "w")[1], "version_files_gone", "Make the model anew.")
    job.refresh_from_db()
    assert (job.status, job.reason) == (Status.REJECTED, "version_files_gone")


def test_a_lost_lease_queues_it_again_and_no_earlier_group_is_claimed(version: AssetVersion) -> None:
    job = request_edit(version, Edits(roughness=0.5))
    for group in (Group.PREPARE, Group.GENERATE):
        with pytest.raises(LostRace):
            claim_job(job.pk, group, "w")
    claim_job(job.pk, Group.FINISH, "w")
    AssetJob.objects.filter(pk=job.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert lose_expired_lease(job.pk)
    job.refresh_from_db()
    assert (job.status, job.group, job.lost_leases) == (Status.QUEUED, Group.FINISH, 1)


def test_edits_tell_how_long_edits_take_and_not_how_long_making_takes(version: AssetVersion) -> None:
    make_worker()
    before = StageTotal.objects.get(stage="finish/draft").count
    finish(request_edit(version, Edits(roughness=0.5)))
    assert StageTotal.objects.get(stage="finish/draft").count == before
    assert StageTotal.objects.get(stage="edit/draft").seconds == sum(SPENT.seconds.values())
    job = request_edit(version, Edits(roughness=0.6))
    claim_job(job.pk, Group.FINISH, "w")
    job.refresh_from_db()
    assert seconds_left(job) == 2
