import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from assets_pipeline.errors import InputRejected
from assets_pipeline.formats.photos import DecodedPhoto, decode_photo
from tests.photos import encoded, on_paper, product

JAR = on_paper(product())
EXPECTED = np.asarray(JAR)


def decode(data: bytes, **options: Any) -> DecodedPhoto:
    return decode_photo(data, **({"max_pixels": 10**8, "working_side": 2048} | options))


def code_of(data: bytes, **options: Any) -> str:
    with pytest.raises(InputRejected) as caught:
        decode(data, **options)
    assert caught.value.advice.endswith((".", "!"))
    return caught.value.code


def chunk(tag: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data))


def png(header: bytes, rows: bytes) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {"quality": 92}),
        ("JPEG", {"quality": 92, "progressive": True}),
        ("PNG", {}),
        ("WEBP", {"quality": 92}),
        ("AVIF", {"quality": 90}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("BMP", {}),
    ],
)
def test_each_format_gives_the_same_picture(kind: str, options: dict[str, Any]) -> None:
    photo = decode(encoded(JAR, kind, **options))
    assert photo.pixels.shape == (640, 640, 3) and photo.alpha is None
    assert np.abs(photo.pixels.astype(int) - EXPECTED).mean() < 2.5


def test_heic_is_read() -> None:
    photo = decode((Path(__file__).parent / "product.heic").read_bytes())
    assert photo.original_size == (480, 320)
    assert np.allclose(photo.pixels[240, 200], (196, 62, 48), atol=8)


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "1", "LA", "I;16"])
def test_unusual_kinds_of_colour_keep_their_light(mode: str) -> None:
    grey = JAR.convert("L")
    if mode == "I;16":
        image = Image.fromarray(np.asarray(grey, np.uint16) * 257)
    else:
        image = JAR.convert(mode) if mode != "LA" else grey.convert("LA")
    pixels = decode(encoded(image, "TIFF" if mode == "CMYK" else "PNG")).pixels
    assert pixels.dtype == np.uint8
    assert abs(float(pixels.mean()) - EXPECTED.mean()) < 12


def test_sixteen_bits_of_three_colours_are_read() -> None:
    rows = b"".join(b"\0" + row.tobytes() for row in (EXPECTED.astype(np.uint16) * 257).astype(">u2"))
    pixels = decode(png(struct.pack(">IIBBBBB", 640, 640, 16, 2, 0, 0, 0), rows)).pixels
    assert np.abs(pixels.astype(int) - EXPECTED).max() <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_comes_out_upright(orientation: int) -> None:
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    stored = JAR if orientation == 1 else JAR.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[274] = orientation
    pixels = decode(encoded(stored, "JPEG", quality=95, exif=exif)).pixels
    assert np.abs(pixels.astype(int) - EXPECTED).mean() < 2.5


def test_a_turned_photo_tells_its_upright_size() -> None:
    exif = Image.Exif()
    exif[274] = 6
    photo = decode(encoded(JAR.crop((0, 0, 640, 400)), "JPEG", exif=exif))
    assert photo.original_size == (400, 640) and photo.pixels.shape == (640, 400, 3)


def test_transparency_survives_and_full_opacity_is_none() -> None:
    assert decode(encoded(product().convert("RGBA"))).alpha is not None
    assert decode(encoded(JAR.convert("RGBA"))).alpha is None
    palette = decode(encoded(product().quantize(64, method=Image.Quantize.FASTOCTREE))).alpha
    assert palette is not None and palette[0, 0] == 0 and palette[400, 320] > 250


def test_reducing_keeps_a_transparent_edges_own_colour() -> None:
    side = 1200
    image = Image.new("RGBA", (side, side), (0, 255, 0, 0))
    image.paste((200, 30, 30, 255), (400, 400, 800, 800))
    photo = decode(encoded(image), working_side=500)
    assert photo.alpha is not None
    seen = photo.alpha > 100
    assert (photo.pixels[seen][:, 1] < 60).all()


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_large_photo_is_reduced_to_working_size(kind: str) -> None:
    photo = decode(encoded(JAR.resize((3000, 2000)), kind), working_side=800)
    assert photo.pixels.shape == (533, 800, 3) and photo.original_size == (3000, 2000)


def test_a_colour_profile_is_followed() -> None:
    def curve_free_profile(gamma: float) -> bytes:
        xyz = lambda x, y, z: b"XYZ \0\0\0\0" + struct.pack(">iii", *(round(v * 65536) for v in (x, y, z)))  # noqa: E731
        tone = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
        tags = {
            b"desc": b"desc\0\0\0\0" + struct.pack(">I", 2) + b"t\0" + b"\0" * 78,
            b"wtpt": xyz(0.9642, 1, 0.8249),
            b"rXYZ": xyz(0.4361, 0.2225, 0.0139),
            b"gXYZ": xyz(0.3851, 0.7169, 0.0971),
            b"bXYZ": xyz(0.1431, 0.0606, 0.7141),
            **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), tone),
        }
        body, table, at = b"", struct.pack(">I", len(tags)), 132 + 12 * len(tags)
        for name, data in tags.items():
            data += b"\0" * (-len(data) % 4)
            table += name + struct.pack(">II", at + len(body), len(data))
            body += data
        size = 128 + len(table) + len(body)
        head = struct.pack(">I4sI4s4s4s", size, b"none", 0x02400000, b"mntr", b"RGB ", b"XYZ ")
        head += b"\0" * 12 + b"acsp" + b"\0" * 28 + struct.pack(">iii", 63190, 65536, 54061)
        return head.ljust(128, b"\0") + table + body

    light = decode(encoded(JAR, icc_profile=curve_free_profile(1.0))).pixels
    assert light.mean() > EXPECTED.mean() + 10  # linear light, so the same numbers mean brighter
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert np.abs(decode(encoded(JAR, icc_profile=srgb)).pixels.astype(int) - EXPECTED).max() <= 2


def test_a_damaged_colour_profile_is_ignored_with_a_note() -> None:
    photo = decode(encoded(JAR, "JPEG", icc_profile=b"\xff" * 500))
    assert photo.notes == ("color_profile_ignored",)


def test_of_an_animation_the_first_frame_is_used_with_a_note() -> None:
    first = JAR.convert("P")
    photo = decode(encoded(first, "GIF", save_all=True, append_images=[JAR.rotate(9).convert("P")], duration=80))
    assert photo.notes == ("first_frame_only",)
    assert np.array_equal(photo.pixels, np.asarray(first.convert("RGB")))


def test_too_many_pixels_are_refused_from_the_header() -> None:
    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    assert code_of(png(header, b"\0")) == "too_many_pixels"
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    assert code_of(png(header, b"\0")) == "too_many_pixels"


def test_what_is_no_photo_is_told_apart_from_a_damaged_one() -> None:
    whole, crc = encoded(JAR, "JPEG", quality=90), bytearray(encoded(JAR))
    crc[len(crc) // 2] ^= 0xFF
    assert code_of(b"this is not a photo\n" * 50) == "not_an_image"
    assert code_of(b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>') == "not_an_image"
    assert code_of(whole[: len(whole) // 2]) == "photo_truncated"
    assert code_of(bytes(crc)) == "photo_broken"


def test_a_text_that_unpacks_to_very_much_is_refused() -> None:
    bomb = PngImagePlugin.PngInfo()
    bomb.add_text("k", "a" * 20_000_000, zip=True)
    assert code_of(encoded(JAR, pnginfo=bomb)) == "photo_broken"


def test_sizes_that_show_no_product_are_refused() -> None:
    assert code_of(encoded(Image.new("RGB", (1, 1)))) == "photo_too_small"
    assert code_of(encoded(JAR.resize((255, 400)))) == "photo_too_small"
    assert code_of(encoded(JAR.resize((4000, 130)))) == "photo_too_narrow"
    assert decode(encoded(JAR.resize((256, 256)))).pixels.shape == (256, 256, 3)


def test_the_focal_length_shrinks_with_the_photo() -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = 50
    data = encoded(JAR.resize((1500, 1000)), "JPEG", exif=exif)
    full, half = decode(data), decode(data, working_side=750)
    assert full.focal_px == pytest.approx(50 / 43.267 * 1802.8, rel=1e-3)
    assert half.focal_px == pytest.approx(full.focal_px / 2, rel=1e-3)
