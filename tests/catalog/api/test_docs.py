"""The API's description: whole, true to the addresses, and shown by a page that loads nothing from elsewhere"""

import json
import re
from typing import Any

import pytest

from catalog.api.docs import description
from tests.catalog.api.test_roles import CASES
from tests.catalog.conftest import Cast

METHODS = ("get", "post", "put", "patch", "delete")
BESIDE = {"GET schema.json", "GET docs"}


def operations() -> dict[str, dict[str, Any]]:
    """`GET /api/v1/products` -> its description."""
    return {
        f"{method.upper()} {path}": operation
        for path, methods in description()["paths"].items()
        for method, operation in methods.items()
        if method in METHODS
    }


def test_every_operation_is_described_once() -> None:
    routes = {re.sub(r"<\w+:(\w+)>", r"{\1}", name) for name in set(CASES) - BESIDE}
    described = {re.sub(r" (/api/v1/|/s/)", " ", name) for name in operations()}
    assert described == routes
    ids = [operation["operationId"] for operation in operations().values()]
    assert len(ids) == len(set(ids)) and all(re.fullmatch(r"[a-z]+(_[a-z]+)*", each) for each in ids)


@pytest.mark.parametrize("name", sorted(operations()))
def test_an_operation_says_who_may_and_what_can_happen(name: str) -> None:
    operation = operations()[name]
    method, _, path = name.partition(" ")
    statuses = set(operation["responses"])
    assert operation["summary"] and operation["description"] and operation["tags"]
    assert any(status.startswith("2") or status == "302" for status in statuses)
    if not path.startswith("/s/"):
        assert "**Who:**" in operation["description"]
        assert statuses >= {"401", "403", "422", "429", "503"}
    if "{" in path:
        assert "404" in statuses
    if method in ("POST", "PUT", "PATCH"):
        assert statuses >= {"400", "409", "411", "413", "415"}
    headers = {each.get("$ref", "").rpartition("/")[2] for each in operation.get("parameters", ())}
    assert ("Idempotency-Key" in headers) == (method == "POST")
    assert "If-Match" in headers or method not in ("PUT", "PATCH", "DELETE")


def test_it_is_openapi_31_with_both_ways_in_and_one_error_shape() -> None:
    whole = description()
    assert whole["openapi"] == "3.1.0"
    schemes = whole["components"]["securitySchemes"]
    assert schemes["apiKey"]["scheme"] == "bearer" and schemes["session"]["in"] == "cookie"
    for name, answer in whole["components"]["responses"].items():
        if name != "Answer304":
            assert answer["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Error"}


def test_bodies_are_closed_to_unknown_fields() -> None:
    bodies = {name: body for name, body in description()["components"]["schemas"].items() if name.endswith("Request")}
    assert bodies
    assert all(body["additionalProperties"] is False for body in bodies.values())


def test_the_description_is_served_to_anybody(cast: Cast) -> None:
    answer = cast.nobody.get("schema.json")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.json() == json.loads(json.dumps(description()))
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_the_page_loads_nothing_from_elsewhere_and_its_script_is_a_file_of_ours(cast: Cast) -> None:
    page = cast.nobody.get("docs")
    html = page.content.decode()
    assert page.headers["Content-Type"].startswith("text/html")
    loaded = re.findall(r'(?:src|href)="([^"]+)"', html)
    assert loaded and all(address.startswith("/") and not address.startswith("//") for address in loaded), loaded
    assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>\s*\S", html)
    policy = page.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    script = cast.nobody.get("/api/v1/docs?script=")
    assert script.headers["Content-Type"].startswith("application/javascript")
    assert "/api/v1/schema.json" in script.content.decode()


def test_the_pages_files_are_there(cast: Cast) -> None:
    from django.contrib.staticfiles import finders

    html = cast.nobody.get("docs").content.decode()
    for name in ("swagger-ui.css", "swagger-ui-bundle.js", "swagger-ui-standalone-preset.js"):
        assert name in html
        assert finders.find(f"drf_spectacular_sidecar/swagger-ui-dist/{name}")
