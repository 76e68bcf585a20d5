"""What a delivered model file holds, whichever its format."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assets_pipeline.asset import Material, Mesh, frozen
from assets_pipeline.formats.images import EncodedImage, decode_image

BASE_COLOR = "base_color"
SURFACE = "occlusion_roughness_metallic"
NORMAL = "normal"

DEFAULT_ROUGHNESS = 0.6
"""For a material without a roughness map: neither plastic shine nor chalk."""


@dataclass(frozen=True)
class ModelFile:
    """One mesh with one material, as a GLB or USDZ file says it.

    images: by slot, as encoded in the file. alpha_mode: "OPAQUE", "MASK" or "BLEND". has_occlusion: whether red of
    SURFACE is occlusion. facts: counts and names as found in the file, for certificates.
    """

    mesh: Mesh
    name: str
    images: Mapping[str, EncodedImage]
    alpha_mode: str = "OPAQUE"
    double_sided: bool = False
    has_occlusion: bool = True
    extras: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def material(self) -> Material:
        """The decoded maps."""
        pixels = {slot: decode_image(image) for slot, image in self.images.items()}
        surface = pixels.get(SURFACE)
        base_color = pixels.get(BASE_COLOR)
        return Material(
            base_color=base_color if base_color is not None else frozen(np.full((1, 1, 3), 255, np.uint8)),
            metallic_roughness=None if surface is None else frozen(surface[..., :3]),
            normal=pixels.get(NORMAL),
            occlusion=frozen(surface[..., 0]) if surface is not None and self.has_occlusion else None,
        )


def transformed(mesh: Mesh, matrix: NDArray[np.float64]) -> Mesh:
    """`mesh` moved by an affine map, float64 (4, 4); normals and tangents stay unit."""
    if np.array_equal(matrix, np.eye(4)):
        return mesh
    linear = matrix[:3, :3]
    normals = None if mesh.normals is None else _unit(mesh.normals @ np.linalg.inv(linear))
    tangents = mesh.tangents
    if tangents is not None:
        tangents = np.concatenate([_unit(tangents[:, :3] @ linear.T), tangents[:, 3:]], axis=1)
    return Mesh(
        positions=frozen(mesh.positions @ linear.T + matrix[:3, 3], np.float32),
        indices=mesh.indices,
        texcoords=mesh.texcoords,
        normals=None if normals is None else frozen(normals, np.float32),
        tangents=None if tangents is None else frozen(tangents, np.float32),
        colors=mesh.colors,
    )


def _unit(vectors: NDArray[Any]) -> NDArray[Any]:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-20)
