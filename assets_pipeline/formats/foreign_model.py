"""what a stranger's model holds, how much of it we take, and what is said about one that will not do"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from assets_pipeline.errors import InputRejected
from assets_pipeline.formats.glb import WEBP
from assets_pipeline.formats.pictures import Picture

SUPPORTED = {
    WEBP,
    "KHR_mesh_quantization",
    "KHR_texture_transform",
    "KHR_materials_unlit",
    "KHR_materials_emissive_strength",
}
"""Extensions that a file may require."""

COMPRESSED = {"KHR_draco_mesh_compression", "EXT_meshopt_compression", "KHR_meshopt_compression", "KHR_texture_basisu"}

SENTENCES: Mapping[str, str] = {
    "model_empty": "The file is empty: export or upload the model once more.",
    "model_too_large": "The file has … MB, … MB at most: export smaller textures or fewer triangles.",
    "not_a_glb": "This file is no GLB: export the model as binary glTF, one file that ends in .glb.",
    "model_truncated": "The end of the file is missing: upload the model once more.",
    "model_broken": "The model's file is damaged inside (…): export it once more.",
    "model_external": "The model keeps a part of itself in other files: export it as one GLB with everything inside.",
    "model_compressed": "The model is compressed by …, which we do not unpack: export it without compression.",
    "model_extension": "The model needs …, which phones do not show: export it as plain glTF 2.0.",
    "model_skinned": "The model has a skeleton: apply its pose and export it without.",
    "model_too_complex": "The model has …, … at most: simplify it before you upload it.",
    "model_no_surface": "There is no surface in the model: export the product's mesh with the scene.",
    "model_texture_broken": "A texture of the model cannot be read: export it once more with JPEG or PNG textures.",
    "model_texture_too_large": "A texture of the model has … x … pixels, … a side at most: make it smaller.",
}
"""Code -> what a shopkeeper is told, with … for what is filled in."""


LONGEST = 100
"""Letters of a file's own words that are told."""


def refused(code: str, *filled: object) -> InputRejected:
    """The rejection of that code, its gaps filled in order."""
    first, *rest = SENTENCES[code].split("…")
    return InputRejected(
        code, first + "".join(f"{told(value)}{part}" for value, part in zip(filled, rest, strict=True))
    )


def told(value: object) -> str:
    """`value` as it may stand in a sentence, whoever wrote it: short, and nothing but what can be printed."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(value)[:LONGEST])


@dataclass(frozen=True)
class Limits:
    """What a model may hold. texels: of all its textures together; side: of one."""

    json_bytes: int = 8_000_000
    nodes: int = 20_000
    depth: int = 64
    primitives: int = 5_000
    triangles: int = 2_000_000
    vertices: int = 4_000_000
    materials: int = 256
    texture_side: int = 8192
    texels: int = 140_000_000


@dataclass(frozen=True)
class Texture:
    """A picture on a surface. wrap: of s and t, as glTF numbers them. matrix: float64 (3, 3), of its texcoords."""

    picture: Picture
    texcoords: int = 0
    wrap: tuple[int, int] = (10497, 10497)
    matrix: NDArray[np.float64] = field(default_factory=lambda: np.eye(3))


@dataclass(frozen=True)
class Finish:
    """A material as the file says it. base_color: linear, four of 0..1. cutoff: of alpha, where it is a mask."""

    base_color: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)
    metallic: float = 1.0
    roughness: float = 1.0
    alpha_mode: str = "OPAQUE"
    cutoff: float = 0.5
    colors: Texture | None = None
    surface: Texture | None = None
    normal: Texture | None = None
    occlusion: Texture | None = None

    @property
    def textures(self) -> tuple[Texture, ...]:
        """Those that it has, the colours first."""
        return tuple(filter(None, (self.colors, self.surface, self.normal, self.occlusion)))


@dataclass(frozen=True)
class Piece:
    """Triangles of one material, in the world's frame.

    positions: float64 (n, 3). indices: int64 (m, 3). texcoords: by set, float64 (n, 2). colors: float32 (n, 4) linear.
    """

    positions: NDArray[np.float64]
    indices: NDArray[np.int64]
    finish: int
    texcoords: Mapping[int, NDArray[np.float64]] = field(default_factory=dict)
    colors: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class ForeignModel:
    """What is in the file. notes: what was left out, in sentences."""

    pieces: tuple[Piece, ...]
    finishes: tuple[Finish, ...]
    notes: tuple[str, ...] = ()
