"""What `manage.py up` keeps between two starts: the addresses it had to choose, and which processes it has started"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Kept:
    """environ: variables that nobody set and whose default address was taken. port: of the web process, 0: none yet.

    processes: [process id, when it was created] of each that was started and not yet seen to end.
    """

    environ: Mapping[str, str] = field(default_factory=dict)
    port: int = 0
    processes: tuple[tuple[int, float], ...] = ()


def read_kept(folder: Path) -> Kept:
    """What was kept in `folder`; nothing when there is nothing, or nothing legible."""
    try:
        stored = json.loads(_path(folder).read_text())
        processes = tuple((int(pid), float(created)) for pid, created in stored["processes"])
        return Kept(dict(stored["environ"]), int(stored["port"]), processes)
    except (OSError, ValueError, KeyError, TypeError):
        return Kept()


def write_kept(folder: Path, kept: Kept) -> None:
    """Keep it, whole or not at all."""
    new = _path(folder).with_suffix(".new")
    new.write_text(json.dumps(asdict(kept)))
    new.replace(_path(folder))


def _path(folder: Path) -> Path:
    return folder / "up.json"
