"""The web process on RabbitMQ: requests run in threads of their own and must leave no connection behind."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import dramatiq
import pika
import psutil
import pytest

from tests.engines import broker_at
from tests.servers import Server
from tests.service.client import Client
from tests.service.processes import Service, wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def broker(rabbitmq: Server, settings: Any) -> Iterator[dramatiq.Broker]:
    """What `service` connects to."""
    with broker_at(rabbitmq.url, settings) as connected:
        yield connected


def connections(service: Service, server: Server) -> list[int]:
    """The ends of the web process's connections to the broker."""
    found = psutil.Process(service.processes["web"].pid).net_connections(kind="tcp")
    port = server.engine.ports["amqp"]
    return [
        each.laddr.port for each in found if each.raddr and each.raddr.port == port and each.status == "ESTABLISHED"
    ]


def make_job(client: Client, number: int, photo: bytes) -> None:
    wish = {"sku": f"SKU-{number}", "title": "Coffee mug", "category": "mug", "height": 0.095}
    product = client.ask("POST", "products", expect=201, json=wish)["id"]
    client.upload(product, "front.jpg", photo, "front")
    client.ask("POST", f"products/{product}/assets", expect=202, json={"quality": "draft"})


def test_requests_leave_no_connection_and_the_last_messages_leave_with_the_process(
    service: Service, client: Client, rabbitmq: Server, samples: Path
) -> None:
    photo = (samples / "mug" / "front.jpg").read_bytes()
    make_job(client, 0, photo)
    wait_until(lambda: connections(service, rabbitmq), seconds=5, what="the web process sends")
    ends = connections(service, rabbitmq)
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda number: make_job(client, number, photo), range(1, 12)))
    assert len(ends) == 1
    assert len(connections(service, rabbitmq)) <= 1
    with closing(pika.BlockingConnection(pika.URLParameters(rabbitmq.url))) as connection:
        count = connection.channel().queue_declare("cpu", passive=True).method.message_count
    assert count >= 1

    service.stop("web")
    lines = lambda: [line for line in rabbitmq.log().splitlines() if f"127.0.0.1:{ends[0]} ->" in line]  # noqa: E731
    wait_until(lambda: "closing" in lines()[-1], seconds=5, what="the connection is closed")
    time.sleep(0.2)
    assert "[info]" in lines()[-1], lines()


def test_a_broker_that_falls_silent_holds_up_no_request(
    service: Service, client: Client, rabbitmq: Server, samples: Path
) -> None:
    photo = (samples / "mug" / "front.jpg").read_bytes()
    make_job(client, 0, photo)
    with rabbitmq.paused():
        start = time.monotonic()
        for number in range(1, 6):
            make_job(client, number, photo)
        assert time.monotonic() - start < 10  # twenty requests; one that waited would take twenty seconds alone
        start = time.monotonic()
        service.stop("web")
        assert time.monotonic() - start < 5
