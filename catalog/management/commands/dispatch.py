"""manage.py dispatch: hand waiting jobs to the workers, and put right what went wrong unseen"""

import logging
import signal
import threading
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand

from catalog.dispatch import RELEASE_SECONDS, release_window
from catalog.periodic import Beat, run_beats
from catalog.photo_turns import release_photos
from catalog.reconcile import RECONCILE_SECONDS, reconcile
from catalog.tidy import TIDY_SECONDS, tidy

log = logging.getLogger(__name__)


class Command(BaseCommand):
    """Runs until SIGTERM or SIGINT. Several may run at once."""

    help = "Hand waiting jobs to the workers and put right what went wrong; runs until it is told to stop."

    def handle(self, *args: Any, **options: Any) -> None:
        """Beat until told to stop."""
        stop = threading.Event()

        def end(number: int, frame: FrameType | None) -> None:
            stop.set()

        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, end)
        log.info("dispatcher: started")
        beats = [
            Beat("release", release_window, RELEASE_SECONDS),
            Beat("release photos", release_photos, RELEASE_SECONDS),
            Beat("reconcile", reconcile, RECONCILE_SECONDS),
            Beat("tidy", tidy, TIDY_SECONDS),
        ]
        run_beats(beats, stop)
        log.info("dispatcher: stopped")
