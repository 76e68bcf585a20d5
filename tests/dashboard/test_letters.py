"""Where e-mail is sent, invitations go by it and a forgotten password is replaced; elsewhere neither is offered."""

import re
import threading
import time

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.cache import cache

from catalog.invitations import open_invitations, withdraw_invitation
from catalog.letters import send_password_link, waiting
from catalog.merchants import create_merchant
from catalog.models import Merchant
from tests.dashboard.conftest import PASSWORD, People, Visitor

NEW = "seven slow brown foxes"


@pytest.fixture
def posted(people: People, settings) -> People:
    """With a server for e-mail."""
    settings.DEFAULT_FROM_EMAIL = "plinth@example.test"
    return people


def letter(number: int = 1) -> mail.EmailMessage:
    """The letter of that number, once it has been sent."""
    end = time.monotonic() + 10
    while len(mail.outbox) < number:
        assert time.monotonic() < end, "no letter"
        time.sleep(0.01)
    return mail.outbox[number - 1]


def link_in(text: str) -> str:
    found = re.search(r"http://testserver(/\S+)", text)
    assert found
    return found[1]


def ask(people: People, account: str) -> str:
    return people.nobody.send("/password/forgotten", {"username": account}).content.decode()


def test_an_invitation_goes_by_e_mail(posted: People) -> None:
    form = {"email": "new@example.test", "role": "viewer"}
    page = posted.owner.send(posted.at("team/invite"), form).content.decode()
    assert "on its way to them by e-mail" in page
    sent = letter()
    assert (sent.to, sent.subject) == (["new@example.test"], "Join Lamps & Co on Plinth")
    assert link_in(sent.body).partition("?")[0] in page
    assert "Make my account and join" in posted.nobody.read(link_in(sent.body))


def invited(people: People) -> str:
    """The path of a fresh invitation's link, as the owner sees it."""
    page = people.owner.send(people.at("team/invite"), {"email": "new@example.test", "role": "viewer"})
    found = re.search(r'value="http://testserver(/invitations/[^"]+)"', page.content.decode())
    assert found
    return found[1]


def test_who_was_handed_a_link_proves_the_address_before_an_account_has_it(posted: People) -> None:
    link, form = invited(posted), {"password": "four quiet green lamps"}
    for proof in ("", "?proof=", "?proof=forged", "?proof=%F0", f"?proof={link.rpartition('/')[2]}"):
        assert "Make my account" not in posted.nobody.read(link + proof)
        before = len(mail.outbox)
        assert "on its way to new@example.test" in posted.nobody.send(link + proof, form).content.decode()
        assert not User.objects.filter(username="new@example.test").exists()
        letter(before + 1)
    proved = link_in(mail.outbox[-1].body)
    assert posted.nobody.send(proved, form)["Location"] == posted.at("products/")
    assert posted.shop.members.filter(user__username="new@example.test", user__email="new@example.test").exists()


def test_one_letter_proves_nothing_for_another_invitation(posted: People) -> None:
    first = invited(posted)
    proof = link_in(letter().body).partition("?")[2]
    withdraw_invitation(open_invitations(posted.shop)[0], by=posted.owner.user)
    second = invited(posted)
    assert "Make my account" not in posted.nobody.read(f"{second}?{proof}")
    posted.nobody.read(f"{first}?{proof}", 404)


def test_who_has_an_account_joins_by_a_link_that_was_handed_on(posted: People) -> None:
    assert posted.stranger.send(invited(posted))["Location"] == posted.at("products/")


def test_asking_for_the_proof_again_and_again_floods_nobody(counted: People) -> None:
    link = invited(counted)
    answers = [counted.nobody.send(link) for _ in range(7)]
    assert [answer.status_code for answer in answers] == [200] * 4 + [422] * 3
    assert "in an hour" in answers[-1].content.decode()
    assert all_sent() == 5


def test_a_shops_name_cannot_add_headers(posted: People) -> None:
    Merchant.objects.filter(pk=posted.shop.pk).update(name="Lamps\r\nBcc: everybody@example.test")
    posted.owner.send(posted.at("team/invite"), {"email": "new@example.test", "role": "viewer"})
    assert letter().subject == "Join Lamps Bcc: everybody@example.test on Plinth"
    assert letter().recipients() == ["new@example.test"]


def test_a_forgotten_password_is_replaced_once(posted: People) -> None:
    assert "Forgotten password?" in posted.nobody.read("/sign-in")
    ask(posted, posted.owner.user.username.upper())
    link = link_in(letter().body)
    assert "Set another password" in posted.nobody.read(link)
    assert posted.nobody.send(link, {"password": "short"}).status_code == 422
    assert "Sign in with it" in posted.nobody.send(link, {"password": NEW}, follow=True).content.decode()
    posted.nobody.read(link, 404)
    form = {"username": posted.owner.user.username}
    assert posted.nobody.send("/sign-in", {**form, "password": PASSWORD}).status_code == 422
    assert posted.nobody.send("/sign-in", {**form, "password": NEW}).status_code == 302
    assert posted.owner.get(posted.at("products/")).status_code == 302


def test_strangers_are_told_the_same_and_get_no_letter(posted: People) -> None:
    known, unknown = ask(posted, posted.owner.user.username), ask(posted, "who@example.test")
    assert (
        known.replace(posted.owner.user.username, "X").split("<h1>")[1]
        == unknown.replace("who@example.test", "X").split("<h1>")[1]
    )
    letter()
    time.sleep(0.05)
    assert [sent.to for sent in mail.outbox] == [[posted.owner.user.username]]


@pytest.mark.parametrize("link", ["/password/another/MQ/abc-def", "/password/another/x/y", "/password/another/%F0/y"])
def test_forged_links_open_nothing(posted: People, link: str) -> None:
    posted.nobody.read(link, 404)
    assert posted.nobody.send(link, {"password": NEW}).status_code == 404


@pytest.fixture
def counted(posted: People, settings, monkeypatch: pytest.MonkeyPatch) -> People:
    """With a cache that counts, at the beginning of an hour."""
    hour = (time.time() // 3600 + 1) * 3600
    monkeypatch.setattr(time, "time", lambda: hour)
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "letters"}}
    cache.clear()
    return posted


def all_sent() -> int:
    """How many letters have gone once nothing waits any more."""
    time.sleep(0.1)
    return len(mail.outbox)


def test_an_account_is_not_flooded_with_letters(counted: People, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = [ask(counted, counted.owner.user.username) for _ in range(12)]
    assert "tried too often" in pages[-1]
    assert "on its way" in pages[8]
    assert all_sent() == 5
    later = time.time() + 300
    monkeypatch.setattr(time, "time", lambda: later)
    assert "on its way" in ask(counted, counted.owner.user.username)
    assert all_sent() == 5


def test_inviting_again_and_again_floods_nobody(counted: People) -> None:
    pages = []
    for _ in range(8):
        form = {"email": "new@example.test", "role": "viewer"}
        pages.append(counted.owner.send(counted.at("team/invite"), form).content.decode())
        (open_one,) = open_invitations(counted.shop)
        counted.owner.send(counted.at(f"team/invitations/{open_one.public_id}/withdraw"))
    assert ["on its way" in page for page in pages] == [True] * 5 + [False] * 3
    assert "copy it and send it yourself" in pages[-1]
    assert all_sent() == 5


def test_a_shop_sends_so_many_letters_an_hour(counted: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.letters.PER_SHOP", 3)
    for number in range(5):
        form = {"email": f"new{number}@example.test", "role": "viewer"}
        counted.owner.send(counted.at("team/invite"), form)
    assert all_sent() == 3


def test_letters_wait_in_one_short_queue(posted: People, monkeypatch: pytest.MonkeyPatch) -> None:
    going, may_go = threading.Event(), threading.Event()

    def slowly(letter: mail.EmailMessage) -> int:
        going.set()
        return int(may_go.wait(10))

    monkeypatch.setattr(mail.EmailMessage, "send", slowly)
    monkeypatch.setattr("catalog.letters.waiting.maxsize", 3)
    before = threading.active_count()
    assert send_password_link(posted.owner.user, "first")
    assert going.wait(10)
    assert [send_password_link(posted.owner.user, "more") for _ in range(5)] == [True] * 3 + [False] * 2
    assert threading.active_count() <= before + 1
    may_go.set()
    end = time.monotonic() + 10
    while not waiting.empty():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_the_forms_need_their_token(posted: People) -> None:
    response = posted.nobody.send("/password/forgotten", {"username": posted.owner.user.username}, token=False)
    assert response.status_code == 403
    assert mail.outbox == []


def test_without_a_server_nothing_is_offered(people: People) -> None:
    assert "Forgotten password?" not in people.nobody.read("/sign-in")
    people.nobody.read("/password/forgotten", 404)
    page = people.owner.send(people.at("team/invite"), {"email": "new@example.test", "role": "viewer"})
    assert "send it yourself" in page.content.decode()
    assert "be sure that it is theirs" in page.content.decode()
    time.sleep(0.05)
    assert mail.outbox == []


def test_a_server_that_is_away_costs_nobody_anything(posted: People, settings, caplog) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    form = {"email": "new@example.test", "role": "viewer"}
    assert posted.owner.send(posted.at("team/invite"), form).status_code == 200
    end = time.monotonic() + 10
    while "could not be sent" not in caplog.text:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_somebody_of_two_shops_chooses(people: People) -> None:
    create_merchant("Second", people.owner.user)
    visitor = Visitor("owner", people.owner.user)
    assert visitor.get("/")["Location"] == "/shops/"
    page = visitor.read("/shops/")
    assert "Lamps &amp; Co" in page
    assert "Second" in page
