"""Everybody against every address: who may, who may not, and to whom things do not exist"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.apps import apps
from django.db import transaction
from django.urls import URLPattern

from catalog.api import storefront, urls
from catalog.api.docs import description
from tests.catalog.api.world import World, make_world
from tests.catalog.conftest import Caller, Cast

ANYBODY = ("owner", "editor", "viewer", "reader", "writer", "stranger", "stranger_key", "nobody")
READERS = ("owner", "editor", "viewer", "reader", "writer")
WRITERS = ("owner", "editor", "writer")
OWNERS = ("owner",)

GLB = {"name": "mug.jpg", "content_type": "image/jpeg", "rights": "our own"}


@dataclass(frozen=True)
class Case:
    """One operation. may: who may use it. id: whose id the address holds. body: JSON that is fine."""

    may: tuple[str, ...]
    id: str = ""
    body: dict[str, Any] = field(default_factory=dict)


CASES = {
    "GET products": Case(READERS),
    "POST products": Case(WRITERS, body={"sku": "NEW", "title": "New"}),
    "GET products/by-sku/<path:sku>": Case(READERS, "product"),
    "PUT products/by-sku/<path:sku>": Case(WRITERS, "product", {"title": "Changed"}),
    "GET products/<str:id>": Case(READERS, "product"),
    "PATCH products/<str:id>": Case(WRITERS, "product", {"title": "Changed"}),
    "DELETE products/<str:id>": Case(WRITERS, "product"),
    "GET products/<str:id>/photos": Case(READERS, "product"),
    "POST products/<str:id>/photos": Case(WRITERS, "product", {"url": "https://shop.example/mug.jpg"}),
    "POST products/<str:id>/uploads": Case(WRITERS, "product", GLB),
    "GET photos/<str:id>": Case(READERS, "photo"),
    "PATCH photos/<str:id>": Case(WRITERS, "photo", {"view": "back"}),
    "DELETE photos/<str:id>": Case(WRITERS, "photo"),
    "POST photos/<str:id>/confirm": Case(WRITERS, "upload"),
    "POST products/<str:id>/assets": Case(WRITERS, "product"),
    "GET jobs": Case(READERS),
    "GET jobs/<str:id>": Case(READERS, "job"),
    "GET jobs/<str:id>/events": Case(READERS, "job"),
    "POST jobs/<str:id>/cancel": Case(WRITERS, "running"),
    "POST jobs/<str:id>/retry": Case(WRITERS, "job"),
    "POST jobs/<str:id>/approve": Case(WRITERS, "job"),
    "POST jobs/<str:id>/reject": Case(WRITERS, "job"),
    "GET products/<str:id>/versions": Case(READERS, "product"),
    "GET versions/<str:id>": Case(READERS, "version"),
    "POST versions/<str:id>/publish": Case(WRITERS, "version"),
    "POST versions/<str:id>/edits": Case(WRITERS, "version", {"roughness": 0.5}),
    "POST products/<str:id>/models": Case(WRITERS, "product", {"name": "mug.glb"}),
    "POST products/<str:id>/models/<str:upload>/confirm": Case(WRITERS, "product"),
    "POST products/<str:id>/rollback": Case(WRITERS, "product"),
    "POST products/<str:id>/unpublish": Case(WRITERS, "product"),
    "GET usage": Case(READERS),
    "GET generators": Case(READERS),
    "GET me": Case((*READERS, "stranger", "stranger_key")),
    "GET members": Case(READERS),
    "GET merchant": Case(READERS),
    "PATCH merchant": Case(OWNERS, body={"country": "DE"}),
    "DELETE merchant": Case(OWNERS, body={"confirm": "shop"}),
    "GET keys": Case(OWNERS),
    "POST keys": Case(OWNERS, body={"name": "new"}),
    "DELETE keys/<str:id>": Case(OWNERS, "key"),
    "GET schema.json": Case(ANYBODY),
    "GET docs": Case(ANYBODY),
    "GET <str:id>.json": Case(ANYBODY, "product"),
    "GET <str:merchant>/<path:sku>.json": Case(ANYBODY, "product"),
    "GET <str:id>.jsonld": Case(ANYBODY, "product"),
    "GET <str:id>/<file:name>": Case(ANYBODY, "product"),
    "GET <str:merchant>/<path:sku>/<file:name>": Case(ANYBODY, "product"),
}

SHOWN_TO_ALL = {str(pattern.pattern) for pattern in storefront.routes}


def operations() -> Iterator[str]:
    """Every method of every address, from the URL configuration."""
    patterns: list[URLPattern] = [*urls.routes, *storefront.routes]
    for pattern in patterns:
        view = pattern.callback.view_class  # type: ignore[attr-defined]
        for method in ("get", "post", "put", "patch", "delete"):
            if hasattr(view, method) and method in view.http_method_names:
                yield f"{method.upper()} {pattern.pattern}"


def address(operation: str, world: World) -> str:
    """The address with the ids of that world in it."""
    route = operation.partition(" ")[2]
    route = re.sub(r"<\w+:sku>", world.product.sku, route)
    route = re.sub(r"<\w+:merchant>", world.product.merchant.slug, route)
    route = re.sub(r"<\w+:upload>", "upl_2345678923456789", route)
    route = re.sub(r"<\w+:id>", world.ids.get(CASES[operation].id, ""), route)
    route = route.replace("<file:name>", "poster.webp")
    return f"/s/{route}" if operation.partition(" ")[2] in SHOWN_TO_ALL else route


def ask(caller: Caller, operation: str, where: str) -> Any:
    method = operation.partition(" ")[0].lower()
    return getattr(caller, method)(where, *([] if method == "get" else [CASES[operation].body]))


def everything() -> dict[str, list[Any]]:
    """All rows of the catalogue, but for what reading may change."""
    ignored = {"last_used_at"}
    return {
        model.__name__: list(
            model._default_manager.order_by("pk").values(
                *(each.attname for each in model._meta.concrete_fields if each.attname not in ignored)
            )
        )
        for model in apps.get_app_config("catalog").get_models()
    }


def test_every_address_is_in_the_table() -> None:
    assert sorted(operations()) == sorted(CASES)


@pytest.mark.parametrize("operation", CASES)
def test_each_may_what_the_table_says_and_whoever_may_not_changes_nothing(
    operation: str, cast: Cast, storage: object, broker: object
) -> None:
    case, world = CASES[operation], make_world(cast.shop)
    before = everything()
    for name in (*READERS, "nobody"):
        with transaction.atomic():
            code = ask(getattr(cast, name), operation, address(operation, world)).status_code
            if name in case.may:
                assert code < 500 and code not in (401, 403, 404), (name, code)
            else:
                assert code == (401 if name == "nobody" else 403), (name, code)
                assert everything() == before, f"{name} changed something"
            transaction.set_rollback(True)


def owned_operations() -> list[str]:
    """Operations whose address holds an id or a SKU of a shop, except what anybody may read."""
    return [name for name, case in CASES.items() if case.id and case.may is not ANYBODY]


@pytest.mark.parametrize("operation", owned_operations())
def test_what_belongs_to_another_shop_does_not_exist(operation: str, cast: Cast) -> None:
    for owner, callers in ((cast.other, READERS), (cast.shop, ("stranger", "stranger_key"))):
        world = make_world(owner)
        before = everything()
        for name in callers:
            if operation.startswith("PUT") and name not in ("viewer", "reader"):
                continue  # that makes a product of one's own
            code = ask(getattr(cast, name), operation, address(operation, world)).status_code
            alike = {"stranger": "owner", "stranger_key": "writer"}.get(name, name)
            assert code == (404 if alike in CASES[operation].may else 403), (name, code)
            assert everything() == before


def test_a_sku_of_another_shop_is_free_in_ones_own(cast: Cast) -> None:
    theirs = make_world(cast.other).product
    answer = cast.writer.put(f"products/by-sku/{theirs.sku}", {"title": "Ours"})
    assert answer.status_code == 201
    theirs.refresh_from_db()
    assert theirs.title != "Ours"


@pytest.mark.parametrize("operation", [name for name, case in CASES.items() if case.may is not ANYBODY])
def test_the_description_says_who_may(operation: str) -> None:
    method, _, route = operation.partition(" ")
    path = "/api/v1/" + re.sub(r"<\w+:(\w+)>", r"{\1}", route)
    described = description()["paths"][path][method.lower()]
    may = CASES[operation].may
    assert described["x-roles"] == [role for role in ("owner", "editor", "viewer") if role in may]
    keys = [way["apiKey"] for way in described["security"] if "apiKey" in way]
    assert keys == ([["read"]] if "reader" in may else [["write"]] if "writer" in may else [])
