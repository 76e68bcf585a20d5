"""cut-out -> shape of the product's class: revolve, cuboid, extrusion, furniture, else an inflated silhouette"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from assets_pipeline.asset import Cutout, Hints, Mesh, RawShape, View, frozen
from assets_pipeline.errors import Cancelled as CancelledError
from assets_pipeline.generators.primitive.dimensions import check_proportions, size_of
from assets_pipeline.generators.primitive.others import DIRECTIONS, camera_for_view
from assets_pipeline.generators.primitive.paint import Painting, paint
from assets_pipeline.generators.primitive.route import Choice, choose
from assets_pipeline.generators.primitive.solid import Solid, rotated, turned
from assets_pipeline.generators.primitive.view import Crop, camera_of, crop_product, rotation_x
from assets_pipeline.generators.primitive.words import Family, Kind, kind_in_file_name, kind_of
from assets_pipeline.protocols import Cancelled, GeneratorSpec, Licence, Progress

FIT_SIDE = 256
SIDES = (View.RIGHT, View.LEFT)

LYING: dict[View | None, float] = {View.TOP: -np.pi / 2, View.BOTTOM: np.pi / 2}
"""How the front that a photo from above or below seems to show lies in truth."""

TIPPED = (Family.CUBOID, Family.EXTRUSION, Family.INFLATION)

NEXT_PHOTO = {
    Family.REVOLVE_CLOSED: "back: the side that this photo does not show",
    Family.REVOLVE_OPEN: "top: straight down into it",
    Family.CUBOID: "three-quarter: front and one side in one photo",
    Family.EXTRUSION: "back: the side that this photo does not show",
    Family.FURNITURE: "right: straight from the side",
    Family.INFLATION: "right: straight from the side",
}


class PrimitiveGenerator:
    """Fits the class of shape that the title names or the silhouette suggests; needs no weights and no GPU."""

    spec = GeneratorSpec(
        name="primitive",
        summary="fits box, solid of revolution, plate, furniture or inflated silhouette to one photo",
        min_views=1,
        max_views=24,
        named_views=tuple(View),
        outputs=("mesh", "base_color", "seen"),
        device="cpu",
        queue="cpu",
        licence=Licence(code="Apache-2.0"),
    )

    def generate(
        self,
        views: Sequence[Cutout],
        hints: Hints,
        *,
        seed: int,
        progress: Progress,
        cancelled: Cancelled,
    ) -> RawShape:
        """See `ImageTo3D.generate`. One photo gives the shape, see `leading_view`; the others add texture."""

        def reached(share: float) -> None:
            if cancelled():
                raise CancelledError("called off")
            progress(share)

        kind = kind_of(hints.title, hints.category) or kind_in_file_name(views[0].name)
        chosen = leading_view(views, from_side=kind is not None and kind.shown_from_side)
        cutout = views[chosen]
        reached(0.0)
        crop = crop_product(cutout, FIT_SIDE)
        azimuth = 0.0 if cutout.view is None else DIRECTIONS.get(cutout.view, (0.0, 0.0))[0]
        facing = replace(hints, width=hints.depth, depth=hints.width) if cutout.view in SIDES else hints
        if cutout.view not in LYING:
            check_proportions(crop, facing, cutout.name)
        choice = choose_lying(crop, kind, hints, LYING[cutout.view]) if cutout.view in LYING else None
        if choice is None:
            choice = choose(crop, kind, facing)
            choice = replace(choice, solid=turned(choice.solid, azimuth))
        if kind is not None and choice.size is not None:
            kind = replace(kind, size=choice.size)
        reached(0.5)
        camera = camera_of(cutout, crop, choice.solid.rotation, choice.solid.offset)
        cameras = [camera if i == chosen else camera_for_view(choice.solid, view) for i, view in enumerate(views)]
        further = [
            (view, found) for i, (view, found) in enumerate(zip(views, cameras, strict=True)) if i != chosen and found
        ]
        painting = paint(choice.solid, [(cutout, camera), *further])
        reached(1.0)
        shape = raw_shape(choice, painting, crop, kind)
        notes = (*choice.notes, *view_notes(views, chosen, [view for view, _ in further]))
        return size_of(replace(shape, cameras=tuple(cameras), shaped_from=(chosen,), notes=notes), hints, kind)


def choose_lying(crop: Crop, kind: Kind | None, hints: Hints, tip: float) -> Choice | None:
    """The choice for a photo from straight above or below: shaped as from the front, then tipped about +X by `tip`.

    None where the fit takes for granted that the product stands upright in the photo.
    """
    choice = choose(crop, kind, replace(hints, height=hints.depth, depth=hints.height))
    if choice.solid.family not in TIPPED:
        return None
    return replace(choice, solid=rotated(choice.solid, rotation_x(tip)))


def raw_shape(choice: Choice, painting: Painting, crop: Crop, kind: Kind | None) -> RawShape:
    """The painted solid as generators hand it over, still in crop units."""
    solid = choice.solid
    return RawShape(
        mesh=Mesh(
            frozen(solid.positions, np.float32),
            frozen(solid.indices, np.uint32),
            frozen(solid.texcoords, np.float32),
        ),
        generator=PrimitiveGenerator.spec.name,
        base_color=frozen(painting.base_color),
        seen=frozen(painting.seen),
        roughness=kind.roughness if kind else 0.6,
        metallic=kind.metallic if kind else 0.0,
        family=str(solid.family),
        confidence=solid.coverage,
        next_photo=NEXT_PHOTO[Family(solid.family)],
        parameters=parameters(solid, crop, choice),
    )


def leading_view(views: Sequence[Cutout], *, from_side: bool) -> int:
    """The photo to shape from: the front (of a shoe: a side), else a three-quarter view, else the first."""
    order = (View.FRONT, View.THREE_QUARTER)
    for wanted in (*SIDES, *order) if from_side else order:
        for i, view in enumerate(views):
            if view.view == wanted:
                return i
    return 0


def view_notes(views: Sequence[Cutout], chosen: int, used: Sequence[Cutout]) -> tuple[str, ...]:
    """What became of the other photos, for the report."""
    if len(views) == 1:
        return ()
    notes = [f"shaped from {views[chosen].name}"]
    if used:
        notes.append("texture also from " + ", ".join(view.name for view in used))
    unused = [view for i, view in enumerate(views) if i != chosen and not any(view is other for other in used)]
    for view in unused:
        why = "its view has no name" if view.view is None else "it does not match the shape from that side"
        notes.append(f"{view.name} lends no texture: {why}")
    return tuple(notes)


def parameters(solid: Solid, crop: Crop, choice: Choice) -> dict[str, object]:
    """What the fit found, for the provenance record; angles in degrees."""
    view = solid.rotation
    return {
        "family": str(solid.family),
        "why": choice.why,
        "elevation_deg": round(float(np.degrees(np.arcsin(np.clip(view[2, 1], -1, 1)))), 1),
        "azimuth_deg": round(float(np.degrees(np.arctan2(-view[0, 2], view[0, 0]))), 1),
        "silhouette_iou": round(float(solid.coverage), 4),
        "distance": round(crop.distance, 2),
    }
