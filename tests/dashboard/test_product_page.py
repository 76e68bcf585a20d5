"""The page of one product: who sees it, who may change what, and that nothing typed or made is lost."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.test import override_settings
from django.utils import timezone

from catalog.jobs import request_asset
from catalog.leases import Spent, end_finish, reject_input
from catalog.models import AssetJob, AssetVersion, Group, Photo, PhotoState, Product, StageTotal, Status, Worker
from catalog.recipe import Recipe
from catalog.storage import Storage
from dashboard.product.facts import written
from tests.catalog.makers import claim, finished, lease_at, make_job, make_photo, make_product, make_worker
from tests.dashboard.conftest import People, Visitor

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
HX = {"HX-Request": "true"}


@dataclass(frozen=True)
class Shelf:
    """A product with a photo and a job, and one of another shop."""

    people: People
    product: Product
    photo: Photo
    job: AssetJob
    foreign: Product
    foreign_photo: Photo
    foreign_job: AssetJob

    def at(self, path: str = "", product: Product | None = None) -> str:
        return self.people.at(f"products/{(product or self.product).public_id}/{path}")


@pytest.fixture
def shelf(people: People, storage: Storage) -> Shelf:
    product, foreign = make_product(people.shop), make_product(people.other)
    return Shelf(
        people,
        product,
        product.photos.get(),
        make_job(product),
        foreign,
        foreign.photos.get(),
        make_job(foreign),
    )


READ = ("", "photos", "photos/{photo}", "ready", "model", "jobs", "jobs/{job}/events", "jobs/{job}/story")
CHANGE = (
    "facts",
    "photos/begin",
    "photos/address",
    "photos/{photo}/confirm",
    "photos/{photo}/view",
    "photos/{photo}/remove",
    "make",
    "jobs/{job}/cancel",
    "jobs/{job}/retry",
    "jobs/{job}/publish",
    "archive",
    "restore",
    "delete",
)


def filled(path: str, photo: Photo, job: AssetJob) -> str:
    return path.format(photo=photo.public_id, job=job.public_id)


# who


@pytest.mark.parametrize("path", READ)
def test_members_read_and_nobody_else(shelf: Shelf, path: str) -> None:
    address = shelf.at(filled(path, shelf.photo, shelf.job))
    for member in shelf.people.members:
        member.read(address)
    shelf.people.stranger.read(address, 404)
    assert shelf.people.nobody.get(address).status_code == 302
    assert shelf.people.owner.send(address).status_code in {403, 404, 405}


@pytest.mark.parametrize("path", READ)
def test_parts_of_another_shops_product_are_not_found_under_ones_own_address(shelf: Shelf, path: str) -> None:
    theirs = filled(path, shelf.foreign_photo, shelf.foreign_job)
    shelf.people.owner.read(shelf.at(theirs, shelf.foreign), 404)
    if "{" in path:
        shelf.people.owner.read(shelf.at(theirs), 404)


@pytest.mark.parametrize("path", CHANGE)
def test_only_owners_and_editors_of_the_shop_change_anything(shelf: Shelf, path: str) -> None:
    address = shelf.at(filled(path, shelf.photo, shelf.job))
    before = rows()
    assert shelf.people.viewer.send(address).status_code == 403
    assert shelf.people.stranger.send(address).status_code == 404
    assert shelf.people.nobody.send(address).status_code == 302
    assert shelf.people.owner.send(address, token=False).status_code == 403
    assert shelf.people.owner.get(address).status_code == 405
    assert rows() == before


@pytest.mark.parametrize("path", CHANGE)
def test_nothing_of_another_shop_can_be_changed_from_ones_own(shelf: Shelf, path: str) -> None:
    theirs = filled(path, shelf.foreign_photo, shelf.foreign_job)
    before = rows()
    assert shelf.people.owner.send(shelf.at(theirs, shelf.foreign)).status_code == 404
    if "{" in path:
        assert shelf.people.owner.send(shelf.at(theirs)).status_code == 404
    assert rows() == before


def rows() -> list[Any]:
    """Everything that these pages can change."""
    return [
        *Product.objects.order_by("pk").values(),
        *Photo.objects.order_by("pk").values(),
        *AssetJob.objects.order_by("pk").values(),
    ]


def test_a_viewer_is_offered_nothing_to_press(shelf: Shelf) -> None:
    page = shelf.people.viewer.read(shelf.at())
    assert page.count("<form") == 1 and "sign-out" in page  # the one to leave by
    assert "data-opens" not in page and "hx-post" not in page


def test_markup_in_titles_file_names_and_advice_stays_text(shelf: Shelf) -> None:
    Product.objects.filter(pk=shelf.product.pk).update(title=EVIL, category=EVIL[:80], tags=[EVIL[:60]], sku=EVIL[:80])
    remark = {"code": "x", "text": EVIL, "level": "retake", "boxes": [{"left": 0, "top": 0, "width": 1, "height": 1}]}
    Photo.objects.filter(pk=shelf.photo.pk).update(name=EVIL, advice=[remark])
    AssetJob.objects.filter(pk=shelf.job.pk).update(
        status=Status.REJECTED, ended_at=timezone.now(), reason="several_products", advice=f"{EVIL}: {EVIL}"
    )
    for who in (shelf.people.owner, shelf.people.viewer):
        for path in ("", "model", "photos", f"photos/{shelf.photo.public_id}", "jobs"):
            page = who.read(shelf.at(path))
            assert "<img src=x" not in page and "<script>alert" not in page, path
    assert "&lt;script&gt;alert(1)" in shelf.people.owner.read(shelf.at("photos"))


# facts


FACTS = {"title": "Lamp", "sku": "L-1", "category": "lamp", "tags": "a, b", "unit": "mm", "width": "113.9"}


def seen(page: str) -> str:
    found = re.search(r'name="seen" value="(\w+)"', page)
    assert found, page
    return found[1]


def test_facts_are_saved_in_place_and_sides_in_any_unit(shelf: Shelf) -> None:
    form = FACTS | {"height": "4.5 in", "depth": "", "seen": seen(shelf.people.editor.read(shelf.at()))}
    answer = shelf.people.editor.send(shelf.at("facts"), form, headers=HX)
    assert (answer.status_code, answer["HX-Trigger-After-Swap"]) == (200, "facts-saved")
    assert "Saved." in answer.content.decode() and "<html" not in answer.content.decode()
    product = Product.objects.get(pk=shelf.product.pk)
    assert (product.title, product.sku, product.tags) == ("Lamp", "L-1", ["a", "b"])
    assert (product.width, product.height, product.depth) == (0.1139, 0.1143, None)


@pytest.mark.parametrize("unit", ["mm", "cm", "m", "in"])
def test_another_unit_alone_changes_no_side(shelf: Shelf, unit: str) -> None:
    Product.objects.filter(pk=shelf.product.pk).update(width=0.113937, height=1 / 3, depth=0.05)
    product = Product.objects.get(pk=shelf.product.pk)
    form = {**written(product, unit), "unit": unit, "seen": seen(shelf.people.editor.read(shelf.at()))}
    assert shelf.people.editor.send(shelf.at("facts"), form, headers=HX).status_code == 200
    product.refresh_from_db()
    assert (product.width, product.height, product.depth, product.revision) == (0.113937, 1 / 3, 0.05, 1)


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        ("title", "", "is missing"),
        ("sku", "", "is missing"),
        ("width", "wide", "no length"),
        ("height", "99 m", "Is the unit right?"),
        ("category", "x" * 81, "80"),
    ],
)
def test_what_will_not_do_is_told_at_its_field_and_stays_typed(shelf: Shelf, field: str, text: str, words: str) -> None:
    form = FACTS | {"seen": seen(shelf.people.owner.read(shelf.at())), field: text}
    answer = shelf.people.owner.send(shelf.at("facts"), form, headers=HX)
    page = answer.content.decode()
    assert answer.status_code == 422
    told = re.search(rf'id="{field}-error">([^<]*)<', page)
    assert told and words in told[1]
    told_to = re.search(rf'<input id="{field}"[^>]*>', page)
    assert told_to and 'aria-invalid="true"' in told_to[0] and f"{field}-error" in told_to[0]
    assert f'value="{text}"' in page
    assert Product.objects.get(pk=shelf.product.pk).title != "Lamp"


def test_a_taken_sku_is_told_at_the_sku(shelf: Shelf) -> None:
    other = make_product(shelf.people.shop, photos=0)
    form = FACTS | {"sku": other.sku, "seen": seen(shelf.people.owner.read(shelf.at()))}
    answer = shelf.people.owner.send(shelf.at("facts"), form, headers=HX)
    assert answer.status_code == 422 and "Another product has this SKU." in answer.content.decode()


def test_who_was_slower_keeps_what_they_typed_and_sees_the_other(shelf: Shelf) -> None:
    form = FACTS | {"seen": seen(shelf.people.owner.read(shelf.at()))}
    Product.objects.filter(pk=shelf.product.pk).update(title="Their lamp", height=0.5)
    answer = shelf.people.owner.send(shelf.at("facts"), form, headers=HX)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Somebody else has changed" in page and "Their lamp" in page and 'value="Lamp"' in page
    assert Product.objects.get(pk=shelf.product.pk).title == "Their lamp"
    again = shelf.people.owner.send(shelf.at("facts"), form | {"seen": seen(page)}, headers=HX)
    assert again.status_code == 200 and Product.objects.get(pk=shelf.product.pk).title == "Lamp"


def test_a_publication_meanwhile_is_no_change_of_facts(shelf: Shelf) -> None:
    form = FACTS | {"seen": seen(shelf.people.owner.read(shelf.at()))}
    Product.objects.filter(pk=shelf.product.pk).update(revision=7)
    assert shelf.people.owner.send(shelf.at("facts"), form, headers=HX).status_code == 200


def test_without_scripts_a_form_leads_back_to_the_page(shelf: Shelf) -> None:
    form = FACTS | {"seen": seen(shelf.people.owner.read(shelf.at()))}
    assert shelf.people.owner.send(shelf.at("facts"), form)["Location"] == shelf.at()
    failed = shelf.people.owner.send(shelf.at("facts"), form | {"title": ""})
    assert failed.status_code == 422 and "<html" in failed.content.decode()


# photos


def begin(who: Visitor, shelf: Shelf, name: str = "mug.jpg", kind: str = "image/jpeg") -> Any:
    return who.send(shelf.at("photos/begin"), {"name": name, "content_type": kind})


def put(storage: Storage, photo: Photo, data: bytes, kind: str = "image/jpeg") -> None:
    storage.put(photo.key, data, content_type=kind)


def test_an_upload_begins_arrives_and_shows_its_card(shelf: Shelf, storage: Storage) -> None:
    opened = begin(shelf.people.editor, shelf, "../../<b>mug</b>.jpg").json()
    photo = shelf.product.photos.latest("pk")
    assert photo.state == PhotoState.AWAITED and photo.key in str(opened["fields"]["key"])
    early = shelf.people.editor.send(opened["confirm"])
    assert (early.status_code, "not arrived" in early.json()["message"]) == (422, True)
    put(storage, photo, b"\xff\xd8\xff bytes")
    card = shelf.people.editor.send(opened["confirm"]).json()["card"]
    photo.refresh_from_db()
    assert photo.state == PhotoState.CHECKING
    assert f'id="photo-{photo.public_id}"' in card and "We are looking at it" in card and "<b>" not in card


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "application/pdf", "", "image/jpeg; charset=x"])
def test_pages_and_drawings_are_refused_as_photos(shelf: Shelf, kind: str) -> None:
    answer = begin(shelf.people.owner, shelf, "photo.jpg", kind)
    assert answer.status_code == 422 and "no photo that we can read" in answer.json()["message"]
    assert shelf.product.photos.count() == 1


def test_too_many_photos_are_told_before_anything_is_sent(shelf: Shelf) -> None:
    for _ in range(99):
        make_photo(shelf.product)
    assert "at most 100 photos" in begin(shelf.people.owner, shelf).json()["message"]


def test_what_arrives_as_something_else_is_refused_and_leaves_nothing(shelf: Shelf, storage: Storage) -> None:
    opened = begin(shelf.people.owner, shelf).json()
    photo = shelf.product.photos.latest("pk")
    put(storage, photo, b"<html>", "text/html")
    answer = shelf.people.owner.send(opened["confirm"])
    assert answer.status_code == 422
    assert not Photo.objects.filter(pk=photo.pk).exists()


def test_a_photo_that_is_looked_at_disturbs_nobody_until_it_is_settled(shelf: Shelf) -> None:
    photo = make_photo(shelf.product, state=PhotoState.CHECKING, sha256="")
    address = shelf.at(f"photos/{photo.public_id}")
    assert shelf.people.viewer.get(address).status_code == 204
    Photo.objects.filter(pk=photo.pk).update(state=PhotoState.READY)
    answer = shelf.people.viewer.get(address)
    assert (answer.status_code, answer["HX-Trigger-After-Swap"]) == (200, "photos-changed")
    assert "every 2s" not in answer.content.decode()


def test_problems_are_marked_on_the_picture_the_gravest_first(shelf: Shelf) -> None:
    strip, middle = (
        {"left": 0, "top": 0.25, "width": 0.05, "height": 0.5},
        {"left": 0.4, "top": 0.4, "width": 0.2, "height": 0.2},
    )
    advice = [
        {"code": "small_in_frame", "text": "Go closer.", "level": "usable", "boxes": [middle]},
        {"code": "busy_background", "text": "Plain paper.", "level": "note"},
        {"code": "cut_off", "text": "Step back.", "level": "retake", "boxes": [strip]},
    ]
    Photo.objects.filter(pk=shelf.photo.pk).update(advice=advice, width=800, height=600, content_type="image/jpeg")
    page = shelf.people.viewer.read(shelf.at(f"photos/{shelf.photo.public_id}"))
    assert '<rect x="0" y="150.0" width="40.0" height="300.0"/>' in page.replace('x="0.0"', 'x="0"')
    assert page.index("Step back.") < page.index("Go closer.") < page.index("Plain paper.")
    assert page.index("marked 1") < page.index("marked 2") and "marked 3" not in page


@pytest.mark.parametrize(("kind", "shown"), [("image/jpeg", True), ("image/heic", False), ("image/tiff", False)])
def test_what_browsers_cannot_show_is_said_instead(shelf: Shelf, kind: str, shown: bool) -> None:
    Photo.objects.filter(pk=shelf.photo.pk).update(content_type=kind)
    page = shelf.people.viewer.read(shelf.at("photos"))
    assert ("<img" in page) == shown
    assert ("cannot show this kind of file" in page) != shown


def test_a_side_is_named_and_told_to_the_others(shelf: Shelf) -> None:
    answer = shelf.people.editor.send(shelf.at(f"photos/{shelf.photo.public_id}/view"), {"view": "back"}, headers=HX)
    assert answer.status_code == 200 and 'hx-swap-oob="true"' in answer.content.decode()
    assert Photo.objects.get(pk=shelf.photo.pk).view == "back"
    wrong = shelf.people.editor.send(shelf.at(f"photos/{shelf.photo.public_id}/view"), {"view": "inside"}, headers=HX)
    assert wrong.status_code == 409 and Photo.objects.get(pk=shelf.photo.pk).view == "back"


def test_a_photo_is_removed_once_and_again_without_harm(shelf: Shelf) -> None:
    address = shelf.at(f"photos/{shelf.photo.public_id}/remove")
    for _ in range(2):
        answer = shelf.people.editor.send(address, headers=HX)
        assert (answer.status_code, answer["HX-Trigger-After-Swap"]) == (200, "photos-changed")
    assert not shelf.product.photos.exists()


def test_an_address_is_taken_and_a_private_one_refused(shelf: Shelf) -> None:
    address = shelf.at("photos/address")
    answer = shelf.people.editor.send(address, {"url": "https://shop.example/pictures/mug.jpg"}, headers=HX)
    page = answer.content.decode()
    assert answer.status_code == 200 and "beforeend:#photos" in page and "Being fetched" in page
    for url in ("", "ftp://shop.example/x.jpg", "nonsense", "https://shop.example/pictures/mug.jpg"):
        refused = shelf.people.editor.send(address, {"url": url}, headers=HX)
        assert refused.status_code == 422 and 'id="photo-url-error"' in refused.content.decode(), url
    assert shelf.product.photos.count() == 2


def test_the_photo_that_would_help_most_is_told_by_what_is_missing(shelf: Shelf) -> None:
    def hint(view: str) -> str:
        Photo.objects.filter(pk=shelf.photo.pk).update(view=view)
        return shelf.people.viewer.read(shelf.at("photos"), headers=HX | {"HX-Target": "sides"})

    assert "one of the front" in hint("")
    assert "one from the corner" in hint("front")
    make_photo(shelf.product, view="front")
    assert "two photos show the same side" in hint("front")


# making


@pytest.fixture
def ready(shelf: Shelf) -> Iterator[Shelf]:
    AssetJob.objects.all().delete()
    make_worker()
    return shelf


def test_the_button_says_why_it_cannot_be_pressed(ready: Shelf) -> None:
    def why() -> str:
        page = ready.people.editor.read(ready.at("ready"))
        found = re.search(r'id="why-not"[^>]*>([^<]*)<', page)
        assert ("disabled" in page) == bool(found)
        return found[1] if found else ""

    assert why() == ""
    looked_at = make_photo(ready.product, state=PhotoState.CHECKING, sha256="")
    assert "still looking" in why()
    Worker.objects.update(last_seen_at=timezone.now() - timedelta(hours=1))
    assert "Nothing is lost" in why()
    looked_at.delete()
    ready.photo.delete()
    assert "Add a photo first" in why()
    make_photo(ready.product)
    make_job(ready.product)
    assert "being made already" in why()
    Product.objects.filter(pk=ready.product.pk).update(archived=True)
    assert "archived" in why()


def test_a_model_is_asked_for_as_the_form_says(ready: Shelf) -> None:
    form = {
        "quality": "draft",
        "generator": "primitive",
        "triangles": "20000",
        "texture_size": "1024",
        "seed": "7",
        "profiles": ["web"],
        "auto_publish": "yes",
    }
    answer = ready.people.editor.send(ready.at("make"), form, headers=HX)
    assert (answer.status_code, answer["HX-Trigger-After-Swap"]) == (200, "model-started")
    assert "data-live=" in answer.content.decode()
    wanted = Recipe("primitive", "draft", ("web",), 20_000, 1024, 7, auto_publish=True)
    assert Recipe.from_json(ready.product.jobs.get().recipe) == wanted
    page = ready.people.editor.read(ready.at())
    assert 'value="draft" checked' in page and 'value="20000"' in page and 'value="1024" selected' in page


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("triangles", "many"),
        ("triangles", "99"),
        ("texture_size", "1000"),
        ("seed", "-1"),
        ("seed", "9" * 30),
        ("quality", "best"),
        ("generator", "magic"),
        ("generator", "triposg"),
        ("profiles", "moon"),
    ],
)
def test_settings_that_will_not_do_are_told_and_kept(ready: Shelf, field: str, value: str) -> None:
    answer = ready.people.editor.send(ready.at("make"), {"quality": "draft", field: value}, headers=HX)
    page = answer.content.decode()
    assert (answer.status_code, answer["HX-Retarget"]) == (422, "#make")
    assert "It was not started." in page and not ready.product.jobs.exists()


def test_a_second_model_at_once_is_refused_in_words(ready: Shelf) -> None:
    make_job(ready.product)
    answer = ready.people.editor.send(ready.at("make"), {"quality": "draft"}, headers=HX)
    assert answer.status_code == 422 and "being made already" in answer.content.decode()


def test_generators_that_cannot_run_are_shown_with_the_reason(ready: Shelf) -> None:
    page = ready.people.editor.read(ready.at())
    assert "triposg (not now: no GPU)" in page and re.search(r'value="triposg"[^>]*disabled', page)


def test_wait_and_cost_come_from_what_was_measured(ready: Shelf, storage: Storage) -> None:
    assert "known after the first one" in ready.people.editor.read(ready.at())
    for group in Group:
        StageTotal.objects.create(stage=f"{group}/standard", count=2, seconds=80)
    assert "Ready in about 2 minutes" in ready.people.editor.read(ready.at())
    for _ in range(2):
        make_job(make_product(ready.people.other), released_at=timezone.now())
    assert "Ready in about 6 minutes" in ready.people.editor.read(ready.at())
    make_version(ready.product, storage)
    assert "31 seconds of processor time" in ready.people.editor.read(ready.at())


def make_version(product: Product, storage: Storage, **fields: Any) -> AssetVersion:
    """A version of the product, by a job that took 31 seconds of processors."""
    asset = finished(product.merchant, **fields)
    for file in asset.files:
        storage.put(file.key, file.name.encode(), content_type=file.content_type)
    job = product.jobs.first() or request_asset(product, Recipe())
    return end_finish(lease_at(job, Group.FINISH), asset, Spent({"bake": 2.0}, cpu_seconds=25.0))


# what becomes of it


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
    done = shelf.people.editor.send(shelf.at(f"jobs/{shelf.job.public_id}/publish"), headers=HX)
    assert "In your shop" in done.content.decode()
    assert Product.objects.get(pk=shelf.product.pk).published_version_id == version.pk


def test_the_stream_tells_the_panel_and_ends_with_the_job(shelf: Shelf) -> None:
    address = shelf.at(f"jobs/{shelf.job.public_id}/events")
    answer = shelf.people.viewer.get(address)
    assert answer["Content-Type"].startswith("text/event-stream") and answer["X-Accel-Buffering"] == "no"
    text = answer.content.decode()
    assert text.startswith("event: panel\ndata: {") and "Waiting for a worker" in text and EVIL not in text


def test_history_tells_what_happened(shelf: Shelf) -> None:
    shelf.job.move_to(Status.CANCELLED, reason="cancelled")
    assert "Model from photos, standard quality" in shelf.people.viewer.read(shelf.at("jobs"))
    assert "Cancelled." in shelf.people.viewer.read(shelf.at(f"jobs/{shelf.job.public_id}/story"))


# leaving


def test_archived_and_back(ready: Shelf) -> None:
    assert ready.people.editor.send(ready.at("archive"))["Location"] == ready.at()
    page = ready.people.editor.read(ready.at())
    assert "This product is archived" in page and 'id="make"' not in page
    ready.people.editor.send(ready.at("restore"))
    assert 'id="make"' in ready.people.editor.read(ready.at())


def test_deletion_wants_the_sku_typed(ready: Shelf) -> None:
    for typed in ("", "x", ready.product.sku.lower()):
        assert ready.people.owner.send(ready.at("delete"), {"typed": typed})["Location"] == ready.at()
    assert "Nothing was deleted" in ready.people.owner.read(ready.at())
    gone = ready.people.owner.send(ready.at("delete"), {"typed": ready.product.sku})
    assert gone["Location"] == ready.people.at("products/")
    ready.people.owner.read(ready.at(), 404)


def test_the_embed_code_is_this_products(ready: Shelf) -> None:
    with override_settings(ALLOWED_HOSTS=["*"]):
        page = ready.people.viewer.read(ready.at())
    assert f"&lt;plinth-viewer product=&quot;{ready.product.public_id}&quot;&gt;" in page.replace('"', "&quot;")
