"""stages -> what a person sees while they run, and how long each took"""

import re
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self, TextIO

EXPECTED_SECONDS: Mapping[str, float] = {
    "inspect": 0.5,
    "segment": 3.0,
    "generate": 5.0,
    "clean": 0.7,
    "decimate": 0.7,
    "unwrap": 2.5,
    "bake": 4.0,
    "export_glb": 1.5,
    "export_usdz": 0.7,
    "render": 2.5,
    "certify": 3.0,
    "preview": 0.2,
}
"""Of one photo at standard quality (docs/benchmarks.md): how far each stage moves the bar."""


EDIT_SECONDS: Mapping[str, float] = {
    "edit": 0.3,
    "export_glb": 1.5,
    "export_usdz": 0.2,
    "render": 2.0,
    "certify": 1.0,
    "compare": 0.5,
}
"""The same of an edit."""

UPLOAD_SECONDS: Mapping[str, float] = {
    "adopt": 1.5,
    "clean": 0.7,
    "reuse": 0.3,
    "decimate": 0.7,
    "unwrap": 1.0,
    "bake": 4.0,
    **{stage: seconds for stage, seconds in EDIT_SECONDS.items() if stage != "edit"},
}
"""And of an uploaded model, which is either reused or decimated, unwrapped and baked."""


def name_of(stage: Callable[..., object]) -> str:
    """The stage's verb: ExportGlb -> export_glb."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(stage).__name__).lower()


def share_of_all(stage: str, share: float = 0.0, expected: Mapping[str, float] = EXPECTED_SECONDS) -> float:
    """How far all stages together are, 0..1, when `stage` is `share` done; by the seconds each is expected to take."""
    names = list(expected)
    if stage not in names:  # storing, which comes last
        return 1.0
    before = sum(expected[name] for name in names[: names.index(stage)])
    return (before + share * expected[stage]) / sum(expected.values())


class Watch:
    """Times the stages and shows them on `stream`: a bar on a terminal, a line for each stage elsewhere.

    Pass `start` as `run`'s `on_start` and `share` as the generator's progress; leave the `with` to end the last stage.
    """

    def __init__(self, stages: int, stream: TextIO) -> None:
        self.seconds: dict[str, float] = {}
        self._stages = stages
        self._stream = stream
        self._name = ""
        self._since = 0.0
        self._bar = Bar(stream) if stream.isatty() else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end_stage()
        if self._bar:
            self._bar.close()

    def start(self, stage: Callable[..., object]) -> None:
        """A stage begins; the one before it has ended."""
        self._end_stage()
        self._name, self._since = name_of(stage), time.perf_counter()
        if self._bar:
            self._bar.start(self._name)
        else:
            print(f"[{len(self.seconds) + 1}/{self._stages}] {self._name}", file=self._stream, flush=True)

    def share(self, done: float) -> None:
        """How far the stage that is running is, 0..1."""
        if self._bar:
            self._bar.share(done)

    def _end_stage(self) -> None:
        if self._name:
            self.seconds[self._name] = time.perf_counter() - self._since
            self._name = ""


class Bar:
    """A progress bar over all stages, weighted by the seconds that each is expected to take."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description:12}"), BarColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=Console(file=stream), transient=True)
        self._task = self._progress.add_task("", total=sum(EXPECTED_SECONDS.values()))
        self._begun = self._weight = 0.0
        self._progress.start()

    def start(self, name: str) -> None:
        self._begun, self._weight = self._begun + self._weight, EXPECTED_SECONDS.get(name, 0.0)
        self._progress.update(self._task, description=name, completed=self._begun)

    def share(self, done: float) -> None:
        self._progress.update(self._task, completed=self._begun + self._weight * min(max(done, 0.0), 1.0))

    @property
    def done(self) -> float:
        """How far it has come, 0..1."""
        task = self._progress.tasks[0]
        return task.completed / (task.total or 1.0)

    def close(self) -> None:
        self._progress.stop()
