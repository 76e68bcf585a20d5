"""A lease outlives a store that says nothing for longer than a lease lasts."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from django.db import connections

from assets_pipeline.worker.heartbeat import beating
from assets_pipeline.worker.shift import Shift
from catalog import leases
from catalog import storage as catalog_storage
from catalog.models import AssetJob, Group, Status
from catalog.recipe import Recipe
from catalog.reconcile import reconcile
from catalog.versions import create_version
from tests.catalog.makers import lease_at, make_job, make_merchant, make_product, stored
from tests.workers.processes import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("broker")]


class Silence:
    """A server that takes every connection and never says anything, until it goes away."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=20)
        self._taken: list[socket.socket] = []
        self.asked = threading.Event()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def end(self) -> None:
        """Nobody listens any more, and everybody notices."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for each in self._taken:
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                self._taken.append(self._listener.accept()[0])
            except OSError:
                return
            self.asked.set()


@contextmanager
def shift_of(job: AssetJob, lease: leases.Lease) -> Iterator[threading.Thread]:
    """The shift at work in a thread of its own."""

    def work() -> None:
        try:
            Shift(job, lease).work()
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    yield thread
    thread.join(60)
    assert not thread.is_alive()


def test_a_job_is_kept_while_publishing_waits_for_a_store_that_is_silent(
    storage: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "LEASE_SECONDS", 1.5)
    monkeypatch.setattr(leases, "HEARTBEAT_SECONDS", 0.3)
    merchant = make_merchant()
    job = make_job(make_product(merchant), recipe=Recipe(auto_publish=True))
    lease = lease_at(job, Group.FINISH)
    job.refresh_from_db()
    job.version = create_version(job, stored(merchant))
    job.save(update_fields=["version"])
    silence = Silence()
    settings.ENV = replace(settings.ENV, s3_endpoint_url=silence.url)
    catalog_storage.storage.cache_clear()
    with shift_of(job, lease) as thread:
        assert silence.asked.wait(20), "publishing has begun"
        end = time.monotonic() + 3 * leases.LEASE_SECONDS
        while time.monotonic() < end:
            assert reconcile()["lost leases"] == 0
            time.sleep(0.1)
        assert thread.is_alive(), "the store has not answered"
        job.refresh_from_db()
        assert (job.status, job.lease, job.lost_leases) == (Status.RUNNING, lease.token, 0)
        silence.end()
    job.refresh_from_db()
    assert (job.status, job.reason, job.lost_leases, job.attempts) == (Status.QUEUED, "storage_away", 0, 1)
    assert job.product.published_version is None


def test_a_lease_that_was_lost_all_the_same_is_not_fought_for(storage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "HEARTBEAT_SECONDS", 0.05)
    job = make_job(make_product(make_merchant()))
    lease = lease_at(job, Group.PREPARE)
    asked: list[float] = []

    def keep() -> None:
        asked.append(time.monotonic())
        leases.extend_lease(lease)

    with beating(keep):
        wait_until(lambda: len(asked) > 2, seconds=10, what="the heart beats")
        leases.hand_back(lease)
        wait_until(lambda: not any(t.name == "lease" for t in threading.enumerate()), seconds=10, what="it has ended")
        count = len(asked)
    assert len(asked) == count
