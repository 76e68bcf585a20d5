"""Comments on a version's page: what was typed is what is read, whoever typed it."""

import pytest

from catalog.comments import add_comment
from catalog.models import Comment
from tests.dashboard.conftest import Visitor
from tests.dashboard.review.conftest import Reviewed

PART = {"HX-Request": "true"}


def say(reviewed: Reviewed, visitor: Visitor, text: str, **options: object):
    return visitor.send(reviewed.at("comments"), {"text": text}, **options)


def test_everybody_of_the_shop_reads_what_an_editor_says(reviewed: Reviewed) -> None:
    answer = say(reviewed, reviewed.people.editor, "Handle too thin.\nSee photo 2.", headers=PART)
    assert answer.status_code == 200
    assert "<html" not in answer.content.decode()
    for member in reviewed.people.members:
        page = member.read(reviewed.at())
        assert "Handle too thin.<br>See photo 2." in page
        assert reviewed.people.editor.user.username in page


def test_without_scripts_one_comes_back_to_the_comments(reviewed: Reviewed) -> None:
    answer = say(reviewed, reviewed.people.editor, "Fine.")
    assert (answer.status_code, answer["Location"]) == (302, f"{reviewed.at()}#comments")


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</textarea><svg onload=alert(1)>", "{{ 7 }}"]
)
def test_markup_stays_text(reviewed: Reviewed, text: str) -> None:
    user = reviewed.people.editor.user
    user.first_name = text
    user.save()
    say(reviewed, reviewed.people.editor, text)
    page = reviewed.people.owner.read(reviewed.at())
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "<svg onload" not in page
    assert text.replace("<", "&lt;").replace(">", "&gt;") in page


def test_an_empty_comment_is_refused_beside_its_field(reviewed: Reviewed) -> None:
    answer = say(reviewed, reviewed.people.editor, "  ", headers=PART)
    assert answer.status_code == 422
    assert 'id="comment-error" role="alert">Write something first.' in answer.content.decode()


def test_a_long_comment_is_refused_and_not_lost(reviewed: Reviewed) -> None:
    answer = say(reviewed, reviewed.people.editor, "a" * 2001 + "</textarea>", headers=PART)
    assert answer.status_code == 422
    assert "2000 characters at most" in answer.content.decode()
    assert "a" * 2001 + "&lt;/textarea&gt;" in answer.content.decode()


def test_who_wrote_it_or_an_owner_deletes_it_and_nobody_else(reviewed: Reviewed) -> None:
    people = reviewed.people
    of_editor = add_comment(reviewed.last, people.editor.user, "mine")
    of_owner = add_comment(reviewed.last, people.owner.user, "ours")
    place = {comment: reviewed.at(f"comments/{comment.public_id}/delete") for comment in (of_editor, of_owner)}
    assert place[of_owner] not in people.editor.read(reviewed.at())
    assert people.editor.send(place[of_owner]).status_code == 409
    assert people.viewer.send(place[of_editor]).status_code == 403
    assert Comment.objects.count() == 2
    assert people.editor.send(place[of_editor], headers=PART).status_code == 200
    of_viewer = add_comment(reviewed.last, people.viewer.user, "from when I was an editor")
    assert people.owner.send(reviewed.at(f"comments/{of_viewer.public_id}/delete"), headers=PART).status_code == 200
    assert [each.text for each in Comment.objects.all()] == ["ours"]


def test_a_comment_is_found_under_its_own_version_alone(reviewed: Reviewed) -> None:
    comment = add_comment(reviewed.versions[0], reviewed.people.owner.user, "elsewhere")
    assert reviewed.people.owner.send(reviewed.at(f"comments/{comment.public_id}/delete")).status_code == 404
    assert Comment.objects.exists()
