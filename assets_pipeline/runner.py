"""One long-lived child process that runs tasks, as its parent sees it: sent tasks, watched, ended, started again

Never waits without an end: a reader thread takes what the child tells, and everything else looks at clocks. The child
decodes files that strangers sent, so it is not trusted with more than it needs: it gets few variables of the
environment, what it tells is read as `told.py` says, and a result counts only where it answers the task. It does hold
the key of the store, with which it reads and writes.

All that keeps secrets from code that reads its own environment or finds an open connection, and from lying in the
child's memory. It is no wall: the child has the worker's user id, and with it every file that this user may read.
"""

import contextlib
import ctypes
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import connection
from pathlib import Path
from typing import Any

import psutil

from assets_pipeline import tasks, told
from assets_pipeline.errors import Cancelled, InputRejected, Unavailable

log = logging.getLogger(__name__)

CODE = Path(__file__).resolve().parents[1]

TICK_SECONDS = 0.2
"""How often `tick` is called at least."""

LOOK_SECONDS = 0.5
"""How often the child's memory is looked at."""

START_SECONDS = 120.0
"""For the child to load what every task needs."""

CANCEL_SECONDS = 4.0
"""A task that was called off and goes on for longer is ended by force: some stages cannot be interrupted."""

KILL_SECONDS = 5.0

PR_SET_DUMPABLE = 4  # linux/prctl.h

LONGEST_MESSAGE_BYTES = 64 * 1_048_576

VARIABLES = frozenset({
    "PATH", "HOME", "USER", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "TEMP", "TMP", "XDG_CACHE_HOME",
    "LD_LIBRARY_PATH", "LD_PRELOAD", "PYTHONPATH", "PYTHONHASHSEED", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE",
    "PYTHONUTF8", "NODE_PATH", "NODE_OPTIONS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS", "NUMBA_CACHE_DIR", "CUDA_VISIBLE_DEVICES", "CUDA_HOME",
    "NVIDIA_VISIBLE_DEVICES", "PYTORCH_CUDA_ALLOC_CONF", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
})  # fmt: skip
"""Of the environment that the child gets. What else there is may be secret: passwords, tokens, a database's address.

The way to the store may lead through a proxy, whose address may hold a password: the child cannot do without.
"""

STORE_VARIABLES = "AWS_"
"""What the names begin with by which boto3 finds a key for the store where our own settings hold none."""

Tell = Callable[[tasks.News], None]
Tick = Callable[[], bool]


class TaskLost(Exception):
    """The child ended in the middle of the task, or had to be ended. The text is one sentence that says why."""


class TaskCrashed(Exception):
    """A bug in the child; the text is its traceback."""


@dataclass(frozen=True)
class Limits:
    """Of one task. memory_bytes: resident, of the child and all of its own processes together."""

    seconds: float
    memory_bytes: int


class Runner:
    """Runs tasks in a child process, one at a time; any thread may ask. The child starts with the first one.

    environ: the child's; see `child_environ`.
    """

    def __init__(self, limits: Limits, environ: Mapping[str, str]) -> None:
        self.limits = limits
        self.environ = environ
        self._child: Child | None = None
        self._busy = threading.Lock()
        # Linux ends the child with the very thread that started it: one that stays, whoever asked for the task.
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="starter")

    @property
    def pid(self) -> int | None:
        """The child's process id while there is one."""
        child = self._child
        return child.process.pid if child is not None and child.is_alive() else None

    def run(self, task: tasks.Task, *, tell: Tell, tick: Tick) -> tasks.Result:
        """The task's result. `tell` is called with each piece of news, `tick` every TICK_SECONDS: False calls it off.

        Raises InputRejected, Unavailable and Cancelled as the pipeline does, TaskLost, TaskCrashed; and what `tell` and
        `tick` raise, after ending the child.
        """
        while not self._busy.acquire(timeout=TICK_SECONDS):
            if not tick():
                raise Cancelled("called off before it began")
        try:
            child = self._ready_child()
            try:
                end = self._wait_for_end(child, task, tell, tick)
                if isinstance(end, tasks.Done) and not told.answers(task, end.result):
                    raise TaskLost("The task's process told a result of something else.")
            except BaseException:
                self._end_child()
                raise
            if child.memory_bytes() > self.limits.memory_bytes / 2:
                log.info("the child keeps much memory: the next task gets a fresh one")
                self._end_child()
            return _result_of(end)
        finally:
            self._busy.release()

    def stop(self) -> None:
        """End the child; the next task starts another."""
        with self._busy:
            self._end_child()

    def _ready_child(self) -> "Child":
        if self._child is not None and not self._child.is_alive():
            self._end_child()
        if self._child is None:
            self._child = self._starter.submit(Child, self.environ).result()
        return self._child

    def _end_child(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.end()

    def _wait_for_end(self, child: "Child", task: tasks.Task, tell: Tell, tick: Tick) -> tasks.End:
        watch = Watch(child, self.limits)
        child.send(task)
        called_off: float | None = None
        while True:
            message = child.next_message(TICK_SECONDS)
            if isinstance(message, tasks.End):
                return message
            if isinstance(message, tasks.Taken):
                watch.begin()
            elif message is not None:
                tell(message)
            watch.look()
            go_on = tick()
            if not go_on and called_off is None:
                called_off = time.monotonic()
                child.send(tasks.Cancel())
            if called_off is not None and time.monotonic() - called_off > CANCEL_SECONDS:
                raise Cancelled("called off in the middle of a stage")


class Watch:
    """Holds one task against its limits."""

    def __init__(self, child: "Child", limits: Limits) -> None:
        self._child = child
        self._limits = limits
        self._begun: float | None = None
        self._since = self._looked = time.monotonic()

    def begin(self) -> None:
        """The child has started, which no task is to blame for, and works on the task from now on."""
        self._begun = time.monotonic()

    def look(self) -> None:
        """Raises TaskLost when the task takes too much of anything."""
        now = time.monotonic()
        if self._begun is None and now - self._since > START_SECONDS:
            raise TaskLost(f"The task's process did not start within {START_SECONDS:g} s.")
        if self._begun is not None and now - self._begun > self._limits.seconds:
            raise TaskLost(f"The task took longer than {self._limits.seconds:g} s.")
        if now - self._looked >= LOOK_SECONDS:
            self._looked = now
            used = self._child.memory_bytes()
            if used > self._limits.memory_bytes:
                most = self._limits.memory_bytes
                raise TaskLost(f"The task took {used / 1e6:.0f} MB of memory, {most / 1e6:.0f} MB at most.")


class Child:
    """The process and the pipe to it."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        ours, theirs = connection.Pipe()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "assets_pipeline.child", str(theirs.fileno()), str(os.getpid())],
                cwd=CODE,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=2,  # what libraries print belongs with the logs
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # signals for the worker are the worker's
            )
        self._connection: connection.Connection[Any, Any] = ours
        self._messages: queue.Queue[tasks.Told | None] = queue.Queue()
        threading.Thread(target=self._receive, daemon=True).start()

    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    def send(self, message: tasks.Task | tasks.Cancel) -> None:
        """Raises TaskLost when it is gone."""
        try:
            self._connection.send(message)
        except OSError:
            raise self._lost() from None

    def next_message(self, seconds: float) -> tasks.Told | None:
        """What it tells next, None after `seconds` of silence. Raises TaskLost when nothing will come any more."""
        try:
            message = self._messages.get(timeout=seconds)
        except queue.Empty:
            return None
        if message is None:
            raise self._lost()
        return message

    def memory_bytes(self) -> int:
        """Resident, with all of its own processes; 0 when it is gone."""
        total = 0
        with contextlib.suppress(psutil.NoSuchProcess):
            for process in self._tree():
                with contextlib.suppress(psutil.NoSuchProcess):
                    total += process.memory_info().rss
        return total

    def end(self) -> None:
        """End it and all of its own processes by force, and wait for that."""
        members = []
        with contextlib.suppress(psutil.NoSuchProcess):
            members = self._tree()
        for process in members:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        if self.is_alive():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        try:
            self.process.wait(KILL_SECONDS)
        except subprocess.TimeoutExpired:  # stuck in the kernel
            log.exception("process %s does not end", self.process.pid)
        self._connection.close()

    def _tree(self) -> list[psutil.Process]:
        """The process and its descendants, the deepest last. Raises NoSuchProcess."""
        root = psutil.Process(self.process.pid)
        return [root, *root.children(recursive=True)]

    def _receive(self) -> None:
        """Pass on what it tells, and None at the end."""
        try:
            while True:
                self._messages.put(told.from_bytes(self._connection.recv_bytes(LONGEST_MESSAGE_BYTES)))
        except (EOFError, OSError):
            self._messages.put(None)
        except told.Garbled as error:
            log.error("the child tells what it must not, and is ended: %s", error)
            self.process.kill()
            self._messages.put(None)

    def _lost(self) -> TaskLost:
        """How it ended."""
        try:
            status = self.process.wait(KILL_SECONDS)
        except subprocess.TimeoutExpired:
            return TaskLost("The task's process closed its pipe.")
        how = f"by signal {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
        return TaskLost(f"The task's process ended {how}.")


def keep_to_itself() -> None:
    """Have the kernel let nobody but root read this process's environment and memory, or trace it. On Linux alone.

    A child that was taken over has the same user id, for which all that would be open. exec undoes it, so the child
    itself stays open to us. It says nothing of other processes, nor of files.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0)


def child_environ(environ: Mapping[str, str], *, own_store_key: bool) -> dict[str, str]:
    """What of `environ` the child gets. own_store_key: whether tasks bring the key of the store with them."""
    return {
        name: value
        for name, value in environ.items()
        if name in VARIABLES or (name.startswith(STORE_VARIABLES) and not own_store_key)
    }


def _result_of(end: tasks.End) -> tasks.Result:
    """The result, or the pipeline's own exception again."""
    match end:
        case tasks.Done(result):
            return result
        case tasks.Rejected(code, advice, photo, boxes):
            raise InputRejected(code, advice, photo=photo, boxes=boxes)
        case tasks.Away(code, advice):
            raise Unavailable(code, advice)
        case tasks.CalledOff():
            raise Cancelled("called off")
        case tasks.Crashed(text):
            raise TaskCrashed(text)
