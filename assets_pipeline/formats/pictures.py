"""bytes of a stranger's texture -> pixels, its size known before anything is unpacked"""

import io
import struct
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "WEBP")
DAMAGED = (OSError, SyntaxError, ValueError, EOFError, OverflowError, IndexError, struct.error, zlib.error)
"""What Pillow raises on pictures that are damaged."""

LARGEST_SIDE = 4096
"""Pixels that are kept: twice what we deliver."""

SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N", "I")


@dataclass(frozen=True)
class Picture:
    """A picture that has not been unpacked. width, height: as its header says."""

    data: bytes
    width: int
    height: int

    def pixels(self) -> NDArray[np.uint8]:
        """uint8 (h, w, 3), or (h, w, 4) with alpha, at most LARGEST_SIDE a side. Raises ValueError when damaged."""
        try:
            with Image.open(io.BytesIO(self.data), formats=FORMATS) as image:
                size = _within(image.width, image.height)
                image.draft(image.mode, size)  # JPEG alone can: decodes at a half, a quarter or an eighth
                plain = _eight_bits(image)
            if plain.size != size:
                plain = plain.resize(size, Image.Resampling.BOX)
            return np.array(plain)
        except DAMAGED as error:
            raise ValueError(f"a damaged picture: {error}") from None


def open_picture(data: bytes) -> Picture:
    """Read the header alone. Raises ValueError when it is no picture that we unpack."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            return Picture(data, image.width, image.height)
    except (UnidentifiedImageError, Image.DecompressionBombError, *DAMAGED) as error:
        if isinstance(error, Image.DecompressionBombError):
            return Picture(b"", 1 << 20, 1 << 20)  # whoever asks for its size refuses it
        raise ValueError(f"not a picture: {error}") from None


def _within(width: int, height: int) -> tuple[int, int]:
    scale = min(1.0, LARGEST_SIDE / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _eight_bits(image: Image.Image) -> Image.Image:
    if image.mode in SIXTEEN_BITS:
        values = np.asarray(image).astype(np.uint32) >> 8
        return Image.fromarray(np.minimum(values, 255).astype(np.uint8)).convert("RGB")
    translucent = "A" in image.getbands() or "a" in image.getbands() or "transparency" in image.info
    return image.convert("RGBA" if translucent else "RGB")
