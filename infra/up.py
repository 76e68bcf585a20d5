"""settings -> everything that runs on one machine: engines, web, dispatcher and workers; what `manage.py up` does"""

import http.client
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import psutil
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from catalog.errors import CatalogError
from infra import up_state
from infra.bucket import set_up_bucket
from infra.children import start_child
from infra.demo import Demo
from infra.engines import seaweedfs, valkey
from infra.engines.engine import LOOPBACK, shorten_log
from infra.env import Env
from infra.storage import make_store
from infra.supervisor import Say, Service, Supervisor
from infra.up_state import CannotStart

WAIT_FOR_WEB_SECONDS = 60
WORKER_SHUTDOWN_MS = 12_000
"""They hand their jobs back within ten seconds."""

COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)


@dataclass(frozen=True)
class Place:
    """Where everything is: code, data, settings. is_set: whether a variable was set on purpose."""

    code: Path
    data: Path
    env: Env
    is_set: Callable[[str], bool]


@dataclass(frozen=True)
class Wanted:
    """What to start. port: 0: whichever is free."""

    port: int
    workers: int
    demo: bool


def run(supervisor: Supervisor, place: Place, wanted: Wanted) -> None:
    """Start everything in order and watch it until somebody stops it. Raises CannotStart and what engines raise."""
    say = supervisor.say
    up_state.wait_for_earlier(place.data, say)
    if moved := up_state.choose_addresses(place.env, place.is_set):
        up_state.keep_addresses(place.data, moved)
        say("plinth", f"taken ports: from now on {', '.join(moved)} lie elsewhere, see {place.data / 'up.json'}")
        os.execv(sys.executable, sys.orig_argv)  # noqa: S606 - ourselves: settings are read once, at the start
    for engine in engines(place, say):
        supervisor.start(engine)
    prepare(place, say)
    port = up_state.choose_port(place.data, wanted.port)
    supervisor.start(web(place, port))
    supervisor.start(dispatcher(place))
    for number in range(1, wanted.workers + 1):
        supervisor.start(worker(place, number))
    wait_for_web(place.env, port)
    address = f"http://{LOOPBACK}:{port}"
    workers = f"{wanted.workers} worker{'s' * (wanted.workers != 1)}"
    say("plinth", f"ready: {address} with {workers}; Ctrl-C stops everything")
    news = follow_demo(place, address, say) if wanted.demo else lambda: None

    def meanwhile() -> None:
        keep_logs_short(place)
        news()

    supervisor.watch(meanwhile)


def keep_logs_short(place: Place) -> None:
    """Of the engines that run for months; what the others write is printed."""
    for name in ("valkey", "seaweedfs"):
        shorten_log(place.data / name / f"{name}.log")


def engines(place: Place, say: Say) -> Iterator[Service]:
    """The engines that the settings look for on this machine's loopback and that do not answer. Raises CannotStart."""
    env = place.env
    broker = urlsplit(env.broker_url.reveal())
    if is_missing(broker.hostname, broker.port or 6379):
        if broker.scheme != "redis" or broker.password:
            raise CannotStart("nothing answers at BROKER_URL; only redis:// without a password is started for you")
        yield _valkey(place, broker.port or 6379, say)
    else:
        say("plinth", f"broker: using the one at {broker.hostname}")
    store = urlsplit(env.s3_endpoint_url)
    if is_missing(store.hostname, store.port or 80):
        if store.scheme != "http" or not env.s3_access_key_id.reveal():
            raise CannotStart("nothing answers at S3_ENDPOINT_URL; only http:// with a key is started for you")
        yield _seaweedfs(place, store.port or 80, say)
    else:
        say("plinth", f"store: using {env.s3_endpoint_url or 'Amazon S3'}")


def _valkey(place: Place, port: int, say: Say) -> Service:
    folder = place.data / "valkey"
    say("valkey", f"the broker, on {LOOPBACK}:{port}; data and log in {folder}")
    return Service("valkey", lambda: valkey.start(folder, port).process, last=True)


def _seaweedfs(place: Place, port: int, say: Say) -> Service:
    folder, key, secret = place.data / "seaweedfs", place.env.s3_access_key_id, place.env.s3_secret_access_key
    say("seaweedfs", f"the store (S3), on {LOOPBACK}:{port}; data and log in {folder}")
    start = lambda: seaweedfs.start(folder, port, access_key=key, secret_key=secret).process  # noqa: E731
    return Service("seaweedfs", start, last=True)


def prepare(place: Place, say: Say) -> None:
    """Database, bucket and static files as this version needs them."""
    executor = MigrationExecutor(connection)
    waiting = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    call_command("migrate", verbosity=0)
    say("plinth", f"database: {place.env.database.name}, {waiting or 'no'} migrations applied")
    for line in set_up_bucket(make_store(place.env), checkpoint_days=place.env.keep_checkpoints_days):
        say("plinth", f"store: {line}")
    call_command("collectstatic", interactive=False, verbosity=0)
    connection.close()


def web(place: Place, port: int) -> Service:
    """The web process on loopback. Open event streams end within five seconds when it is stopped."""
    options = ["--host", LOOPBACK, "--port", str(port), "--log-level", "warning", "--no-proxy-headers"]
    command = [*_python(), "-m", "uvicorn", "infra.asgi:application", *options, "--timeout-graceful-shutdown", "5"]
    return Service("web", lambda: start_child(command, folder=place.code))


def dispatcher(place: Place) -> Service:
    """The process that hands out jobs and finds lost ones."""
    return Service("dispatch", lambda: start_child([*_python(), "manage.py", "dispatch"], folder=place.code))


def worker(place: Place, number: int) -> Service:
    """A worker for all queues, one task at a time.

    Without a limit it would wait ten minutes for a broker that was killed together with us.
    """
    options = ["--processes", "1", "--threads", "1", "--worker-shutdown-timeout", str(WORKER_SHUTDOWN_MS)]
    options.append("--skip-logging")  # its lines come in our form then
    command = [*_python(), "-m", "dramatiq", "assets_pipeline.worker", *options]
    return Service(f"worker-{number}", lambda: start_child(command, folder=place.code))


def wait_for_web(env: Env, port: int) -> None:
    """Return when it answers. Raises CannotStart when it does not in time."""
    end = time.monotonic() + WAIT_FOR_WEB_SECONDS
    while time.monotonic() < end:
        client = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
        with suppress(OSError, http.client.HTTPException):
            client.request("GET", "/healthz", headers={"Host": env.allowed_hosts[0]})
            if client.getresponse().status == 200:
                return
        client.close()
        time.sleep(0.1)
    raise CannotStart(f"the web process does not answer on port {port}: its lines above say why")


def follow_demo(place: Place, address: str, say: Say) -> Callable[[], None]:
    """Set the sample shop up and tell how to get in; what is returned tells of each asset as it becomes ready."""
    demo = Demo(place.data, place.code / "samples", address)
    for line in demo.set_up():
        say("demo", line)

    def news() -> None:
        try:
            for line in demo.news():
                say("demo", line)
        except CatalogError as error:
            say("demo", str(error))

    return news


def make_say(out: IO[str]) -> Say:
    """Lines with the name of who wrote them in front, in colour on a terminal."""
    lock = threading.Lock()
    colours: dict[str, int] = {}

    def say(name: str, line: str) -> None:
        with lock, suppress(OSError):  # when nobody reads any more, services go on
            colour = colours.setdefault(name, COLOURS[len(colours) % len(COLOURS)])
            head = f"{name:<10}|"
            out.write(f"\033[{colour}m{head}\033[0m {line}\n" if out.isatty() else f"{head} {line}\n")
            out.flush()

    return say


def default_workers() -> int:
    """One worker for every two cores and four gigabytes: one job keeps as much busy."""
    memory = psutil.virtual_memory().total
    return max(1, min((os.cpu_count() or 1) // 2, memory // 4_000_000_000))


def is_missing(host: str | None, port: int) -> bool:
    """Whether that is this machine's loopback and nobody listens there."""
    if host not in {"localhost", LOOPBACK}:
        return False
    try:
        socket.create_connection((LOOPBACK, port), timeout=2).close()
    except OSError:
        return True
    return False


def _python() -> list[str]:
    return [sys.executable, "-u"]
