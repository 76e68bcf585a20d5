"""hostile and odd inputs: each has the exit code and the code word that it must have, and nothing is left behind

Photos that will not do are refused by the real command, run in this process. Photos that are only odd go through
`plinth inspect` here, and through the whole of `plinth make` in the tests marked slow.
"""

import io
import json
import os
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, PngImagePlugin

from assets_pipeline.__main__ import main
from assets_pipeline.arguments import FILES

Build = Callable[[Path], None]


def product(size: int = 640) -> Image.Image:
    """A red jar with a label, RGBA."""
    image = Image.new("RGBA", (size, size), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    unit = size / 100
    draw.rounded_rectangle((30 * unit, 28 * unit, 70 * unit, 86 * unit), 5 * unit, fill=(176, 52, 44, 255))
    draw.rectangle((36 * unit, 20 * unit, 64 * unit, 29 * unit), fill=(58, 58, 66, 255))
    draw.rectangle((30 * unit, 46 * unit, 70 * unit, 70 * unit), fill=(238, 230, 208, 255))
    draw.ellipse((44 * unit, 51 * unit, 56 * unit, 65 * unit), fill=(44, 96, 160, 255))
    shade = 1.08 - 0.5 * np.abs(np.linspace(-0.8, 1.1, size))[None, :, None]
    pixels = np.asarray(image).astype(float)
    pixels[..., :3] = np.clip(pixels[..., :3] * shade, 0, 255)
    return Image.fromarray(pixels.astype(np.uint8))


def photo(size: int = 640) -> Image.Image:
    """The jar before a grey sweep, with a soft shadow."""
    y, x = np.mgrid[0:size, 0:size] / size
    shadow = 80 * np.exp(-(((x - 0.52) / 0.24) ** 2) - ((y - 0.87) / 0.03) ** 2)
    grain = np.random.default_rng(5).normal(0, 1.2, (size, size, 3))
    background = (222 - 20 * (y - 0.4) ** 2 - shadow)[..., None] + grain
    image = Image.fromarray(np.clip(background, 0, 255).astype(np.uint8))
    jar = product(size)
    image.paste(jar, mask=jar.getchannel("A"))
    return image


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(tag: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data))


def png(width: int, height: int, depth: int, color: int, packed: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def bomb() -> bytes:
    """20,000 x 20,000 white pixels in a megabyte."""
    packer = zlib.compressobj(9)
    row = b"\0" + b"\xff" * 60_000
    packed = b"".join(packer.compress(row) for _ in range(20_000)) + packer.flush()
    return png(20_000, 20_000, 8, 2, packed)


def sixteen_bit() -> bytes:
    rows = (np.asarray(photo()).astype(">u2") * 257).reshape(640, -1)
    return png(640, 640, 16, 2, zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows)))


def broken_checksum() -> bytes:
    data = bytearray(encoded(photo(), "PNG"))
    data[len(data) // 2] ^= 0xFF
    return bytes(data)


def polyglot() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("../../escape.txt", "no")
    return encoded(photo()) + archive.getvalue()


def bytes_of(make: Callable[[], bytes]) -> Build:
    return lambda path: path.write_bytes(make()) and None


def picture(make: Callable[[], Image.Image], **options: object) -> Build:
    return lambda path: make().save(path, **options)


def solid(color: str) -> Build:
    return picture(lambda: Image.new("RGB", (800, 800), color))


def noise() -> Image.Image:
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (700, 700, 3), dtype=np.uint8))


def svg() -> bytes:
    return b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/hostname">]><svg><text>&x;</text></svg>'


def with_exif(tag: int, value: object) -> Image.Exif:
    exif = Image.Exif()
    exif[tag] = value
    return exif


def two_products() -> Image.Image:
    both = Image.new("RGB", (1280, 640), (222, 222, 222))
    both.paste(photo(), (0, 0))
    both.paste(photo(), (640, 0))
    return both


def tiny_product() -> Image.Image:
    large = Image.new("RGB", (3000, 3000), (222, 222, 222))
    jar = product().resize((70, 70))
    large.paste(jar, (1400, 1500), jar)
    return large


def long_text() -> PngImagePlugin.PngInfo:
    text = PngImagePlugin.PngInfo()
    text.add_text("comment", "a" * 50_000_000, zip=True)
    return text


def segments() -> bytes:
    """A JPEG with 10 MB of comments before its pixels."""
    data = encoded(photo())
    return data[:2] + b"".join(b"\xff\xfe\xff\xff" + b" " * 65533 for _ in range(150)) + data[2:]


# Refused before or while decoding: file name -> (how to make it, code word)
REFUSED_FILES: dict[str, tuple[Build, str]] = {
    "empty.jpg": (bytes_of(bytes), "photo_empty"),
    "text.jpg": (bytes_of(lambda: b"this is not a photo\n" * 50), "not_an_image"),
    "half.jpg": (bytes_of(lambda: encoded(photo())[: len(encoded(photo())) // 2]), "photo_truncated"),
    "tail.jpg": (bytes_of(lambda: encoded(photo())[:-20]), "photo_truncated"),
    "text bomb.png": (lambda path: photo().save(path, pnginfo=long_text()), "photo_broken"),
    "one pixel.png": (picture(lambda: Image.new("RGB", (1, 1), "red")), "photo_too_small"),
    "16 pixels.png": (picture(lambda: photo(16)), "photo_too_small"),
    "bomb.png": (bytes_of(bomb), "too_many_pixels"),
    "entity.svg": (bytes_of(svg), "not_an_image"),
    "checksum.png": (bytes_of(broken_checksum), "photo_broken"),
    "strip.jpg": (picture(lambda: photo().resize((4000, 130))), "photo_too_narrow"),
    "page.html": (bytes_of(lambda: b"<html><img src=a.jpg></html>"), "not_an_image"),
    "folder.jpg": (lambda path: path.mkdir(), "photo_is_directory"),
    "pipe.jpg": (os.mkfifo, "photo_not_a_file"),
    "zero.jpg": (lambda path: path.symlink_to("/dev/zero"), "photo_not_a_file"),
    "loop.jpg": (lambda path: path.symlink_to(path), "photo_missing"),
    "missing.jpg": (lambda path: None, "photo_missing"),
    f"{'long' * 80}.jpg": (lambda path: None, "photo_missing"),
    "large.jpg": (lambda path: truncate(path, 65_000_000), "photo_too_large"),
}

# Refused once the product has been looked for
REFUSED_PICTURES: dict[str, tuple[Build, str]] = {
    "white.jpg": (solid("white"), "no_product_found"),
    "black.jpg": (solid("black"), "no_product_found"),
    "two products.jpg": (picture(two_products), "several_products"),
    "tiny product.jpg": (picture(tiny_product), "product_too_small"),
    "noise.png": (picture(noise), "no_product_found"),
    "transparent.png": (picture(lambda: Image.new("RGBA", (800, 800), (255, 0, 0, 0))), "no_product_found"),
}

# Odd, and fine
TAKEN: dict[str, Build] = {
    "plain.jpg": picture(photo),
    "cutout.png": picture(product),
    "cmyk.jpg": picture(lambda: photo().convert("CMYK")),
    "grey.jpg": picture(lambda: photo().convert("L")),
    "grey16.png": picture(lambda: Image.fromarray(np.asarray(photo().convert("L"), np.uint16) * 257)),
    "rgb16.png": bytes_of(sixteen_bit),
    "palette.png": picture(lambda: product().quantize(128, method=Image.Quantize.FASTOCTREE)),
    "exif orientation.jpg": picture(lambda: photo().transpose(Image.Transpose.ROTATE_90), exif=with_exif(274, 6)),
    "large exif.jpg": picture(photo, exif=with_exif(270, "x" * 60_000)),
    "many segments.jpg": bytes_of(segments),
    "progressive.jpg": picture(photo, progressive=True),
    "photo.webp": picture(photo),
    "photo.avif": picture(photo),
    "animated.gif": picture(photo, save_all=True, append_images=[photo().rotate(9)] * 3),
    "animated.webp": picture(photo, save_all=True, append_images=[photo().rotate(9)] * 3),
    "png named.jpg": picture(photo, format="PNG"),
    "polyglot.jpg": bytes_of(polyglot),
    "junk after.jpg": bytes_of(lambda: encoded(photo()) + bytes(20_000_000)),
    "broken icc.jpg": picture(photo, icc_profile=b"\xff" * 500),
    "6000 pixels.jpg": picture(lambda: photo().resize((6000, 6000))),
    "with spaces (1).jpg": picture(photo),
    "продукт 商品 é.jpg": picture(photo),
    "quote'\"$(x);.jpg": picture(photo),
    "new\nline.jpg": picture(photo),
}


def truncate(path: Path, size: int) -> None:
    """A file of that many zeros that takes no room on the disk."""
    path.touch()
    os.truncate(path, size)


@pytest.fixture
def folder(tmp_path):
    """Where the photos lie."""
    place = tmp_path / "in"
    place.mkdir()
    return place


@pytest.fixture
def out(tmp_path):
    """Where the files shall appear; nothing may appear beside it."""
    return tmp_path / "runs" / "out"


def refused(capsys, out: Path, *arguments: str) -> str:
    """Run `make`, which must reject its input and leave nothing; the code word."""
    assert main(["make", *arguments, "--out", str(out)]) == 3
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    *progress, last = said.err.splitlines()
    assert all(line.startswith("[") for line in progress)
    assert not out.parent.exists()
    code, advice = last.split(": ", 1)
    assert advice.split("(")[0].strip().endswith("."), "advice is a sentence"
    return code


@pytest.mark.parametrize("name", REFUSED_FILES)
def test_a_file_that_is_no_usable_photo_is_refused(capsys, folder, out, name):
    build, code = REFUSED_FILES[name]
    build(folder / name)
    assert refused(capsys, out, str(folder / name)) == code


@pytest.mark.parametrize("name", REFUSED_PICTURES)
def test_a_photo_without_one_whole_product_is_refused(capsys, folder, out, name):
    build, code = REFUSED_PICTURES[name]
    build(folder / name)
    assert refused(capsys, out, str(folder / name), "--quality", "draft") == code


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_photo_without_read_permission_is_refused(capsys, folder, out):
    path = folder / "locked.jpg"
    path.write_bytes(encoded(photo()))
    path.chmod(0)
    assert refused(capsys, out, str(path)) == "photo_unreadable"


def test_one_bad_photo_among_good_ones_is_named(capsys, folder, out):
    photo().save(folder / "good.jpg")
    (folder / "bad.jpg").write_bytes(b"text")
    assert main(["make", str(folder / "good.jpg"), str(folder / "bad.jpg"), "--out", str(out), "--json"]) == 3
    said = json.loads(capsys.readouterr().out)
    assert (said["status"], said["code"], said["photo"]) == ("rejected", "not_an_image", "bad.jpg")


@pytest.mark.parametrize("name", TAKEN)
def test_an_odd_photo_is_inspected_and_taken(capsys, folder, name):
    TAKEN[name](folder / name)
    assert main(["inspect", str(folder / name)]) == 0
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    verdict = said.out.splitlines()[0]
    assert verdict.endswith((": use as it is", ": usable", ": retake"))


@pytest.mark.parametrize(
    ("sizes", "named"),
    [
        (["--height-mm", "200", "--width-mm", "12"], "centimetres"),
        (["--height-mm", "200", "--width-mm", "3"], "inches"),
        (["--height-mm", "200", "--width-mm", "1", "--depth-mm", "9000"], "do not fit the product in the photo"),
    ],
)
def test_dimensions_that_contradict_the_photo_are_refused_and_a_unit_slip_is_named(capsys, folder, out, sizes, named):
    product().save(folder / "jar.png")
    assert main(["make", str(folder / "jar.png"), *sizes, "--quality", "draft", "--out", str(out)]) == 3
    *_, last = capsys.readouterr().err.splitlines()
    assert last.startswith("dimensions_contradict: ")
    assert named in last
    assert not out.parent.exists()


def test_a_product_that_the_frame_cuts_is_taken_with_advice(capsys, folder):
    photo().crop((250, 0, 640, 640)).resize((780, 1280)).save(folder / "cut.jpg")
    assert main(["inspect", str(folder / "cut.jpg"), "--json"]) == 0
    codes = [remark["code"] for remark in json.loads(capsys.readouterr().out)["advice"]]
    assert "cut_off" in codes


def test_the_same_photo_again_is_taken_with_a_note(capsys, folder):
    product().save(folder / "jar.png")
    assert main(["inspect", *[str(folder / "jar.png")] * 3, "--json"]) == 0
    advice = json.loads(capsys.readouterr().out)["advice"]
    assert [remark["photo"] for remark in advice if remark["code"] == "photo_repeated"] == [
        "jar.png (2)",
        "jar.png (3)",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["new\nline.jpg", "cmyk.jpg", "rgb16.png", "animated.gif", "6000 pixels.jpg"])
def test_an_odd_photo_becomes_an_asset(capsys, folder, out, name):
    TAKEN[name](folder / name)
    assert main(["make", str(folder / name), "--quality", "draft", "--out", str(out)]) == 0
    assert "\x1b" not in capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir()) == sorted(FILES)


@pytest.mark.slow
def test_memory_stays_below_3_gb_whatever_the_photo(folder, out):
    """A photo of 88 million pixels, about the most that is taken."""
    Image.effect_noise((9_800, 9_000), 20).convert("RGB").save(folder / "large.jpg", quality=50)
    photo(2000).save(folder / "jar.png")
    big = Image.open(folder / "large.jpg").convert("RGB")
    big.paste(Image.open(folder / "jar.png").resize((9000, 9000)), (400, 0))
    big.save(folder / "large.jpg", quality=80)
    script = (
        "import resource, sys; from assets_pipeline.__main__ import main; status = main(sys.argv[1:]);"
        "print(status, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9)"
    )
    command = [sys.executable, "-c", script, "make", str(folder / "large.jpg"), "--out", str(out), "--quality", "high"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    status, gigabytes = done.stdout.splitlines()[-1].split()
    assert status == "0", done.stderr
    assert float(gigabytes) < 3.0
