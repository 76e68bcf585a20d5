"""Who sees a product and its parts, and who may change what."""

from typing import Any

import pytest
from django.utils import timezone

from catalog.models import AssetJob, Photo, Product, Status
from tests.dashboard.product.conftest import EVIL, Shelf

READ = ("", "photos", "photos/settled?waiting=pho_x", "ready", "model", "jobs", "jobs/{job}/events", "jobs/{job}/story")
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
        for path in ("", "model", "photos", "jobs"):
            page = who.read(shelf.at(path))
            assert "<img src=x" not in page and "<script>alert" not in page, path
    assert "&lt;script&gt;alert(1)" in shelf.people.owner.read(shelf.at("photos"))
