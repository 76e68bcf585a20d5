"""What the people of a shop tell each other about a version: plain text, read by members alone"""

import re

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import QuerySet

from catalog.errors import Forbidden, Invalid
from catalog.models import AssetVersion, Comment, Role

LONGEST = Comment._meta.get_field("text").max_length or 0
JOINERS = "\u200c\u200d"
"""Nobody sees them, but Persian and Indian words and joined emoji fall apart without."""


def add_comment(version: AssetVersion, author: AbstractBaseUser, text: str) -> Comment:
    """Say something about `version`. Line breaks stay; raises Invalid ("bad_value") for nothing, or for too much."""
    said = tidied(text)
    if not said:
        raise Invalid("bad_value", "Write something first.", {"text": "is empty"})
    if len(said) > LONGEST:
        too_long = f"A comment has {LONGEST} characters at most; this one has {len(said)}."
        raise Invalid("bad_value", too_long, {"text": "is too long"})
    return Comment.objects.create(version=version, author_id=author.pk, text=said)


def delete_comment(comment: Comment, user: AbstractBaseUser, role: Role) -> None:
    """Take a comment back. Raises Forbidden ("owners_only") for another person's, unless an owner does it."""
    if not may_delete(comment, user, role):
        raise Forbidden("owners_only", "Only who wrote a comment, or an owner of the shop, may delete it.")
    comment.delete()


def may_delete(comment: Comment, user: AbstractBaseUser, role: Role) -> bool:
    """Whether that person, in that role, may delete it."""
    return role == Role.OWNER or (role == Role.EDITOR and comment.author_id == user.pk)


def comments_on(version: AssetVersion) -> QuerySet[Comment]:
    """Oldest first, with who said it."""
    return version.comments.select_related("author").order_by("pk")


def tidied(text: str) -> str:
    """Without control characters, spaces at the ends of lines, and more than one empty line in a row.

    Joiners stay where there is something to join.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    kept = ["".join(filter(_is_kept, line)).rstrip() for line in lines]
    tidy = re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()
    return tidy if tidy.translate(dict.fromkeys(map(ord, JOINERS))).strip() else ""


def _is_kept(letter: str) -> bool:
    return letter.isprintable() or letter == "\t" or letter in JOINERS
