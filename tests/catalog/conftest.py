"""The cast: a shop with its owner, editor and viewer, a key that reads and one that writes; and another shop."""

import itertools
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import AbstractUser, User
from django.test import Client

from catalog.merchants import add_member, create_merchant, issue_api_key
from catalog.models import Merchant, Role

_numbers = itertools.count(1)
PREFIX = "/api/v1/"


class Caller(Client):
    """Asks the API as somebody: `caller.post("products", {...})` sends JSON to /api/v1/products."""

    def __init__(self, name: str, *, user: AbstractUser | None = None, key: str = "", **defaults: Any) -> None:
        super().__init__(**({"headers": {"Authorization": f"Bearer {key}"}} if key else {}), **defaults)
        self.name = name
        if user is not None:
            self.force_login(user)

    def generic(self, method: str, path: str, *args: Any, **kwargs: Any) -> Any:
        whole = path.startswith(("/", "http://"))
        return super().generic(method, path if whole else PREFIX + path, *args, **kwargs)

    def post(self, path: str, data: Any = None, **kwargs: Any) -> Any:
        """JSON unless `content_type` says otherwise; `form=True` sends a form with files."""
        return self._send("post", path, data, **kwargs)

    def patch(self, path: str, data: Any = None, **kwargs: Any) -> Any:
        return self._send("patch", path, data, **kwargs)

    def put(self, path: str, data: Any = None, **kwargs: Any) -> Any:
        return self._send("put", path, data, **kwargs)

    def delete(self, path: str, data: Any = None, **kwargs: Any) -> Any:
        return self._send("delete", path, data, **kwargs)

    def _send(self, method: str, path: str, data: Any, *, form: bool = False, **kwargs: Any) -> Any:
        if not form:
            kwargs.setdefault("content_type", "application/json")
            data = {} if data is None else data
        return getattr(super(), method)(path, data, **kwargs)

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Cast:
    """Everybody. shop, other: merchants. reader, writer: the shop's API keys. stranger, stranger_key: the other's."""

    shop: Merchant
    other: Merchant
    owner: Caller
    editor: Caller
    viewer: Caller
    reader: Caller
    writer: Caller
    stranger: Caller
    stranger_key: Caller
    nobody: Caller


def make_user(name: str) -> User:
    """A person with an address of their own."""
    address = f"{name}-{next(_numbers)}@example.test"
    return User.objects.create_user(address, address, "a long password")


def make_cast() -> Cast:
    """The cast, in the database as it is."""
    people = {name: make_user(name) for name in ("owner", "editor", "viewer", "stranger")}
    shop = create_merchant("Shop", people["owner"])
    other = create_merchant("Other shop", people["stranger"])
    add_member(shop, people["editor"], Role.EDITOR)
    add_member(shop, people["viewer"], Role.VIEWER)
    keys = {
        "reader": issue_api_key(shop, "reads", may_write=False)[1],
        "writer": issue_api_key(shop, "writes", may_write=True)[1],
        "stranger_key": issue_api_key(other, "writes", may_write=True)[1],
    }
    return Cast(
        shop=shop,
        other=other,
        nobody=Caller("nobody"),
        **{name: Caller(name, user=user) for name, user in people.items()},
        **{name: Caller(name, key=key) for name, key in keys.items()},
    )


@pytest.fixture
def cast(db: None, settings: Any) -> Cast:
    """The cast, with nobody counting their requests."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    return make_cast()
