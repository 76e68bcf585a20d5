"""silhouette, title and dimensions -> which family, and the fitted solid"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from assets_pipeline.asset import Hints
from assets_pipeline.generators.primitive.cuboid import USUAL_DEPTH, Cuboid, cuboid_mesh, fit_cuboid, tessellated
from assets_pipeline.generators.primitive.cues import BaseLine, base_line, looks_open, stands_on_legs
from assets_pipeline.generators.primitive.dimensions import metres_per_unit
from assets_pipeline.generators.primitive.field import grid_over, surface
from assets_pipeline.generators.primitive.furniture import Furniture, fit_furniture, furniture_surface
from assets_pipeline.generators.primitive.handle import handle_surface, leftover
from assets_pipeline.generators.primitive.inflate import ball_heights, inflate, plate
from assets_pipeline.generators.primitive.revolve import Profile, fit_profile, lathe, outline
from assets_pipeline.generators.primitive.saucer import SERVED, Served, cup_section, fit_served, saucer_section, waist
from assets_pipeline.generators.primitive.solid import (
    MIRROR_X,
    MIRROR_Z,
    QUARTERS,
    TURN,
    Solid,
    joined,
    stacked,
    turned,
    unwrapped,
)
from assets_pipeline.generators.primitive.view import Crop, rotation_x, view_rotation
from assets_pipeline.generators.primitive.words import Family, Kind

MAX_TEXTURE_PX = 4096
TOO_STEEP = np.deg2rad(34)
"""Elevation from which on any oval outline passes for a turned body."""

OPEN_MOUTH = 0.65
"""Upper end over the largest radius from which on a vessel is taken to be empty and open."""

MAX_TEXELS = 4_200_000
"""As many as a 2048 px atlas holds: more would only be paid for."""

SERVED_COVERAGE = 0.94
LEAST_WAIST = 0.001
SAUCER_SIZE = 0.145
"""Usual width of a saucer in metres."""

CLEARLY = 0.03
"""How much more of the outline a cup with its saucer must explain than one turned body."""

BOX_COVERAGE = 0.955
"""IoU from which on an outline alone is that of a box."""

TURNED = np.deg2rad(12)
NEARLY_ROUND = 1.3


@dataclass(frozen=True)
class Choice:
    """The fitted solid and, in words for the report, why this family.

    size: its usual longest side in metres where that is not its kind's.
    """

    solid: Solid
    why: str
    notes: tuple[str, ...] = ()
    size: float | None = None


def choose(crop: Crop, kind: Kind | None, hints: Hints) -> Choice:
    """The best family that the title allows and the silhouette bears out."""
    if kind is not None:
        choice = boxed(crop, kind, hints) or by_word(crop, kind, hints)
        if choice is not None:
            return choice
    return by_silhouette(crop, kind, hints)


def boxed(crop: Crop, kind: Kind, hints: Hints) -> Choice | None:
    """The box that round contents come in ("Mountain tea"): its corner is in view, or its sides differ too much.

    The name of what is inside tells of a can or a bottle only as long as nothing speaks against it.
    """
    if not kind.content or kind.family not in (Family.REVOLVE_CLOSED, Family.REVOLVE_OPEN):
        return None
    sides = sorted((hints.width or 1, hints.depth or 1)) if hints.width and hints.depth else [1, 1]
    if base_line(crop.mask) is not BaseLine.VEE and sides[1] < NEARLY_ROUND * sides[0]:
        return None
    fitted = fit_cuboid(crop, size=full_size(hints), depth_ratio=depth_ratio(None, hints))
    if fitted.coverage <= BOX_COVERAGE:
        return None
    return Choice(cuboid_solid(crop, fitted, plain_back=False), f"'{kind.word}' in a straight-edged box")


def by_word(crop: Crop, kind: Kind, hints: Hints) -> Choice | None:
    """The family that the title names, if its fit is good enough."""
    why = f"'{kind.word}' is a {kind.family.replace('_', ' ')} shape"
    if kind.family in (Family.REVOLVE_CLOSED, Family.REVOLVE_OPEN):
        solid = revolve_by_word(crop, kind, hints)
        served = served_by_word(crop, kind, solid)
        if served is not None:
            return Choice(served, f"{why}: on its saucer, seen from above", size=SAUCER_SIZE)
        if solid is not None:
            return Choice(solid, why)
    if kind.family == Family.CUBOID:
        fitted = fit_cuboid(crop, size=full_size(hints), depth_ratio=depth_ratio(kind, hints))
        if fitted.coverage >= 0.86:
            return Choice(cuboid_solid(crop, fitted, plain_back=kind.plain_back), why)
    if kind.family == Family.FURNITURE:
        found = fit_furniture(crop, kind.word, size=full_size(hints))
        if found.coverage >= 0.72:
            return Choice(furniture_solid(crop, found), f"{why}: {found.template}")
    if kind.family == Family.EXTRUSION:
        return Choice(plate_solid(crop, kind, hints), why)
    if kind.family == Family.INFLATION:
        return Choice(inflated_solid(crop, kind, hints), why)
    return None


def revolve_by_word(crop: Crop, kind: Kind, hints: Hints) -> Solid | None:
    """The turned body that the word promises, or None where the outline speaks against it.

    A vessel whose outline narrows to the top is full (a plant in its pot): it gets no cavity.
    """
    profile = fit_revolve(crop, hints, open_top=False, spherical=kind.spherical)
    symmetry, coverage = 0.8, 0.88
    if kind.family == Family.REVOLVE_OPEN:
        symmetry, coverage = 0.6, 0.75
        if profile.mouth >= OPEN_MOUTH:
            profile = fit_revolve(crop, hints, open_top=True)
            if profile.coverage >= coverage and profile.symmetry >= symmetry:
                return revolve_solid(crop, profile, kind)
            return None
    if profile.coverage < coverage or profile.symmetry < symmetry or profile.elevation > TOO_STEEP:
        return None
    return revolve_solid(crop, profile, replace(kind, family=Family.REVOLVE_CLOSED))


def by_silhouette(crop: Crop, kind: Kind | None, hints: Hints) -> Choice:
    """The family that the outline alone suggests."""
    base = base_line(crop.mask)
    if base is BaseLine.ARC:
        profile = fit_revolve(crop, hints, open_top=False)
        if profile.symmetry > 0.85 and profile.coverage > 0.94 and profile.elevation < TOO_STEEP:
            if looks_open(profile):
                profile = fit_revolve(crop, hints, open_top=True)
                opened = replace(kind or PLAIN, family=Family.REVOLVE_OPEN)
                return Choice(revolve_solid(crop, profile, opened), "symmetric outline, round base, widest at its rim")
            return Choice(revolve_solid(crop, profile, kind or PLAIN), "symmetric outline on a round base")
    if base in (BaseLine.FLAT, BaseLine.VEE):
        fitted = fit_cuboid(crop, size=full_size(hints), depth_ratio=depth_ratio(kind, hints))
        if fitted.coverage > BOX_COVERAGE:
            return Choice(cuboid_solid(crop, fitted, plain_back=False), "straight-edged outline of a box")
    if kind is None and stands_on_legs(crop.mask):
        found = fit_furniture(crop, "", size=full_size(hints))
        if found.coverage >= 0.8:
            return Choice(furniture_solid(crop, found), f"stands on legs like a {found.template}")
    return Choice(inflated_solid(crop, kind or PLAIN, hints), "no simple shape explains the outline")


PLAIN = Kind("", Family.INFLATION, 0.3, plain_back=True)


def full_size(hints: Hints) -> NDArray[np.float64] | None:
    """Width, height and depth, where all are given."""
    if hints.width and hints.height and hints.depth:
        return np.array([hints.width, hints.height, hints.depth])
    return None


def depth_ratio(kind: Kind | None, hints: Hints) -> float:
    """Depth over width: as given, as usual for the kind, or as usual for packed goods."""
    if hints.depth and hints.width:
        return hints.depth / hints.width
    return kind.depth if kind else USUAL_DEPTH


def served_by_word(crop: Crop, kind: Kind, single: Solid | None) -> Solid | None:
    """A cup on its saucer where the word allows it and the two explain clearly more than the `single` turned body."""
    wanted = max(SERVED_COVERAGE, outline_share(crop, single) + CLEARLY)
    if kind.word not in SERVED or wanted >= 1:
        return None
    served = fit_served(crop)
    told_apart = waist(crop, served) > LEAST_WAIST
    return served_solid(crop, served) if served.coverage > wanted and told_apart else None


def outline_share(crop: Crop, solid: Solid | None) -> float:
    """IoU of the fitted body's picture with the whole silhouette; 0 without a body."""
    if solid is None:
        return 0.0
    corners = crop.to_pixels(solid.positions @ solid.rotation.T + solid.offset)[solid.indices]
    picture = np.zeros((crop.side, crop.side), np.uint8)
    for corner in ((corners - 0.5) * 16).round().astype(np.int32):
        cv2.fillConvexPoly(picture, corner, 1, shift=4)
    return float(((picture > 0) & crop.mask).sum() / ((picture > 0) | crop.mask).sum())


def served_solid(crop: Crop, served: Served) -> Solid:
    """The saucer with the cup on it, each a turned body with its own part of the texture."""
    px = photo_px_per_unit(crop) * 1.1
    saucer, cup = (turned_part(section, px) for section in (saucer_section(served), cup_section(served)))
    solid = Solid(*saucer, served.rotation, served.offset, Family.REVOLVE_OPEN, served.coverage, symmetries=QUARTERS)
    return stacked(solid, *cup)


def turned_part(
    section: NDArray[np.float64], px: float
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64], tuple[int, int]]:
    """A half section turned about the axis: positions, indices, texcoords and the texels it deserves."""
    around = 2 * np.pi * float(section[:, 0].max()) * px
    along = float(np.linalg.norm(np.diff(section, axis=0), axis=1).sum()) * px
    return *lathe(section), texture_size(around, along)


def fit_revolve(crop: Crop, hints: Hints, *, open_top: bool, spherical: bool = False) -> Profile:
    """The profile, with the elevation at which height over diameter is as given, where both are."""
    diameter = hints.depth or None
    ratio = hints.height / diameter if hints.height and diameter else None
    if spherical:
        return fit_profile(crop, open_top=False, elevation=0.0)  # a ball looks alike from everywhere
    free = fit_profile(crop, open_top=open_top)
    if ratio is None:
        return free
    told = fit_profile(crop, open_top=open_top, height_over_diameter=ratio)
    return told if told.coverage > free.coverage - 0.04 else free


def photo_px_per_unit(crop: Crop) -> float:
    """Photo pixels per crop unit: the detail that there is to keep."""
    return crop.half_px


def revolve_solid(crop: Crop, profile: Profile, kind: Kind) -> Solid:
    """The turned body, with handles and spouts where the silhouette has them."""
    is_open = kind.family == Family.REVOLVE_OPEN
    section = outline(profile, wall=kind.wall if is_open else None)
    positions, indices, texcoords = lathe(section)
    px = photo_px_per_unit(crop) * 1.1
    around = 2 * np.pi * float(profile.radii.max()) * px
    along = float(np.linalg.norm(np.diff(section, axis=0), axis=1).sum()) * px
    texture = texture_size(around, along)
    family = Family.REVOLVE_OPEN if is_open else Family.REVOLVE_CLOSED
    solid = Solid(
        positions,
        indices,
        texcoords,
        texture,
        rotation_x(profile.elevation),
        profile.offset,
        family,
        profile.coverage,
        QUARTERS,
    )
    region = leftover(crop, profile, single=kind.flat_handle)
    if region is None:
        return solid
    clear = 1 - 0.5 * kind.wall if is_open else 0.85
    handle = handle_surface(crop, profile, region, flat=kind.flat_handle, keep_clear=clear)
    if handle is None:
        return solid
    solid = joined(solid, [handle], px)
    return turned_to_side(solid, handle[0]) if kind.flat_handle else solid


def texture_size(width: float, height: float) -> tuple[int, int]:
    """Whole texels in this proportion, as many as asked for up to the limits."""
    shrink = min(1.0, MAX_TEXTURE_PX / max(width, height), np.sqrt(MAX_TEXELS / (width * height)))
    return max(64, int(width * shrink)), max(64, int(height * shrink))


def turned_to_side(solid: Solid, handle: NDArray[np.float64]) -> Solid:
    """`solid` turned so that its handle points to +X or -X, as merchants show pans from the front."""
    centre = handle.mean(axis=0)
    angle = float(np.arctan2(centre[2], abs(centre[0]))) * (1 if centre[0] >= 0 else -1)
    if abs(angle) > np.deg2rad(75):
        return solid
    return turned(solid, angle)


def cuboid_solid(crop: Crop, fitted: Cuboid, *, plain_back: bool) -> Solid:
    """The fitted box; `plain_back` mirrors its sides but does not copy its front to its back."""
    positions, indices, texcoords = tessellated(*cuboid_mesh(fitted.half))
    w, h, d = fitted.half * 2
    px = photo_px_per_unit(crop) * 1.1
    unfolded = np.array([2 * (w + d), h + 2 * d]) * 1.05 * px
    texture = texture_size(*unfolded)
    return Solid(
        positions,
        indices,
        texcoords,
        texture,
        fitted.rotation,
        fitted.offset,
        Family.CUBOID,
        fitted.coverage,
        (MIRROR_X,) if plain_back else (TURN,),
    )


def furniture_solid(crop: Crop, found: Furniture) -> Solid:
    """The fitted parts, alike left and right."""
    positions, indices = furniture_surface(crop, found)
    positions, indices, texcoords, texture = unwrapped(positions, indices, photo_px_per_unit(crop))
    return Solid(
        positions,
        indices,
        texcoords,
        texture,
        view_rotation(found.azimuth, found.elevation),
        found.offset,
        Family.FURNITURE,
        found.coverage,
        (MIRROR_X,),
    )


def plate_solid(crop: Crop, kind: Kind, hints: Hints) -> Solid:
    """The silhouette as a plate, as thick as given or as usual for its kind."""
    scale = metres_per_unit(crop, hints)
    half = hints.depth / 2 / scale if hints.depth and scale else kind.depth * outline_width(crop) / 2
    positions, indices = plate(crop, half_depth=float(np.clip(half, 0.01, 0.6)))
    return free_solid(crop, positions, indices, Family.EXTRUSION, plain_back=kind.plain_back)


def inflated_solid(crop: Crop, kind: Kind, hints: Hints) -> Solid:
    """A rounded body; a given depth shapes it before anything is stretched, boxier where it is deeper than round."""
    plain = kind.plain_back or kind.family != Family.INFLATION  # a likeness on the back would be a guess
    scale = metres_per_unit(crop, hints)
    half = hints.depth / 2 / scale if hints.depth and scale else None
    size, azimuth = full_size(hints), 0.0
    if size is not None:
        posed = fit_cuboid(crop, size=size)
        if abs(posed.azimuth) > TURNED and not looks_frontal(crop, size):
            if kind.squareness > 4 and posed.coverage > 0.8:
                return trimmed_solid(crop, posed, plain_back=plain)
            half, azimuth = None, posed.azimuth
    roundest = float(ball_heights(crop.mask).max()) / (crop.side / 2)
    if half is not None and 1 / NEARLY_ROUND < half / roundest < NEARLY_ROUND:
        half = float(np.sqrt(half * roundest))  # round comes close: the last bit of size is Clean's
    squareness = kind.squareness if half is None or half < 1.25 * roundest else max(kind.squareness, 4.5)
    positions, indices = inflate(crop, half_depth=half, squareness=squareness)
    return free_solid(crop, positions, indices, Family.INFLATION, plain_back=plain, azimuth=azimuth)


def looks_frontal(crop: Crop, size: NDArray[np.float64]) -> bool:
    """Whether the outline is about as wide for its height as the product's front."""
    aspect = crop.mask.any(axis=0).sum() / crop.mask.any(axis=1).sum()
    return bool(abs(np.log(aspect / (size[0] / size[1]))) < 0.12)


def trimmed_solid(crop: Crop, posed: Cuboid, *, plain_back: bool) -> Solid:
    """The box of the given dimensions, trimmed by the outline and its mirror image."""
    grid = grid_over(-posed.half, posed.half, 144)
    points = grid.points()
    field = (posed.half - np.abs(points)).min(axis=-1).astype(np.float32)
    for mirror in (np.eye(3), MIRROR_X):
        seen = crop.sample_sdf(points @ (posed.rotation @ mirror).T + posed.offset)
        np.minimum(field, seen / (crop.side / 2), out=field)
    positions, indices, texcoords, texture = unwrapped(*surface(field, grid), photo_px_per_unit(crop))
    return Solid(
        positions,
        indices,
        texcoords,
        texture,
        posed.rotation,
        posed.offset,
        Family.INFLATION,
        posed.coverage,
        (MIRROR_X,) if plain_back else (MIRROR_X, TURN),
    )


def outline_width(crop: Crop) -> float:
    """Width of the silhouette in crop units."""
    return float(crop.mask.any(axis=0).sum() / crop.side * 2)


def free_solid(
    crop: Crop,
    positions: NDArray[np.float64],
    indices: NDArray[np.int64],
    family: Family,
    *,
    plain_back: bool,
    azimuth: float = 0.0,
) -> Solid:
    """A surface in the view frame as a solid, seen from `azimuth`; its back mirrors what the photo shows."""
    positions, indices, texcoords, texture = unwrapped(positions, indices, photo_px_per_unit(crop))
    symmetries = () if plain_back else (MIRROR_Z,)
    solid = Solid(positions, indices, texcoords, texture, np.eye(3), np.zeros(3), family, 1.0, symmetries)
    return turned(solid, azimuth)
