"""bytes of a photo -> upright sRGB pixels at working size

Everything a header can tell is checked before a pixel is decoded.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import AvifImagePlugin, Image, ImageCms, TiffImagePlugin, UnidentifiedImageError, WebPImagePlugin

from assets_pipeline.errors import InputRejected
from assets_pipeline.formats.exif import focal_length_px, read_exif

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "TIFF", "BMP", "GIF", "HEIF")
SHORTEST_SIDE = 256
LONGEST_OVER_SHORTEST = 12
MANY_BITS = ("I;16", "I;16L", "I;16B", "I;16N", "I")
PLUGINS = (AvifImagePlugin, TiffImagePlugin, WebPImagePlugin)
"""Imported for what they register; Pillow brings the others in by itself."""

DECODERS_RAISE = (
    OSError, SyntaxError, ValueError, EOFError, OverflowError, IndexError, RuntimeError, struct.error, zlib.error
)  # fmt: skip
"""What Pillow, libheif and their like raise on damaged files."""

UNDO = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF's orientation -> what makes the photo upright."""


@dataclass(frozen=True)
class DecodedPhoto:
    """pixels: uint8 (h, w, 3) sRGB. alpha: uint8 (h, w) or None. tilt: see `exif.camera_tilt`. notes: advice codes."""

    pixels: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None
    original_size: tuple[int, int]
    focal_px: float | None
    tilt: float | None
    notes: tuple[str, ...]


def decode_photo(data: bytes, *, max_pixels: int, working_side: int) -> DecodedPhoto:
    """Decode, reduce to `working_side`, turn upright and convert to sRGB, in that order, so that little memory is held.

    Raises InputRejected.
    """
    with trouble_as_rejection(), open_photo(data) as image:
        check_size(image.size, max_pixels)
        several = getattr(image, "is_animated", False) and image.format != "MPO"
        notes: tuple[str, ...] = ("first_frame_only",) if several else ()
        exif, profile = read_exif(image), image.info.get("icc_profile")
        turned = exif.orientation >= 5
        original_size = image.size[::-1] if turned else image.size
        small = reduce_photo(image, working_side)
    small = upright(small, exif.orientation)
    color, alpha = split_alpha(small)
    rgb, profile_fits = to_srgb(color, profile)
    if not profile_fits:
        notes += ("color_profile_ignored",)
    pixels = np.asarray(rgb, np.uint8)
    scale = max(pixels.shape[:2]) / max(original_size)
    focal_px = focal_length_px(exif, original_size)
    return DecodedPhoto(pixels, alpha, original_size, focal_px and focal_px * scale, exif.tilt, notes)


@contextmanager
def trouble_as_rejection() -> Iterator[None]:
    """Turn what Pillow and libheif raise into a rejection with a code."""
    try:
        yield
    except UnidentifiedImageError:
        raise InputRejected(
            "not_an_image", "This file is no photo that we can read: send a JPEG, PNG, WebP, AVIF, HEIC, TIFF or BMP."
        ) from None
    except Image.DecompressionBombError:
        raise InputRejected("too_many_pixels", "The photo has too many pixels: send a smaller one.") from None
    except DECODERS_RAISE as error:
        if "truncated" in str(error).lower() or isinstance(error, EOFError):
            raise InputRejected(
                "photo_truncated", "The end of the photo is missing: copy or upload it once more."
            ) from None
        raise InputRejected("photo_broken", "The photo's file is damaged: export or take it once more.") from None


def open_photo(data: bytes) -> Image.Image:
    """Read the header only; of a PNG every checksum too, which Pillow skips while decoding."""
    import pi_heif

    pi_heif.register_heif_opener(thumbnails=False)
    image = Image.open(io.BytesIO(data), formats=FORMATS)
    if image.format == "PNG":
        image.verify()  # ends the use of `image`
        image = Image.open(io.BytesIO(data), formats=("PNG",))
    return image


def check_size(size: tuple[int, int], max_pixels: int) -> None:
    """Raises InputRejected when a photo of that size is not worth decoding or too large to."""
    width, height = size
    if width * height > max_pixels:
        raise InputRejected(
            "too_many_pixels",
            f"The photo has {width * height / 1e6:.0f} million pixels: send one of at most {max_pixels / 1e6:.0f}.",
        )
    if max(size) >= LONGEST_OVER_SHORTEST * min(size):
        raise InputRejected(
            "photo_too_narrow", f"The photo is a strip of {width} x {height} pixels: send one that shows the product."
        )
    if min(size) < SHORTEST_SIDE:
        raise InputRejected(
            "photo_too_small",
            f"The photo is {width} x {height} pixels: send one of at least {SHORTEST_SIDE}, better 1600, a side.",
        )


def reduce_photo(image: Image.Image, working_side: int) -> Image.Image:
    """Decode into 8 bits a channel, at most `working_side` pixels long, colours still in the file's own space."""
    longest = max(image.size)
    share = min(1.0, working_side / longest)
    size = (max(1, round(image.width * share)), max(1, round(image.height * share)))
    if longest > working_side:
        image.draft(image.mode, size)  # JPEG alone can: decodes at 1/2, 1/4 or 1/8, never below `size`
    image = eight_bits(image)
    if image.size == size:
        return image
    translucent = image.mode == "RGBA"
    if translucent:
        image = image.convert("RGBa")  # premultiplied, or transparent pixels' colours would bleed in
    image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    return image.convert("RGBA") if translucent else image


def eight_bits(image: Image.Image) -> Image.Image:
    """L, RGB, CMYK or RGBA of any of Pillow's modes."""
    if image.mode in MANY_BITS:
        values = np.asarray(image).astype(np.float32)
        top = 65535 if values.max() > 255 else 255
        return Image.fromarray((np.clip(values / top, 0, 1) * 255 + 0.5).astype(np.uint8))
    if image.mode in ("L", "RGB", "CMYK") and "transparency" not in image.info:
        image.load()
        return image
    if image.mode in ("RGBA", "RGBX", "YCbCr", "LAB", "HSV", "1"):
        kind = {"1": "L", "RGBA": "RGBA"}.get(image.mode, "RGB")
        return image.convert(kind)
    if image.mode in ("LA", "La", "PA", "RGBa") or "transparency" in image.info:
        return image.convert("RGBA")
    if image.mode == "P":
        return image.convert("RGB")
    raise InputRejected("photo_mode_unsupported", "The photo's kind of colours is unusual: save it as JPEG or PNG.")


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """Turn and mirror as EXIF's orientation says."""
    return image.transpose(UNDO[orientation]) if orientation in UNDO else image


def split_alpha(image: Image.Image) -> tuple[Image.Image, NDArray[np.uint8] | None]:
    """The colours alone, and the transparency unless every pixel is opaque."""
    if image.mode != "RGBA":
        return image, None
    alpha = np.asarray(image.getchannel("A"), np.uint8)
    return image.convert("RGB"), None if alpha.min() >= 254 else alpha


def to_srgb(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, bool]:
    """(the image in sRGB, whether its colour profile could be followed; True when it has none)."""
    if not profile:
        return image.convert("RGB"), True
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(
            image, source, ImageCms.createProfile("sRGB"), ImageCms.Intent.RELATIVE_COLORIMETRIC, outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError, struct.error):
        return image.convert("RGB"), False
    assert converted is not None, "not in place"
    return converted, True
