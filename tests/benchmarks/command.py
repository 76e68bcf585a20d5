"""photos -> what `plinth make` does with them: seconds by stage, memory, validity

Runs the command as a user does, in a process of its own, one run at a time.
"""

import json
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from tests.benchmarks.objects import CACHE, DATA, Truth, render_cutout

SIZED_PHOTO = DATA / "photos" / "cactus_pot.jpg"
"""1600 x 1600 pixels, a plain background: the photo whose seconds are counted."""


@dataclass(frozen=True)
class Run:
    """One run. said: the last line on stderr. report: empty unless done."""

    name: str
    status: int
    seconds: float
    processor_seconds: float
    said: str
    folder: Path
    report: dict[str, Any] = field(default_factory=dict)

    @property
    def outcome(self) -> str:
        if self.status == 0:
            return f"grade {self.report['certificate']['grade']}, {self.report['generator']['family']}"
        return self.said

    @property
    def faults(self) -> list[str]:
        """What keeps the result from being right: a required limit, or an end that is neither asset nor rejection."""
        if self.status == 0:
            limits = self.report["certificate"]["limits"]
            return [f"{row['name']} {row['value']}" for row in limits if row["level"] == "required" and not row["ok"]]
        return [] if self.status == 3 else [f"exit {self.status}"]


def make(name: str, arguments: Sequence[str], *, part: str) -> Run:
    """Run `plinth make` into `var/bench/PART/NAME`."""
    folder = CACHE / part / name
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, "-m", "assets_pipeline", "make", *arguments, "--out", str(folder)]
    started, before = time.perf_counter(), processor_seconds()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    said = (done.stderr.strip().splitlines() or [""])[-1]
    report = json.loads((folder / "report.json").read_text()) if done.returncode == 0 else {}
    return Run(name, done.returncode, seconds, processor_seconds() - before, said, folder, report)


def processor_seconds() -> float:
    """What all finished children have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def open_photos() -> list[Path]:
    """Every photo that lies beside the repository."""
    return sorted(p for p in (DATA / "photos").iterdir() if p.suffix in {".jpg", ".png"})


def object_photo(truth: Truth, azimuth: float, elevation: float) -> Path:
    """The object's rendered cut-out as a file that the command can be given."""
    render_cutout(truth, azimuth, elevation)
    return CACHE / "cutouts" / f"{truth.name}_{azimuth:g}_{elevation:g}_20_576.png"


def median_run(quality: str, times: int = 3) -> dict[str, Any]:
    """Median seconds in all and by stage, and the largest memory, over `times` runs of one photo."""
    runs = [make(f"{quality}{i}", [str(SIZED_PHOTO), "--quality", quality], part="speed") for i in range(times)]
    assert all(run.status == 0 for run in runs), [run.said for run in runs]
    stages = [{stage["stage"]: stage["seconds"] for stage in run.report["stages"]} for run in runs]
    return {
        "quality": quality,
        "photo": SIZED_PHOTO.name,
        "size": Image.open(SIZED_PHOTO).size,
        "seconds": round(statistics.median(run.seconds for run in runs), 1),
        "processor_seconds": round(statistics.median(run.processor_seconds for run in runs), 1),
        "stages": {name: round(statistics.median(run[name] for run in stages), 2) for name in stages[0]},
        "peak_rss_mb": max(run.report["peak_rss_mb"] for run in runs),
    }


def row(run: Run, photo: Path) -> dict[str, Any]:
    """What the page says about one run."""
    files = run.report.get("files", {})
    return {
        "name": run.name,
        "photo": str(photo),
        "folder": str(run.folder),
        "status": run.status,
        "outcome": run.outcome,
        "faults": run.faults,
        "seconds": round(run.seconds, 1),
        "peak_rss_mb": run.report.get("peak_rss_mb", 0),
        "triangles": run.report.get("metrics", {}).get("triangles", 0),
        "bytes": {name: files[name]["bytes"] for name in files if name.startswith("model.")},
    }
