import io
import struct

import pytest
from PIL import Image

from assets_pipeline.formats.exif import ExifFacts, camera_tilt, focal_length_px, read_exif


def apple_note(x: float, y: float, z: float) -> bytes:
    """An iPhone's maker note that holds the acceleration alone."""
    parts = b"".join(struct.pack(">ii", round(value * 10_000), 10_000) for value in (x, y, z))
    return b"Apple iOS\0\0\1MM" + struct.pack(">HHHII", 1, 8, 10, 3, 32) + b"\0" * 4 + parts


def test_a_phone_held_upright_looks_level_and_one_face_up_looks_down() -> None:
    assert camera_tilt(apple_note(0.01, -0.99, 0.02)) == pytest.approx(0, abs=2)
    assert camera_tilt(apple_note(0.02, 0.01, -1.01)) == pytest.approx(90, abs=2)


@pytest.mark.parametrize("note", [None, b"", b"Canon", b"Apple iOS\0\0\1MM\xff\xff", apple_note(0, 0, 0), 7])
def test_a_maker_note_that_tells_nothing_gives_no_tilt(note: object) -> None:
    assert camera_tilt(note) is None


def test_the_focal_length_comes_from_the_sensor_too() -> None:
    exif = ExifFacts(focal_mm=35.0, pixels_per_mm=100.0, size=(3000, 2000))
    assert focal_length_px(exif, (3000, 2000)) == pytest.approx(3500)
    assert focal_length_px(exif, (1500, 1000)) == pytest.approx(1750)


def test_a_cropped_photo_has_no_known_focal_length() -> None:
    exif = ExifFacts(focal_35mm=50.0, size=(3000, 2000))
    assert focal_length_px(exif, (3000, 2000)) is not None
    assert focal_length_px(exif, (2000, 2000)) is None


def test_an_unbelievable_focal_length_is_ignored() -> None:
    assert focal_length_px(ExifFacts(focal_35mm=2.0), (3000, 2000)) is None
    assert focal_length_px(ExifFacts(focal_35mm=9000.0), (3000, 2000)) is None
    assert focal_length_px(ExifFacts(), (3000, 2000)) is None


def test_nonsense_in_the_header_counts_as_nothing() -> None:
    stream = io.BytesIO()
    Image.new("RGB", (300, 300)).save(stream, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f" + b"\xff" * 100)
    with Image.open(stream) as image:
        assert read_exif(image) == ExifFacts()
