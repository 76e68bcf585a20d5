"""What a message may count on, whichever broker carries it: Valkey, Redis, RabbitMQ."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dramatiq
import pika
import psutil
import pytest
import redis

from catalog.queue import QUEUES, flush
from catalog.sender import Message, sender
from infra.broker import ping_broker
from infra.engines.engine import Engine
from infra.rabbitmq import parameters_of
from tests.engines import broker_at
from tests.servers import Server, ports_to, server

ROOT = Path(__file__).resolve().parents[2]
SLOW = pytest.mark.slow
BROKERS = ("valkey", pytest.param("redis", marks=SLOW), pytest.param("rabbitmq", marks=SLOW))

DEAD_SECONDS = 20
"""A killed worker's message is back with another after that long at most."""


def test_rabbitmqs_address_may_name_its_heartbeat_and_no_longer_waits() -> None:
    slow = "socket_timeout=90&stack_timeout=90&blocked_connection_timeout=90&connection_attempts=9"
    for query, heartbeat in ((slow, 20), (f"{slow}&heartbeat=7", 7)):
        found = parameters_of(f"amqp://me:secret@mq.example/shop?{query}", seconds=1.5)
        assert found.heartbeat == heartbeat
        assert {found.socket_timeout, found.stack_timeout, found.blocked_connection_timeout} == {1.5}
        assert found.connection_attempts == 1


@pytest.fixture(params=BROKERS)
def url(request: pytest.FixtureRequest) -> str:
    """The address of an empty broker."""
    names = {"valkey": "valkey", "redis": "redis_server", "rabbitmq": "rabbitmq"}
    found: Engine | Server = request.getfixturevalue(names[request.param])
    empty(found.url)
    return found.url


@pytest.fixture(params=BROKERS)
def own_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """A broker of this test alone, to be maltreated."""
    with server(request.param, tmp_path / "server") as started:
        yield started


def empty(url: str) -> None:
    if url.startswith("redis"):
        with redis.Redis.from_url(url) as client:
            client.flushall()
        return
    with closing(pika.BlockingConnection(pika.URLParameters(url))) as connection:
        for queue in QUEUES:
            for name in (queue, f"{queue}.DQ", f"{queue}.XQ"):
                connection.channel().queue_delete(name)


@dataclass
class Errands:
    """Workers on `url` that note in `folder` what reaches them."""

    url: str
    folder: Path
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start_worker(self, *options: str) -> subprocess.Popen[bytes]:
        command = (sys.executable, "-m", "dramatiq", "tests.infra.errands", "--processes", "1", "--threads", "1")
        environ = {"PATH": os.environ["PATH"], "BROKER_URL": self.url, "ERRANDS": str(self.folder)}
        with (self.folder / "workers.log").open("ab") as log:
            worker = subprocess.Popen(
                [*command, *options], cwd=ROOT, env=environ, stdout=log, stderr=log, start_new_session=True
            )
        self.workers.append(worker)
        return worker

    def lines(self, name: str) -> list[tuple[int, float]]:
        """(message, time) of what has "begun" or is "done"."""
        path = self.folder / name
        rows = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
        return [(int(pk), float(at)) for pk, at in rows]

    def count(self, name: str) -> Counter[int]:
        return Counter(pk for pk, _ in self.lines(name))

    def wait(self, name: str, pks: set[int], *, seconds: float) -> float:
        """The seconds until all of them have "begun" or are "done"."""
        start = time.monotonic()
        while missing := pks - set(self.count(name)):
            log = (self.folder / "workers.log").read_text(errors="replace")[-3000:]
            assert time.monotonic() - start < seconds, f"not {name} within {seconds} s: {sorted(missing)}\n{log}"
            time.sleep(0.02)
        return time.monotonic() - start

    def wait_until_ready(self) -> None:
        """Until a worker reads its queues."""
        end = time.monotonic() + 30
        while b"ready for action" not in (self.folder / "workers.log").read_bytes():
            assert time.monotonic() < end
            time.sleep(0.05)

    def hold(self) -> None:
        """Let no errand end."""
        (self.folder / "hold").touch()

    def release(self) -> None:
        (self.folder / "hold").unlink()


@pytest.fixture
def start_errands(tmp_path: Path) -> Iterator[Callable[[str], Errands]]:
    """Errands at an address, without workers yet; all are ended at the end."""
    started = []

    def start(url: str) -> Errands:
        started.append(Errands(url, tmp_path))
        return started[-1]

    yield start
    for errands in started:
        for worker in errands.workers:
            end(worker, signal.SIGKILL)


def end(worker: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """The worker and what it started."""
    if worker.poll() is None:
        family = [psutil.Process(worker.pid), *psutil.Process(worker.pid).children(recursive=True)]
        for each in family if number == signal.SIGKILL else family[:1]:
            each.send_signal(number)
    worker.wait(20)


def put(*pks: int, queue: str = "cpu") -> None:
    for pk in pks:
        sender().put(Message("prepare", queue, pk))


def test_each_message_reaches_one_worker_once(url: str, start_errands: Any, settings: Any) -> None:
    errands = start_errands(url)
    for _ in range(2):
        errands.start_worker()
    with broker_at(url, settings):
        put(*range(60))
        assert flush()
    errands.wait("done", set(range(60)), seconds=30)
    time.sleep(1)
    assert errands.count("begun") == Counter(range(60))


def test_a_worker_is_told_what_is_for_its_queues_alone(url: str, start_errands: Any, settings: Any) -> None:
    errands = start_errands(url)
    errands.start_worker("--queues", "gpu")
    with broker_at(url, settings):
        put(1, queue="cpu")
        put(2, queue="gpu")
        put(3, queue="io")
        assert flush()
    errands.wait("done", {2}, seconds=30)
    time.sleep(1)
    assert set(errands.count("begun")) == {2}
    errands.start_worker("--queues", "cpu", "io")
    errands.wait("done", {1, 2, 3}, seconds=30)


def test_a_long_queue_does_not_hold_the_others(url: str, start_errands: Any, settings: Any) -> None:
    errands = start_errands(url)
    errands.hold()
    with broker_at(url, settings):
        put(*range(50), queue="cpu")
        put(99, queue="gpu")
        assert flush()
    errands.start_worker("--queues", "cpu")
    errands.start_worker("--queues", "gpu")
    errands.wait("begun", {0, 99}, seconds=30)
    assert len(errands.count("begun")) == 2  # one at a time: the rest lies where another worker finds it
    errands.release()


@SLOW
def test_a_killed_workers_message_is_back_in_time(url: str, start_errands: Any, settings: Any) -> None:
    errands = start_errands(url)
    errands.hold()
    victim = errands.start_worker()
    with broker_at(url, settings):
        put(7)
        assert flush()
    errands.wait("begun", {7}, seconds=30)
    end(victim, signal.SIGKILL)
    errands.release()
    errands.start_worker()
    assert errands.wait("done", {7}, seconds=DEAD_SECONDS + 5) < DEAD_SECONDS
    assert errands.count("begun") == {7: 2}


def test_a_worker_that_ends_in_order_leaves_its_queue_to_others(url: str, start_errands: Any, settings: Any) -> None:
    errands = start_errands(url)
    first = errands.start_worker()
    with broker_at(url, settings):
        put(1)
        errands.wait("done", {1}, seconds=30)
        end(first, signal.SIGTERM)
        put(2)
        assert flush()
    errands.start_worker()
    errands.wait("done", {2}, seconds=DEAD_SECONDS)
    assert errands.count("begun") == {1: 1, 2: 1}


def test_nothing_is_lost_while_the_server_is_killed_and_started_again(
    own_server: Server, start_errands: Any, settings: Any
) -> None:
    errands = start_errands(own_server.url)
    errands.start_worker()
    with broker_at(own_server.url, settings):
        put(*range(20))
        errands.wait("done", set(range(20)), seconds=30)
        put(*range(20, 40))
        own_server.engine.kill()
        start = time.monotonic()
        put(*range(40, 60))
        assert time.monotonic() - start < 0.1
        own_server.restart()
        put(*range(60, 80))
        errands.wait("done", set(range(80)), seconds=45)


def test_a_server_that_falls_silent_holds_up_nobody(own_server: Server, start_errands: Any, settings: Any) -> None:
    errands = start_errands(own_server.url)
    errands.start_worker()
    with broker_at(own_server.url, settings):
        put(1)
        errands.wait("done", {1}, seconds=30)
        with own_server.paused():
            start = time.monotonic()
            put(2, 3)
            assert not flush(0.5)
            assert time.monotonic() - start < 1
        errands.wait("done", {1, 2, 3}, seconds=30)


def test_the_last_messages_of_a_process_leave_before_it_ends(url: str, start_errands: Any) -> None:
    errands = start_errands(url)
    errands.start_worker()
    subprocess.run([sys.executable, "-c", PUT_AND_END, url], cwd=ROOT, check=True, timeout=20)
    errands.wait("done", set(range(5)), seconds=30)


PUT_AND_END = """
import sys, dramatiq
from catalog.sender import Message, sender
from infra.broker import make_broker
dramatiq.set_broker(make_broker(sys.argv[1]))
for pk in range(5):
    sender().put(Message("prepare", "cpu", pk))
"""


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_process_ends_in_time_although_the_broker_is_silent(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"{scheme}://127.0.0.1:{silent.getsockname()[1]}/"
        begun = time.monotonic()
        subprocess.run([sys.executable, "-c", PUT_AND_END.replace("range(5)", "()"), url], cwd=ROOT, check=True)
        empty_handed = time.monotonic() - begun
        begun = time.monotonic()
        subprocess.run([sys.executable, "-c", PUT_AND_END, url], cwd=ROOT, check=True, timeout=20)
        assert time.monotonic() - begun - empty_handed < 4


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_silent_broker_is_given_up_in_time(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        start = time.monotonic()
        with pytest.raises(Exception, match=r"no AMQP|[Tt]imeout"):
            ping_broker(f"{scheme}://127.0.0.1:{silent.getsockname()[1]}/")
        assert time.monotonic() - start < 3


def test_what_a_worker_sends_while_it_ends_reaches_another(url: str, start_errands: Any) -> None:
    errands = start_errands(url)
    (errands.folder / "last").touch()
    first = errands.start_worker("--queues", "cpu")
    errands.wait_until_ready()
    end(first, signal.SIGTERM)
    errands.start_worker("--queues", "gpu")
    errands.wait("done", set(range(60)), seconds=30)


@SLOW
class TestRabbitmq:
    """What only its clients have to mind."""

    def test_requests_share_one_connection_that_is_closed_in_the_end(self, rabbitmq: Server, settings: Any) -> None:
        empty(rabbitmq.url)
        with broker_at(rabbitmq.url, settings):
            threads = [threading.Thread(target=put, args=(pk,)) for pk in range(50)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert flush()
            (port,) = ports_to(rabbitmq.engine.ports["amqp"])
        assert ports_to(rabbitmq.engine.ports["amqp"]) == []
        time.sleep(0.5)
        (closed,) = [
            line for line in rabbitmq.log().splitlines() if f"127.0.0.1:{port} ->" in line and "closing" in line
        ]
        assert "[info]" in closed, closed
        with closing(pika.BlockingConnection(pika.URLParameters(rabbitmq.url))) as connection:
            assert connection.channel().queue_declare("cpu", passive=True).method.message_count == 50

    def test_a_worker_leaves_no_connection_that_nobody_reads(
        self, rabbitmq: Server, start_errands: Any, settings: Any
    ) -> None:
        empty(rabbitmq.url)
        before = len(rabbitmq.log())
        errands = start_errands(f"{rabbitmq.url}/?heartbeat=2")
        worker = errands.start_worker()
        with broker_at(rabbitmq.url, settings):
            put(1)
            errands.wait("done", {1}, seconds=30)
        time.sleep(8)  # some heartbeats
        end(worker, signal.SIGTERM)
        time.sleep(0.5)
        news = rabbitmq.log()[before:]
        assert "missed heartbeats" not in news, news
        assert "unexpectedly" not in news, news
        assert "[error]" not in news, news

    def test_a_queue_that_the_server_has_lost_is_made_again(self, rabbitmq: Server, settings: Any) -> None:
        empty(rabbitmq.url)
        with broker_at(rabbitmq.url, settings):
            put(1)
            assert flush()
            empty(rabbitmq.url)
            put(2)
            assert flush()
        with closing(pika.BlockingConnection(pika.URLParameters(rabbitmq.url))) as connection:
            assert connection.channel().queue_declare("cpu", passive=True).method.message_count == 1

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda url: url.replace("guest:guest", "guest:wrong"), "refuses this user or password"),
            (lambda url: f"{url}/nowhere", "virtual host"),
        ],
    )
    def test_what_is_wrong_is_said(self, rabbitmq: Server, change: Callable[[str], str], words: str) -> None:
        ping_broker(rabbitmq.url)
        with pytest.raises(Exception, match=words):
            ping_broker(change(rabbitmq.url))


def test_dramatiq_knows_the_broker_by_its_scheme(url: str, settings: Any) -> None:
    with broker_at(url, settings) as broker:
        assert type(broker).__name__ == {"redis": "RedisBroker", "amqp": "Rabbitmq"}[url.partition(":")[0]]
        assert dramatiq.get_broker() is broker
