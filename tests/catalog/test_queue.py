"""Messages: after the commit, by name, and no harm when the broker is away."""

import socket
import time

import dramatiq
import pytest
from django.db import transaction

from catalog import queue
from catalog.jobs import request_asset
from catalog.models import AssetJob
from catalog.recipe import Recipe
from infra.broker import make_broker
from infra.engines.engine import free_ports
from tests.catalog.makers import make_job, make_merchant, make_photo, make_product
from tests.catalog.sent import sent

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def no_broker() -> dramatiq.Broker:
    """A broker that nobody answers for."""
    before = dramatiq.get_broker()
    dramatiq.set_broker(make_broker(f"redis://127.0.0.1:{free_ports(1)[0]}/0"))
    queue.forget_failures()
    yield dramatiq.get_broker()  # type: ignore[misc]
    dramatiq.set_broker(before)
    queue.forget_failures()


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


def test_a_broker_that_is_away_breaks_no_request_and_slows_none_down(
    no_broker: dramatiq.Broker, caplog: pytest.LogCaptureFixture
) -> None:
    merchant = make_merchant()
    products = [make_product(merchant) for _ in range(6)]
    start = time.monotonic()
    jobs = [request_asset(product, Recipe()) for product in products]
    assert time.monotonic() - start < 3
    assert AssetJob.objects.filter(status="queued").count() == len(jobs)
    assert "the broker is away" in caplog.text


def test_sending_goes_on_soon_after_the_broker_is_back(
    no_broker: dramatiq.Broker, broker: dramatiq.Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "PAUSE_SECONDS", 0.2)
    job = make_job(make_product(make_merchant()))
    dramatiq.set_broker(no_broker)
    queue.send_group(job)
    dramatiq.set_broker(broker)
    queue.send_group(job)
    assert sent(broker) == []
    time.sleep(0.25)
    queue.send_group(job)
    assert sent(broker) == [("cpu", "prepare", job.pk)]


def test_a_broker_that_hangs_holds_up_one_request_for_seconds_and_the_next_ones_not_at_all() -> None:
    merchant = make_merchant()
    products = [make_product(merchant) for _ in range(3)]
    before = dramatiq.get_broker()
    with socket.create_server(("127.0.0.1", 0)) as server:  # connects, and never says a word
        dramatiq.set_broker(make_broker(f"redis://127.0.0.1:{server.getsockname()[1]}/0"))
        queue.forget_failures()
        start = time.monotonic()
        for product in products:
            request_asset(product, Recipe())
        seconds = time.monotonic() - start
    dramatiq.set_broker(before)
    queue.forget_failures()
    assert seconds < 9
    assert AssetJob.objects.count() == 3
