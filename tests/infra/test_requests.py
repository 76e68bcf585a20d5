"""Every request has an id that comes back, one log line and one measurement."""

import asyncio
import logging

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, RequestFactory

from catalog import context
from infra.metrics import REGISTRY
from infra.requests import accompany


def counted(**labels: str) -> float:
    return REGISTRY.get_sample_value("plinth_request_seconds_count", labels) or 0


@pytest.mark.django_db
def test_a_sane_id_is_taken_over_and_returned(client: Client) -> None:
    response = client.get("/healthz", headers={"X-Request-ID": "shop-7.order_12345"})
    assert response["X-Request-ID"] == "shop-7.order_12345"


@pytest.mark.django_db
@pytest.mark.parametrize("given", ["", "short", "with space 123", "x" * 65, "line\nbreak-123", "ümlaut-12345"])
def test_any_other_id_is_replaced_by_a_new_one(client: Client, given: str) -> None:
    first = client.get("/healthz", headers={"X-Request-ID": given})["X-Request-ID"]
    second = client.get("/healthz", headers={"X-Request-ID": given})["X-Request-ID"]
    assert given != first != second
    assert len(first) == 32


def test_the_id_is_there_while_the_view_works_and_gone_afterwards() -> None:
    seen = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(context.request_id.get())
        return HttpResponse()

    response = accompany(view)(RequestFactory().get("/", headers={"X-Request-ID": "abc-12345"}))  # type: ignore[arg-type]
    assert (seen, response["X-Request-ID"], context.request_id.get()) == (["abc-12345"], "abc-12345", "")


def test_requests_side_by_side_keep_their_own_ids() -> None:
    async def view(request: HttpRequest) -> HttpResponse:
        before = context.request_id.get()
        await asyncio.sleep(0.05)
        assert context.request_id.get() == before == request.headers["X-Request-ID"]
        return HttpResponse()

    async def both() -> list[HttpResponse]:
        answer = accompany(view)
        asked = [RequestFactory().get("/", headers={"X-Request-ID": name}) for name in ("first-one", "second-one")]
        return await asyncio.gather(*map(answer, asked))  # type: ignore[arg-type]

    assert [response["X-Request-ID"] for response in asyncio.run(both())] == ["first-one", "second-one"]


def test_the_id_is_gone_after_an_asynchronous_view_too() -> None:
    async def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(context.request_id.get())

    async def ask() -> tuple[bytes, str]:
        response = await accompany(view)(RequestFactory().get("/", headers={"X-Request-ID": "abc-12345"}))  # type: ignore[arg-type, misc]
        return response.content, context.request_id.get()

    assert asyncio.run(ask()) == (b"abc-12345", "")


@pytest.mark.django_db(transaction=True)
def test_asynchronous_requests_get_their_ids_too() -> None:
    response = asyncio.run(AsyncClient().get("/healthz", headers={"X-Request-ID": "async-12345"}))
    assert (response.status_code, response["X-Request-ID"]) == (200, "async-12345")


def test_one_line_tells_method_path_status_and_time_but_no_query(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "infra.requests")
    client.get("/nothing%0Ahere?signature=secret")
    (line,) = [record.getMessage() for record in caplog.records if record.name == "infra.requests"]
    assert line.startswith("GET /nothing%0Ahere 404 in ")
    assert "secret" not in line


@pytest.mark.django_db
def test_probes_are_worth_no_line(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "infra.requests")
    client.get("/healthz")
    assert [record for record in caplog.records if record.name == "infra.requests"] == []


@pytest.mark.django_db
def test_requests_are_measured_by_route_and_strangers_invent_no_labels(client: Client) -> None:
    known = {"method": "GET", "route": "healthz", "status": "200"}
    unknown = {"method": "other", "route": "none", "status": "404"}
    before = counted(**known), counted(**unknown)
    client.get("/healthz")
    client.generic("BREW", "/coffee-1")
    client.generic("BREW", "/coffee-2")
    assert (counted(**known), counted(**unknown)) == (before[0] + 1, before[1] + 2)
