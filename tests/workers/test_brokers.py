"""Real jobs through real workers on Debian's Redis and RabbitMQ; the other tests here run on Valkey."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dramatiq
import pytest

from catalog.jobs import request_asset
from catalog.models import AssetJob, Status
from catalog.recipe import Recipe
from tests.engines import broker_at
from tests.servers import Server, server
from tests.workers.conftest import MakeProduct
from tests.workers.processes import Processes, wait_until
from tests.workers.test_worker import DRAFT, stages_of, wait_for_end, wait_for_stage

pytestmark = pytest.mark.slow

TIMEOUT_MS = 3000
"""RabbitMQ's consumer_timeout in the test of it; by default 30 minutes."""


@pytest.fixture(params=["redis_server", "rabbitmq"])
def carrier(request: pytest.FixtureRequest) -> Server:
    """What carries the messages."""
    found: Server = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def hasty_rabbitmq(tmp_path: Path) -> Iterator[Server]:
    """A RabbitMQ that takes back what was not acknowledged within seconds."""
    with server("rabbitmq", tmp_path / "rabbitmq", consumer_timeout_ms=TIMEOUT_MS) as started:
        yield started


@pytest.fixture
def broker(request: pytest.FixtureRequest, settings: Any) -> Iterator[dramatiq.Broker]:
    """The broker that the test asked for; `processes` connect to it, too."""
    name = "hasty_rabbitmq" if "hasty_rabbitmq" in request.fixturenames else "carrier"
    found: Server = request.getfixturevalue(name)
    with broker_at(found.url, settings) as connected:
        yield connected


def publications(job: AssetJob) -> int:
    return job.events.filter(kind="status", status=Status.PUBLISHED).count()


def test_a_killed_workers_job_goes_on_elsewhere(
    carrier: Server, processes: Processes, make_product: MakeProduct
) -> None:
    processes.start_worker("worker-1")
    job = request_asset(make_product(), DRAFT)
    wait_for_stage(job, "bake")
    processes.kill("worker-1")
    processes.start_worker("worker-2")
    wait_for_end(job)
    assert (job.status, job.product.versions.count()) == (Status.NEEDS_REVIEW, 1)
    assert stages_of(job).count("generate") == 1
    assert processes.stop("worker-2") < 10


def test_work_goes_on_when_the_broker_was_away(
    carrier: Server, processes: Processes, make_product: MakeProduct
) -> None:
    processes.start_worker()
    job = request_asset(make_product(), DRAFT)
    wait_for_stage(job, "segment")
    carrier.restart()
    wait_for_end(job)
    assert (job.status, job.lost_leases) == (Status.NEEDS_REVIEW, 0)
    after = wait_for_end(request_asset(make_product("bottle", title="Bottle", category="bottle"), DRAFT))
    assert after.status == Status.NEEDS_REVIEW


def test_a_job_that_is_delivered_again_and_again_is_published_once(
    hasty_rabbitmq: Server, processes: Processes, make_product: MakeProduct
) -> None:
    for name in ("worker-1", "worker-2"):
        processes.start_worker(name)
    job = request_asset(make_product(), Recipe(quality="standard", auto_publish=True))
    wait_until(lambda: "timed out" in hasty_rabbitmq.log(), seconds=90, what="RabbitMQ takes the message back")
    wait_for_end(job, seconds=180)
    assert (job.status, job.lost_leases, publications(job)) == (Status.PUBLISHED, 0, 1)
    assert job.product.versions.count() == 1
    stages = stages_of(job)
    assert sorted(set(stages)) == sorted(stages), "no stage ran twice"
    after = wait_for_end(request_asset(make_product("bottle", title="Bottle", category="bottle"), DRAFT))
    assert after.status == Status.NEEDS_REVIEW, "both workers read on"
