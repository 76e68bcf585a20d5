"""The web process as operators run it, on this test's database"""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil
import requests

from tests.catalog.races import ROOT, child_environ


@dataclass(frozen=True)
class Web:
    """A running web process."""

    port: int
    process: psutil.Process

    def threads(self) -> int:
        return int(self.process.num_threads())

    def open_files(self, name: str) -> int:
        """How often it has a file open whose name begins with `name`."""
        return sum(file.path.startswith(name) for file in self.process.open_files())


@contextmanager
def web(log: Path, environ: Mapping[str, str]) -> Iterator[Web]:
    """uvicorn with the whole site; ended by its process id."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
    command = [sys.executable, "-m", "uvicorn", "infra.asgi:application", "--port", str(port)]
    options = ["--timeout-graceful-shutdown", "2", "--log-level", "warning"]
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*command, *options], cwd=ROOT, env=child_environ(**environ), stdout=file, stderr=file
        )
    try:
        wait_until_it_answers(process, port, log)
        yield Web(port, psutil.Process(process.pid))
    finally:
        os.kill(process.pid, signal.SIGTERM)
        process.wait(15)


def wait_until_it_answers(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end:
        try:
            if requests.get(f"http://127.0.0.1:{port}/healthz", timeout=5).status_code == 200:
                return
        except requests.ConnectionError:
            time.sleep(0.1)
    raise AssertionError(log.read_text())


@dataclass
class Event:
    """A server-sent event, or a comment (name "")."""

    name: str = ""
    id: str = ""
    data: Any = None
    comment: str = ""


@dataclass
class Stream:
    """A stream of server-sent events as a program reads it."""

    port: int
    path: str
    headers: dict[str, str]
    connection: http.client.HTTPConnection = field(init=False)
    answer: http.client.HTTPResponse = field(init=False)

    def __enter__(self) -> "Stream":
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        self.connection.request("GET", self.path, headers={"Accept": "text/event-stream", **self.headers})
        self.answer = self.connection.getresponse()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.answer.close()
        self.connection.close()

    @property
    def status(self) -> int:
        return self.answer.status

    def next(self) -> Event | None:
        """The next event or comment; None at the stream's end."""
        event, seen = Event(), False
        while line := self.answer.readline().decode():
            name, _, value = line.rstrip("\n").partition(": ")
            match name:
                case "event":
                    event.name, seen = value, True
                case "id":
                    event.id = value
                case "data":
                    event.data = json.loads(value)
                case "" if value:
                    event.comment, seen = value, True
                case "" if seen:
                    return event
        return None

    def until(self, name: str, **members: Any) -> Event:
        """The next event of that name whose data has these members."""
        while (event := self.next()) is not None:
            if event.name == name and all(event.data.get(key) == value for key, value in members.items()):
                return event
        raise AssertionError(f"the stream ended without {name} {members}")

    def rest(self) -> list[Event]:
        """All that come until the end."""
        return list(iter(self.next, None))
