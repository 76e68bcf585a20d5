"""a model that a person made -> raw shape: one mesh, one set of maps, in metres"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assets_pipeline.asset import UPLOADED, Asset, Hints, Mesh, RawShape, StageRecord, frozen
from assets_pipeline.errors import InputRejected
from assets_pipeline.formats.foreign import read_foreign_glb
from assets_pipeline.formats.foreign_model import Finish, ForeignModel, Piece, refused, told
from assets_pipeline.geometry.measure import areas
from assets_pipeline.protocols import GltfTools
from assets_pipeline.stages.clean import uniform_scale
from assets_pipeline.texture.atlas import Tiles, lay_out
from assets_pipeline.texture.color import linear_to_srgb, to_bytes

SOURCE = "upload.glb"
"""Under which name the uploaded file lies among the asset's files, until it has been read."""

MENDED = {
    "ACCESSOR_VECTOR3_NON_UNIT",
    "ACCESSOR_INVALID_SIGN",
    "ACCESSOR_MIN_MISMATCH",
    "ACCESSOR_MAX_MISMATCH",
    "ACCESSOR_ELEMENT_OUT_OF_MIN_BOUND",
    "ACCESSOR_ELEMENT_OUT_OF_MAX_BOUND",
    "MESH_PRIMITIVE_INDEXED_SEMANTIC_CONTIGUITY",
    "IMAGE_NON_ENABLED_MIME_TYPE",
}
"""The validator's errors about what we make anew in any case: normals, tangents, bounds."""

FEWEST_TRIANGLES = 4
SMALLEST_M, LARGEST_M = 0.003, 100.0
"""Metres that a product's longest side may have, beyond any slip of units."""

SAME_SIZE = 0.005
"""A scale nearer to 1 than this is none."""


@dataclass(frozen=True)
class Adopt:
    """Read the uploaded model and merge it; see `adopt`."""

    tools: GltfTools = field(repr=False)

    def __call__(self, asset: Asset) -> Asset:
        assert SOURCE in asset.files, "adopt comes first"
        model = read_foreign_glb(asset.files[SOURCE])
        check_valid(self.tools.validate(asset.files[SOURCE]))
        raw, counts = adopt(model, asset.hints)
        return replace(asset, raw=raw, files={}, provenance=(*asset.provenance, StageRecord(repr(self), counts)))


def check_valid(report: Mapping[str, Any]) -> None:
    """Raises InputRejected when the Khronos validator finds what we do not mend."""
    errors = [each for each in report["messages"] if each["severity"] == 0]
    if bad := [each for each in errors if each["code"] not in MENDED]:
        first = told(f"{bad[0]['code']} at {bad[0].get('pointer', 'its start')}")
        raise InputRejected(
            "model_invalid",
            f"The model breaks the rules of glTF ({first}; {report['errors']} errors in all): export it once more.",
        )


def adopt(model: ForeignModel, hints: Hints) -> tuple[RawShape, Mapping[str, Any]]:
    """One shape of all pieces, as large as the file says; clean gives it the product's size.

    Raises InputRejected when nothing is left to show, or when no unit makes sense of its size.
    """
    pieces = model.pieces
    longest = float(np.ptp(np.concatenate([piece.positions for piece in pieces]), axis=0).max())
    if not np.isfinite(longest) or not 0 < longest < 1e9:
        raise refused("model_no_surface")
    notes = [*model.notes, *_check_size(pieces, hints)]
    tiles: Tiles | None = None
    if any(finish.textures for finish in model.finishes) or _surfaces_differ(model.finishes):
        tiles = lay_out(model)
        notes += tiles.notes
    mesh = _mesh(model, tiles)
    solid = int((areas(mesh.positions, mesh.indices) > (1e-7 * longest) ** 2).sum())
    if solid < FEWEST_TRIANGLES:
        raise refused("model_no_surface")
    given = any(side is not None for side in (hints.width, hints.height, hints.depth))
    raw = RawShape(
        mesh=mesh,
        generator=UPLOADED,
        family=UPLOADED,
        roughness=model.finishes[0].roughness,
        metallic=model.finishes[0].metallic,
        scale_known=True,
        rigid=True,
        size_source="given" if given else "unknown",
        shaped_from=(),
        notes=tuple(notes),
    )
    if tiles is not None:
        raw = replace(
            raw,
            base_color=tiles.base_color,
            metallic_roughness=tiles.metallic_roughness,
            normal=tiles.normal,
            occlusion=tiles.occlusion,
        )
    counts = {"pieces": len(pieces), "materials": len(model.finishes), "triangles": mesh.triangles, "notes": notes}
    return raw, counts


def _check_size(pieces: Sequence[Piece], hints: Hints) -> list[str]:
    """What is to be said about the model's size. Raises InputRejected."""
    low = np.min([piece.positions.min(axis=0) for piece in pieces], axis=0)
    high = np.max([piece.positions.max(axis=0) for piece in pieces], axis=0)
    given = np.array([hints.width or np.nan, hints.height or np.nan, hints.depth or np.nan])
    scale = uniform_scale(high - low, given, scale_known=True)
    longest = float((high - low).max()) * scale
    if not SMALLEST_M <= longest <= LARGEST_M:
        advice = f"The model would be {longest:.3g} m long: export it in metres, or give the product's dimensions."
        raise InputRejected("model_size_unlikely", advice)
    if abs(scale - 1) <= SAME_SIZE:
        return []
    return [f"It was scaled by {scale:.4g} to the product's dimensions."]


def _surfaces_differ(finishes: Sequence[Finish]) -> bool:
    """Whether one roughness and one metallic cannot stand for all."""
    return len({(finish.roughness, finish.metallic) for finish in finishes}) > 1


def _mesh(model: ForeignModel, tiles: Tiles | None) -> Mesh:
    """All pieces in one, under the texcoords of the tiles, or else with a colour at each vertex."""
    starts = np.cumsum([0, *(len(piece.positions) for piece in model.pieces)])
    positions = np.concatenate([piece.positions for piece in model.pieces])
    middle = (positions.min(axis=0) + positions.max(axis=0)) / 2  # float32 is finest around 0
    mesh = Mesh(
        positions=frozen(positions - middle, np.float32),
        indices=frozen(
            np.concatenate([piece.indices + start for piece, start in zip(model.pieces, starts, strict=False)]),
            np.uint32,
        ),
    )
    if tiles is not None:
        return replace(mesh, texcoords=frozen(np.concatenate(tiles.texcoords), np.float32))
    return replace(mesh, colors=frozen(np.concatenate([_colors(piece, model.finishes) for piece in model.pieces])))


def _colors(piece: Piece, finishes: Sequence[Finish]) -> NDArray[np.uint8]:
    """uint8 (n, 4) sRGB: the material's colour times the vertices' own."""
    light = np.tile(np.array(finishes[piece.finish].base_color, np.float32), (len(piece.positions), 1))
    if piece.colors is not None:
        light = light * piece.colors
    return np.concatenate([to_bytes(linear_to_srgb(light[:, :3])), to_bytes(light[:, 3:])], axis=1)
