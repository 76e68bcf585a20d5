import numpy as np
import pytest

from assets_pipeline.formats.images import (
    decode_image,
    encode_jpeg,
    encode_lossless_webp,
    encode_png,
    encode_webp,
    read_image,
    resized,
)
from assets_pipeline.texture.compare import psnr_db
from tests.models import patterned_material

PIXELS = patterned_material(64).base_color


def test_png_keeps_every_value() -> None:
    assert np.array_equal(decode_image(encode_png(PIXELS)), PIXELS)


@pytest.mark.parametrize("encode", [encode_jpeg, encode_webp])
def test_more_quality_comes_nearer_and_repeats_byte_for_byte(encode) -> None:
    low, high = encode(PIXELS, 40), encode(PIXELS, 95)
    assert psnr_db(decode_image(high), PIXELS) > psnr_db(decode_image(low), PIXELS) + 3
    assert encode(PIXELS, 95) == high


def test_jpeg_keeps_thin_coloured_lines() -> None:
    lines = np.zeros((64, 64, 3), np.uint8)
    lines[:, ::2] = (255, 0, 0)
    assert psnr_db(decode_image(encode_jpeg(lines, 92)), lines) > 30  # halved chroma would give about 10


def test_noise_can_be_written_as_jpeg_too() -> None:
    noise = np.random.default_rng(3).integers(0, 255, (512, 512, 3)).astype(np.uint8)
    assert psnr_db(decode_image(encode_jpeg(noise, 90)), noise) > 20


def test_lossless_webp_keeps_every_value() -> None:
    assert np.array_equal(decode_image(encode_lossless_webp(PIXELS)), PIXELS)


def test_webp_keeps_colours_where_alpha_is_zero() -> None:
    clear = decode_image(encode_webp(np.dstack([PIXELS, np.zeros((64, 64), np.uint8)]), 90))
    assert clear.shape[2] == 4
    assert np.array_equal(clear[..., :3], decode_image(encode_webp(PIXELS, 90)))


def test_reading_tells_type_and_size_and_refuses_others() -> None:
    image = read_image(encode_webp(PIXELS[:32], 80).data)
    assert (image.mime, image.width, image.height, image.suffix) == ("image/webp", 64, 32, "webp")
    with pytest.raises(ValueError):
        read_image(b"BM" + bytes(60))
    with pytest.raises(ValueError):
        read_image(encode_png(PIXELS).data[:20])


def test_resizing_to_the_same_size_copies_nothing() -> None:
    assert resized(PIXELS, 64, 64) is PIXELS
    assert resized(PIXELS, 16, 32).shape == (32, 16, 3)
