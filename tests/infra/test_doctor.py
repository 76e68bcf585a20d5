"""The doctor finds what is wrong, says what to do, and its exit status tells machines."""

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
import redis
from django.core.management import call_command
from django.utils import timezone

from catalog.models import AssetJob, Merchant, Product
from catalog.recipe import Recipe
from catalog.storage import storage as storage_of_this_process
from catalog.workers import advertise
from infra.doctor import Finding, Level, examine, machine, service
from infra.engines.engine import Engine, free_ports
from infra.parse import Secret
from infra.settings import STORAGES as REAL_STORAGES
from tests.engines import ACCESS_KEY, SECRET_KEY, s3_client
from tests.servers import Server

SPEC = {
    "name": "primitive",
    "queue": "cpu",
    "runs_here": True,
    "licence": {"code": "Apache-2.0", "weights": "none", "territories_excluded": [], "revenue_cap_usd": None},
}


def findings(check: object) -> list[Finding]:
    return list(examine((check,)))  # type: ignore[arg-type]


def levels(check: object) -> list[Level]:
    return [finding.level for finding in findings(check)]


@pytest.mark.django_db(transaction=True)
def test_a_healthy_installation_has_no_errors(storage: object, broker: object, settings, tmp_path: Path) -> None:
    settings.STATIC_ROOT, settings.STORAGES = tmp_path, REAL_STORAGES
    advertise("w-1", queues=["cpu", "io"], generators=[SPEC], profiles=[], qualities=[], slots=1)
    call_command("collectstatic", interactive=False, verbosity=0)
    found = list(examine())
    assert [finding for finding in found if finding.level == Level.ERROR] == []
    about = {finding.about for finding in found}
    assert about >= {"settings", "database", "broker", "cache", "store", "clock", "workers", "licences"}
    assert about >= {"weights", "node", "disk", "memory", "static"}
    assert all(finding.fix for finding in found if finding.level != Level.OK)


def test_a_broken_installation_exits_with_1_and_names_every_fault_at_once(root: Path, tmp_path: Path) -> None:
    broker, store = free_ports(2)
    environ = {
        "PATH": os.environ["PATH"],
        "DEMO": "true",
        "DATABASE_URL": f"sqlite:{tmp_path / 'empty.sqlite3'}",
        "BROKER_URL": f"redis://:pass-word@127.0.0.1:{broker}/0",
        "S3_ENDPOINT_URL": f"http://127.0.0.1:{store}",
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor", "--json"], cwd=root, env=environ, capture_output=True, text=True
    )
    assert done.returncode == 1, done.stderr
    found = {entry["about"]: entry for entry in json.loads(done.stdout) if entry["level"] == "error"}
    assert found.keys() >= {"database", "broker", "store"}
    assert found["database"]["fix"] == "manage.py migrate"
    assert "pass-word" not in done.stdout


@pytest.mark.django_db
def test_a_redis_that_drops_messages_is_an_error(broker: object, valkey: Engine) -> None:
    with redis.Redis.from_url(valkey.url) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            (finding,) = findings(service.check_broker)
        finally:
            client.config_set("maxmemory-policy", "noeviction")
    assert finding.level == Level.ERROR
    assert "noeviction" in finding.fix


@pytest.mark.django_db
def test_a_redis_that_forgets_is_a_warning(broker: object, valkey: Engine) -> None:
    with redis.Redis.from_url(valkey.url) as client:
        client.config_set("appendonly", "no")
        try:
            assert levels(service.check_broker) == [Level.WARNING]
        finally:
            client.config_set("appendonly", "yes")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "words"),
    [("guest:other@", "refuses this user or password"), ("guest:guest@", "virtual host")],
)
def test_what_rabbitmq_minds_is_told(rabbitmq: Server, settings, wrong: str, words: str) -> None:
    settings.BROKER_URL = Secret(rabbitmq.url)
    assert levels(service.check_broker) == [Level.OK]
    settings.BROKER_URL = Secret(rabbitmq.url.replace("guest:guest@", wrong) + ("" if "other" in wrong else "/nowhere"))
    (finding,) = findings(service.check_broker)
    assert finding.level == Level.ERROR
    assert words in finding.text and "BROKER_URL" in finding.fix
    assert "other" not in finding.text


def test_a_broker_that_does_not_run_or_speaks_something_else_is_told_in_time(valkey: Engine, settings) -> None:
    (port,) = free_ports(1)
    for url, words in (
        (f"amqp://127.0.0.1:{port}", "refused"),
        (valkey.url.replace("redis", "amqp"), "AMQP"),
        ("amqp://no-such-host.invalid", "no host of that name"),
    ):
        settings.BROKER_URL = Secret(url)
        start = time.monotonic()
        (finding,) = findings(service.check_broker)
        assert time.monotonic() - start < 3
        assert finding.level == Level.ERROR
        assert words in finding.text, finding


def test_a_bucket_without_its_rules_is_told(seaweedfs: Engine, settings) -> None:
    bucket = f"bare-{secrets.token_hex(6)}"
    s3_client(seaweedfs).create_bucket(Bucket=bucket)
    settings.ENV = replace(
        settings.ENV,
        s3_endpoint_url=seaweedfs.url,
        s3_bucket=bucket,
        s3_access_key_id=ACCESS_KEY,
        s3_secret_access_key=SECRET_KEY,
    )
    storage_of_this_process.cache_clear()
    try:
        found = findings(service.check_store)
    finally:
        storage_of_this_process.cache_clear()
    assert [finding.level for finding in found] == [Level.OK, *[Level.WARNING] * 3]
    assert all("setup_storage" in finding.fix for finding in found[1:])


@contextmanager
def server_with_date(date: str) -> Iterator[str]:
    """An HTTP server that believes it is `date`."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(403)
            self.end_headers()

        def date_time_string(self, timestamp: float | None = None) -> str:
            return date

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(("seconds", "level"), [(0, Level.OK), (120, Level.WARNING), (-900, Level.ERROR)])
def test_a_clock_that_is_off_is_found_before_signatures_fail(settings, seconds: int, level: Level) -> None:
    date = (timezone.now() + timedelta(seconds=seconds)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    with server_with_date(date) as url:
        settings.ENV = replace(settings.ENV, s3_endpoint_url=url)
        assert levels(service.check_clock) == [level]


@pytest.mark.django_db
def test_without_workers_jobs_wait_and_a_queue_that_nobody_reads_is_an_error() -> None:
    assert levels(service.check_workers) == [Level.WARNING]
    gpu = {**SPEC, "name": "triposg", "queue": "gpu"}
    advertise("w-1", queues=["cpu", "io"], generators=[SPEC, gpu], profiles=[], qualities=[], slots=1)
    found = findings(service.check_workers)
    assert [finding.level for finding in found] == [Level.OK, Level.ERROR]
    assert "gpu" in found[1].text


@pytest.mark.django_db
def test_a_job_that_waits_too_long_is_told() -> None:
    advertise("w-1", queues=["cpu", "io"], generators=[], profiles=[], qualities=[], slots=1)
    merchant = Merchant.objects.create(name="Lamps", slug="lamps")
    product = Product.objects.create(merchant=merchant, sku="a", title="a")
    job = AssetJob.objects.create(product=product, merchant=merchant, recipe=Recipe().as_json())
    assert levels(service.check_workers) == [Level.OK]
    AssetJob.objects.filter(pk=job.pk).update(created_at=timezone.now() - timedelta(hours=1))
    assert levels(service.check_workers) == [Level.OK, Level.WARNING]


@pytest.mark.django_db
def test_licences_with_limits_are_a_warning() -> None:
    limits = {"code": "MIT", "weights": "Tencent", "territories_excluded": ["EU", "KR"], "revenue_cap_usd": 1_000_000}
    limited = {**SPEC, "name": "limited", "licence": limits}
    advertise("w-1", queues=["cpu"], generators=[SPEC, limited], profiles=[], qualities=[], slots=1)
    by_level = {finding.level: finding.text for finding in findings(service.check_licences)}
    assert "primitive" in by_level[Level.OK]
    assert "not for EU, KR; not above 1000000 USD" in by_level[Level.WARNING]


def test_weights_that_are_missing_or_changed_are_errors(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from assets_pipeline import weights

    changed = tmp_path / "u2netp.onnx"
    changed.write_bytes(b"\0" * weights.WEIGHTS["u2netp"].bytes)
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    monkeypatch.setattr(weights, "is_here", lambda name: (tmp_path / weights.WEIGHTS[name].file).exists())
    found = {finding.text.split()[0]: finding for finding in findings(machine.check_weights)}
    assert {name: finding.level for name, finding in found.items()} == {"u2net": Level.ERROR, "u2netp": Level.ERROR}
    assert "missing" in found["u2net"].text
    assert "not what was published" in found["u2netp"].text


def test_static_files_that_were_not_collected_are_an_error(settings, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path
    assert levels(machine.check_static_files) == [Level.ERROR]


def test_a_full_disk_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "TOO_LITTLE_DISK_BYTES", 10**18)
    assert levels(machine.check_disk) == [Level.ERROR]


def test_less_memory_than_one_task_may_take_is_a_warning(settings) -> None:
    settings.WORKER_MEMORY_BYTES = 10**18
    assert levels(machine.check_memory) == [Level.WARNING]


def test_production_settings_without_cache_and_metrics_are_warnings(settings) -> None:
    settings.ENV = replace(settings.ENV, demo=False, cache_url=Secret(""))
    settings.METRICS_TOKEN = Secret("")
    text = " ".join(finding.text for finding in findings(service.check_settings))
    assert "rate limits" in text
    assert "/metrics" in text


def test_a_check_that_breaks_is_a_finding_and_the_others_still_run() -> None:
    def check_nothing() -> Iterator[Finding]:
        raise RuntimeError("a bug")
        yield  # a generator, as checks are

    found = list(examine((check_nothing, machine.check_disk)))
    assert (found[0].about, found[0].level) == ("nothing", Level.ERROR)
    assert found[1].about == "disk"
