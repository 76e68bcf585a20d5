"""Messages to the workers: an actor's name and one id

A message is a hint; the truth lies in the database, and the reconciler sends again what got lost. So nothing here
raises when the broker is away, and the workers are known by their actors' names alone.
"""

import logging
import time
from typing import Final

import dramatiq
from django.db import transaction

from catalog.models import AssetJob, Group, Photo

log = logging.getLogger(__name__)

CPU, GPU, IO = "cpu", "gpu", "io"
QUEUES: Final = (CPU, GPU, IO)

PAUSE_SECONDS = 3.0
"""After a failed send, nothing is tried for that long: a broker that is away must not slow down every request."""

_away_until = 0.0


def send_group(job: AssetJob) -> None:
    """Tell the workers, once this transaction is committed, that the next group of `job` may run."""
    _send_after_commit(Group(job.group).value, job.queue, job.pk)


def send_inspect(photo: Photo) -> None:
    """Have a worker look at `photo`, which lies in the store."""
    _send_after_commit("inspect_photo", CPU, photo.pk)


def send_fetch(photo: Photo) -> None:
    """Have a worker fetch `photo` from its address."""
    _send_after_commit("fetch_photo", IO, photo.pk)


def forget_failures() -> None:
    """Try the broker again at once: it is another one, or known to be back."""
    global _away_until
    _away_until = 0.0


def _send_after_commit(actor: str, queue: str, pk: int) -> None:
    transaction.on_commit(lambda: _send(actor, queue, pk))


def _send(actor: str, queue: str, pk: int) -> None:
    """Send now, or log why not."""
    global _away_until
    if time.monotonic() < _away_until:
        log.info("not sent, the broker was away a moment ago: %s(%s)", actor, pk)
        return
    message: dramatiq.Message[None] = dramatiq.Message(
        queue_name=queue, actor_name=actor, args=(pk,), kwargs={}, options={}
    )
    try:
        broker = dramatiq.get_broker()
        broker.declare_queue(queue)
        broker.enqueue(message)
    except Exception as error:  # each broker's client has its own; whatever it is, the request must not suffer
        _away_until = time.monotonic() + PAUSE_SECONDS
        log.warning("not sent, the broker is away: %s(%s): %s", actor, pk, error)
    else:
        _away_until = 0.0
