"""a program of somebody else's -> a running server of ours: started, found ready, ended by its own process id"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.children import die_with_parent

LOOPBACK = "127.0.0.1"

LONGEST_LOG_BYTES = 10 * 1_048_576
"""Of what an engine writes; as much of what it wrote before that is kept."""


class EngineMissing(Exception):
    """The engine's package is not installed; the message says which."""


class EngineFailed(Exception):
    """The engine ended or stayed silent instead of getting ready; the message ends with what it wrote last."""


@dataclass(frozen=True)
class Engine:
    """A running server. `ports` by name; whoever started it ends it with `stop`."""

    name: str
    url: str
    ports: Mapping[str, int]
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def stop(self, seconds: float = 10) -> None:
        """Ask it to end, wait that long, then end it: no engine loses what it has acknowledged. May be called twice."""
        if self.alive():
            self.process.terminate()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        if self.alive():
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def launch(
    name: str,
    command: Sequence[str],
    *,
    folder: Path,
    url: str,
    ports: Mapping[str, int],
    is_ready: Callable[[], bool],
    seconds: float = 30,
) -> Engine:
    """Start `command` in `folder` and wait until `is_ready`; what it prints goes to `name`.log there.

    It gets a process group of its own: Ctrl-C reaches us alone, and we decide in which order things end. On Linux it
    ends with the thread that calls this. Raises EngineFailed.
    """
    taken = [port for port in ports.values() if not is_free(port)]
    if taken:  # or another server would answer for ours
        raise EngineFailed(f"{name} cannot listen on port {taken[0]} of {LOOPBACK}: something else does")
    log = folder / f"{name}.log"
    shorten_log(log)
    with log.open("ab") as output:
        start = output.tell()
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={"PATH": os.defpath, "HOME": str(folder)},  # nothing of its user's own configuration
            preexec_fn=die_with_parent(),  # noqa: PLW1509 - prctl alone, bound before the fork
        )
    engine = Engine(name, url, dict(ports), log, process)
    end = time.monotonic() + seconds
    try:
        while engine.alive() and time.monotonic() < end:
            if is_ready():
                return engine
            time.sleep(0.02)
    except BaseException:
        engine.kill()
        raise
    engine.kill()
    raise EngineFailed(f"{name} did not get ready; it wrote:\n{_last_lines(log, start)}")


def shorten_log(log: Path) -> None:
    """Once it is too long, move what it says to `….log.1` and empty it; an engine that runs goes on writing to it.

    Engines append, so what they write next stands at its beginning. A line written at this very moment may be lost.
    """
    if log.exists() and log.stat().st_size > LONGEST_LOG_BYTES:
        shutil.copyfile(log, log.with_name(f"{log.name}.1"))
        os.truncate(log, 0)


def private_folder(folder: Path) -> Path:
    """`folder`, made if need be, which only we may enter."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder.absolute()


def free_ports(number: int) -> list[int]:
    """Ports of the loopback address that nobody listens on at this moment."""
    sockets = [socket.socket() for _ in range(number)]
    try:
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def is_free(port: int) -> bool:
    """Whether nobody listens on that port of the loopback address at this moment."""
    with socket.socket() as each:
        each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: closed connections do not count
        try:
            each.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _last_lines(log: Path, start: int) -> str:
    with log.open("rb") as file:
        file.seek(start)
        return "\n".join(file.read().decode(errors="replace").splitlines()[-15:]) or "(nothing)"
