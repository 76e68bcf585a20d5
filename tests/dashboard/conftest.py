"""The cast of people at the dashboard's doors, with CSRF checked as it is for real."""

import re
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from catalog.merchants import add_member, create_merchant
from catalog.models import Merchant, Role
from tests.catalog.conftest import make_user

PASSWORD = "a long password"


class Visitor(Client):
    """A browser whose forms carry the token that the page before gave out, unless `token=False`."""

    def __init__(self, name: str, user: User | None = None) -> None:
        super().__init__(enforce_csrf_checks=True)
        self.name, self.user = name, user
        if user is not None:
            self.force_login(user)

    def send(self, path: str, data: dict[str, Any] | None = None, *, token: bool = True, **options: Any) -> Any:
        """POST a form. The token comes from the page where everybody gets one."""
        fields = dict(data or {})
        if token:
            fields["csrfmiddlewaretoken"] = self.csrf_token()
        return self.post(path, fields, **options)

    def csrf_token(self) -> str:
        response = self.get("/shops/")
        page = (response if response.status_code == 200 else self.get("/sign-in")).content.decode()
        found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        assert found, page
        return found[1]

    def read(self, path: str, status: int = 200, **options: Any) -> str:
        """The page as text."""
        response = self.get(path, **options)
        assert response.status_code == status, (response.status_code, response.content[:2000])
        return response.content.decode()

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True)
class People:
    """Who comes to the door of `shop`; the stranger owns `other`."""

    shop: Merchant
    other: Merchant
    owner: Visitor
    editor: Visitor
    viewer: Visitor
    stranger: Visitor
    nobody: Visitor

    @property
    def members(self) -> tuple[Visitor, ...]:
        return self.owner, self.editor, self.viewer

    def at(self, path: str) -> str:
        """An address in the shop."""
        return f"/shops/{self.shop.slug}/{path}"


@pytest.fixture
def people(db: None, settings: Any) -> People:
    """Everybody, with nobody counting their attempts."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    users = {name: make_user(name) for name in ("owner", "editor", "viewer", "stranger")}
    shop = create_merchant("Lamps & Co", users["owner"])
    other = create_merchant("Chairs", users["stranger"])
    add_member(shop, users["editor"], Role.EDITOR)
    add_member(shop, users["viewer"], Role.VIEWER)
    return People(shop, other, nobody=Visitor("nobody"), **{name: Visitor(name, user) for name, user in users.items()})
