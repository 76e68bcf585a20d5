import io

import pytest
from PIL import Image

from catalog.image_types import CONTENT_TYPES, HEAD_BYTES, image_type


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("JPEG", "image/jpeg"),
        ("PNG", "image/png"),
        ("WEBP", "image/webp"),
        ("AVIF", "image/avif"),
        ("TIFF", "image/tiff"),
        ("BMP", "image/bmp"),
        ("GIF", "image/gif"),
    ],
)
def test_every_kind_of_photo_is_told_by_its_first_bytes(name: str, content_type: str) -> None:
    file = io.BytesIO()
    Image.new("RGB", (32, 32), "red").save(file, name)
    assert image_type(file.getvalue()[:HEAD_BYTES]) == content_type
    assert content_type in CONTENT_TYPES


def test_photos_of_iphones_are_told(root) -> None:
    photo = (root / "tests/assets_pipeline/formats/product.heic").read_bytes()
    assert image_type(photo[:HEAD_BYTES]) == "image/heic"


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\xff",
        b"<html><body>",
        b'<svg xmlns="http://www.w3.org/2000/svg">',
        b"%PDF-1.7",
        b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41",  # a film
        b"\0\0\0\x0cftyp",
        b"\xff\xff\xff\xffftypisom",
        b"RIFF\0\0\0\0WAVEfmt ",
    ],
)
def test_what_is_no_photo_is_not_taken_for_one(head: bytes) -> None:
    assert image_type(head) == ""


def test_a_later_brand_tells_too() -> None:
    assert image_type(b"\0\0\0\x18ftypxxxx\0\0\0\0xxxxmif1") == "image/heif"
