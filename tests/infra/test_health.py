"""A probe learns whether the database answers."""

import socket
import threading
import time
from dataclasses import replace

import pytest
from django.db import OperationalError, connection
from django.test import Client

from catalog.errors import Away
from catalog.storage import storage as storage_of_this_process
from infra.engines.engine import free_ports
from infra.health import look_at
from infra.parse import Secret
from tests.servers import Server


@pytest.mark.django_db
def test_healthz_is_ok_while_the_database_answers(client: Client) -> None:
    response = client.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"database": "ok"})
    assert "no-store" in response["Cache-Control"]


@pytest.mark.django_db
def test_healthz_is_503_while_the_database_is_away(client: Client) -> None:
    def refuse(*_: object) -> None:
        raise OperationalError("disk I/O error")

    with connection.execute_wrapper(refuse):
        response = client.get("/healthz")
    assert (response.status_code, response.json()) == (503, {"database": "away"})


@pytest.mark.django_db
def test_healthz_cannot_be_posted_to(client: Client) -> None:
    assert client.post("/healthz").status_code == 405


@pytest.mark.django_db
def test_healthz_answers_probes_over_plain_http(client: Client, settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/healthz").status_code == 200
    assert client.get("/anything-else").status_code == 301


@pytest.mark.django_db(transaction=True)
def test_readyz_names_every_engine_when_all_answer(client: Client, storage: object, broker: object) -> None:
    response = client.get("/readyz")
    states = response.json()
    assert response.status_code == 200, states
    assert list(states) == ["database", "broker", "store"]
    assert all(state["ok"] and state["seconds"] < 2 and state["reason"] == "" for state in states.values())


@pytest.mark.django_db(transaction=True)
def test_readyz_is_503_and_says_which_engine_is_away_but_not_where(client: Client, storage: object, settings) -> None:
    (port,) = free_ports(1)
    settings.BROKER_URL = Secret(f"redis://:pass-word@127.0.0.1:{port}/0")
    response = client.get("/readyz")
    assert response.status_code == 503
    states = response.json()
    assert [name for name, state in states.items() if not state["ok"]] == ["broker"]
    assert states["broker"]["reason"] == "away"
    assert str(port) not in response.content.decode()
    assert "pass-word" not in response.content.decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_readyz_does_not_wait_for_a_broker_that_is_silent(
    client: Client, storage: object, settings, scheme: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.BROKER_URL = Secret(f"{scheme}://127.0.0.1:{silent.getsockname()[1]}/")
        start = time.monotonic()
        response = client.get("/readyz")
        assert time.monotonic() - start < 3
    assert response.status_code == 503
    assert [name for name, state in response.json().items() if not state["ok"]] == ["broker"]
    assert response.json()["broker"]["reason"] in {"away", "no_answer"}


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_readyz_knows_rabbitmq(client: Client, storage: object, rabbitmq: Server, settings) -> None:
    settings.BROKER_URL = Secret(rabbitmq.url)
    assert client.get("/readyz").json()["broker"]["ok"]
    settings.BROKER_URL = Secret(rabbitmq.url.replace("guest:guest", "guest:wrong-one"))
    response = client.get("/readyz")
    assert (response.status_code, response.json()["broker"]["reason"]) == (503, "away")
    assert "wrong-one" not in response.content.decode()


@pytest.mark.django_db(transaction=True)
def test_readyz_tells_a_store_that_is_away(client: Client, broker: object, settings) -> None:
    (port,) = free_ports(1)
    settings.ENV = replace(settings.ENV, s3_endpoint_url=f"http://127.0.0.1:{port}")
    storage_of_this_process.cache_clear()
    with pytest.raises(Away):
        storage_of_this_process().check()  # the first question of a process loads boto3's client
    try:
        response = client.get("/readyz")
    finally:
        storage_of_this_process.cache_clear()
    assert (response.status_code, response.json()["store"]["reason"]) == (503, "storage_away")
    assert response.json()["broker"]["ok"]


def test_engines_are_asked_at_the_same_time() -> None:
    start = time.monotonic()
    states = look_at({name: lambda: time.sleep(0.4) for name in ("one", "two", "three")})
    assert all(state.ok for state in states.values())
    assert time.monotonic() - start < 0.9


def test_a_silent_engine_is_away_in_time_and_holds_one_thread_only() -> None:
    silence = threading.Event()
    try:
        for _ in range(3):
            start = time.monotonic()
            states = look_at({"silent": silence.wait, "quick": lambda: None}, seconds=0.2)  # type: ignore[dict-item]
            assert (states["silent"].ok, states["silent"].reason, states["quick"].ok) == (False, "no_answer", True)
            assert time.monotonic() - start < 1
        assert [thread.name for thread in threading.enumerate()].count("look-at-silent") == 1
    finally:
        silence.set()
