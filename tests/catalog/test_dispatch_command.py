"""manage.py dispatch as an operator runs it: a process of its own."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import dramatiq
import pytest
from django.db import connection
from django.utils import timezone

from catalog.models import AssetJob, Removal, Status
from catalog.reconcile import RECONCILE_SECONDS
from infra.engines.engine import free_ports
from tests.catalog.makers import claim, make_job, make_jobs, make_merchant, make_product, make_worker
from tests.catalog.races import ROOT, child_environ
from tests.catalog.sent import sent

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def dispatcher(log: Path, **environ: str) -> Iterator[subprocess.Popen[bytes]]:
    """A running dispatcher, ended at the end."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "dispatch"],
            cwd=ROOT,
            env=child_environ(**environ),
            stdout=output,
            stderr=output,
        )
    try:
        wait_until(lambda: "dispatcher: started" in log.read_text(), process)
        yield process
    finally:
        process.kill()
        process.wait()


def wait_until(true: Callable[[], object], process: subprocess.Popen[bytes], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert process.poll() is None, "the dispatcher has ended"
        assert time.monotonic() < end
        time.sleep(0.05)


def test_it_releases_jobs_and_puts_right_what_went_wrong(
    tmp_path: Path, broker: dramatiq.Broker, service_environ: dict[str, str]
) -> None:
    make_worker(slots=2)
    merchant = make_merchant()
    lost = make_job(make_product(merchant))
    claim(lost)
    AssetJob.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    make_jobs(merchant, 9)
    with dispatcher(tmp_path / "log", **service_environ) as process:
        wait_until(lambda: len(sent(broker)) == 4, process)
        wait_until(lambda: AssetJob.objects.get(pk=lost.pk).status == Status.QUEUED, process)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_promptly_when_told_to(
    tmp_path: Path, service_environ: dict[str, str], number: signal.Signals
) -> None:
    with dispatcher(tmp_path / "log", **service_environ) as process:
        time.sleep(0.5)
        start = time.monotonic()
        process.send_signal(number)
        assert process.wait(10) == 0
        assert time.monotonic() - start < 3
    assert "dispatcher: stopped" in (tmp_path / "log").read_text()


def test_it_survives_a_database_that_is_out_of_order_for_a_while(
    tmp_path: Path, broker: dramatiq.Broker, service_environ: dict[str, str]
) -> None:
    log = tmp_path / "log"
    with dispatcher(log, **service_environ) as process:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE catalog_worker RENAME TO elsewhere")
        try:
            wait_until(lambda: "release: has to wait" in log.read_text(), process)
        finally:
            with connection.cursor() as cursor:
                cursor.execute("ALTER TABLE elsewhere RENAME TO catalog_worker")
        job = make_job(make_product(make_merchant()))
        wait_until(lambda: sent(broker) == [("cpu", "prepare", job.pk)], process)


def test_a_store_that_says_nothing_holds_up_no_lost_lease(
    tmp_path: Path, broker: dramatiq.Broker, service_environ: dict[str, str]
) -> None:
    """The store takes every connection and never answers."""
    product = make_product(make_merchant())
    for number in range(20):
        Removal.objects.create(key=f"photos/mer_gone/{number}", due_at=timezone.now())
    with socket.create_server(("127.0.0.1", 0), backlog=100) as silent:
        store = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with dispatcher(tmp_path / "log", **service_environ | {"S3_ENDPOINT_URL": store}) as process:
            silent.settimeout(20)
            silent.accept()  # tidying has begun
            for _ in range(2):
                job = make_job(product)
                claim(job)
                AssetJob.objects.filter(pk=job.pk).update(lease_expires_at=timezone.now())
                seconds = 2 * RECONCILE_SECONDS
                wait_until(lambda: AssetJob.objects.get(pk=job.pk).lost_leases == 1, process, seconds)  # noqa: B023
                AssetJob.objects.all().delete()
    assert Removal.objects.count() == 20


def test_it_survives_a_broker_that_is_away(tmp_path: Path, service_environ: dict[str, str]) -> None:
    log = tmp_path / "log"
    nowhere = f"redis://127.0.0.1:{free_ports(1)[0]}/0"
    with dispatcher(log, **service_environ | {"BROKER_URL": nowhere}) as process:
        job = make_job(make_product(make_merchant()))
        wait_until(lambda: AssetJob.objects.filter(pk=job.pk, released_at__isnull=False).exists(), process)
        wait_until(lambda: "the broker is away" in log.read_text(), process)
        time.sleep(1)
        assert process.poll() is None
