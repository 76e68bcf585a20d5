"""In by the right password, on to our own pages only, and out."""

import pytest

from tests.dashboard.conftest import PASSWORD, People, Visitor


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


@pytest.fixture
def counted(people: People, settings) -> People:
    """With a cache that counts."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "attempts"}}
    from django.core.cache import cache

    cache.clear()
    return people


def test_after_too_many_attempts_even_the_right_password_waits(counted: People) -> None:
    statuses = [sign_in(counted, "wrong").status_code for _ in range(12)]
    assert statuses == [422] * 10 + [429] * 2
    refused = sign_in(counted)
    assert (refused.status_code, "Wait a minute" in refused.content.decode()) == (429, True)


def test_strangers_who_try_do_not_lock_out_a_browser_that_is_known(counted: People) -> None:
    home = Visitor("home")
    form = {"username": counted.owner.user.username, "password": PASSWORD}
    assert home.send("/sign-in", form).status_code == 302
    home.send("/sign-out")
    for _ in range(20):
        sign_in(counted, "wrong")
    assert sign_in(counted).status_code == 429
    assert home.send("/sign-in", form).status_code == 302


def test_what_a_browser_keeps_is_worth_nothing_for_another_account(counted: People) -> None:
    home = Visitor("home")
    home.send("/sign-in", {"username": counted.editor.user.username, "password": PASSWORD})
    home.send("/sign-out")
    for _ in range(12):
        sign_in(counted, "wrong")
    form = {"username": counted.owner.user.username, "password": PASSWORD}
    assert home.send("/sign-in", form).status_code == 429
    home.cookies["plinth_browser"] = "forged"
    assert home.send("/sign-in", form).status_code == 429


def test_an_address_that_tries_many_accounts_is_stopped(counted: People) -> None:
    statuses = {sign_in(counted, username=f"{number}@example.test").status_code for number in range(40)}
    assert statuses == {422}
    assert sign_in(counted).status_code == 429


def test_who_shares_an_address_with_them_still_gets_in_where_the_browser_is_known(counted: People) -> None:
    home = Visitor("home")
    form = {"username": counted.owner.user.username, "password": PASSWORD}
    home.send("/sign-in", form)
    home.send("/sign-out")
    for number in range(41):
        sign_in(counted, username=f"{number}@example.test")
    assert sign_in(counted).status_code == 429
    assert home.send("/sign-in", form).status_code == 302


def test_behind_a_proxy_each_client_is_counted_by_itself(counted: People, settings) -> None:
    settings.TRUSTED_PROXIES = ("10.0.0.0/8",)

    def attempt(client: str, account: str) -> int:
        came = {"REMOTE_ADDR": "10.0.0.1", "headers": {"X-Forwarded-For": client}}
        form = {"username": account, "password": "wrong"}
        return counted.nobody.send("/sign-in", form, **came).status_code

    forged = {attempt(f"198.51.100.{number}, 203.0.113.7", f"{number}@example.test") for number in range(40)}
    assert forged == {422}
    assert attempt("203.0.113.7", "more@example.test") == 429
    assert attempt("203.0.113.8", "more@example.test") == 422


def test_capitals_in_the_address_do_not_matter(people: People) -> None:
    assert sign_in(people, username=people.owner.user.username.upper()).status_code == 302


def test_odd_characters_are_a_mismatch_and_no_error(people: People) -> None:
    assert sign_in(people, username="a\0b").status_code == 422
    assert sign_in(people, "a\0b").status_code == 422


NEW = "seven slow brown foxes"


def test_a_password_is_changed_by_who_knows_the_old_one(people: People) -> None:
    elsewhere = Visitor("elsewhere", people.owner.user)
    response = people.owner.send("/password", {"old": PASSWORD, "password": NEW}, follow=True)
    assert "Your password is changed" in response.content.decode()
    people.owner.read(people.at("products/"))
    assert elsewhere.get(people.at("products/")).status_code == 302
    assert sign_in(people).status_code == 422
    assert sign_in(people, NEW).status_code == 302


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"old": "wrong", "password": NEW}, "not your password now"),
        ({"old": PASSWORD, "password": "short"}, "at least 12 characters"),
        ({"old": PASSWORD, "password": "password1234"}, "too common"),
    ],
)
def test_a_password_that_will_not_do_changes_nothing(people: People, form: dict, words: str) -> None:
    response = people.owner.send("/password", form)
    assert (response.status_code, words in response.content.decode()) == (422, True)
    assert sign_in(people).status_code == 302


def test_nobody_changes_passwords_without_signing_in_or_without_the_token(people: People) -> None:
    assert people.nobody.get("/password")["Location"] == "/sign-in?next=/password"
    assert people.owner.send("/password", {"old": PASSWORD, "password": NEW}, token=False).status_code == 403
