"""How many threads are worth starting."""

import os
import sys


def usable_cores() -> int:
    """The cores that this process may use, at least 1: a container's share where the system tells it, else all."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
