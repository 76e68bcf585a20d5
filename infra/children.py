"""command -> a process that never outlives us"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def start_child(command: Sequence[str], *, folder: Path) -> subprocess.Popen[bytes]:
    """Start `command` in `folder`, in a process group of its own; its output is one pipe.

    Ctrl-C reaches us alone, so that we decide in which order things end. On Linux it is asked to end when we are
    killed; call it from the main thread, or the end of the calling thread counts as ours.
    """
    return subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=die_with_parent(),  # noqa: PLW1509 - prctl alone, bound before the fork
    )


def die_with_parent() -> Callable[[], None] | None:
    """For Popen's `preexec_fn`: send the child SIGTERM when this thread ends in any way, kill -9 included.

    None where the system has no such thing: there, a killed parent leaves its children running.
    """
    if sys.platform != "linux":
        return None
    prctl, parent = ctypes.CDLL(None, use_errno=True).prctl, os.getpid()

    def ask_for_the_signal() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it was too late to ask
            os._exit(1)

    return ask_for_the_signal
