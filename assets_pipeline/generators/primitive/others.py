"""further photos with named views -> cameras, for their texture"""

import cv2
import numpy as np
from numpy.typing import NDArray

from assets_pipeline.asset import Camera, Cutout, View, frozen
from assets_pipeline.generators.primitive.solid import Solid
from assets_pipeline.generators.primitive.view import crop_product, view_rotation

DIRECTIONS: dict[View, tuple[float, float]] = {
    View.FRONT: (0.0, 0.05),
    View.BACK: (np.pi, 0.05),
    View.RIGHT: (np.pi / 2, 0.05),
    View.LEFT: (-np.pi / 2, 0.05),
    View.TOP: (0.0, np.pi / 2),
    View.BOTTOM: (0.0, -np.pi / 2),
}
"""Azimuth and elevation from which each named side is usually photographed, in radians."""

GOOD_FIT = 0.75
"""IoU of the shape's picture with the photo's outline from which on the photo's texture is used."""

CHECK_SIDE = 128


def camera_for_view(solid: Solid, cutout: Cutout) -> Camera | None:
    """The camera of a photo of a named side: its usual direction, moved so that shape and outline fill the same box.

    None when the view has no name, or shape and outline do not match well enough to lend colour.
    """
    if cutout.view not in DIRECTIONS:
        return None
    rotation = view_rotation(*DIRECTIONS[cutout.view])
    crop = crop_product(cutout, CHECK_SIDE)
    inside = cutout.rgba[..., 3] > 127
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    low = np.array([columns[0], rows[0]], float)
    high = np.array([columns[-1] + 1, rows[-1] + 1], float)
    height, width = inside.shape
    focal_px = crop.distance * crop.half_px
    middle = rotation @ ((solid.positions.min(axis=0) + solid.positions.max(axis=0)) / 2)
    translation = np.array([-middle[0], -middle[1], -crop.distance - middle[2]])
    for _ in range(6):
        camera = Camera(rotation, translation, focal_px, width, height)
        pixels = to_pixels(camera, solid.positions)
        found_low, found_high = pixels.min(axis=0), pixels.max(axis=0)
        depth = -(middle + translation)[2]
        shift = ((low + high) - (found_low + found_high)) / 2 * depth / focal_px
        scale = float(np.sqrt(np.prod((found_high - found_low) / (high - low))))
        translation = translation + np.array([shift[0], -shift[1], depth * (1 - scale)])
    camera = Camera(frozen(rotation), frozen(translation), focal_px, width, height)
    return camera if overlap(solid, camera, inside) >= GOOD_FIT else None


def to_pixels(camera: Camera, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where points (n, 3) appear, (n, 2) as (column, row)."""
    seen = points @ camera.rotation.T + camera.translation
    scale = camera.focal_px / np.maximum(-seen[:, 2:], 1e-6)
    return np.array([camera.width, camera.height]) / 2 + seen[:, :2] * scale * (1, -1)


def overlap(solid: Solid, camera: Camera, inside: NDArray[np.bool_]) -> float:
    """IoU of the shape's picture with the outline, at a small size."""
    shrink = 320 / max(inside.shape)
    size = (round(inside.shape[1] * shrink), round(inside.shape[0] * shrink))
    outline = cv2.resize(inside.astype(np.uint8), size, interpolation=cv2.INTER_AREA) > 0
    picture = np.zeros(outline.shape, np.uint8)
    corners = (to_pixels(camera, solid.positions)[solid.indices] * shrink * 16).astype(np.int32)
    for triangle in corners:
        cv2.fillConvexPoly(picture, triangle, 1, shift=4)
    drawn = picture > 0
    return float((drawn & outline).sum() / max((drawn | outline).sum(), 1))
