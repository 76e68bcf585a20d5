"""Owners invite, change and remove people; the shop always has an owner; links work once and for a week."""

import logging
import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from catalog.errors import Conflict
from catalog.invitations import accept_invitation, find_invitation, invite
from catalog.models import Invitation, Member, Role
from catalog.team import change_role, remove_member
from tests.catalog.conftest import make_user
from tests.dashboard.conftest import PASSWORD, People, Visitor


def invited(people: People, email: str = "new@example.test", role: str = "editor") -> str:
    """The path of a fresh invitation's link, as the owner sees it."""
    page = people.owner.send(people.at("team/invite"), {"email": email, "role": role}).content.decode()
    found = re.search(r'id="link" readonly value="http://testserver(/invitations/[\w-]+)"', page)
    assert found, page
    return found[1]


def role_of(people: People, visitor: Visitor) -> str | None:
    member = people.shop.members.filter(user=visitor.user).first()
    return member and member.role


def give(people: People, by: str, whom: str, role: str):
    path = people.at(f"team/members/{getattr(people, whom).user.pk}")
    return getattr(people, by).send(path, {"role": role})


def test_everybody_sees_the_team_and_only_owners_its_buttons(people: People) -> None:
    for member in people.members:
        page = member.read(people.at("team"))
        assert people.editor.user.username in page
        assert ("Invite somebody" in page) == (member is people.owner)
    people.stranger.read(people.at("team"), 404)
    people.nobody.read(people.at("team"), 302)


def test_a_new_person_joins_with_an_account_of_their_own(people: People) -> None:
    link = invited(people, " New@Example.Test ")
    assert "new@example.test" in people.nobody.read(link)
    response = people.nobody.send(link, {"name": "Nora <b>", "password": "four quiet green lamps"})
    assert response["Location"] == people.at("products/")
    user = User.objects.get(username="new@example.test")
    assert (user.first_name, user.is_staff, user.is_superuser) == ("Nora <b>", False, False)
    assert people.shop.members.get(user=user).role == Role.EDITOR
    assert "Nora &lt;b&gt;" in people.owner.read(people.at("team"))
    people.nobody.read(people.at("products/"))


def test_an_existing_person_joins_as_who_they_are(people: People) -> None:
    link = invited(people, people.stranger.user.username, "viewer")
    page = Visitor("guest").read(link)
    assert "There is an account" in page
    assert f"/sign-in?next={link}" in page
    assert people.stranger.send(link)["Location"] == people.at("products/")
    assert role_of(people, people.stranger) == Role.VIEWER
    assert people.stranger.get("/")["Location"] == "/shops/"
    assert "Chairs" in people.stranger.read("/shops/")


def test_nobody_takes_over_an_account_by_an_invitation(people: People) -> None:
    link = invited(people, people.stranger.user.username)
    response = people.nobody.send(link, {"password": "four quiet green lamps"})
    assert response.status_code == 422
    assert people.stranger.user.check_password(PASSWORD)
    people.stranger.user.refresh_from_db()
    assert people.stranger.user.check_password(PASSWORD)


def test_capitals_make_no_second_account(people: People) -> None:
    User.objects.create_user("New@Example.test", password=PASSWORD)
    link = invited(people)
    assert "There is an account" in people.nobody.read(link)
    assert people.nobody.send(link, {"password": "four quiet green lamps"}).status_code == 422
    assert User.objects.filter(username__iexact="new@example.test").count() == 1


def test_a_link_works_once(people: People) -> None:
    link = invited(people)
    people.nobody.send(link, {"password": "four quiet green lamps"})
    people.stranger.read(link, 404)
    assert people.stranger.send(link).status_code == 404
    assert people.shop.members.count() == 4


def test_a_link_ends_after_a_week(people: People) -> None:
    link = invited(people)
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert "This invitation is over" in people.nobody.read(link, 404)
    invited(people)  # the one that has run out is in nobody's way
    assert Invitation.objects.count() == 2


def test_two_people_cannot_both_use_one_link(people: People) -> None:
    _, token = invite(people.shop, "a@example.test", Role.VIEWER, by=people.owner.user)
    first, second = find_invitation(token), find_invitation(token)
    accept_invitation(first, people.stranger.user)
    with pytest.raises(Conflict, match="used or withdrawn"):
        accept_invitation(second, make_user("late"))


def test_a_withdrawn_link_opens_nothing(people: People) -> None:
    link = invited(people)
    invitation = Invitation.objects.get()
    path = people.at(f"team/invitations/{invitation.public_id}/withdraw")
    for name in ("editor", "viewer"):
        assert getattr(people, name).send(path).status_code == 403
    assert people.stranger.send(path).status_code == 404
    own = f"/shops/{people.other.slug}/team/invitations/{invitation.public_id}/withdraw"
    assert people.stranger.send(own).status_code == 404
    people.nobody.read(link)
    people.owner.send(path)
    people.nobody.read(link, 404)


def test_only_the_hash_of_a_token_is_kept_and_no_log_tells_it(people: People, caplog) -> None:
    caplog.set_level(logging.INFO)
    link = invited(people)
    token = link.rpartition("/")[2]
    people.nobody.read(link)
    assert token not in str(Invitation.objects.values())
    assert token not in caplog.text
    assert "/invitations/***" in caplog.text
    assert token not in people.owner.read(people.at("team"))


def test_one_open_invitation_for_each_person(people: People) -> None:
    invited(people)
    again = people.owner.send(people.at("team/invite"), {"email": "NEW@example.test", "role": "viewer"})
    assert (again.status_code, "invited already" in again.content.decode()) == (422, True)
    member = people.owner.send(people.at("team/invite"), {"email": people.editor.user.username, "role": "viewer"})
    assert "member of this shop already" in member.content.decode()
    assert Invitation.objects.count() == 1


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"email": "nobody", "role": "editor"}, "no e-mail address"),
        ({"email": "a@example.test", "role": "king"}, "Choose what they may do"),
        ({"email": f"{'a' * 60}@{'b.' * 60}example.test", "role": "editor"}, "e-mail address"),
    ],
)
def test_bad_invitations_are_said_beside_their_field(people: People, form: dict, words: str) -> None:
    response = people.owner.send(people.at("team/invite"), form)
    assert (response.status_code, words in response.content.decode()) == (422, True)


def test_only_owners_invite(people: People) -> None:
    form = {"email": "a@example.test", "role": "owner"}
    statuses = [each.send(people.at("team/invite"), form).status_code for each in (people.editor, people.viewer)]
    assert statuses == [403, 403]
    assert people.stranger.send(people.at("team/invite"), form).status_code == 404
    assert people.owner.send(people.at("team/invite"), form, token=False).status_code == 403
    assert not Invitation.objects.exists()


def test_a_weak_password_is_told_why(people: People) -> None:
    link = invited(people)
    response = people.nobody.send(link, {"password": "short"})
    assert "at least 12 characters" in response.content.decode()
    assert not User.objects.filter(username="new@example.test").exists()
    assert people.nobody.send(link, {"password": "new@example.test"}).status_code == 422


def test_owners_change_roles(people: People) -> None:
    give(people, "owner", "editor", "viewer")
    assert role_of(people, people.editor) == Role.VIEWER
    give(people, "owner", "viewer", "none")
    assert role_of(people, people.viewer) is None
    people.viewer.read(people.at("products/"), 404)


def test_nobody_else_changes_roles(people: People) -> None:
    for name in ("editor", "viewer"):
        assert give(people, name, name, "owner").status_code == 403
    assert give(people, "stranger", "owner", "none").status_code == 404
    own = f"/shops/{people.other.slug}/team/members/{people.owner.user.pk}"
    assert people.stranger.send(own, {"role": "none"}).status_code == 404
    assert [role_of(people, each) for each in people.members] == ["owner", "editor", "viewer"]


@pytest.mark.parametrize("role", ["viewer", "none"])
def test_a_shop_never_loses_its_last_owner(people: People, role: str) -> None:
    response = people.owner.send(people.at(f"team/members/{people.owner.user.pk}"), {"role": role}, follow=True)
    assert "A shop needs an owner" in response.content.decode()
    assert role_of(people, people.owner) == Role.OWNER


def test_with_two_owners_one_may_go(people: People) -> None:
    give(people, "owner", "editor", "owner")
    assert give(people, "editor", "owner", "none")["Location"] == people.at("team")
    assert role_of(people, people.owner) is None
    mine = Member.objects.get(user=people.editor.user)
    with pytest.raises(Conflict):
        remove_member(mine, by=people.editor.user)
    with pytest.raises(Conflict):
        change_role(mine, Role.EDITOR, by=people.editor.user)
