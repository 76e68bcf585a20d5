"""the merchant's dimensions against the photo, and the shape's real size"""

from dataclasses import replace
from itertools import permutations

import numpy as np

from assets_pipeline.asset import Hints, Mesh, RawShape, frozen
from assets_pipeline.errors import InputRejected
from assets_pipeline.generators.primitive.view import Crop
from assets_pipeline.generators.primitive.words import Kind

SLACK = 1.4
"""How far the outline's proportion may lie outside of what the dimensions allow: lenses, tilt, cropping."""

SLIPS = {
    10.0: "centimetres instead of millimetres",
    0.1: "millimetres instead of centimetres",
    25.4: "inches instead of millimetres",
    2.54: "inches instead of centimetres",
    1000.0: "metres instead of millimetres",
}

UNKNOWN_SIZE = 0.3
"""Longest side in metres of a product of which neither dimensions nor kind are known."""


def check_proportions(crop: Crop, hints: Hints, photo: str) -> None:
    """Raises InputRejected when no viewpoint makes the given dimensions look like the photo; names a likely slip."""
    given = {"width": hints.width, "height": hints.height, "depth": hints.depth}
    known = {name: value for name, value in given.items() if value}
    if len(known) < 2 or plausible(crop, known):
        return
    said = ", ".join(f"{name} {value * 1000:g} mm" for name, value in known.items())
    raise InputRejected(
        "dimensions_contradict",
        f"The dimensions ({said}) do not fit the product in the photo{likely_slip(crop, known)}; please check them.",
        photo=photo,
    )


def plausible(crop: Crop, known: dict[str, float]) -> bool:
    """Whether some viewpoint shows a box of these dimensions in the proportion of the silhouette."""
    values = list(known.values())
    if max(values) / min(values) > 150:
        return False
    width, height, depth = known.get("width"), known.get("height"), known.get("depth")
    if height is None or width is None:
        return True  # the other could be anything
    wide = float(np.hypot(width, depth or 1.2 * width))
    narrow = min(width, 0.7 * (width + (depth or 0.2 * width)))  # turned by half a right angle at most
    if depth and max(width, depth) > 12 * max(height, min(width, depth)):
        return False
    rows, columns = crop.mask.any(axis=1).sum(), crop.mask.any(axis=0).sum()
    aspect = columns / rows
    tallest = height + 0.5 * wide  # seen from above, the depth adds to the outline's height
    return bool(narrow / tallest / SLACK <= aspect <= wide / (0.8 * height) * SLACK)


def likely_slip(crop: Crop, known: dict[str, float]) -> str:
    """What the merchant may have meant, as the end of a sentence, or nothing."""
    slips = []
    for name, value in known.items():
        for factor, meaning in SLIPS.items():
            meant = {other: size * (factor if size == value else 1) for other, size in known.items()}
            if plausible(crop, meant):
                changed = sum(meant[other] != known[other] for other in known)
                text = f": was the {name} given in {meaning}? {value * factor * 1000:g} mm would fit"
                slips.append((oddity(crop, meant) + 0.05 * changed, text))
    if slips:
        return min(slips, key=lambda slip: slip[0])[1]
    names = list(known)
    for order in permutations(known.values()):
        swapped = dict(zip(names, order, strict=True))
        if swapped != known and plausible(crop, swapped):
            return (
                ": were they given in another order? "
                + ", ".join(f"{n} {v * 1000:g} mm" for n, v in swapped.items())
                + " would fit"
            )
    return ""


def oddity(crop: Crop, meant: dict[str, float]) -> float:
    """How unlike the outline, and how lopsided, a product of these dimensions would be: the least is the likeliest."""
    lopsided = 0.1 * float(np.log(max(meant.values()) / min(meant.values())))
    if "width" not in meant or "height" not in meant:
        return lopsided
    rows, columns = crop.mask.any(axis=1).sum(), crop.mask.any(axis=0).sum()
    return lopsided + float(abs(np.log(columns / rows * meant["height"] / meant["width"])))


def size_of(shape: RawShape, hints: Hints, kind: Kind | None) -> RawShape:
    """`shape` at the usual size of its kind where the merchant gave none. Given dimensions are applied later."""
    if hints.width or hints.height or hints.depth:
        return replace(shape, size_source="given")
    wanted = kind.size if kind else UNKNOWN_SIZE
    factor = wanted / float(shape.mesh.extents.max())
    mesh = Mesh(frozen(shape.mesh.positions * np.float32(factor)), shape.mesh.indices, shape.mesh.texcoords)
    cameras = tuple(
        camera and replace(camera, translation=frozen(camera.translation * factor)) for camera in shape.cameras
    )
    note = f"no dimensions were given: made {wanted * 1000:.0f} mm at its longest, a usual size"
    return replace(
        shape,
        mesh=mesh,
        cameras=cameras,
        scale_known=True,
        size_source="typical" if kind else "unknown",
        notes=(*shape.notes, note),
    )


def metres_per_unit(crop: Crop, hints: Hints) -> float | None:
    """Metres per crop unit, from the outline and the given height, else width; None without either."""
    rows, columns = crop.mask.any(axis=1).sum(), crop.mask.any(axis=0).sum()
    if hints.height:
        return float(hints.height / (rows / crop.side * 2))
    if hints.width:
        return float(hints.width / (columns / crop.side * 2))
    return None
