"""Services as processes: started in order, watched, started again when they end, stopped in reverse order

For one machine without systemd or containers. It ends only what it started itself.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType

LONGEST_WAIT_SECONDS = 60
"""Between two attempts to start what ends at once."""

STEADY_SECONDS = 30
"""What ran that long is started again at once, as after its first end."""

STOP_SECONDS = 15
"""For services that were asked to end: workers hand their jobs back within ten."""

LOOK_SECONDS = 0.2

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(BaseException):
    """Somebody pressed Ctrl-C, closed the terminal or asked us to end."""


Say = Callable[[str, str], None]
"""Called with a service's name and one line; from several threads."""


@dataclass(frozen=True)
class Service:
    """Something to keep running. start: returns once it is on its way, raises when that failed.

    last: ends only after everything that does not, because the others need it.
    """

    name: str
    start: Callable[[], "subprocess.Popen[bytes]"]
    last: bool = False


@dataclass
class Watched:
    """A service and its present process. ends: how often in a row it ended soon. again_at: when to start it again."""

    service: Service
    process: "subprocess.Popen[bytes]"
    since: float
    ends: int = 0
    again_at: float | None = None

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        return not has_ended(self.process)


@dataclass
class Supervisor:
    """See the module's own words. Everything here belongs to the main thread, but for `say`.

    note: called with the processes whenever they have changed.
    """

    say: Say
    note: Callable[["Sequence[subprocess.Popen[bytes]]"], None]
    watched: list[Watched] = field(default_factory=list)
    hurry: bool = False

    def start(self, service: Service) -> None:
        """Start it and keep it running from now on. Raises what its own start raises."""
        self.watched.append(Watched(service, self._launch(service), time.monotonic()))
        self._note()

    def watch(self, meanwhile: Callable[[], None]) -> None:
        """Keep everything running until StopRequested; call `meanwhile` every now and then."""
        while True:
            for each in self.watched:
                self._look_after(each)
            meanwhile()
            time.sleep(LOOK_SECONDS)

    def stop(self) -> None:
        """End everything that was started: ask, wait, and end by force what has not ended by then."""
        for last in (False, True):
            group = [each for each in reversed(self.watched) if each.service.last is last]
            for each in group:
                if each.alive:
                    self.say(each.service.name, "stopping")
                    os.kill(each.process.pid, signal.SIGTERM)
            end = time.monotonic() + STOP_SECONDS
            while any(each.alive for each in group) and time.monotonic() < end and not self.hurry:
                time.sleep(0.05)
            for each in group:
                if each.alive:
                    self.say(each.service.name, "did not end when asked: ended by force")
                end_group(each.process)
        self.watched.clear()
        self._note()

    def _look_after(self, each: Watched) -> None:
        now = time.monotonic()
        if each.again_at is None and not each.alive:
            end_group(each.process)  # what it left behind would be in the next one's way
            each.ends = 1 if now - each.since > STEADY_SECONDS else each.ends + 1
            self._try_later(each, f"ended {_how(each.process.returncode)}")
        elif each.again_at is not None and now >= each.again_at:
            try:
                each.process = self._launch(each.service)
            except Exception as error:
                each.ends += 1
                self._try_later(each, f"did not start: {error}")
            else:
                each.since, each.again_at = time.monotonic(), None
                self._note()

    def _try_later(self, each: Watched, what: str) -> None:
        seconds = min(0.5 * 2 ** (each.ends - 1), LONGEST_WAIT_SECONDS)
        each.again_at = time.monotonic() + seconds
        self.say(each.service.name, f"{what}; starting it again in {seconds:g} s")

    def _launch(self, service: Service) -> "subprocess.Popen[bytes]":
        process = service.start()
        if process.stdout:
            threading.Thread(target=_pass_on, args=(service.name, process, self.say), daemon=True).start()
        return process

    def _note(self) -> None:
        self.note([each.process for each in self.watched])


@contextmanager
def stopping_on_signals(supervisor: Supervisor) -> Iterator[None]:
    """Within the block, signals raise StopRequested; at its end everything is stopped, at once on a second signal."""

    def first(number: int, _: FrameType | None) -> None:
        for each in heard:
            signal.signal(each, second)
        supervisor.say("plinth", f"{signal.Signals(number).name}: stopping everything; once more to stop at once")
        raise StopRequested

    def second(number: int, _: FrameType | None) -> None:
        supervisor.hurry = True

    heard = [each for each in SIGNALS if each is not signal.SIGHUP or signal.getsignal(each) is not signal.SIG_IGN]
    before = {each: signal.signal(each, first) for each in heard}  # nohup stays what it is
    try:
        yield
    except StopRequested:
        pass
    finally:
        for each in heard:
            signal.signal(each, second)
        supervisor.stop()
        for each, handler in before.items():
            signal.signal(each, handler)


def has_ended(process: "subprocess.Popen[bytes]") -> bool:
    """Whether it has ended, without collecting it: until then nobody else gets its process id."""
    if process.returncode is not None:
        return True
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def end_group(process: "subprocess.Popen[bytes]") -> None:
    """End by force the process and whatever is left in its group, which we made for it."""
    if process.returncode is None:  # else the number may be another's by now
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _pass_on(name: str, process: "subprocess.Popen[bytes]", say: Say) -> None:
    assert process.stdout is not None, "asked before"
    with process.stdout as lines:
        for line in lines:
            say(name, line.decode(errors="replace").rstrip())


def _how(status: int) -> str:
    return f"by {signal.Signals(-status).name}" if status < 0 else f"with exit status {status}"
