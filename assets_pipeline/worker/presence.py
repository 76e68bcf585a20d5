"""This worker process in the catalogue: that it lives, what it can run, and whether it was asked to end"""

import logging
import os
import signal
import socket
import threading
import time
from typing import cast

import dramatiq
from django.conf import settings
from django.db import DatabaseError, connection

from assets_pipeline import tasks
from assets_pipeline.errors import PlinthError
from assets_pipeline.recipes import PROFILES, QUALITIES
from assets_pipeline.runner import Limits, Runner, TaskCrashed, TaskLost, child_environ, keep_to_itself
from catalog import queue, workers

log = logging.getLogger(__name__)

POLL_MS = 200
"""How long an idle worker waits at most before it asks the broker again; dramatiq's own second would be felt."""

READY_SECONDS = 60
"""A worker that cannot say what it can run takes jobs all the same after that long."""

RETRY_SECONDS = 2


class Stopping(Exception):
    """This worker was asked to end."""


class Presence(dramatiq.Middleware):
    """Says in the catalogue that this process lives and what it can run, and notices when it is asked to end."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.name = ""
        self.queues: tuple[str, ...] = ()
        self.ready = threading.Event()
        self.stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def before_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """One task at a time, no message taken that another worker could run at once, and no look inside."""
        keep_to_itself()
        worker.worker_threads = worker.queue_prefetch = 1
        worker.worker_timeout = POLL_MS
        self.name = f"{socket.gethostname()[:80]}:{os.getpid()}:{os.getppid()}"  # the last one is what supervisors know
        self.queues = tuple(
            name for name in queue.QUEUES if not worker.consumer_whitelist or name in worker.consumer_whitelist
        )

    def after_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        self._thread = threading.Thread(target=self._advertise_for_ever, args=(os.getppid(),), daemon=True)
        self._thread.start()

    def before_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        self.stopping.set()

    def after_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        self.runner.stop()
        if self._thread is not None:
            self._thread.join(5)
        try:
            workers.sign_off(self.name)
        except DatabaseError as error:
            log.warning("could not sign off: %s", error)

    def wait_until_ready(self) -> None:
        """Until `prepare` finds in the catalogue what this very worker can run. Raises Stopping."""
        end = time.monotonic() + READY_SECONDS
        while not self.ready.wait(0.1) and time.monotonic() < end:
            self.go_on()

    def go_on(self) -> None:
        """Raises Stopping when this process was asked to end."""
        if self.stopping.is_set():
            raise Stopping

    def _advertise_for_ever(self, parent: int) -> None:
        """Start the child, which takes seconds, by asking what it can run; then tell that again and again."""
        described: tasks.Described | None = None
        seconds = 0.0
        while not self.stopping.wait(seconds):
            try:
                if described is None:
                    described = cast(tasks.Described, self.runner.run(tasks.DescribeTask(), tell=ignore, tick=self._on))
                self._advertise(described)
                self.ready.set()
                seconds = workers.ADVERTISE_SECONDS
            except (PlinthError, TaskLost, TaskCrashed, DatabaseError) as error:
                log.warning("cannot advertise what runs here: %s", error)
                seconds = RETRY_SECONDS
            finally:
                connection.close()
            if os.getppid() != parent:
                log.warning("the process that started this one is gone")
                os.kill(os.getpid(), signal.SIGTERM)

    def _advertise(self, described: tasks.Described) -> None:
        workers.advertise(
            self.name,
            queues=self.queues,
            generators=described.generators,
            profiles=list(PROFILES),
            qualities=list(QUALITIES),
            slots=1,
        )

    def _on(self) -> bool:
        return not self.stopping.is_set()


def ignore(news: tasks.News) -> None:
    """Told what a task is doing, does nothing."""


runner = Runner(
    Limits(settings.JOB_TIMEOUT_SECONDS, settings.WORKER_MEMORY_BYTES),
    child_environ(os.environ, own_store_key=bool(settings.ENV.s3_access_key_id.reveal())),
)
presence = Presence(runner)
