"""The child process of a worker: takes tasks from a pipe and does them, one at a time

    python -m assets_pipeline.child FILE_DESCRIPTOR PARENTS_PROCESS_ID

Decoding photos and generating shapes may eat memory, hang or crash: here that ends a process which holds no lease and
no database connection. It never outlives its parent. It has its parent's user id: what else that user may read, it may.
"""

import contextlib
import ctypes
import errno
import faulthandler
import logging
import os
import queue
import signal
import sys
import threading
import traceback
import warnings
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from assets_pipeline import tasks, told
from assets_pipeline.errors import Cancelled, InputRejected, Unavailable

if TYPE_CHECKING:
    from assets_pipeline.workshop import Workshop

LONGEST_TRACEBACK = 10_000
DISK_IS_FULL = (errno.ENOSPC, errno.EDQUOT)
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(arguments: list[str]) -> None:
    """Serve the pipe until the other end is closed."""
    descriptor, parent = map(int, arguments)
    die_with(parent)
    faulthandler.enable()
    warnings.simplefilter("ignore")  # what libraries tell programmers
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.INFO)
    desk = Desk(Connection(descriptor))
    threading.Thread(target=desk.receive, daemon=True).start()
    serve(desk)


class Desk:
    """Where tasks come in and news goes out."""

    def __init__(self, connection: "Connection[Any, Any]") -> None:
        self.tasks: queue.Queue[tasks.Task] = queue.Queue()
        self.cancelled = threading.Event()
        self._connection = connection

    def receive(self) -> None:
        """Take what comes in, also while a task runs; end the process when the parent is gone."""
        while True:
            try:
                given = self._connection.recv()
            except (EOFError, OSError):
                os._exit(0)  # Node ends when its own pipe closes
            if isinstance(given, tasks.Cancel):
                self.cancelled.set()
            else:
                self.cancelled.clear()
                self.tasks.put(given)

    def send(self, message: tasks.Told) -> None:
        """To the parent. Raises TypeError or ValueError for what cannot be told."""
        data = told.to_bytes(message)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # then `receive` ends us
            self._connection.send_bytes(data)


def serve(desk: Desk) -> None:
    """Do tasks for ever."""
    from assets_pipeline.workshop import Workshop  # loads everything heavy, after `receive` has begun to listen

    shop = Workshop()
    shop.warm_up()
    while True:
        task = desk.tasks.get()
        desk.send(tasks.Taken())
        end = do(shop, task, desk)
        try:
            desk.send(end)
        except (TypeError, ValueError):  # a report with NaN in it, say
            desk.send(crashed())


def do(shop: "Workshop", task: tasks.Task, desk: Desk) -> tasks.End:
    """How the task ended. The worker decides what that means for the job."""
    try:
        return tasks.Done(shop.do(task, desk.send, desk.cancelled.is_set))
    except InputRejected as error:
        return tasks.Rejected(error.code, error.advice, error.photo, error.boxes)
    except Unavailable as error:
        return tasks.Away(error.code, error.advice)
    except Cancelled:
        return tasks.CalledOff()
    except MemoryError:
        return tasks.Away("out_of_memory", "The worker has too little free memory for these photos.")
    except Exception as error:
        if isinstance(error, OSError) and error.errno in DISK_IS_FULL:
            return tasks.Away("disk_full", "There is no room left on the worker's disk.")
        return crashed()


def crashed() -> tasks.Crashed:
    """The exception at hand; of a text that is too long, the end says most."""
    text = traceback.format_exc()[-LONGEST_TRACEBACK:]
    return tasks.Crashed(text.encode(errors="backslashreplace").decode().replace("\0", "\\0"))


def die_with(parent: int) -> None:
    """Have the kernel end us with the parent, even in the middle of long native code. Linux alone can do that."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it was too late to ask
            os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
