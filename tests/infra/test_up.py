"""`manage.py up` with real processes: starts, restarts, stops, and finds everything again."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import requests

from infra.addresses import read_kept
from infra.engines.engine import free_ports


class Run:
    """One `manage.py up` and what it has printed so far."""

    def __init__(self, root: Path, environ: dict[str, str], *options: str) -> None:
        self.data = Path(environ["DATA_FOLDER"])
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "up", *options],
            cwd=root,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        with self.process.stdout as output:
            self.lines.extend(line.rstrip() for line in iter(output.readline, ""))

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def wait_for(self, text: str, seconds: float = 60, times: int = 1) -> str:
        """The line with that text."""
        end = time.monotonic() + seconds
        while len(found := [line for line in self.lines if text in line]) < times:
            assert self.process.poll() is None or self.reader.is_alive(), self.text
            assert time.monotonic() < end, f"no {text!r} in:\n{self.text}"
            time.sleep(0.05)
        return found[-1]

    @property
    def url(self) -> str:
        found = re.search(r"http://127\.0\.0\.1:\d+", self.wait_for("ready: http"))
        assert found
        return found[0]

    @property
    def pids(self) -> list[int]:
        return [pid for pid, _ in read_kept(self.data).processes]

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        status = self.process.wait(40)
        self.reader.join(20)
        return status


def runs(pid: int) -> bool:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def wait_until(true: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.05)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """The demo's settings with a folder and ports of the test's own."""
    broker, store = free_ports(2)
    return {
        "PATH": os.environ["PATH"],
        "DEMO": "true",
        "DATA_FOLDER": str(tmp_path),
        "DATABASE_URL": f"sqlite:{tmp_path / 'plinth.sqlite3'}",
        "BROKER_URL": f"redis://127.0.0.1:{broker}/0",
        "CACHE_URL": f"redis://127.0.0.1:{broker}/1",
        "S3_ENDPOINT_URL": f"http://127.0.0.1:{store}",
    }


@pytest.fixture
def up(root: Path, environ: dict[str, str]) -> Iterator[Callable[..., Run]]:
    """Start `manage.py up`; whatever still runs at the end is ended."""
    started: list[Run] = []

    def start(*options: str, **variables: str) -> Run:
        run = Run(root, {**environ, **variables}, "--port", str(free_ports(1)[0]), *options)
        started.append(run)
        return run

    yield start
    for run in started:
        if run.process.poll() is None:
            run.process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                run.process.wait(40)
        run.process.kill()
        run.process.wait()
        run.reader.join(20)


@pytest.mark.slow
def test_everything_starts_is_watched_and_ends_with_ctrl_c(up: Callable[..., Run]) -> None:
    run = up("--workers", "0")
    assert requests.get(f"{run.url}/readyz", timeout=10).status_code == 200
    names = [psutil.Process(pid).cmdline() for pid in run.pids]
    web = next(pid for pid, name in zip(run.pids, names, strict=True) if "uvicorn" in name)
    os.kill(web, signal.SIGKILL)
    run.wait_for("ended by SIGKILL; starting it again")
    wait_until(lambda: web not in run.pids and len(run.pids) == 4)
    wait_until(lambda: _answers(run.url))
    pids = run.pids
    assert run.end(signal.SIGINT) == 0
    assert not any(map(runs, pids))
    assert run.pids == []
    stopped = [line.split("|")[0].strip() for line in run.lines if line.endswith("| stopping")]
    assert stopped == ["dispatch", "web", "seaweedfs", "valkey"]


@pytest.mark.slow
def test_a_second_start_finds_everything_after_a_kill(up: Callable[..., Run], root: Path, environ: dict) -> None:
    run = up("--workers", "0")
    url, pids = run.url, run.pids
    again = subprocess.run(
        [sys.executable, "manage.py", "up"], cwd=root, env=environ, capture_output=True, text=True, timeout=60
    )
    assert again.returncode == 1
    assert f"it runs already, at {url}" in again.stderr
    run.end(signal.SIGKILL)
    start = time.monotonic()
    second = up("--workers", "0", "--port", url.rsplit(":", 1)[1])
    assert second.url == url
    assert time.monotonic() - start < 30
    assert not any(map(runs, pids))
    second.wait_for("store: found: the bucket")
    second.wait_for("no migrations applied")
    assert requests.get(f"{url}/readyz", timeout=10).status_code == 200


@pytest.mark.slow
def test_taken_ports_are_replaced_and_every_command_knows(
    up: Callable[..., Run], root: Path, environ: dict[str, str]
) -> None:
    unset = dict.fromkeys(("BROKER_URL", "CACHE_URL", "S3_ENDPOINT_URL"), "")
    with _taken(8379), _taken(8333):
        run = up("--workers", "0", **unset)
        assert requests.get(f"{run.url}/readyz", timeout=10).status_code == 200
        done = subprocess.run(
            [sys.executable, "manage.py", "doctor"],
            cwd=root,
            env={**environ, **unset},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout
        kept = read_kept(run.data).environ
        assert set(kept) == {"BROKER_URL", "CACHE_URL", "S3_ENDPOINT_URL"}
        assert run.end(signal.SIGTERM) == 0
        second = up("--workers", "0", **unset)
        assert second.url
        assert read_kept(run.data).environ == kept


def test_what_cannot_be_started_is_said_and_nothing_is_left(up: Callable[..., Run]) -> None:
    (port,) = free_ports(1)
    run = up("--workers", "0", BROKER_URL=f"amqp://guest:guest@127.0.0.1:{port}")
    assert run.process.wait(60) == 1
    run.reader.join()
    assert "nothing answers at BROKER_URL; only redis://" in run.text
    assert "Traceback" not in run.text
    assert run.pids == []


@pytest.mark.slow
def test_the_demo_can_be_entered_as_printed_and_makes_assets(up: Callable[..., Run]) -> None:
    run = up("--demo", "--workers", "1")
    curl = run.wait_for("| API ").split("| API ")[1].strip()
    listed = subprocess.run(curl, shell=True, capture_output=True, text=True, timeout=30)
    assert {product["sku"] for product in json.loads(listed.stdout)["results"]} >= {"mug", "coffee"}, listed
    login = re.search(r"log in +(\S+) with the password (\S+)", run.wait_for("log in"))
    assert login
    page = _log_in(run.url, login[1], login[2])
    assert page.count('class="sku"') == 7
    assert re.search(r"badge-(waiting|running)", page)

    ready = run.wait_for("| ready ", seconds=240).split()[-1]
    assert requests.get(ready, timeout=10).status_code == 200
    listed = subprocess.run(curl, shell=True, capture_output=True, text=True, timeout=30)
    shown = next(each for each in json.loads(listed.stdout)["results"] if each["published_version"])
    told = requests.get(run.url + shown["manifest"], timeout=10)
    assert (told.status_code, told.headers["Access-Control-Allow-Origin"]) == (200, "*")
    page = _log_in(run.url, login[1], login[2])
    poster = re.search(r'src="(http\S+/m/\S+/poster\.webp)"', page)
    assert poster
    assert requests.get(poster[1], timeout=10).headers["Content-Type"] == "image/webp"
    glb = requests.get(told.json()["files"]["model.glb"]["url"], timeout=10)
    assert (glb.status_code, glb.headers["Content-Type"], glb.content[:4]) == (200, "model/gltf-binary", b"glTF")

    members = [psutil.Process(run.process.pid), *psutil.Process(run.process.pid).children(recursive=True)]
    assert any("assets_pipeline.child" in each.cmdline() for each in members)
    run.end(signal.SIGKILL)
    wait_until(lambda: not any(runs(each.pid) for each in members), seconds=30)


def _log_in(url: str, email: str, password: str) -> str:
    """Where the login leads: the sample shop's products."""
    with requests.Session() as browser:
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', browser.get(f"{url}/sign-in", timeout=10).text)
        assert token
        form = {"username": email, "password": password, "csrfmiddlewaretoken": token[1]}
        answer = browser.post(f"{url}/sign-in", form, timeout=10)
        assert (answer.status_code, answer.url) == (200, f"{url}/shops/sample-shop/products/")
        return answer.text


def _answers(url: str) -> bool:
    with suppress(requests.RequestException):
        return requests.get(f"{url}/healthz", timeout=5).status_code == 200
    return False


def _taken(port: int) -> socket.socket:
    """Somebody else's server on that port; perhaps there is one already."""
    server = socket.socket()
    with suppress(OSError):
        server.bind(("127.0.0.1", port))
        server.listen()
    return server
