"""a photo's header -> how the camera was held and how far it zoomed"""

import math
import struct
from dataclasses import dataclass
from typing import Any

from PIL import Image

ORIENTATION, EXIF_IFD = 0x0112, 0x8769
FOCAL_LENGTH, FOCAL_LENGTH_35MM = 0x920A, 0xA405
PLANE_X_RESOLUTION, PLANE_UNIT = 0xA20E, 0xA210
PIXEL_WIDTH, PIXEL_HEIGHT = 0xA002, 0xA003
MAKER_NOTE, APPLE_ACCELERATION = 0x927C, 8
UNIT_MM = {2: 25.4, 3: 10.0, 4: 1.0}
FULL_FRAME_DIAGONAL_MM = math.hypot(36, 24)
BELIEVABLE_FOCAL = (0.3, 30.0)
"""Times the longer side: from a fisheye's edge to the longest of telephoto lenses."""


@dataclass(frozen=True)
class ExifFacts:
    """What we use of EXIF; None where it says nothing. orientation: 1..8.

    size: pixels when the photo was taken, as stored. tilt: degrees that the camera looked down, 90 for straight down.
    """

    orientation: int = 1
    focal_mm: float | None = None
    focal_35mm: float | None = None
    pixels_per_mm: float | None = None
    size: tuple[int, int] | None = None
    tilt: float | None = None


def read_exif(image: Image.Image) -> ExifFacts:
    """The photo's facts; nothing where its EXIF is missing or damaged."""
    try:
        exif = image.getexif()
        taken = exif.get_ifd(EXIF_IFD)
    except (OSError, ValueError, SyntaxError, KeyError, TypeError, struct.error):
        return ExifFacts()
    orientation = exif.get(ORIENTATION, 1)
    per_unit, unit_mm = number(taken.get(PLANE_X_RESOLUTION)), UNIT_MM.get(taken.get(PLANE_UNIT, 2))
    width, height = number(taken.get(PIXEL_WIDTH)), number(taken.get(PIXEL_HEIGHT))
    return ExifFacts(
        orientation=int(orientation) if orientation in range(1, 9) else 1,
        focal_mm=number(taken.get(FOCAL_LENGTH)),
        focal_35mm=number(taken.get(FOCAL_LENGTH_35MM)),
        pixels_per_mm=per_unit / unit_mm if per_unit and unit_mm else None,
        size=(int(width), int(height)) if width and height else None,
        tilt=camera_tilt(taken.get(MAKER_NOTE)),
    )


def focal_length_px(exif: ExifFacts, size: tuple[int, int]) -> float | None:
    """Focal length in pixels of a photo of `size`; None when EXIF does not tell or the photo was cropped since."""
    if exif.size and not same_shape(exif.size, size):
        return None
    focal_px = None
    if exif.focal_35mm:
        focal_px = exif.focal_35mm / FULL_FRAME_DIAGONAL_MM * math.hypot(*size)
    elif exif.focal_mm and exif.pixels_per_mm:
        taken = max(exif.size) if exif.size else max(size)
        focal_px = exif.focal_mm * exif.pixels_per_mm * max(size) / taken
    low, high = BELIEVABLE_FOCAL
    return focal_px if focal_px and low < focal_px / max(size) < high else None


def same_shape(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two sizes have the same proportions, upright or turned."""
    ratios = [max(size) / min(size) for size in (one, other)]
    return abs(ratios[0] / ratios[1] - 1) < 0.02


def camera_tilt(note: Any) -> float | None:
    """Degrees below the horizon that an iPhone's camera looked, from the acceleration in Apple's maker note.

    Layout as in public files: "Apple iOS\\0", version, byte order, then an IFD at offset 14, offsets from the start.
    """
    if not isinstance(note, bytes) or not note.startswith(b"Apple iOS\0") or note[12:14] != b"MM":
        return None
    try:
        (entries,) = struct.unpack_from(">H", note, 14)
        for at in range(16, 16 + 12 * min(entries, 100), 12):
            tag, kind, count, offset = struct.unpack_from(">HHII", note, at)
            if (tag, kind, count) == (APPLE_ACCELERATION, 10, 3):
                parts = struct.unpack_from(">6i", note, offset)
                x, y, z = (parts[i] / parts[i + 1] for i in (0, 2, 4))
                length = math.hypot(x, y, z)
                return math.degrees(math.asin(-z / length)) if 0.8 < length < 1.2 else None
    except (struct.error, ZeroDivisionError):
        return None
    return None


def number(value: Any) -> float | None:
    """A positive, finite number of EXIF's, or None."""
    try:
        result = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return result if math.isfinite(result) and result > 0 else None
