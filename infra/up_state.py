"""What one start of `manage.py up` finds of the one before, and leaves to the next: addresses, processes, the lock"""

import fcntl
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from infra.addresses import read_kept, write_kept
from infra.engines.engine import LOOPBACK, free_ports, is_free
from infra.env import Env
from infra.supervisor import Say

WAIT_SECONDS = 30


class CannotStart(Exception):
    """Something is in the way; the message says what to do."""


@contextmanager
def alone(data: Path) -> Iterator[None]:
    """Hold the folder: two at once would fight over its data. Raises CannotStart. The system lets go when we end."""
    data.mkdir(parents=True, exist_ok=True)
    with (data / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            port = read_kept(data).port
            raise CannotStart(f"it runs already, at http://{LOOPBACK}:{port} (its data is in {data})") from None
        yield


def wait_for_earlier(data: Path, say: Say) -> None:
    """Let the processes of an earlier run end that was killed: they were told to. Raises CannotStart."""
    kept, end = read_kept(data).processes, time.monotonic() + WAIT_SECONDS
    if any(map(_runs, kept)):
        say("plinth", "waiting for the processes of an earlier run to end")
    while left := [pid for pid, created in kept if _runs((pid, created))]:
        if time.monotonic() > end:
            pids = ", ".join(map(str, left))
            raise CannotStart(f"processes of an earlier run hold the data in {data}; end them first: {pids}")
        time.sleep(0.1)


def keep_processes(data: Path) -> Callable[[Sequence["subprocess.Popen[bytes]"]], None]:
    """For the supervisor's `note`: write down which processes run."""

    def note(processes: Sequence["subprocess.Popen[bytes]"]) -> None:
        alive = []
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                alive.append((process.pid, psutil.Process(process.pid).create_time()))
        write_kept(data, replace(read_kept(data), processes=tuple(alive)))

    return note


def choose_addresses(env: Env, is_set: Callable[[str], bool]) -> Mapping[str, str]:
    """New addresses for engines whose default port somebody else has: variables, empty when all is well.

    What was set on purpose is never moved.
    """
    moved: dict[str, str] = {}
    if not is_set("BROKER_URL") and not is_free(urlsplit(env.broker_url.reveal()).port or 6379):
        port = free_ports(1)[0]
        moved["BROKER_URL"] = f"redis://{LOOPBACK}:{port}/0"
        if not is_set("CACHE_URL"):
            moved["CACHE_URL"] = f"redis://{LOOPBACK}:{port}/1"
    store = urlsplit(env.s3_endpoint_url)
    if store.hostname and not is_set("S3_ENDPOINT_URL") and not is_free(store.port or 80):
        moved["S3_ENDPOINT_URL"] = f"http://{LOOPBACK}:{free_ports(1)[0]}"
    return moved


def keep_addresses(data: Path, moved: Mapping[str, str]) -> None:
    """Remember them for the next start, and for every other command."""
    kept = read_kept(data)
    write_kept(data, replace(kept, environ={**kept.environ, **moved}))


def choose_port(data: Path, wanted: int) -> int:
    """The web process's port: the one wanted, else that of the last start, else 8000, else a free one; kept.

    Raises CannotStart when the one that was wanted is taken.
    """
    if wanted and not is_free(wanted):
        raise CannotStart(f"port {wanted} is taken; choose another with --port")
    candidates = (wanted, read_kept(data).port, 8000)
    port = next((port for port in candidates if port and is_free(port)), 0) or free_ports(1)[0]
    write_kept(data, replace(read_kept(data), port=port))
    return port


def _runs(kept: tuple[int, float]) -> bool:
    """Whether that process itself still runs, not another that got its number later."""
    pid, created = kept
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return abs(process.create_time() - created) < 1 and process.status() != psutil.STATUS_ZOMBIE
    return False
