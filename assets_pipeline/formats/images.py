"""pixels <-> bytes of JPEG, PNG and WebP, the same bytes every time"""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from assets_pipeline.asset import frozen

MIME = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
SUFFIX = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}


@dataclass(frozen=True)
class EncodedImage:
    """An image file's bytes with what its header says."""

    data: bytes
    mime: str
    width: int
    height: int

    @property
    def suffix(self) -> str:
        return SUFFIX[self.mime]


def encode_jpeg(pixels: NDArray[np.uint8], quality: int) -> EncodedImage:
    """Full chroma resolution: (h, w, 3) or (h, w)."""
    try:
        return _encode(pixels, "JPEG", quality=quality, subsampling=0, optimize=True)
    except OSError:  # Pillow's buffer for the optimiser holds a byte a pixel, and noise takes more
        return _encode(pixels, "JPEG", quality=quality, subsampling=0)


def encode_png(pixels: NDArray[np.uint8]) -> EncodedImage:
    """Lossless: (h, w), (h, w, 3) or (h, w, 4)."""
    return _encode(pixels, "PNG", compress_level=7)


def encode_webp(pixels: NDArray[np.uint8], quality: int) -> EncodedImage:
    """Lossy, (h, w, 3) or (h, w, 4); colours under zero alpha are kept, as textures need."""
    return _encode(pixels, "WEBP", quality=quality, method=4, exact=True)


def encode_lossless_webp(pixels: NDArray[np.uint8]) -> EncodedImage:
    """Lossless, (h, w, 3) or (h, w, 4): small for drawings and smooth maps, slow for large ones."""
    return _encode(pixels, "WEBP", lossless=True, quality=60, method=4, exact=True)


def _encode(pixels: NDArray[np.uint8], name: str, **options: Any) -> EncodedImage:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, name, **options)
    return EncodedImage(stream.getvalue(), MIME[name], width=pixels.shape[1], height=pixels.shape[0])


def read_image(data: bytes) -> EncodedImage:
    """Describe an image file of ours without decoding its pixels. Raises ValueError on another format."""
    try:
        with Image.open(io.BytesIO(data), formats=tuple(MIME)) as image:
            return EncodedImage(data, MIME[str(image.format)], width=image.width, height=image.height)
    except OSError as error:
        raise ValueError(f"not a readable image: {error}") from None


def decode_image(image: EncodedImage) -> NDArray[np.uint8]:
    """uint8 (h, w, 3), or (h, w, 4) when the file has alpha."""
    with Image.open(io.BytesIO(image.data)) as opened:
        return frozen(np.asarray(opened.convert("RGBA" if "A" in opened.getbands() else "RGB")))


def resized(pixels: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """`pixels` at another size, area-filtered when smaller; itself when it is that size already."""
    if pixels.shape[:2] == (height, width):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS))
