"""What we need from outside: one Protocol per need, adapters live in packages of their own."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from assets_pipeline.asset import Cutout, Hints, RawShape, View

Progress = Callable[[float], None]
"""Told the share done, 0..1."""

Cancelled = Callable[[], bool]
"""Asked between steps; True calls the work off."""


class Segmenter(Protocol):
    """Tells product from background."""

    @property
    def name(self) -> str: ...

    def segment(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The product's soft mask, float32 (h, w) in 0..1, of an sRGB photo, uint8 (h, w, 3).

        Raises Unavailable when the model's weights are not there.
        """
        ...


@dataclass(frozen=True)
class Licence:
    """The terms a generator's code and weights come under."""

    code: str
    weights: str = "none"
    territories_excluded: tuple[str, ...] = ()
    revenue_cap_usd: int | None = None
    attribution: str = ""


@dataclass(frozen=True)
class GeneratorSpec:
    """What a generator takes, gives and needs; static, so that it can be advertised without loading anything."""

    name: str
    summary: str
    min_views: int
    max_views: int
    named_views: tuple[View, ...]
    outputs: tuple[str, ...]
    device: str
    queue: str
    licence: Licence
    vram_gb: float = 0.0
    packages: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()


class ImageTo3D(Protocol):
    """Makes a shape from one or more cut-out views."""

    spec: GeneratorSpec

    def generate(
        self,
        views: Sequence[Cutout],
        hints: Hints,
        *,
        seed: int,
        progress: Progress,
        cancelled: Cancelled,
    ) -> RawShape:
        """The product's shape and colour.

        Raises InputRejected when the views or hints contradict each other, Unavailable when weights or memory are
        missing, Cancelled when called off.
        """
        ...


class ObjectStore(Protocol):
    """Keeps bytes under keys."""

    def put_all(self, objects: Mapping[str, bytes]) -> None:
        """Store every object under its key (a relative path), or none of them; replaces what is there.

        Raises Unavailable when the place is full or away.
        """
        ...

    def get(self, key: str) -> bytes:
        """The bytes under `key`. Raises KeyError."""
        ...

    def list(self, prefix: str) -> Iterator[str]:
        """Every key that begins with `prefix`, once, in any order."""
        ...

    def delete(self, keys: Iterable[str]) -> None:
        """Delete; what is not there is no error."""
        ...


class GltfTools(Protocol):
    """The glTF tools that exist only for Node: meshopt packing and the Khronos validator."""

    def pack_web(self, glb: bytes) -> bytes:
        """`glb` with its geometry quantised and packed by meshopt, textures untouched. Raises Unavailable."""
        ...

    def unpack_web(self, glb: bytes) -> bytes:
        """`glb` with its geometry as plain floats again, for reading. Raises Unavailable."""
        ...

    def validate(self, glb: bytes) -> Mapping[str, Any]:
        """Khronos gltf-validator's report: {"errors": n, "warnings": n, "infos": n, "hints": n, "messages": [...]}."""
        ...
