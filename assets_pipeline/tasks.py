"""What the worker asks of its child process, what that tells meanwhile, and how it ends

What is asked travels by pickle: the child trusts its parent. What is told travels as JSON (`told.py`): the parent holds
the database and must not trust a child that decodes strangers' files.

Light on purpose: the worker imports this, and none of what does the work.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from assets_pipeline.asset import Advice, Area, Hints, View
from assets_pipeline.recipes import Recipe
from assets_pipeline.stores.s3 import S3Store

PREPARE, GENERATE, FINISH = "prepare", "generate", "finish"


@dataclass(frozen=True)
class StoredPhoto:
    """A photo in the store. sha256: what its bytes must have, in hex; empty where nobody knows yet."""

    name: str
    key: str
    view: View | None = None
    sha256: str = ""


# Tasks


@dataclass(frozen=True)
class MakeTask:
    """Run one group of stages, or take its result from a checkpoint that fits.

    recipe.generator is the one chosen, why the reason for the report. checkpoints, files: prefixes in the store.
    prepared_key, generated_key: checkpoints of this very job, empty where there are none yet; they count even when
    photos have changed since. seconds: of the stages that this job has run already.
    """

    group: str
    photos: tuple[StoredPhoto, ...]
    hints: Hints
    recipe: Recipe
    why: str
    store: S3Store
    checkpoints: str
    files: str
    prepared_key: str = ""
    generated_key: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Changes:
    """What an edit changes; see `assets_pipeline.stages.edit.Edit`."""

    roughness: float | None = None
    metallic: float | None = None
    tint: str = ""
    turn_degrees: int = 0
    lay: str = ""


@dataclass(frozen=True)
class EditTask:
    """Change a finished asset without making it again.

    number: of the version that it is. keys: its files in the store, by name.
    """

    number: int
    keys: Mapping[str, str]
    changes: Changes
    recipe: Recipe
    store: S3Store
    files: str


@dataclass(frozen=True)
class AdoptTask:
    """Make an asset of a model that somebody else made. key: where the GLB lies; max_bytes: of it."""

    key: str
    max_bytes: int
    hints: Hints
    recipe: Recipe
    store: S3Store
    files: str


@dataclass(frozen=True)
class InspectTask:
    """Look at one photo."""

    photo: StoredPhoto
    store: S3Store
    max_bytes: int


@dataclass(frozen=True)
class DescribeTask:
    """Say which generators there are, and what each lacks here."""


Task = MakeTask | EditTask | AdoptTask | InspectTask | DescribeTask


@dataclass(frozen=True)
class Cancel:
    """Stop at the next chance; for the task that runs now."""


# Told meanwhile


@dataclass(frozen=True)
class Taken:
    """The child is there and begins with the task; for the runner alone."""


@dataclass(frozen=True)
class Began:
    """A stage began, by its verb."""

    stage: str


@dataclass(frozen=True)
class Share:
    """How far the stage that runs is, 0..1."""

    done: float


@dataclass(frozen=True)
class Spent:
    """What the task took, told before its end however that comes. seconds: of each stage it ran, in order.

    cpu_seconds: of the child process and all of its own.
    """

    seconds: Mapping[str, float] = field(default_factory=dict)
    cpu_seconds: float = 0
    gpu_seconds: float = 0


News = Began | Share | Spent


# Results


@dataclass(frozen=True)
class Checkpoint:
    """The group's result lies under `key`."""

    key: str


@dataclass(frozen=True)
class KeptFile:
    """One file of a finished asset in the store."""

    name: str
    key: str
    bytes: int
    sha256: str
    content_type: str


@dataclass(frozen=True)
class Finished:
    """A finished asset: its files, and everything that report.json says of it."""

    files: tuple[KeptFile, ...]
    report: Mapping[str, Any]


@dataclass(frozen=True)
class Inspected:
    """What a photo is, and what a shopkeeper should know about it. width, height: of the file, upright."""

    sha256: str
    bytes: int
    width: int
    height: int
    advice: tuple[Advice, ...]


@dataclass(frozen=True)
class Described:
    """Best first: each generator's spec as JSON, with `runs_here` and `why_not`."""

    generators: tuple[Mapping[str, Any], ...]


Result = Checkpoint | Finished | Inspected | Described


# Ends


@dataclass(frozen=True)
class Done:
    """It worked."""

    result: Result


@dataclass(frozen=True)
class Rejected:
    """InputRejected; see there."""

    code: str
    advice: str
    photo: str
    boxes: tuple[Area, ...] = ()


@dataclass(frozen=True)
class Away:
    """Unavailable; see there."""

    code: str
    advice: str


@dataclass(frozen=True)
class CalledOff:
    """Cancelled, as asked."""


@dataclass(frozen=True)
class Crashed:
    """A bug; the whole traceback."""

    traceback: str


End = Done | Rejected | Away | CalledOff | Crashed

Told = Taken | News | End
"""Every message of the child."""
