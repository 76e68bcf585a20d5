"""Actors that note what reached them: what a broker does, without the pipeline's work

    dramatiq tests.infra.errands

with BROKER_URL, and ERRANDS: a folder. A message begins with one line in `begun` and ends with one in `done`; while
a file `hold` lies there, it does not end. With a file `last` there, a worker that ends sends 60 messages.
"""

import os
import time
from pathlib import Path

import dramatiq

from catalog.sender import Message, sender
from infra.broker import make_broker

FOLDER = Path(os.environ["ERRANDS"])
POLL_MS = 200
"""As our workers have it."""


class Alone(dramatiq.Middleware):
    """One message at a time, as our workers take them."""

    def before_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        worker.worker_threads = worker.queue_prefetch = 1
        worker.worker_timeout = POLL_MS

    def after_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """As one of our workers that hands its job back: others are told."""
        if (FOLDER / "last").exists():
            for pk in range(60):
                sender().put(Message("prepare", "gpu", pk))


broker = make_broker(os.environ["BROKER_URL"])
broker.add_middleware(Alone())
dramatiq.set_broker(broker)


def note(name: str, pk: int) -> None:
    """Append a line in one write, so that no two mix."""
    with (FOLDER / name).open("ab", buffering=0) as file:
        file.write(f"{pk} {time.time()}\n".encode())


@dramatiq.actor(queue_name="cpu", max_retries=0)
def prepare(pk: int) -> None:
    """Run the errand."""
    note("begun", pk)
    while (FOLDER / "hold").exists():
        time.sleep(0.02)
    note("done", pk)


for name in ("cpu", "gpu", "io"):
    broker.declare_queue(name)
