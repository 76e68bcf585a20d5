"""Public ids: what the outside calls a row, never its number."""

import secrets

ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
"""Nothing that is read as something else (no 0 o 1 l i)."""

LENGTH = 16
"""31 ** 16 is about 2 ** 79: nobody guesses one, no two meet."""


def new_id(prefix: str) -> str:
    """`prd_8k2…`: the kind of thing, then random characters."""
    return f"{prefix}_{''.join(secrets.choice(ALPHABET) for _ in range(LENGTH))}"


def merchant_id() -> str:
    """A new merchant's public id."""
    return new_id("mer")


def api_key_id() -> str:
    """A new key's public id."""
    return new_id("key")


def product_id() -> str:
    """A new product's public id."""
    return new_id("prd")


def photo_id() -> str:
    """A new photo's public id."""
    return new_id("pho")


def job_id() -> str:
    """A new job's public id."""
    return new_id("job")


def version_id() -> str:
    """A new version's public id."""
    return new_id("ver")


def invitation_id() -> str:
    """A new invitation's public id."""
    return new_id("inv")


def comment_id() -> str:
    """A new comment's public id."""
    return new_id("com")
