"""In by the right password, on to our own pages only, and out."""

import pytest

from tests.dashboard.conftest import PASSWORD, People


def sign_in(people: People, password: str = PASSWORD, **fields: str):
    form = {"username": people.owner.user.username, "password": password, **fields}
    return people.nobody.send("/sign-in", form)


def test_the_right_password_leads_home_and_home_to_the_one_shop(people: People) -> None:
    assert sign_in(people)["Location"] == "/"
    assert people.nobody.get("/")["Location"] == people.at("products/")


def test_a_wrong_password_stays_outside_and_says_so(people: People) -> None:
    response = sign_in(people, "wrong")
    assert response.status_code == 422
    assert "do not belong together" in response.content.decode()
    assert people.nobody.get("/").status_code == 302


def test_somebody_unknown_is_told_the_same(people: People) -> None:
    known, unknown = sign_in(people, "wrong"), sign_in(people, username="who@example.test")
    strip = lambda answer: answer.content.decode().split("<form")[0].split("<h1>")[1]  # noqa: E731
    assert strip(known) == strip(unknown)


def test_next_leads_on_inside(people: People) -> None:
    assert sign_in(people, next=people.at("products/"))["Location"] == people.at("products/")


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "\t//evil.example", "x"],
)
def test_next_never_leads_elsewhere(people: People, target: str) -> None:
    assert sign_in(people, next=target)["Location"] == "/"
    again = people.nobody.get("/sign-in", {"next": target})
    assert again["Location"] == "/"


def test_a_form_without_its_token_is_sent_back_with_words(people: People) -> None:
    form = {"username": people.owner.user.username, "password": PASSWORD}
    response = people.nobody.send("/sign-in", form, token=False)
    assert response.status_code == 403
    assert "send that once more" in response.content.decode()


def test_signing_out_is_a_post_and_ends_the_session(people: People) -> None:
    assert people.owner.get("/sign-out").status_code == 405
    assert people.owner.send("/sign-out")["Location"] == "/sign-in"
    assert people.owner.get("/")["Location"] == "/sign-in?next=/"


def test_a_person_of_no_shop_is_told_what_to_do(people: People) -> None:
    people.shop.members.filter(user=people.viewer.user).delete()
    assert people.viewer.get("/")["Location"] == "/shops/"
    assert "Ask its owner for an invitation" in people.viewer.read("/shops/")
