"""cut-out -> shape of the product's class: revolve, cuboid, extrusion, furniture, else an inflated silhouette"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from assets_pipeline.asset import Cutout, Hints, Mesh, RawShape, View, frozen
from assets_pipeline.errors import Cancelled as CancelledError
from assets_pipeline.generators.primitive.dimensions import check_proportions, size_of
from assets_pipeline.generators.primitive.paint import Painting, paint
from assets_pipeline.generators.primitive.route import Choice, choose
from assets_pipeline.generators.primitive.solid import Solid
from assets_pipeline.generators.primitive.view import Crop, camera_of, crop_product
from assets_pipeline.generators.primitive.words import Family, Kind, kind_in_file_name, kind_of
from assets_pipeline.protocols import Cancelled, GeneratorSpec, Licence, Progress

FIT_SIDE = 256

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
        max_views=8,
        named_views=(View.FRONT, View.THREE_QUARTER),
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
        """See `ImageTo3D.generate`. The shape comes from the front view where one is named, else from the first."""

        def reached(share: float) -> None:
            if cancelled():
                raise CancelledError("called off")
            progress(share)

        chosen = leading_view(views)
        cutout = views[chosen]
        reached(0.0)
        crop = crop_product(cutout, FIT_SIDE)
        kind = kind_of(hints.title, hints.category) or kind_in_file_name(cutout.name)
        check_proportions(crop, hints, cutout.name)
        choice = choose(crop, kind, hints)
        reached(0.5)
        camera = camera_of(cutout, crop, choice.solid.rotation, choice.solid.offset)
        painting = paint(choice.solid, cutout, camera)
        reached(1.0)
        shape = raw_shape(choice, painting, crop, kind)
        cameras = tuple(camera if i == chosen else None for i in range(len(views)))
        notes = (*choice.notes, *view_notes(views, chosen))
        return size_of(replace(shape, cameras=cameras, notes=notes), hints, kind)


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
        family=solid.family,
        confidence=solid.coverage,
        next_photo=NEXT_PHOTO[Family(solid.family)],
        parameters=parameters(solid, crop, choice),
    )


def leading_view(views: Sequence[Cutout]) -> int:
    """The photo to shape from: the front, else a three-quarter view, else the first."""
    for wanted in (View.FRONT, View.THREE_QUARTER):
        for i, view in enumerate(views):
            if view.view == wanted:
                return i
    return 0


def view_notes(views: Sequence[Cutout], chosen: int) -> tuple[str, ...]:
    """What became of the other photos, for the report."""
    if len(views) == 1:
        return ()
    return (
        f"shaped from {views[chosen].name}; the other {len(views) - 1} photo(s) were inspected but not used for shape",
    )


def parameters(solid: Solid, crop: Crop, choice: Choice) -> dict[str, object]:
    """What the fit found, for the provenance record; angles in degrees."""
    view = solid.rotation
    return {
        "family": solid.family,
        "why": choice.why,
        "elevation_deg": round(float(np.degrees(np.arcsin(np.clip(view[2, 1], -1, 1)))), 1),
        "azimuth_deg": round(float(np.degrees(np.arctan2(-view[0, 2], view[0, 0]))), 1),
        "silhouette_iou": round(float(solid.coverage), 4),
        "distance": round(crop.distance, 2),
    }
