"""work that comes round again and again -> done, until told to stop"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import DatabaseError, connections

from catalog.errors import Away

log = logging.getLogger(__name__)

LONGEST_PAUSE_SECONDS = 30.0

Part = Callable[[datetime], int]
"""Does a bounded part of its work, as of that time; returns how much."""


@dataclass(frozen=True)
class Beat:
    """`work`, every `seconds`; after a failure ever more rarely, up to LONGEST_PAUSE_SECONDS."""

    name: str
    work: Callable[[], object]
    seconds: float

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set. Nothing that goes wrong ends it: jobs would stand still."""
        pause = 0.0
        while not stop.wait(pause):
            pause = self.seconds if self.once() else min(max(2 * pause, self.seconds), LONGEST_PAUSE_SECONDS)
        connections.close_all()

    def once(self) -> bool:
        """Work once; False, with a line in the log, when it failed."""
        try:
            self.work()
        except (DatabaseError, Away) as trouble:
            log.warning("%s: has to wait: %s", self.name, trouble)
        except Exception:  # a bug: one job must not keep all others waiting
            log.exception("%s: failed", self.name)
        else:
            return True
        connections.close_all()  # the next one starts with a fresh connection
        return False


def do_parts(name: str, parts: Mapping[str, Part], now: datetime) -> dict[str, int]:
    """Do each of a beat's parts once; returns how many of each. One that fails leaves the others alone."""
    counts = dict.fromkeys(parts, 0)
    for what, part in parts.items():
        try:
            counts[what] = part(now)
        except (DatabaseError, Away) as trouble:
            log.warning("%s: %s has to wait: %s", name, what, trouble)
        except Exception:  # a bug, as in `once`
            log.exception("%s: %s failed", name, what)
    if done := [f"{what} {count}" for what, count in counts.items() if count]:
        log.info("%s: %s", name, ", ".join(done))
    return counts


def run_beats(beats: list[Beat], stop: threading.Event, *, patience_seconds: float = 5) -> None:
    """Run each beat in a thread of its own until `stop` is set, then wait a little for what is under way."""
    threads = [threading.Thread(target=beat.run, args=(stop,), name=beat.name, daemon=True) for beat in beats]
    for thread in threads:
        thread.start()
    stop.wait()
    for thread in threads:
        thread.join(patience_seconds)
