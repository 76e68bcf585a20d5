"""A photo in the store -> what a worker saw in it"""

import logging
import time
from functools import partial

from django.conf import settings

from assets_pipeline import tasks
from assets_pipeline.errors import Cancelled, InputRejected, Unavailable
from assets_pipeline.runner import TaskCrashed, TaskLost
from assets_pipeline.worker.presence import ignore, presence, runner
from assets_pipeline.worker.words import child_store, stored_photo
from catalog import photos, queue
from catalog.models import Photo

log = logging.getLogger(__name__)

LOOK_SECONDS = 120
"""A photo that takes longer will not do: it must not hold up the others."""

TRIES = 2
"""A photo that stops the child process that often is refused: the first time may have been bad luck."""

BREAKS = "We could not look at this photo: save it once more as a JPEG, and add that."


def look_at(photo: Photo) -> None:
    """Have the child inspect a photo, and write down what it saw."""
    task = tasks.InspectTask(stored_photo(photo), child_store(), settings.MAX_PHOTO_BYTES)
    for left in reversed(range(TRIES)):
        end = time.monotonic() + LOOK_SECONDS
        try:
            seen = runner.run(task, tell=ignore, tick=partial(may_go_on, end))
        except InputRejected as error:
            photos.refuse_photo(photo.pk, error.code, error.advice)
        except Unavailable as error:
            log.warning("photo %s is looked at later: %s", photo.public_id, error)  # the reconciler sends it again
        except Cancelled:
            if presence.stopping.is_set():
                queue.send_inspect(photo)  # this worker ends; another one looks
            else:
                log.error("photo %s takes longer than %d s to look at", photo.public_id, LOOK_SECONDS)
                photos.refuse_photo(photo.pk, "photo_unreadable", BREAKS)
        except (TaskLost, TaskCrashed) as error:
            log.error("photo %s could not be looked at: %s", photo.public_id, error)
            if left:
                continue
            photos.refuse_photo(photo.pk, "photo_unreadable", BREAKS)
        else:
            assert isinstance(seen, tasks.Inspected)
            settle(photo, seen)
        return


def may_go_on(end: float) -> bool:
    """Whether the worker is to work and the time is not over."""
    return not presence.stopping.is_set() and time.monotonic() < end


def settle(photo: Photo, seen: tasks.Inspected) -> None:
    """Write down what the child saw."""
    photos.settle_photo(
        photo.pk,
        sha256=seen.sha256,
        bytes=seen.bytes,
        width=seen.width,
        height=seen.height,
        advice=[{"code": remark.code, "text": remark.text, "level": remark.level} for remark in seen.advice],
    )
