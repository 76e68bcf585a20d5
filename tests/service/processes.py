"""The whole service as an operator runs it: real engines, web, dispatcher and workers, each a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import requests

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    """A port of loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(true: Callable[[], object], *, seconds: float, what: str) -> None:
    """Ask again until `true()`; fails with `what` after `seconds`."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(0.1)


@dataclass
class Service:
    """One running service. environ: what every process of it is started with. url: the web process's address."""

    environ: dict[str, str]
    logs: Path
    url: str = ""
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        """Start a process in a group of its own; its output goes to a file."""
        with (self.logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *command], cwd=ROOT, env=self.environ, stdout=log, stderr=log, start_new_session=True
            )
        self.processes[name] = process
        return process

    def start_web(self) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.start(
            "web",
            "-m",
            "uvicorn",
            "infra.asgi:application",
            "--port",
            str(port),
            "--log-level",
            "warning",
        )
        wait_until(self.answers, seconds=60, what=f"web answers\n{self.tail('web')}")

    def start_dispatcher(self) -> None:
        self.start("dispatch", "manage.py", "dispatch")

    def start_worker(self, name: str) -> subprocess.Popen[bytes]:
        return self.start(name, "-m", "dramatiq", "assets_pipeline.worker", "--processes", "1", "--threads", "1")

    def manage(self, *arguments: str) -> str:
        """Run one command of manage.py to its end and return what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=self.environ, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/healthz", timeout=2).status_code == 200
        except (requests.ConnectionError, requests.Timeout):
            return False

    def tail(self, name: str) -> str:
        """The last lines that the process wrote."""
        log = self.logs / f"{name}.log"
        return "\n".join(log.read_text(errors="replace").splitlines()[-30:]) if log.exists() else ""

    def has_process(self, name: str, pid: int) -> bool:
        """Whether `pid` is one of that process's children."""
        return pid in {child.pid for child in psutil.Process(self.processes[name].pid).children(recursive=True)}

    def kill(self, name: str) -> None:
        """kill -9, the process and all its children, as a machine that goes away does: none learns of another's end."""
        process = self.processes.pop(name)
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        for member in family:
            member.suspend()
        for member in family:
            member.kill()
        process.wait()

    def stop(self, name: str) -> None:
        """Ask to end; fails when it takes more than 15 s."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def running(environ: dict[str, str], logs: Path) -> Iterator[Service]:
    """A migrated service with web and dispatcher, without workers; everything it started is ended at the end."""
    service = Service({"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **environ}, logs)
    try:
        service.manage("migrate", "--verbosity", "0")
        service.manage("setup_storage")
        service.start_web()
        service.start_dispatcher()
        yield service
    finally:
        for name in list(service.processes):
            service.stop(name)
