"""Real processes are started, watched, started again and ended; nothing else is."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from infra.children import start_child
from infra.supervisor import Service, StopRequested, Supervisor

PATIENT = "import time\nprint('here', flush=True)\ntime.sleep(600)"
STUBBORN = f"import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n{PATIENT}"
PARENT = f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {PATIENT!r}])\n{PATIENT}"


def python(script: str, folder: Path) -> Callable[[], "subprocess.Popen[bytes]"]:
    return lambda: start_child([sys.executable, "-c", script], folder=folder)


def wait_until(true: Callable[[], object], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.02)


class Told:
    """What the supervisor said, and the processes that it noted."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self.pids: list[int] = []

    def say(self, name: str, line: str) -> None:
        self.lines.append((name, line))

    def note(self, processes: object) -> None:
        self.pids = [process.pid for process in processes]  # type: ignore[attr-defined]

    def said(self, text: str) -> int:
        return sum(text in line for _, line in self.lines)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def supervisor(told: Told) -> Iterator[Supervisor]:
    supervisor = Supervisor(told.say, told.note)
    yield supervisor
    supervisor.hurry = True
    supervisor.stop()


def watch(supervisor: Supervisor, until: Callable[[], object], seconds: float = 20) -> None:
    """Watch until it is true."""
    end = time.monotonic() + seconds

    def stop_then() -> None:
        assert time.monotonic() < end, "not in time"
        if until():
            raise StopRequested

    with pytest.raises(StopRequested):
        supervisor.watch(stop_then)


def test_what_a_service_prints_is_passed_on_under_its_name(supervisor: Supervisor, told: Told, tmp_path: Path) -> None:
    supervisor.start(Service("talker", python(f"print('a\\nb')\n{PATIENT}", tmp_path)))
    supervisor.start(
        Service("other", python(f"import sys\nsys.stderr.buffer.write(b'c\\xff\\n')\n{PATIENT}", tmp_path))
    )
    watch(supervisor, lambda: told.said("here") == 2)
    assert [line for name, line in told.lines if name == "talker"] == ["a", "b", "here"]
    assert [line for name, line in told.lines if name == "other"] == ["c\N{REPLACEMENT CHARACTER}", "here"]


def test_a_killed_service_is_started_again(supervisor: Supervisor, told: Told, tmp_path: Path) -> None:
    supervisor.start(Service("patient", python(PATIENT, tmp_path)))
    first = told.pids[0]
    wait_until(lambda: told.said("here"))
    os.kill(first, signal.SIGKILL)
    watch(supervisor, lambda: told.said("here") == 2)
    assert told.said("ended by SIGKILL; starting it again in 0.5 s") == 1
    assert told.pids != [first]
    assert psutil.pid_exists(told.pids[0])


def test_what_ends_at_once_is_tried_less_and_less_often(supervisor: Supervisor, told: Told, tmp_path: Path) -> None:
    supervisor.start(Service("broken", python("raise SystemExit(3)", tmp_path)))
    watch(supervisor, lambda: told.said("ended with exit status 3") == 3)
    waits = [line.split("again in ")[1] for _, line in told.lines]
    assert waits == ["0.5 s", "1 s", "2 s"]


def test_a_start_that_fails_later_is_tried_again(supervisor: Supervisor, told: Told, tmp_path: Path) -> None:
    tries = iter([python("raise SystemExit(1)", tmp_path), None, python(PATIENT, tmp_path)])

    def start() -> "subprocess.Popen[bytes]":
        attempt = next(tries)
        if attempt is None:
            raise OSError("no room")
        return attempt()

    supervisor.start(Service("moody", start))
    watch(supervisor, lambda: told.said("here"))
    assert told.said("did not start: no room; starting it again in 1 s") == 1


def test_what_a_dead_service_left_behind_is_ended_before_the_next_one(
    supervisor: Supervisor, told: Told, tmp_path: Path
) -> None:
    supervisor.start(Service("parent", python(PARENT, tmp_path)))
    wait_until(lambda: told.said("here") == 2)
    (child,) = psutil.Process(told.pids[0]).children()
    os.kill(told.pids[0], signal.SIGKILL)
    watch(supervisor, lambda: told.said("here") == 4)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_stopping_ends_the_others_before_the_last_ones(supervisor: Supervisor, told: Told, tmp_path: Path) -> None:
    wait = "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(print('bye')))\n" + PATIENT
    supervisor.start(Service("engine", python(wait, tmp_path), last=True))
    supervisor.start(Service("web", python(wait, tmp_path)))
    supervisor.start(Service("worker", python(wait, tmp_path)))
    wait_until(lambda: told.said("here") == 3)
    pids = told.pids
    supervisor.stop()
    wait_until(lambda: told.said("bye") == 3)
    stops = [name for name, line in told.lines if line == "stopping"]
    assert stops == ["worker", "web", "engine"]
    assert told.lines.index(("web", "bye")) < told.lines.index(("engine", "stopping"))
    assert not any(map(psutil.pid_exists, pids))
    assert told.pids == []


def test_what_will_not_end_is_ended_by_force(
    supervisor: Supervisor, told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.supervisor.STOP_SECONDS", 0.3)
    supervisor.start(Service("stubborn", python(STUBBORN, tmp_path)))
    wait_until(lambda: told.said("here"))
    pid = told.pids[0]
    supervisor.stop()
    assert told.said("ended by force") == 1
    assert not psutil.pid_exists(pid)


SUPERVISED = """
import sys
from pathlib import Path
from infra.children import start_child
from infra.supervisor import Service, Supervisor, stopping_on_signals

def say(name, line):
    print(f"{name}: {line}", flush=True)

supervisor = Supervisor(say, lambda processes: say("pids", " ".join(str(each.pid) for each in processes)))
with stopping_on_signals(supervisor):
    for number, script in enumerate(sys.argv[1:]):
        supervisor.start(Service(f"s{number}", lambda: start_child([sys.executable, "-c", script], folder=Path())))
    supervisor.watch(lambda: None)
print("all stopped", flush=True)
"""


@pytest.fixture
def start_supervisor(root: Path) -> Iterator[Callable[..., "tuple[subprocess.Popen[str], list[int]]"]]:
    """Start a supervisor in a process of its own; it and its two services are here when this returns."""
    started: list[subprocess.Popen[str]] = []
    children: list[int] = []

    def start(*scripts: str) -> "tuple[subprocess.Popen[str], list[int]]":
        command = [sys.executable, "-c", SUPERVISED, *scripts]
        process = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True, start_new_session=True)
        started.append(process)
        assert process.stdout
        lines = []
        while sum("here" in line for line in lines) < len(scripts):
            lines.append(process.stdout.readline())
            assert lines[-1], lines
        pids = [int(pid) for pid in [line for line in lines if line.startswith("pids")][-1].split()[1:]]
        children.extend(pids)
        return process, pids

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout
        process.stdout.close()
    for pid in children:
        if psutil.pid_exists(pid):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_everything(start_supervisor: Callable, number: signal.Signals) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", PATIENT], stdout=subprocess.DEVNULL)
    try:
        process, pids = start_supervisor(PATIENT, PATIENT)
        process.send_signal(number)
        output = process.communicate(timeout=20)[0]
        assert "all stopped" in output
        assert process.returncode == 0
        assert not any(map(psutil.pid_exists, pids))
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_second_signal_ends_what_is_stubborn_at_once(start_supervisor: Callable) -> None:
    process, pids = start_supervisor(STUBBORN)
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    assert "ended by force" in process.communicate(timeout=20)[0]
    assert time.monotonic() - start < 5
    assert not psutil.pid_exists(pids[0])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children that their parent was killed")
def test_a_killed_supervisor_leaves_nobody_behind(start_supervisor: Callable) -> None:
    process, pids = start_supervisor(PATIENT, PATIENT)
    process.kill()
    wait_until(lambda: not any(_runs(pid) for pid in pids), seconds=5)


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
