"""sample photos -> assets -> one picture: each photo beside its model seen from four sides, drawn by our own renderer

Run as `python -m samples.readme_picture OUT.webp`.
"""

import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageOps

from samples.demo import items, make

SHOWN = ("chair", "bottle", "mug")
SIDES = (1, 3, 5, 7)
"""Which of the turntable's eight views."""

SIDE = 300
"""Pixels of each picture's side."""


def row(photo: Path, turntable: Path) -> Image.Image:
    """The whole photo, and four views of the model."""
    strip = Image.new("RGB", (SIDE * (1 + len(SIDES)), SIDE), "white")
    with Image.open(photo) as picture:
        small = ImageOps.contain(picture.convert("RGB"), (SIDE, SIDE), Image.Resampling.LANCZOS)
        strip.paste(small, ((SIDE - small.width) // 2, (SIDE - small.height) // 2))
    with Image.open(turntable) as sheet:
        cell = sheet.width // 4
        for place, view in enumerate(SIDES, start=1):
            x, y = view % 4 * cell, view // 4 * cell
            seen = sheet.convert("RGB").crop((x, y, x + cell, y + cell))
            strip.paste(seen.resize((SIDE, SIDE), Image.Resampling.LANCZOS), (place * SIDE, 0))
    return strip


def main() -> int:
    """Make the assets in a folder that is thrown away, and write the picture."""
    target = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as room:
        shown = [item for item in items(Path(room)) if item.name in SHOWN]
        for item in shown:
            if not make(item, Path(room) / item.name):
                return 1
        rows = [row(item.photo, Path(room) / item.name / "turntable.webp") for item in shown]
    picture = Image.new("RGB", (rows[0].width, SIDE * len(rows)), "white")
    for number, strip in enumerate(rows):
        picture.paste(strip, (0, number * SIDE))
    picture.save(target, "WEBP", quality=86, method=6)
    print(f"wrote {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
