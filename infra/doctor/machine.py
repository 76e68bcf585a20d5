"""this machine -> findings: weights, Node, memory, disk, static files"""

import importlib.util
import os
import shutil
from collections.abc import Iterator

from django.conf import settings

from infra.doctor.finding import Check, Finding, error, ok, warning

LITTLE_DISK_BYTES, TOO_LITTLE_DISK_BYTES = 5_000_000_000, 1_000_000_000


def works_here() -> bool:
    """Whether this machine has what workers need; one that only serves has not."""
    return all(importlib.util.find_spec(name) for name in ("onnxruntime", "trimesh", "pxr"))


def check_weights() -> Iterator[Finding]:
    """The default segmenters' weights whole, and the terms of those that were added."""
    if not works_here():
        yield ok("weights", "not looked at: this machine has no worker's packages")
        return
    from assets_pipeline.recipes import QUALITIES
    from assets_pipeline.weights import FOLDER, WEIGHTS, is_here, sha256_of

    needed = {quality.segmenter for quality in QUALITIES.values()} & WEIGHTS.keys()
    for name, entry in WEIGHTS.items():
        fix = f"plinth weights fetch {name}"
        if not is_here(name):
            if name in needed:
                yield error("weights", f"{name} is missing or incomplete in {FOLDER}", fix)
        elif sha256_of(FOLDER / entry.file) != entry.sha256:
            yield error("weights", f"{name} is not what was published", f"delete {FOLDER / entry.file}, then {fix}")
        elif entry.terms:
            yield warning(
                "weights", f"{name} is here: {entry.terms}", f"delete {FOLDER / entry.file} if they do not suit"
            )
        else:
            yield ok("weights", f"{name} is whole ({entry.licence})")


def check_node() -> Iterator[Finding]:
    """Whether the Node helper starts and answers."""
    if not works_here():
        return
    from assets_pipeline.errors import Unavailable
    from assets_pipeline.nodejs.tools import NodeTools

    try:
        with NodeTools(timeout_seconds=30) as tools:
            tools.validate(b"not a model")  # it says so, which proves that it runs
    except Unavailable as away:
        yield error("node", away.advice, "make setup, or npm ci")
        return
    except ValueError:
        pass
    yield ok("node", "packer and validator answer")


def check_disk() -> Iterator[Finding]:
    """Room where data, weights and temporary files go."""
    folder = settings.DATA_FOLDER if settings.DATA_FOLDER.exists() else settings.BASE_DIR
    free = shutil.disk_usage(folder).free
    text = f"{free / 1e9:.1f} GB free in {folder}"
    if free < TOO_LITTLE_DISK_BYTES:
        yield error("disk", text, "make room: jobs wait while nothing can be written")
    elif free < LITTLE_DISK_BYTES:
        yield warning("disk", text, "make room soon")
    else:
        yield ok("disk", text)


def check_memory() -> Iterator[Finding]:
    """Whether one task fits."""
    if not works_here():
        return
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = settings.WORKER_MEMORY_BYTES
    text = f"{total / 1e9:.1f} GB; one task may take {limit / 1e9:.1f}"
    if limit > total:
        yield warning("memory", text, "lower WORKER_MEMORY_BYTES, or the system ends workers at random")
    else:
        yield ok("memory", f"{text}: room for {total // limit} workers")


def check_static_files() -> Iterator[Finding]:
    """Whether pages find their styles and scripts."""
    if (settings.STATIC_ROOT / "staticfiles.json").exists():
        yield ok("static", "collected")
    else:
        yield error("static", "styles and scripts are not collected", "manage.py collectstatic --noinput")


MACHINE: tuple[Check, ...] = (check_weights, check_node, check_disk, check_memory, check_static_files)
