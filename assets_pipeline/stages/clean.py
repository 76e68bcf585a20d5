"""raw shape -> sound high-poly mesh in the world frame"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assets_pipeline.asset import Asset, Camera, Hints, Mesh, RawShape, StageRecord, frozen
from assets_pipeline.geometry import repair
from assets_pipeline.geometry.holes import fill_holes
from assets_pipeline.geometry.surface import Surface
from assets_pipeline.geometry.topology import edges_of

SAME_PLACE = 2e-6
"""Vertices nearer than this share of the longest side are one; float32 keeps 1e-7 of it."""

CRACK = 1e-5
"""Open edges nearer than this share of the longest side were meant to meet."""

SIZE_TOLERANCE = 0.005
"""A dimension nearer to the one given than this is left alone."""


@dataclass(frozen=True)
class Clean:
    """Mend the generator's mesh, give it its real size and stand it on the floor; see `clean` and `place`."""

    def __call__(self, asset: Asset) -> Asset:
        assert asset.raw is not None, "clean comes after generate"
        mesh, repairs = clean(asset.raw.mesh)
        mesh, cameras, placement = place(mesh, asset.raw, asset.hints)
        edges = edges_of(Surface.of(mesh).indices)
        state = {"triangles": mesh.triangles, "open_edges": edges.boundary, "watertight": edges.watertight}
        record = StageRecord(repr(self), {**repairs, **placement, **state})
        return replace(asset, highpoly=mesh, cameras=cameras, provenance=(*asset.provenance, record))


def clean(mesh: Mesh) -> tuple[Mesh, Mapping[str, int]]:
    """Mend what is broken and count it; a sound mesh keeps its triangles.

    Faults mended: vertices at one place, triangles without area, doubled triangles, fins, edges with more than two
    triangles, cracks, floating specks, small holes, triangles that face inward. Texture seams stay. Normals and
    tangents are dropped: they belong to the low-poly mesh.
    """
    assert mesh.triangles, "a generator never hands over an empty mesh"
    assert np.isfinite(mesh.positions).all(), "a generator never hands over positions that are not numbers"
    longest = float(np.ptp(mesh.positions, axis=0).max())
    surface = Surface.of(mesh, SAME_PLACE * longest)
    counts: dict[str, int] = {"welded": len(mesh.positions) - len(surface.positions)}
    surface, counts["cracks_welded"] = repair.weld_cracks(surface, CRACK * longest)
    surface, collapsed = repair.drop_collapsed(surface)
    surface, flattened = repair.flatten_slivers(surface)
    counts["degenerate"] = collapsed + flattened
    surface, counts["duplicates"] = repair.drop_duplicates(surface)
    surface, counts["fins"] = repair.drop_fins(surface)
    surface, counts["floaters"] = repair.drop_floaters(surface)
    surface, counts["turned_to_match"] = repair.wind_alike(surface)
    surface, counts["edges_parted"] = repair.split_non_manifold(surface)
    surface, counts["holes_filled"], counts["holes_left"] = fill_holes(surface)
    surface, counts["turned_outward"] = repair.face_outward(surface)
    assert len(surface.indices), "cleaning never removes the whole product"
    return surface.mesh(), counts


def place(
    mesh: Mesh, raw: RawShape, hints: Hints
) -> tuple[Mesh, tuple[Camera | None, ...], Mapping[str, float | list[float]]]:
    """Give the mesh its real size, stand it on y = 0, centre it in x and z, and move the cameras along.

    The first of height, width and depth that is given sets the scale; without any the units stay. Where more are
    given, each axis is then stretched onto its dimension. That stretch is small, since generators fit their shapes to
    the dimensions; it is no similarity, so cameras follow it only in the middle of the product. A rigid shape is never
    stretched.
    """
    given = np.array([hints.width or np.nan, hints.height or np.nan, hints.depth or np.nan])
    scale = uniform_scale(mesh.extents.astype(np.float64), given, raw.scale_known)
    size = mesh.extents * scale
    off = (not raw.rigid) & np.isfinite(given) & (size > 0) & ~(np.abs(size - given) <= SIZE_TOLERANCE * given)
    stretch = np.where(off, given / np.where(size > 0, size, 1), 1.0)
    positions = mesh.positions * (scale * stretch)
    lower, upper = positions.min(axis=0), positions.max(axis=0)
    shift = -np.array([(lower[0] + upper[0]) / 2, lower[1], (lower[2] + upper[2]) / 2])
    placed = replace(mesh, positions=frozen(positions + shift, np.float32))
    middle = (mesh.positions.min(axis=0).astype(np.float64) + mesh.positions.max(axis=0)) / 2
    cameras = tuple(
        None if camera is None else _moved(camera, scale, middle, middle * scale * stretch + shift)
        for camera in raw.cameras
    )
    return placed, cameras, {"scale": round(scale, 6), "stretch": [round(float(s), 5) for s in stretch]}


def uniform_scale(size: NDArray[np.float64], given: NDArray[np.float64], scale_known: bool) -> float:
    """The factor that brings height, else width, else depth to what was given; 1 without any."""
    for axis in (1, 0, 2):
        if np.isfinite(given[axis]) and size[axis] > 0:
            factor = float(given[axis] / size[axis])
            return 1.0 if scale_known and abs(factor - 1) <= SIZE_TOLERANCE else factor
    return 1.0


def _moved(camera: Camera, scale: float, old: NDArray[Any], new: NDArray[Any]) -> Camera:
    """The camera that sees the scaled product as before; the point `old` of the raw frame went to `new`."""
    seen = camera.rotation @ old + camera.translation
    return replace(camera, translation=frozen(scale * seen - camera.rotation @ new, np.float64))
