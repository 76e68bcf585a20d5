"""Who gets into which pages: members into theirs, strangers nowhere, viewers only to look."""

import re

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from catalog.errors import Away, Conflict, IllegalTransition, LostRace
from catalog.models import Product
from dashboard.access import Access, member_page, problem
from tests.catalog.makers import make_product
from tests.dashboard.conftest import People


@pytest.fixture
def product(people: People) -> Product:
    return make_product(people.shop, photos=0)


def without_token(page: str) -> str:
    return re.sub(r'"X-CSRFToken": "\w+"', "", page)


def test_nobody_is_asked_to_sign_in_and_comes_back(people: People, product: Product) -> None:
    for path in ("products/", f"products/{product.public_id}/"):
        response = people.nobody.get(people.at(path))
        assert (response.status_code, response["Location"]) == (302, f"/sign-in?next={people.at(path)}")


def test_a_part_of_a_page_sends_the_whole_page_to_sign_in(people: People) -> None:
    response = people.nobody.get(people.at("products/"), headers={"HX-Request": "true"})
    assert (response.status_code, response["HX-Redirect"], response.content) == (204, "/sign-in", b"")


def test_members_see_their_shop_and_a_stranger_learns_nothing(people: People, product: Product) -> None:
    for path in ("products/", f"products/{product.public_id}/"):
        for member in people.members:
            assert product.title in member.read(people.at(path))
        assert product.title not in people.stranger.read(people.at(path), 404)
    assert without_token(people.stranger.read(people.at("products/"), 404)) == without_token(
        people.stranger.read("/shops/no-such-shop/products/", 404)
    )


def test_a_product_of_another_shop_is_not_found_under_ones_own(people: People, product: Product) -> None:
    people.stranger.read(f"/shops/{people.other.slug}/products/{product.public_id}/", 404)
    people.owner.read(people.at("products/prd_x%00y/"), 404)


def test_pages_of_a_shop_are_kept_by_no_cache(people: People) -> None:
    assert "no-store" in people.owner.get(people.at("products/"))["Cache-Control"]


def test_markup_in_names_stays_text(people: People, product: Product) -> None:
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    Product.objects.filter(pk=product.pk).update(title=evil, sku="<b>sku</b>")
    people.shop.name = evil
    people.shop.save()
    for path in ("products/", f"products/{product.public_id}/"):
        page = people.owner.read(people.at(path))
        assert "<img src=x" not in page
        assert "<script>alert" not in page
        assert "<b>sku" not in page
        assert "&lt;script&gt;alert(1)" in page


def test_pages_hold_no_inline_script_and_no_inline_style(people: People, product: Product) -> None:
    for page in (
        people.owner.read(people.at("products/")),
        people.owner.read(people.at(f"products/{product.public_id}/")),
        people.nobody.read("/sign-in"),
        people.owner.read("/shops/"),
    ):
        assert "<style" not in page
        assert " style=" not in page
        assert page.count("<script") == page.count("<script src=")
        assert " onclick" not in page


def ask(people: People, name: str, view, method: str = "GET", **headers: str) -> HttpResponse:
    request = RequestFactory(headers=headers).generic(method, people.at("x"))
    request.user = getattr(people, name).user
    return view(request, slug=people.shop.slug)


def said_by(view) -> str:
    return view.content.decode()


def test_viewers_look_and_change_nothing(people: People) -> None:
    @member_page
    def view(request: HttpRequest, access: Access) -> HttpResponse:
        return HttpResponse(str(access.role))

    assert [said_by(ask(people, name, view)) for name in ("owner", "editor", "viewer")] == ["owner", "editor", "viewer"]
    assert [ask(people, name, view, "POST").status_code for name in ("owner", "editor", "viewer")] == [200, 200, 403]
    refused = ask(people, "viewer", view, "POST")
    assert "Ask an owner or an editor" in said_by(refused)


def test_some_pages_are_for_writers_and_some_for_owners(people: People) -> None:
    @member_page(writes=True)
    def for_writers(request: HttpRequest, access: Access) -> HttpResponse:
        return HttpResponse()

    @member_page(owners=True)
    def for_owners(request: HttpRequest, access: Access) -> HttpResponse:
        return HttpResponse()

    names = ("owner", "editor", "viewer")
    assert [ask(people, name, for_writers).status_code for name in names] == [200, 200, 403]
    assert [ask(people, name, for_owners).status_code for name in names] == [200, 403, 403]


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (Conflict("already_running", "It is being made already."), 409, "It is being made already."),
        (LostRace("row 5"), 409, "at the same moment"),
        (Away("storage_away", "The store does not answer."), 503, "The store does not answer."),
    ],
)
def test_what_the_catalogue_refuses_is_said_in_a_page(people: People, error, status: int, words: str) -> None:
    @member_page
    def view(request: HttpRequest, access: Access) -> HttpResponse:
        raise error

    response = ask(people, "owner", view)
    assert (response.status_code, words in said_by(response), "<html" in said_by(response)) == (status, True, True)
    part = ask(people, "owner", view, **{"HX-Request": "true"})
    assert (part.status_code, words in said_by(part), "<html" in said_by(part)) == (status, True, False)


def test_our_own_bugs_are_not_dressed_up(people: People) -> None:
    @member_page
    def view(request: HttpRequest, access: Access) -> HttpResponse:
        raise IllegalTransition("published -> queued")

    with pytest.raises(IllegalTransition):
        ask(people, "owner", view)


def test_a_problem_without_a_shop_is_a_page_too(people: People) -> None:
    assert "Oh" in said_by(problem(RequestFactory().get("/"), None, "Oh", "no"))
