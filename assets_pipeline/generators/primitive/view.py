"""cutout -> a square crop around the product, and the camera that saw it, in crop units"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from assets_pipeline.asset import Camera, Cutout, frozen

ASSUMED_ANGLE = np.deg2rad(21.0)
"""How wide the product's longer side is assumed to lie in the view when no focal length is known."""

MARGIN = 0.86
"""Share of the crop that the product's longer side fills."""


@dataclass(frozen=True)
class Crop:
    """A square window around the product. Crop units: the half side of the window is 1 at `distance` from the eye.

    mask: bool (n, n). sdf: float32 (n, n), pixels to the silhouette, positive inside. rgb: float32 (n, n, 3), sRGB.
    """

    rgb: NDArray[np.float32]
    alpha: NDArray[np.float32]
    mask: NDArray[np.bool_]
    sdf: NDArray[np.float32]
    distance: float
    centre: tuple[float, float]
    half_px: float

    @property
    def side(self) -> int:
        return len(self.mask)

    def to_pixels(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where view points (..., 3) appear in the crop, (..., 2) as (column, row); pixel centres lie at + 0.5.

        The view frame sits at the product: +X right, +Y up, +Z toward the eye, which is at z = distance.
        """
        scale = self.distance / np.maximum(self.distance - points[..., 2], 1e-3) * self.side / 2
        return np.stack([self.side / 2 + points[..., 0] * scale, self.side / 2 - points[..., 1] * scale], axis=-1)

    def sample_sdf(self, points: NDArray[np.float64]) -> NDArray[np.float32]:
        """The signed distance to the silhouette, in crop pixels, where view points appear."""
        return sample_bilinear(self.sdf, self.to_pixels(points))


def sample_bilinear(image: NDArray[Any], pixels: NDArray[Any]) -> NDArray[np.float32]:
    """`image` (h, w[, c]) at (column, row) positions (..., 2), edges extended."""
    x = (pixels[..., 0] - 0.5).astype(np.float32)
    y = (pixels[..., 1] - 0.5).astype(np.float32)
    shape = x.shape
    rows = 4096  # cv2.remap takes at most 32767 a side
    count = x.size
    padded = -(-count // rows) * rows
    flat_x, flat_y = np.zeros(padded, np.float32), np.zeros(padded, np.float32)
    flat_x[:count], flat_y[:count] = x.ravel(), y.ravel()
    result = np.empty((padded, *image.shape[2:]), np.float32)
    step = rows * 8192
    for start in range(0, padded, step):
        part = slice(start, min(start + step, padded))
        mapped = cv2.remap(
            image,
            flat_x[part].reshape(-1, rows),
            flat_y[part].reshape(-1, rows),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        result[part] = mapped.reshape(-1, *image.shape[2:])
    return result[:count].reshape(*shape, *image.shape[2:])


def crop_product(cutout: Cutout, side: int) -> Crop:
    """The product of `cutout` in a square of `side` pixels."""
    inside = cutout.rgba[..., 3] > 127
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    height, width = rows[-1] + 1 - rows[0], columns[-1] + 1 - columns[0]
    centre = ((columns[0] + columns[-1] + 1) / 2, (rows[0] + rows[-1] + 1) / 2)
    half_px = max(height, width) / 2 / MARGIN
    scale = side / (2 * half_px)
    matrix = np.array([[scale, 0, side / 2 - centre[0] * scale], [0, scale, side / 2 - centre[1] * scale]])
    matrix[:, 2] += (scale - 1) / 2  # warpAffine puts pixel centres at integers
    premultiplied = cutout.rgba.astype(np.float32) / 255
    premultiplied[..., :3] *= premultiplied[..., 3:]
    if scale < 0.8:
        premultiplied = cv2.GaussianBlur(premultiplied, (0, 0), 0.35 / scale).astype(np.float32)
    warped = cv2.warpAffine(premultiplied, matrix, (side, side), flags=cv2.INTER_LINEAR)
    warped = np.clip(warped, 0, 1).astype(np.float32)
    rgb = np.clip(warped[..., :3] / np.maximum(warped[..., 3:], 1e-3), 0, 1).astype(np.float32)
    alpha: NDArray[np.float32] = np.ascontiguousarray(warped[..., 3])
    mask = alpha > 0.5
    return Crop(
        rgb,
        alpha,
        mask,
        cv2.GaussianBlur(signed_distance(mask), (0, 0), 1.2).astype(np.float32),
        view_distance(cutout, half_px, (height, width)),
        centre,
        half_px,
    )


def view_distance(cutout: Cutout, half_px: float, size: tuple[int, int]) -> float:
    """Distance from the eye to the product in crop units, by the photo's focal length or the assumed angle of view."""
    focal_px = cutout.focal_px or max(size) / 2 / np.tan(ASSUMED_ANGLE / 2)
    return float(np.clip(focal_px / half_px, 2.5, 40.0))


def signed_distance(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Pixels to the boundary of `mask`, positive inside, sub-pixel at the boundary itself."""
    inside = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    outside = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5)
    return np.where(mask, inside - 0.5, 0.5 - outside).astype(np.float32)


def rotation_x(angle: float) -> NDArray[np.float64]:
    """Turn about +X, (3, 3), from +Y toward +Z."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1.0, 0, 0], [0, c, -s], [0, s, c]])


def rotation_y(angle: float) -> NDArray[np.float64]:
    """Turn about +Y, (3, 3), from +Z toward +X."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0, s], [0, 1.0, 0], [-s, 0, c]])


def view_rotation(azimuth: float, elevation: float) -> NDArray[np.float64]:
    """Product frame to view frame, for an eye at `azimuth` (toward +X from the front) and `elevation`, in radians."""
    return rotation_x(elevation) @ rotation_y(-azimuth)


def camera_of(cutout: Cutout, crop: Crop, rotation: NDArray[np.float64], offset: NDArray[np.float64]) -> Camera:
    """The camera of the whole photo, given product -> view as `rotation @ x + offset`, in crop units.

    The crop was fitted as if its centre lay on the optical axis. Here the shape is moved to where the crop lies, not
    turned: exact in place, and off by the parallax of a product far from the frame's middle.
    """
    height, width = cutout.rgba.shape[:2]
    focal_px = crop.distance * crop.half_px
    away = np.array([(crop.centre[0] - width / 2) / focal_px, (height / 2 - crop.centre[1]) / focal_px])
    distance = crop.distance
    moved = offset + np.array([away[0] * distance, away[1] * distance, -distance])
    return Camera(frozen(rotation), frozen(moved), focal_px, width, height)
