"""For the test of kills: makes a worker's child hold at a stage, as one does that takes long.

The test puts a copy of this file, as `sitecustomize.py`, into a folder that the workers have in their PYTHONPATH, with
an empty file `gate-STAGE` for each stage to hold at. The first job that begins such a stage takes its gate, says so in
`held-STAGE`, and stays there; no job is held twice.
"""

import importlib.util
import os
import sys
import time
from hashlib import sha256
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

GATES = Path(__file__).parent
WORKSHOP = "assets_pipeline.workshop"


def hold(stage: str, key: str) -> None:
    """Stay here if there is a gate for the stage and this photo's job has not been held yet."""
    gate, own = GATES / f"gate-{stage}", GATES / f"job-{sha256(key.encode()).hexdigest()}"
    if not gate.exists() or own.exists():
        return
    own.write_text(f"{os.getpid()} {key}")
    try:
        gate.unlink()
    except FileNotFoundError:  # another one was faster
        own.unlink()
        return
    own.rename(GATES / f"held-{stage}")
    own.touch()
    time.sleep(600)
    raise AssertionError(f"nobody has killed the worker that was held in {stage}")


def slow_down(workshop: ModuleType) -> None:
    """Hold at gates, once the worker has been told that the stage begins."""
    do = workshop.Workshop.do

    def do_slowly(self: Any, task: Any, tell: Any, is_cancelled: Any) -> Any:
        def tell_and_hold(news: Any) -> None:
            tell(news)
            if type(news).__name__ == "Began" and hasattr(task, "photos"):
                hold(news.stage, task.photos[0].key)

        return do(self, task, tell_and_hold, is_cancelled)

    workshop.Workshop.do = do_slowly


class Finder(MetaPathFinder):
    """Changes the one module when it is imported."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name != WORKSHOP:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        assert spec is not None and spec.loader is not None
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            slow_down(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


if "assets_pipeline.child" in sys.orig_argv:
    sys.meta_path.insert(0, Finder())
