"""Photos drawn from arithmetic, for tests that need a product before a background."""

import io
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from assets_pipeline.asset import Asset, PhotoFile, View


def product(size: int = 640) -> Image.Image:
    """RGBA: a red jar with a dark lid and a label, twice as high as wide, its edge antialiased."""
    side = size * 2
    image = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    at = lambda *box: [round(value * side) for value in box]  # noqa: E731
    draw.rounded_rectangle(at(0.30, 0.30, 0.66, 0.85), 0.06 * side, fill=(196, 62, 48, 255))
    draw.rectangle(at(0.40, 0.20, 0.56, 0.31), fill=(60, 60, 66, 255))
    draw.rectangle(at(0.30, 0.48, 0.66, 0.68), fill=(240, 232, 210, 255))
    draw.ellipse(at(0.42, 0.52, 0.54, 0.64), fill=(40, 90, 150, 255))
    return image.resize((size, size), Image.Resampling.LANCZOS)


def on_paper(cutout: Image.Image, color: tuple[int, int, int] = (226, 226, 226)) -> Image.Image:
    """RGB: a cut-out before paper of one colour, with a little noise as a camera adds it."""
    noise = np.random.default_rng(0).normal(size=(cutout.height, cutout.width, 1)) * 1.5
    photo = Image.fromarray((np.array(color) + noise).clip(0, 255).astype(np.uint8))
    photo.paste(cutout, mask=cutout.getchannel("A"))
    return photo


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def asset_of(*images: Image.Image | bytes, view: View | None = None) -> Asset:
    """An asset with these photos handed in."""
    data = [image if isinstance(image, bytes) else encoded(image) for image in images]
    return Asset(photo_files=tuple(PhotoFile(f"{i}.png", photo, view) for i, photo in enumerate(data)))
