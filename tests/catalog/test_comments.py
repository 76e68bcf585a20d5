"""Comments: plain text by members, taken back by who wrote them or by an owner."""

import pytest

from catalog.comments import LONGEST, add_comment, comments_on, delete_comment, tidied
from catalog.errors import Forbidden, Invalid
from catalog.models import AssetVersion, Role
from catalog.versions import create_version
from tests.catalog.conftest import make_user
from tests.catalog.makers import finished, make_job, make_merchant, make_product

pytestmark = pytest.mark.django_db


@pytest.fixture
def version() -> AssetVersion:
    product = make_product(make_merchant())
    return create_version(make_job(product), finished(product.merchant))


def test_comments_come_oldest_first_with_their_authors(version: AssetVersion) -> None:
    ann, bob = make_user("ann"), make_user("bob")
    add_comment(version, ann, "The handle is too thin.")
    add_comment(version, bob, "Not for me.")
    assert [(each.author, each.text) for each in comments_on(version)] == [
        (ann, "The handle is too thin."),
        (bob, "Not for me."),
    ]


def test_line_breaks_stay_and_what_nobody_sees_goes() -> None:
    assert tidied("  One \r\n\r\n\r\n\r\nTwo\x00\x1b[31m\u202e!  ") == "One\n\nTwo[31m!"


@pytest.mark.parametrize("text", ["👩\u200d🔧", "نمی\u200cخواهم"], ids=["a joined emoji", "a Persian word"])
def test_what_joins_letters_stays(text: str) -> None:
    assert tidied(f" {text}\u202e ") == text


@pytest.mark.parametrize("text", ["", "  \n\t ", "\x00", "\u200d \u200c", "x" * (LONGEST + 1)])
def test_nothing_and_too_much_are_refused(version: AssetVersion, text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        add_comment(version, make_user("ann"), text)
    assert refusal.value.code == "bad_value"
    assert not version.comments.exists()


def test_ones_own_comment_may_be_taken_back_and_an_owner_may_take_back_any(version: AssetVersion) -> None:
    ann, bob = make_user("ann"), make_user("bob")
    mine, his = add_comment(version, ann, "mine"), add_comment(version, bob, "his")
    with pytest.raises(Forbidden):
        delete_comment(his, ann, Role.EDITOR)
    with pytest.raises(Forbidden):
        delete_comment(mine, ann, Role.VIEWER)
    delete_comment(mine, ann, Role.EDITOR)
    delete_comment(his, ann, Role.OWNER)
    assert not version.comments.exists()


def test_a_comment_outlives_its_author(version: AssetVersion) -> None:
    ann = make_user("ann")
    add_comment(version, ann, "kept")
    ann.delete()
    (kept,) = comments_on(version)
    assert (kept.author, kept.text) == (None, "kept")
