"""Messages to the workers: an actor's name and one id

A message is a hint; the truth lies in the database, and the reconciler sends again what got lost. So nothing here
raises or waits when the broker is away: `sender.py` sends from a thread of its own. The workers are known by their
actors' names alone.
"""

from typing import Final

from django.db import transaction

from catalog.models import AssetJob, Group, Photo
from catalog.sender import Message, sender

CPU, GPU, IO = "cpu", "gpu", "io"
QUEUES: Final = (CPU, GPU, IO)


def send_group(job: AssetJob) -> None:
    """Tell the workers, once this transaction is committed, that the next group of `job` may run."""
    _send_after_commit(Group(job.group).value, job.queue, job.pk)


def send_inspect(photo: Photo) -> None:
    """Have a worker look at `photo`, which lies in the store."""
    _send_after_commit("inspect_photo", CPU, photo.pk)


def send_fetch(photo: Photo) -> None:
    """Have a worker fetch `photo` from its address."""
    _send_after_commit("fetch_photo", IO, photo.pk)


def flush(seconds: float = 5) -> bool:
    """Whether the broker has everything that this process has sent, after waiting `seconds` at most for that."""
    return sender().flush(seconds)


def forget_failures() -> None:
    """Drop what waits for the broker and try it again at once: it is another one, or known to be back."""
    sender().forget()


def _send_after_commit(actor: str, queue: str, pk: int) -> None:
    transaction.on_commit(lambda: sender().put(Message(actor, queue, pk)))
