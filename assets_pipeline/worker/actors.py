"""message -> what is done about it

Nothing is sent again by dramatiq, and nothing interrupted: a task looks by itself whether the process was asked to end.
"""

from collections.abc import Mapping
from typing import Any

import dramatiq

from assets_pipeline.worker import photo_tasks
from assets_pipeline.worker.presence import presence
from assets_pipeline.worker.shift import work_on
from catalog import queue
from catalog.models import Group

OPTIONS: Mapping[str, Any] = {"max_retries": 0, "notify_shutdown": False}


@dramatiq.actor(queue_name=queue.CPU, **OPTIONS)
def prepare(job_pk: int) -> None:
    """Photos -> cut-outs, and the generator chosen."""
    work_on(job_pk, Group.PREPARE)


@dramatiq.actor(queue_name=queue.CPU, **OPTIONS)  # sent to the queue that the generator asks for
def generate(job_pk: int) -> None:
    """Cut-outs -> shape."""
    work_on(job_pk, Group.GENERATE)


@dramatiq.actor(queue_name=queue.CPU, **OPTIONS)
def finish(job_pk: int) -> None:
    """Shape -> files, certificate and version."""
    work_on(job_pk, Group.FINISH)


@dramatiq.actor(queue_name=queue.CPU, **OPTIONS)
def inspect_photo(photo_pk: int) -> None:
    """Decode a photo and say what is good and bad about it."""
    photo_tasks.look_at_photo(photo_pk)


@dramatiq.actor(queue_name=queue.IO, **OPTIONS)
def fetch_photo(photo_pk: int) -> None:
    """Bring a photo from its address into the store."""
    photo_tasks.fetch_photo(photo_pk)


dramatiq.get_broker().add_middleware(presence)
for _name in queue.QUEUES:
    dramatiq.get_broker().declare_queue(_name)
