"""Workers and a dispatcher as processes of their own, on this test's database, broker and store."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]
CHILD = "assets_pipeline.child"


def wait_until(true: Callable[[], Any], *, seconds: float, what: str) -> Any:
    """What `true()` returns once it holds; fails with `what` after `seconds`."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(0.02)
    return found


@dataclass
class Processes:
    """What runs beside the test. environ: what every process of it is started with."""

    environ: dict[str, str]
    logs: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, *command: str, **environ: str) -> subprocess.Popen[bytes]:
        """A Python process in a group of its own; its output goes to a file."""
        with (self.logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env=self.environ | environ,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.running[name] = process
        return process

    def start_worker(self, name: str = "worker-1", *options: str, **environ: str) -> subprocess.Popen[bytes]:
        """One dramatiq process, as it is started anywhere."""
        command = ("-m", "dramatiq", "assets_pipeline.worker", "--processes", "1", "--threads", "1", *options)
        return self.start(name, *command, **environ)

    def start_dispatcher(self) -> None:
        self.start("dispatch", "manage.py", "dispatch")

    def tree(self, name: str) -> list[psutil.Process]:
        """The process and all below it."""
        root = psutil.Process(self.running[name].pid)
        return [root, *root.children(recursive=True)]

    def child(self, name: str = "worker-1") -> psutil.Process | None:
        """The process that does the worker's tasks."""
        return next((each for each in self.tree(name) if CHILD in each.cmdline()), None)

    def kill(self, name: str) -> list[psutil.Process]:
        """kill -9, dramatiq's processes only: what they started has to notice by itself. Returns that."""
        own = [each for each in self.tree(name) if "dramatiq" in each.cmdline() or each.pid == self.running[name].pid]
        others = [each for each in self.tree(name) if each not in own]
        for each in own:
            each.kill()
        self.running.pop(name).wait(10)
        return others

    def stop(self, name: str) -> float:
        """Ask to end; returns the seconds that took."""
        process = self.running.pop(name)
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)
        return time.monotonic() - begun

    def log(self, name: str) -> str:
        """What the process has written."""
        return (self.logs / f"{name}.log").read_text(errors="replace")


@contextmanager
def beside(environ: dict[str, str], logs: Path) -> Iterator[Processes]:
    """A dispatcher, and room for workers; everything is ended at the end, and the logs are printed if a test fails."""
    database = {"DATABASE_URL": f"sqlite:{connection.settings_dict['NAME']}"}
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    processes = Processes(kept | environ | database, logs)
    try:
        processes.start_dispatcher()
        yield processes
    finally:
        for name in list(processes.running):
            processes.stop(name)
        for log in sorted(logs.glob("*.log")):
            print(f"--- {log.name}\n{log.read_text(errors='replace')[-6000:]}")
