"""Short-lived files for USD, which reads and writes nothing else."""

import contextlib
import errno
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pxr import Tf

from assets_pipeline.errors import Unavailable

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """An empty folder that is gone afterwards. Raises Unavailable when what is written in it finds no room."""
    try:
        with tempfile.TemporaryDirectory(prefix="plinth-") as folder:
            yield Path(folder)
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise _no_room(error.strerror or "full") from None
    except Tf.ErrorException as error:
        raise _no_room(str(error).split(": ")[-1].strip()[:60]) from None


def _no_room(why: str) -> Unavailable:
    return Unavailable("scratch_full", f"There is no room in the folder for temporary files ({why}).")
