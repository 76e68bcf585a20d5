"""A lease kept from a thread of its own, while this one does what cannot be interrupted"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import DatabaseError, connections

from assets_pipeline.worker.presence import Stopping
from catalog import leases
from catalog.errors import LostRace

log = logging.getLogger(__name__)


@contextmanager
def beating(keep: Callable[[], object]) -> Iterator[None]:
    """Call `keep` every HEARTBEAT_SECONDS: a slow store must not cost the lease.

    Once it raises LostRace or Stopping it is called no more; whoever writes next finds out.
    """
    over = threading.Event()

    def beat() -> None:
        try:
            while not over.wait(leases.HEARTBEAT_SECONDS):
                try:
                    keep()
                except DatabaseError as error:
                    log.warning("the database does not answer: %s", error)
        except (LostRace, Stopping) as error:
            log.info("the lease is kept no longer: %s", error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=beat, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
