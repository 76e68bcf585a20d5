"""cut-out -> shape of the product's class: revolve, cuboid, extrusion, furniture, else an inflated silhouette"""

from collections.abc import Sequence


import numpy as np
from numpy.typing import NDArray

from assets_pipeline.asset import Camera, Cutout, Hints, Mesh, RawShape, View, frozen
from assets_pipeline.errors import Cancelled as CancelledError
from assets_pipeline.generators.primitive.dimensions import check_proportions, size_of
from assets_pipeline.generators.primitive.paint import paint
from assets_pipeline.generators.primitive.route import Choice, choose
from assets_pipeline.generators.primitive.solid import Solid
from assets_pipeline.generators.primitive.view import Crop, camera_of, crop_product
from assets_pipeline.generators.primitive.words import Family, Kind, kind_of
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
        kind = kind_of(hints.title, hints.category)
        choice = choose(crop, cutout, kind, hints)
        solid = choice.solid
        check_proportions(solid, crop, hints, cutout.name)
        reached(0.5)
        camera = camera_of(cutout, crop, solid.rotation, solid.offset)
        painting = paint(solid, cutout, camera)
        reached(1.0)
        cameras: list[Camera | None] = [None] * len(views)
        cameras[chosen] = camera
        shape = RawShape(
            mesh=Mesh(
                frozen(solid.positions, np.float32),
                frozen(solid.indices, np.uint32),
                frozen(solid.texcoords, np.float32),
            ),
            generator=self.spec.name,
            base_color=frozen(painting.base_color),
            seen=frozen(painting.seen),
            roughness=kind.roughness if kind else 0.6,
            metallic=kind.metallic if kind else 0.0,
            cameras=tuple(cameras),
            family=solid.family,
            confidence=solid.coverage,
            next_photo=NEXT_PHOTO[Family(solid.family)],
            notes=(*choice.notes, *view_notes(views, chosen)),
            parameters=parameters(solid, crop, choice),
        )
        return size_of(shape, hints, kind)


def leading_view(views: Sequence[Cutout]) -> int:
    """The photo to shape from: the front, else a three-quarter view, else the first."""
    for wanted in (View.FRONT, View.THREE_QUARTER):
        for i, view in enumerate(views):
            if view.view == wanted:
                return i
    return 0


def view_notes(views: Sequence[Cutout], chosen: int) -> tuple[str, ...]:
    if len(views) == 1:
        return ()
    return (f"shaped from {views[chosen].name}; the other {len(views) - 1} photo(s) were inspected but not used for shape",)


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
