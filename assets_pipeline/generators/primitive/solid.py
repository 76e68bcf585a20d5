"""The fitted shape, before it has colour."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import fast_simplification
import numpy as np
import uvunwrap
from numpy.typing import NDArray

from assets_pipeline.generators.primitive.view import rotation_y

ATLAS_GAP_PX = 8


@dataclass(frozen=True)
class Solid:
    """A textured shape to be, in the product frame (+Y up, front +Z), in crop units.

    positions (n, 3), indices (m, 3), texcoords (n, 2); texture: (width, height) in texels. The photo's view frame is
    `rotation @ x + offset`. symmetries: (3, 3) matrices that map the shape onto itself; texels that the photo does not
    show take the colour of where a symmetry puts them, the first that is seen wins.
    """

    positions: NDArray[np.float64]
    indices: NDArray[np.int64]
    texcoords: NDArray[np.float64]
    texture: tuple[int, int]
    rotation: NDArray[np.float64]
    offset: NDArray[np.float64]
    family: str
    coverage: float
    symmetries: tuple[NDArray[np.float64], ...] = ()
    notes: tuple[str, ...] = ()


TURN = np.diag([-1.0, 1.0, -1.0])
"""Half a turn about the upright axis: keeps lettering readable, which a mirror image would not."""

QUARTERS = (TURN, np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]]), np.array([[0.0, 0, -1], [0, 1, 0], [1, 0, 0]]))
"""Turns of a body of revolution: the half turn first, then the quarter turns for the strips between."""

MIRROR_X = np.diag([-1.0, 1.0, 1.0])
MIRROR_Z = np.diag([1.0, 1.0, -1.0])


def turned(solid: Solid, azimuth: float) -> Solid:
    """`solid` as it stands when the photo that it was fitted to was taken from `azimuth`, in radians, not the front."""
    return rotated(solid, rotation_y(azimuth))


def rotated(solid: Solid, turn: NDArray[np.float64]) -> Solid:
    """`solid` after the rotation `turn` (3, 3), seen by the photo as before."""
    return replace(
        solid,
        positions=solid.positions @ turn.T,
        rotation=solid.rotation @ turn.T,
        symmetries=tuple(turn @ symmetry @ turn.T for symmetry in solid.symmetries),
    )


def unwrapped(
    positions: NDArray[np.float64], indices: NDArray[np.int64], px_per_unit: float, *, triangles: int = 40_000
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64], tuple[int, int]]:
    """Reduce to `triangles`, lay out charts of about `px_per_unit`: (positions, indices, texcoords, texture size)."""
    if len(indices) > triangles:
        reduced, faces = fast_simplification.simplify(
            positions.astype(np.float32), indices.astype(np.int32), target_count=triangles, agg=3
        )
        positions, indices = reduced.astype(np.float64), faces.astype(np.int64)
    corners = positions[indices]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1).sum() / 2
    side = int(np.clip(np.sqrt(area / 0.6) * px_per_unit, 256, 2560))
    mesh = uvunwrap.Mesh(np.ascontiguousarray(positions, np.float32), np.ascontiguousarray(indices, np.uint32))
    atlas: Any = uvunwrap.generate([mesh], page_size=side, padding=4)
    part = atlas.meshes[0]
    source = np.asarray(part.xref).astype(np.int64)
    faces = np.asarray(part.indices).astype(np.int64).reshape(-1, 3)
    texcoords = np.asarray(part.uv, np.float64).reshape(-1, 2)
    return positions[source], faces, texcoords, (int(atlas.width), int(atlas.height))


def joined(body: Solid, parts: Sequence[tuple[NDArray[np.float64], NDArray[np.int64]]], px_per_unit: float) -> Solid:
    """`body` with further closed surfaces, each with charts of its own below the body's."""
    for positions, indices in parts:
        share = len(indices) / 4
        extra, faces, texcoords, size = unwrapped(
            positions, indices, px_per_unit, triangles=int(np.clip(share, 4000, 16_000))
        )
        body = stacked(body, extra, faces, texcoords, size)
    return body


def stacked(
    body: Solid,
    positions: NDArray[np.float64],
    indices: NDArray[np.int64],
    texcoords: NDArray[np.float64],
    size: tuple[int, int],
) -> Solid:
    """Put another part's charts below those of `body`."""
    width = max(body.texture[0], size[0])
    height = body.texture[1] + ATLAS_GAP_PX + size[1]
    above = body.texcoords * (np.array(body.texture) / (width, height))
    below = (texcoords * size + (0, body.texture[1] + ATLAS_GAP_PX)) / (width, height)
    return replace(
        body,
        positions=np.concatenate([body.positions, positions]),
        indices=np.concatenate([body.indices, indices + len(body.positions)]),
        texcoords=np.concatenate([above, below]),
        texture=(width, height),
    )
