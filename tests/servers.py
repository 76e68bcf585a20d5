"""Debian's Redis and RabbitMQ for tests, as processes of ours on free ports of the loopback address

    sudo infra/brokers.sh

installs both; nothing here asks a service manager, and nothing is left behind: each process is ended by its id.
"""

import os
import secrets
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from infra.engines import valkey
from infra.engines.engine import LOOPBACK, Engine, free_ports, launch, private_folder

SCRIPTS = Path("/usr/lib/rabbitmq/bin")
"""The packages' scripts in /usr/sbin change to another user first."""

NO_BROKERS = "no {} here: run infra/brokers.sh (Debian: apt-get install redis-server rabbitmq-server)"


def start_redis(folder: Path, port: int = 0) -> Engine:
    """Run Debian's Redis with its data in `folder`; `url` has no database number."""
    server = shutil.which("redis-server")
    assert server, NO_BROKERS.format("Redis")
    port = port or free_ports(1)[0]
    command = [server, "--bind", LOOPBACK, "--port", str(port), "--dir", str(private_folder(folder))]
    command += ["--appendonly", "yes", "--appendfsync", "everysec", "--save", ""]
    return launch(
        "redis",
        command,
        folder=folder,
        url=f"redis://{LOOPBACK}:{port}",
        ports={"redis": port},
        is_ready=lambda: _says(port, b"PING\r\n", b"+PONG"),
    )


@dataclass
class Server:
    """A broker that may be ended and started again at the same address, with what it has kept."""

    begin: Callable[[], Engine]
    folder: Path
    engine: Engine = field(init=False)

    def __post_init__(self) -> None:
        self.engine = self.begin()

    @property
    def url(self) -> str:
        """Its address."""
        return self.engine.url

    def restart(self) -> None:
        """End it as a power cut would, if that has not happened, and start it again."""
        self.engine.kill()
        self.engine = self.begin()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Its connections stay, and it says nothing."""
        os.kill(self.engine.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.engine.pid, signal.SIGCONT)

    def log(self) -> str:
        """What RabbitMQ has written about its connections and troubles."""
        return "".join(path.read_text(errors="replace") for path in sorted((self.folder / "log").glob("*.log")))


@contextmanager
def server(name: str, folder: Path, **options: Any) -> Iterator[Server]:
    """A running "valkey", "redis" or "rabbitmq" with its data in `folder`."""
    if name == "rabbitmq":
        with rabbitmq_in(folder, **options) as begin:
            started = Server(begin, folder)
            yield started
            started.engine.kill()
        return
    (port,) = free_ports(1)
    start = {"valkey": valkey.start, "redis": start_redis}[name]
    started = Server(lambda: start(folder, port), folder)
    yield started
    started.engine.kill()


@contextmanager
def rabbitmq_in(folder: Path, *, consumer_timeout_ms: int = 1_800_000) -> Iterator[Callable[[], Engine]]:
    """What starts a RabbitMQ in `folder`, and the table of names that Erlang wants beside it."""
    assert SCRIPTS.is_dir() and shutil.which("epmd"), NO_BROKERS.format("RabbitMQ")
    amqp, distribution, names = free_ports(3)
    configure(folder, amqp, consumer_timeout_ms)
    epmd = launch(
        "epmd",
        ["epmd", "-address", LOOPBACK, "-port", str(names)],
        folder=folder,
        url="",
        ports={"names": names},
        is_ready=lambda: _says(names, b"", b""),
    )
    environ = {
        "HOME": folder,  # Erlang's cookie lies there
        "RABBITMQ_NODENAME": f"plinth{amqp}@localhost",
        "RABBITMQ_CONFIG_FILE": folder / "rabbitmq.conf",
        "RABBITMQ_ADVANCED_CONFIG_FILE": folder / "advanced.config",
        "RABBITMQ_ENABLED_PLUGINS_FILE": folder / "enabled_plugins",
        "RABBITMQ_MNESIA_BASE": folder / "mnesia",
        "RABBITMQ_LOG_BASE": folder / "log",
        "RABBITMQ_DIST_PORT": distribution,
        "ERL_EPMD_PORT": names,
        "ERL_EPMD_ADDRESS": LOOPBACK,
        "RABBITMQ_ALLOW_INPUT": "true",  # or a shell would run the server, and be what a signal reaches
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-noinput -kernel inet_dist_use_interface {127,0,0,1} +S 1:1",
    }
    variables = [f"{name}={value}" for name, value in environ.items()]
    try:
        yield lambda: launch(
            "rabbitmq",
            ["/usr/bin/env", *variables, str(SCRIPTS / "rabbitmq-server")],
            folder=folder,
            url=f"amqp://guest:guest@{LOOPBACK}:{amqp}",
            ports={"amqp": amqp, "distribution": distribution},
            is_ready=lambda: _says(amqp, b"AMQP\0\0\x09\x01", b"\x01"),
            seconds=120,
        )
    finally:
        epmd.kill()


def configure(folder: Path, port: int, consumer_timeout_ms: int) -> None:
    """Write RabbitMQ's files: on loopback alone, with little memory."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rabbitmq.conf").write_text(
        f"listeners.tcp.1 = {LOOPBACK}:{port}\nlog.console = false\nlog.file.level = info\n"
        "vm_memory_high_watermark.absolute = 512MB\ndisk_free_limit.absolute = 50MB\n"
        f"consumer_timeout = {consumer_timeout_ms}\n"
    )
    tick = min(60_000, consumer_timeout_ms // 2)  # how often it looks for consumers that are late
    (folder / "advanced.config").write_text(f"[{{rabbit, [{{channel_tick_interval, {tick}}}]}}].\n")
    (folder / "enabled_plugins").write_text("[].\n")
    cookie = folder / ".erlang.cookie"
    cookie.write_text(secrets.token_hex(16))
    cookie.chmod(0o400)


def ports_to(port: int, process: psutil.Process | None = None) -> list[int]:
    """That process's own ends of its connections to a server, or this process's."""
    found = (process or psutil.Process()).net_connections(kind="tcp")
    open_ones = [each for each in found if each.raddr and each.status == psutil.CONN_ESTABLISHED]
    return [each.laddr.port for each in open_ones if each.raddr.port == port]


def _says(port: int, question: bytes, answer: bytes) -> bool:
    try:
        with socket.create_connection((LOOPBACK, port), 1) as connection:
            connection.settimeout(1)
            connection.sendall(question)
            return not answer or connection.recv(64).startswith(answer)
    except OSError:
        return False
