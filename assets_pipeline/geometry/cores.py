"""How many threads are worth starting."""

import os


def usable_cores() -> int:
    """The cores that this process may use, at least 1: a container's share where the system tells it, else all."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux alone has it
    return len(affinity(0)) if affinity else os.cpu_count() or 1
