"""Messages: after the commit, by name, once, and no harm when the broker is away."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import dramatiq
import pytest
from django.db import transaction

from catalog import queue, sender
from catalog.jobs import request_asset
from catalog.models import AssetJob
from catalog.recipe import Recipe
from catalog.sender import Message
from infra.engines.engine import free_ports
from tests.catalog.makers import make_job, make_merchant, make_photo, make_product
from tests.catalog.sent import sent
from tests.engines import broker_at

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def no_broker(settings: Any) -> Iterator[dramatiq.Broker]:
    """A broker that nobody answers for."""
    with broker_at(f"redis://127.0.0.1:{free_ports(1)[0]}/0", settings) as broker:
        yield broker


@pytest.fixture(params=["redis", "amqp"])
def silent_broker(request: pytest.FixtureRequest, settings: Any) -> Iterator[dramatiq.Broker]:
    """A broker that lets everybody in, and never says a word."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        broker_at(f"{request.param}://127.0.0.1:{server.getsockname()[1]}/", settings) as broker,
    ):
        yield broker


def senders() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "sender"]


def test_a_message_carries_the_actors_name_and_one_id(broker: dramatiq.Broker) -> None:
    product = make_product(make_merchant())
    photo = make_photo(product)
    job = make_job(product, queue="gpu", group="generate")
    queue.send_group(job)
    queue.send_inspect(photo)
    queue.send_fetch(photo)
    assert sent(broker) == [
        ("cpu", "inspect_photo", photo.pk),
        ("gpu", "generate", job.pk),
        ("io", "fetch_photo", photo.pk),
    ]


def test_a_message_leaves_after_the_commit_and_never_after_a_rollback(broker: dramatiq.Broker) -> None:
    job = make_job(make_product(make_merchant()))
    with transaction.atomic():
        queue.send_group(job)
        assert sent(broker) == []
    assert sent(broker) == [("cpu", "prepare", job.pk)]
    with transaction.atomic():
        queue.send_group(job)
        transaction.set_rollback(True)
    assert len(sent(broker)) == 1


def test_messages_keep_their_order_and_come_from_one_thread(broker: dramatiq.Broker) -> None:
    before = set(senders())
    for pk in range(300):
        sender.sender().put(Message("prepare", "cpu", pk))
    assert len(set(senders()) - before) <= 1
    assert sent(broker, "cpu") == [("cpu", "prepare", pk) for pk in range(300)]


def test_a_broker_that_is_away_breaks_no_request_and_slows_none_down(
    no_broker: dramatiq.Broker, caplog: pytest.LogCaptureFixture
) -> None:
    merchant = make_merchant()
    products = [make_product(merchant) for _ in range(6)]
    start = time.monotonic()
    jobs = [request_asset(product, Recipe()) for product in products]
    assert time.monotonic() - start < 1
    assert AssetJob.objects.filter(status="queued").count() == len(jobs)
    assert not queue.flush()
    assert caplog.text.count("the broker is away") == 1  # then there is a pause


def test_a_broker_that_hangs_holds_up_no_request(silent_broker: dramatiq.Broker) -> None:
    merchant = make_merchant()
    products = [make_product(merchant) for _ in range(3)]
    start = time.monotonic()
    for product in products:
        request_asset(product, Recipe())
    assert time.monotonic() - start < 1
    assert AssetJob.objects.count() == 3


def test_what_waits_is_sent_once_the_broker_is_back(
    no_broker: dramatiq.Broker, broker: dramatiq.Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "PAUSE_SECONDS", 0.5)
    job = make_job(make_product(make_merchant()))
    dramatiq.set_broker(no_broker)
    for _ in range(3):
        queue.send_group(job)
    assert not queue.flush()
    dramatiq.set_broker(broker)
    time.sleep(0.6)
    assert sent(broker) == [("cpu", "prepare", job.pk)]  # once: it waited already


def test_what_could_not_be_sent_for_long_is_left_to_the_reconciler(
    no_broker: dramatiq.Broker,
    broker: dramatiq.Broker,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(sender, "PAUSE_SECONDS", 0.3)
    monkeypatch.setattr(sender, "KEEP_SECONDS", 0)
    dramatiq.set_broker(no_broker)
    queue.send_group(make_job(make_product(make_merchant())))
    queue.flush()
    time.sleep(0.4)
    dramatiq.set_broker(broker)
    assert sent(broker) == []
    assert "not sent, the broker is away: prepare" in caplog.text


def test_without_room_messages_are_dropped_with_one_line(
    silent_broker: dramatiq.Broker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sender, "ROOM", 5)
    full = sender.Sender()
    for pk in range(20):
        full.put(Message("prepare", "cpu", pk))
    full.forget()
    full.finish(0)
    assert caplog.text.count("not sent, 5 messages wait already") == 1


def test_forgetting_drops_what_waits_and_tries_again_at_once(
    no_broker: dramatiq.Broker, broker: dramatiq.Broker
) -> None:
    product = make_product(make_merchant())
    photo = make_photo(product)
    dramatiq.set_broker(no_broker)
    queue.send_inspect(photo)
    assert not queue.flush()
    dramatiq.set_broker(broker)
    queue.forget_failures()
    queue.send_fetch(photo)
    assert sent(broker) == [("io", "fetch_photo", photo.pk)]


def test_a_thread_that_has_nothing_to_do_ends_and_another_takes_over(
    broker: dramatiq.Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "IDLE_SECONDS", 0.1)
    photo = make_photo(make_product(make_merchant()))
    before = set(senders())
    for _ in range(2):
        queue.send_inspect(photo)
        assert queue.flush()
        (thread,) = set(senders()) - before
        thread.join(5)
        assert not thread.is_alive()
    assert len(sent(broker)) == 2


def test_a_forked_process_sends_its_own_messages_and_leaves_the_parents_alone(broker: dramatiq.Broker) -> None:
    sender.sender().put(Message("prepare", "cpu", 1))
    assert queue.flush()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            sender.sender().put(Message("prepare", "cpu", 2))
            code = 0 if queue.flush() else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    sender.sender().put(Message("prepare", "cpu", 3))
    assert [pk for _, _, pk in sent(broker, "cpu")] == [1, 2, 3]
