"""what a task in the child does and takes -> news for the worker"""

import time
from collections.abc import Callable

import psutil

from assets_pipeline import pipeline, tasks
from assets_pipeline.errors import Cancelled
from assets_pipeline.progress import name_of
from assets_pipeline.tasks import News

SHARE_SECONDS = 0.5
"""How often a share is told at most."""

Tell = Callable[[News], None]
IsCancelled = Callable[[], bool]


class Watch:
    """Tells how far a task is and what it takes, and calls it off between two stages."""

    def __init__(self, tell: Tell, is_cancelled: IsCancelled) -> None:
        self.seconds: dict[str, float] = {}
        self.on_gpu: set[str] = set()
        self.is_cancelled = is_cancelled
        self._tell = tell
        self._name = ""
        self._since = self._told_at = 0.0
        self._cpu_before = cpu_seconds()

    def start(self, stage: pipeline.Stage) -> None:
        """A stage begins; the one before it has ended. Raises Cancelled."""
        self.end_stage()
        if self.is_cancelled():
            raise Cancelled("called off between two stages")
        self._name, self._since = name_of(stage), time.perf_counter()
        self._tell(tasks.Began(self._name))

    def share(self, done: float) -> None:
        """How far the stage that runs is, 0..1."""
        now = time.monotonic()
        if now - self._told_at >= SHARE_SECONDS:
            self._told_at = now
            self._tell(tasks.Share(min(max(done, 0.0), 1.0)))

    def end(self) -> None:
        """The task ends, well or not."""
        self.end_stage()
        gpu = sum(seconds for name, seconds in self.seconds.items() if name in self.on_gpu)
        self._tell(tasks.Spent(self.seconds, max(cpu_seconds() - self._cpu_before, 0.0), gpu))

    def end_stage(self) -> None:
        """What follows belongs to no stage."""
        if self._name:
            self.seconds[self._name] = time.perf_counter() - self._since
            self._name = ""


def cpu_seconds() -> float:
    """Of this process and its children so far."""
    me = psutil.Process()
    total = 0.0
    for process in [me, *me.children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    ended = me.cpu_times()
    return total + ended.children_user + ended.children_system
