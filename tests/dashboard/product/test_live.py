"""What becomes of a job, in words and as it happens; and what came before."""

import re

from django.test import RequestFactory

from catalog.leases import reject_input
from catalog.models import AssetJob, AssetVersion, Product, Role, Status
from catalog.products import change_product
from catalog.storage import Storage
from dashboard.access import Access
from dashboard.product.live import PanelWatch
from tests.catalog.makers import claim, make_worker
from tests.dashboard.product.conftest import EVIL, HX, Shelf, make_version


def test_a_job_that_nobody_can_work_on_waits_without_loss(shelf: Shelf) -> None:
    page = shelf.people.viewer.read(shelf.at("model"))
    assert "Waiting for a worker" in page and "Nothing is lost" in page and 'hx-trigger="every 3s"' in page


def test_a_running_job_tells_its_stage_in_words_and_polls(shelf: Shelf) -> None:
    make_worker()
    claim(shelf.job)
    AssetJob.objects.filter(pk=shelf.job.pk).update(stage="bake", progress=61)
    page = shelf.people.editor.read(shelf.at("model"))
    assert "Putting your photos on the surface" in page and 'value="61"' in page
    assert re.search(r'phase-now" aria-current="step">Surface', page)
    assert f"jobs/{shelf.job.public_id}/cancel" in page


def test_a_job_is_cancelled_and_goes_on(shelf: Shelf) -> None:
    cancelled = shelf.people.editor.send(shelf.at(f"jobs/{shelf.job.public_id}/cancel"), headers=HX)
    page = cancelled.content.decode()
    assert "You stopped it." in page and "hx-trigger" not in page.partition(">")[0]
    again = shelf.people.editor.send(shelf.at(f"jobs/{shelf.job.public_id}/cancel"), headers=HX)
    assert 'role="alert"' in again.content.decode()
    retried = shelf.people.editor.send(shelf.at(f"jobs/{shelf.job.public_id}/retry"), headers=HX)
    assert "every 3s" in retried.content.decode()
    shelf.job.refresh_from_db()
    assert shelf.job.status == Status.QUEUED


def test_a_rejected_job_says_what_to_do_and_points_at_the_photo(shelf: Shelf) -> None:
    make_worker()
    reject_input(claim(shelf.job), "several_products", f"{shelf.photo.name}: The photo shows 2 separate products.")
    page = shelf.people.editor.read(shelf.at("model"))
    assert "The photo shows 2 separate products." in page and "Take a photo of the product alone" in page
    assert f'href="#photo-{shelf.photo.public_id}"' in page and "<code>several_products</code>" in page


def test_a_failure_of_ours_says_so_and_offers_another_try(shelf: Shelf) -> None:
    shelf.job.move_to(Status.FAILED, reason="internal_error", advice="Something went wrong on our side.")
    page = shelf.people.editor.read(shelf.at("model"))
    assert "on our side, not on yours" in page and "<code>internal_error</code>" in page and "Try again" in page


def test_a_finished_model_shows_its_grade_and_is_published(shelf: Shelf, storage: Storage) -> None:
    make_worker()
    told = {"grade": "B", "reasons": ["Why."], "next_photo": "its back"}
    version = make_version(shelf.product, storage, certificate=told)
    page = shelf.people.editor.read(shelf.at())
    assert "Grade B" in page and "Why." in page and "its back" in page and "poster.webp" in page
    assert shelf.at(f"versions/{version.public_id}/") in page
    form = {"revision": str(shelf.product.revision)}
    done = shelf.people.editor.send(shelf.at(f"jobs/{shelf.job.public_id}/publish"), form, headers=HX)
    assert "In your shop" in done.content.decode()
    assert Product.objects.get(pk=shelf.product.pk).published_version_id == version.pk


def test_what_needs_a_look_is_published_from_its_own_page_only(shelf: Shelf, storage: Storage) -> None:
    make_worker()
    broken = {"name": "triangles", "value": 2, "limit": 1, "ok": False, "level": "required"}
    version = make_version(shelf.product, storage, certificate={"limits": [broken]})
    for fields in ({}, {"grade": "C", "certificate": {}}):
        AssetVersion.objects.filter(pk=version.pk).update(**fields)
        page = shelf.people.editor.read(shelf.at())
        assert "/publish" not in page and "Look at it closely, then decide" in page
        form = {"revision": str(shelf.product.revision)}
        refused = shelf.people.editor.send(shelf.at(f"jobs/{shelf.job.public_id}/publish"), form, headers=HX)
        assert 'role="alert"' in (words := refused.content.decode()) and "needs a look" in words
        assert Product.objects.get(pk=shelf.product.pk).published_version_id is None
    AssetVersion.objects.filter(pk=version.pk).update(grade="B")
    assert "/publish" in shelf.people.editor.read(shelf.at())


def test_a_button_drawn_before_somebody_else_acted_publishes_nothing(shelf: Shelf, storage: Storage) -> None:
    make_worker()
    make_version(shelf.product, storage)
    page = shelf.people.editor.read(shelf.at())
    drawn = re.search(r'name="revision" form="publish" value="(\d+)"', page)
    assert drawn and 'id="publish"' in page
    change_product(shelf.product, {"title": "Another"})
    address = shelf.at(f"jobs/{shelf.job.public_id}/publish")
    for form in ({"revision": drawn[1]}, {}):
        refused = shelf.people.editor.send(address, form, headers=HX).content.decode()
        assert "Somebody changed this" in refused
        assert Product.objects.get(pk=shelf.product.pk).published_version_id is None
    fresh = re.search(r'name="revision" form="publish" value="(\d+)"', refused)
    assert fresh and fresh[1] != drawn[1]
    assert "In your shop" in shelf.people.editor.send(address, {"revision": fresh[1]}, headers=HX).content.decode()


def test_ones_own_saving_leaves_the_button_fresh(shelf: Shelf, storage: Storage) -> None:
    seen = re.search(r'name="seen" value="(\w+)"', shelf.people.editor.read(shelf.at()))
    assert seen
    form = {"seen": seen[1], "title": "Another", "sku": shelf.product.sku}
    saved = shelf.people.editor.send(shelf.at("facts"), form, headers=HX).content.decode()
    revision = Product.objects.get(pk=shelf.product.pk).revision
    assert revision > shelf.product.revision
    assert f'form="publish" value="{revision}" hx-swap-oob="true"' in saved


def test_the_stream_tells_the_panel_and_ends_with_the_job(shelf: Shelf) -> None:
    address = shelf.at(f"jobs/{shelf.job.public_id}/events")
    answer = shelf.people.viewer.get(address)
    assert answer["Content-Type"].startswith("text/event-stream") and answer["X-Accel-Buffering"] == "no"
    text = answer.content.decode()
    assert text.startswith("event: panel\ndata: {") and "Waiting for a worker" in text and EVIL not in text


def test_who_is_no_member_any_more_hears_no_more(shelf: Shelf) -> None:
    viewer = shelf.people.viewer.user
    assert viewer is not None
    request = RequestFactory().get(shelf.at("model"))
    request.user = viewer
    access = Access(shelf.people.shop, Role.VIEWER, viewer)
    watch = PanelWatch(shelf.job.pk, after=0, request=request, access=access)
    form = f"jobs/{shelf.job.public_id}/cancel"
    assert "Waiting for a worker" in (first := watch.look()) and form not in first
    member = shelf.people.shop.members.get(user=viewer)
    member.role = Role.EDITOR
    member.save()
    assert form in watch.look()
    member.delete()
    AssetJob.objects.filter(pk=shelf.job.pk).update(stage="bake")
    assert watch.look().startswith("event: gone") and watch.over


def test_history_tells_what_happened(shelf: Shelf) -> None:
    shelf.job.move_to(Status.CANCELLED, reason="cancelled")
    assert "Model from photos, standard quality" in shelf.people.viewer.read(shelf.at("jobs"))
    assert "Cancelled." in shelf.people.viewer.read(shelf.at(f"jobs/{shelf.job.public_id}/story"))
