"""One photo under this worker's lease: fetched from its address, or looked at by the child process"""

import logging
import time
from collections.abc import Callable
from functools import partial

from django.conf import settings
from django.db import DatabaseError, close_old_connections

from assets_pipeline import tasks
from assets_pipeline.errors import InputRejected, Unavailable
from assets_pipeline.runner import TaskCrashed, TaskLost
from assets_pipeline.worker.heartbeat import beating
from assets_pipeline.worker.presence import Stopping, presence, runner
from assets_pipeline.worker.words import child_store, rejection, remark_json, stored_photo
from catalog import leases, photo_leases, queue
from catalog.errors import Away, LostRace
from catalog.models import Photo
from catalog.photo_leases import UNREADABLE_ADVICE, PhotoLease

log = logging.getLogger(__name__)

LOOK_SECONDS = 120.0
"""A photo that takes longer will not do: it must not hold up the others."""


class TooSlow(Exception):
    """Looking at the photo takes too long."""


def look_at_photo(photo_pk: int, seconds: float = LOOK_SECONDS) -> None:
    """Have the child inspect a photo, and write down what it saw."""
    work_on_photo(photo_pk, queue.CPU, lambda photo, lease: Look(photo, lease, seconds).work())


def fetch_photo(photo_pk: int) -> None:
    """Bring a photo from its address into the store; handed back at once when this worker is asked to end."""

    def fetch(photo: Photo, lease: PhotoLease) -> None:
        with beating(partial(keep_or_hand_back, lease)):
            photo_leases.fetch_photo(photo, lease)

    work_on_photo(photo_pk, queue.IO, fetch)


def work_on_photo(photo_pk: int, queue_name: str, work: Callable[[Photo, PhotoLease], None]) -> None:
    """Claim the photo, work on it and write down what kind of trouble there was; see `Shift.work`."""
    close_old_connections()
    try:
        photo, lease = photo_leases.claim_photo(photo_pk, queue_name, presence.name)
    except LostRace as error:
        log.debug("%s", error)
        return
    try:
        try:
            work(photo, lease)
        except InputRejected as error:
            boxes = remark_json(rejection(error))["boxes"]
            photo_leases.refuse_photo(lease, error.code, error.advice, boxes)
        except TooSlow as error:
            log.error("photo %s: %s", photo.public_id, error)
            photo_leases.refuse_photo(lease, "photo_unreadable", UNREADABLE_ADVICE)
        except (Unavailable, Away) as error:
            log.warning("photo %s has to wait: %s", photo.public_id, error)
            photo_leases.postpone_photo(lease)
        except Stopping:
            photo_leases.hand_back_photo(lease)
        except (LostRace, DatabaseError):
            raise
        except (TaskLost, TaskCrashed) as error:
            log.error("photo %s is lost: %s", photo.public_id, error)
            photo_leases.lose_photo(lease)
        except Exception:
            log.exception("photo %s failed", photo.public_id)
            photo_leases.lose_photo(lease)
    except LostRace as error:
        log.info("the photo is no longer ours: %s", error)
    except DatabaseError:
        log.exception("the database is away: the photo's lease ends by itself")


def keep_or_hand_back(lease: PhotoLease) -> None:
    """Keep the lease; let others have the photo when this worker is asked to end. Raises LostRace, Stopping."""
    if presence.stopping.is_set():
        photo_leases.hand_back_photo(lease)
        raise Stopping
    photo_leases.extend_photo_lease(lease)


class Look:
    """One look at a photo, for as long as the lease is ours."""

    def __init__(self, photo: Photo, lease: PhotoLease, seconds: float) -> None:
        self.photo = photo
        self.lease = lease
        self.seconds = seconds
        self._begun: float | None = None
        self._beat_at = time.monotonic()

    def work(self) -> None:
        """Have the child inspect it, and write down what it saw."""
        task = tasks.InspectTask(stored_photo(self.photo), child_store(), settings.MAX_PHOTO_BYTES)
        seen = runner.run(task, tell=self.tell, tick=self.tick)
        assert isinstance(seen, tasks.Inspected)
        photo_leases.settle_photo(
            self.lease,
            sha256=seen.sha256,
            bytes=seen.bytes,
            width=seen.width,
            height=seen.height,
            advice=[remark_json(remark) for remark in seen.advice],
        )

    def tell(self, news: tasks.News) -> None:
        """The time begins with the first stage: the photo is not to blame for a child that has to start."""
        if self._begun is None and isinstance(news, tasks.Began):
            self._begun = time.monotonic()

    def tick(self) -> bool:
        """Keep the lease. Raises TooSlow, Stopping, LostRace."""
        presence.go_on()
        now = time.monotonic()
        if self._begun is not None and now - self._begun > self.seconds:
            raise TooSlow(f"looking at it takes longer than {self.seconds:g} s")
        if now - self._beat_at >= leases.HEARTBEAT_SECONDS:
            self._beat_at = now
            try:
                photo_leases.extend_photo_lease(self.lease)
            except DatabaseError as error:
                log.warning("the database does not answer: %s", error)
        return True
