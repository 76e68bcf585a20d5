"""Who gets at a version's pages, files and buttons: members look, owners and editors act, strangers find nothing."""

import pytest

from catalog.comments import add_comment
from catalog.models import Product, Status
from tests.catalog.makers import finished, make_job, make_product
from tests.dashboard.conftest import People
from tests.dashboard.review.conftest import Reviewed
from tests.dashboard.review.made import add_finished

BUTTONS = ("publish", "take-out", "go-back", "turn-down", "edit", "comments")


def pages(reviewed: Reviewed) -> list[str]:
    """Everything of a version that can be read, pictures of the store apart."""
    job = make_job(reviewed.product)
    making = reviewed.people.at(f"products/{reviewed.product.public_id}/versions/making/{job.public_id}")
    return [reviewed.at(), reviewed.at(f"compare/{reviewed.versions[0].public_id}"), making]


def upload(reviewed: Reviewed, path: str = "") -> str:
    return reviewed.people.at(f"products/{reviewed.product.public_id}/versions/upload{path}")


def files(reviewed: Reviewed) -> list[str]:
    return [reviewed.at("files/model.glb"), reviewed.at("downloads/model.glb")]


def test_members_look_at_everything(reviewed: Reviewed, storage: object) -> None:
    for path in pages(reviewed):
        for member in reviewed.people.members:
            assert reviewed.product.title in member.read(path)
    for path in files(reviewed):
        for member in reviewed.people.members:
            assert member.get(path).status_code == 302


def test_a_stranger_finds_nothing_at_these_addresses_nor_under_their_own_shop(reviewed: Reviewed) -> None:
    people = reviewed.people
    comment = add_comment(reviewed.last, people.owner.user, "secret")
    own_product = make_product(people.other)
    own = add_finished(own_product, finished(people.other))
    buttons = [
        upload(reviewed, "/begin"),
        upload(reviewed, "/upl_x/confirm"),
        *(reviewed.at(name) for name in BUTTONS),
        reviewed.at(f"comments/{comment.public_id}/delete"),
    ]
    people.stranger.read(upload(reviewed), 404)
    people.stranger.read(upload(reviewed).replace(people.shop.slug, people.other.slug), 404)
    for path in [*pages(reviewed), *files(reviewed)]:
        people.stranger.read(path, 404)
        people.stranger.read(path, 404, headers={"HX-Request": "true"})
        people.stranger.read(path.replace(people.shop.slug, people.other.slug), 404)
        people.stranger.read(path.replace(people.shop.slug, people.other.slug).replace(
            reviewed.product.public_id, own_product.public_id), 404)  # fmt: skip
    for path in buttons:
        assert people.stranger.send(path, reviewed.form()).status_code == 404
        mixed = path.replace(people.shop.slug, people.other.slug)
        assert people.stranger.send(mixed, reviewed.form()).status_code == 404
        if "upload" not in path:
            own_address = mixed.replace(reviewed.product.public_id, own_product.public_id)
            assert people.stranger.send(own_address).status_code == 404
    compare = f"/shops/{people.other.slug}/products/{own_product.public_id}/versions/{own.public_id}/compare/"
    people.stranger.read(compare + reviewed.last.public_id, 404)
    assert reviewed.last.comments.count() == 1
    assert reviewed.fresh().published_version == reviewed.versions[0]


def test_nobody_is_asked_to_sign_in(reviewed: Reviewed) -> None:
    nobody = reviewed.people.nobody
    for path in [*pages(reviewed), *files(reviewed), upload(reviewed)]:
        response = nobody.get(path)
        assert (response.status_code, response["Location"]) == (302, f"/sign-in?next={path}")
        part = nobody.get(path, headers={"HX-Request": "true"})
        assert (part.status_code, part["HX-Redirect"], part.content) == (204, "/sign-in", b"")
    for name in BUTTONS:
        response = nobody.send(reviewed.at(name))
        assert response["Location"].startswith("/sign-in?next=")


def test_a_viewer_sees_no_button_and_may_press_none(reviewed: Reviewed) -> None:
    viewer = reviewed.people.viewer
    page = viewer.read(reviewed.at())
    main = page[page.index("<main") :]
    assert "<form" not in main
    assert "An owner or an editor of the shop decides" in main
    assert "<form" in reviewed.people.editor.read(reviewed.at()).split("<main")[1]
    for name in BUTTONS:
        assert viewer.send(reviewed.at(name), reviewed.form(text="mine")).status_code == 403
    assert viewer.get(upload(reviewed)).status_code == 403
    for path in ("/begin", "/upl_x/confirm"):
        assert viewer.send(upload(reviewed, path), {"name": "a.glb"}).status_code == 403
    assert not reviewed.last.comments.exists()
    assert reviewed.fresh().published_version == reviewed.versions[0]


def test_no_button_works_without_the_token(reviewed: Reviewed) -> None:
    for name in BUTTONS:
        response = reviewed.people.owner.send(reviewed.at(name), reviewed.form(text="forged"), token=False)
        assert response.status_code == 403
    assert not reviewed.last.comments.exists()
    assert reviewed.last.job.status == Status.NEEDS_REVIEW


def test_buttons_are_posts(reviewed: Reviewed) -> None:
    for name in BUTTONS:
        assert reviewed.people.owner.get(reviewed.at(name)).status_code == 405


def test_versions_and_jobs_of_another_product_of_the_same_shop_are_not_found(
    people: People, reviewed: Reviewed
) -> None:
    other = make_product(people.shop)
    there = people.at(f"products/{other.public_id}/versions/")
    people.owner.read(f"{there}{reviewed.last.public_id}/", 404)
    people.owner.read(f"{there}making/{reviewed.last.job.public_id}", 404)
    people.owner.read(reviewed.at("files/secrets.txt"), 404)
    people.owner.read(reviewed.at("files/..%2Fmodel.glb"), 404)
    people.owner.read(reviewed.at("comments/com_x/delete"), 405)
    assert people.owner.send(reviewed.at("comments/com_x/delete")).status_code == 404
    assert Product.objects.count() == 2


@pytest.mark.parametrize("name", ["owner", "editor"])
def test_owners_and_editors_may_act(reviewed: Reviewed, name: str) -> None:
    response = getattr(reviewed.people, name).send(reviewed.at("turn-down"), {"note": "too thin"})
    assert (response.status_code, response["Location"]) == (302, reviewed.at())
    reviewed.last.job.refresh_from_db()
    assert (reviewed.last.job.status, reviewed.last.job.advice) == (Status.REJECTED, "too thin")
