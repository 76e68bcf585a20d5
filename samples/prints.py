"""words and shapes -> what is printed on the sample products, uint8 (h, w, 3) sRGB"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Color = tuple[int, int, int]
CREAM, INK, FOREST, GOLD = (246, 239, 222), (38, 44, 54), (26, 74, 56), (205, 158, 62)


def write(
    draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, size: int, fill: Color, anchor: str = "mm"
) -> None:
    """Text in Pillow's own typeface, placed by its anchor."""
    draw.text(at, text, fill=fill, font=ImageFont.load_default(size), anchor=anchor)


def lines_of_text(
    draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int], lines: int, fill: Color, seed: int
) -> None:
    """Small print: rows of words too small to read."""
    left, top, right, bottom = box
    random = np.random.default_rng(seed)
    step = (bottom - top) / lines
    for row in range(lines):
        y, x = top + row * step, float(left)
        end = right - (0 if row % 4 != 3 else (right - left) * 0.45)
        while x < end:
            width = random.uniform(0.02, 0.09) * (right - left)
            draw.rectangle((x, y, min(x + width, end), y + step * 0.42), fill=fill)
            x += width + (right - left) * 0.018


def barcode(draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int], seed: int) -> None:
    """Black bars on white."""
    left, top, right, bottom = box
    draw.rectangle((left - 8, top - 8, right + 8, bottom + 8), fill=(250, 250, 250))
    random, x = np.random.default_rng(seed), left
    while x < right - 6:
        width = int(random.integers(2, 7))
        draw.rectangle((x, top, x + width - 1, bottom), fill=(20, 20, 20))
        x += width + int(random.integers(2, 7))


def mountains(
    draw: ImageDraw.ImageDraw, centre: tuple[int, int], width: int, colors: tuple[Color, Color, Color]
) -> None:
    """A sun behind two peaks, as a badge."""
    x, y = centre
    w = width / 2
    sun, back, front = colors
    draw.ellipse((x - w * 0.42, y - w * 0.95, x + w * 0.42, y - w * 0.11), fill=sun)
    draw.polygon([(x - w, y + w * 0.5), (x - w * 0.35, y - w * 0.5), (x + w * 0.35, y + w * 0.5)], fill=back)
    draw.polygon([(x - w * 0.45, y + w * 0.5), (x + w * 0.3, y - w * 0.3), (x + w, y + w * 0.5)], fill=front)
    draw.polygon(
        [(x + w * 0.08, y - w * 0.05), (x + w * 0.3, y - w * 0.3), (x + w * 0.52, y - w * 0.05)], fill=(222, 230, 236)
    )


def mug_glaze() -> NDArray[np.uint8]:
    """All around the mug: cream above, a dipped blue foot, a badge in front; u = 0.5 is the front."""
    image = Image.new("RGB", (2048, 768), CREAM)
    draw = ImageDraw.Draw(image)
    turn = 2 * np.pi / 2048
    edge = [(x, 560 + 9 * np.sin(5 * turn * x) + 6 * np.sin(14 * turn * x + 1)) for x in range(0, 2049, 8)]
    draw.polygon([*edge, (2048, 768), (0, 768)], fill=(38, 78, 122))
    draw.line(edge, fill=(94, 128, 160), width=6)
    mountains(draw, (1024, 270), 300, ((226, 128, 72), (96, 132, 122), (38, 78, 122)))
    write(draw, (1024, 430), "NORTH & PINE", 62, INK)
    write(draw, (1024, 490), "coffee makers", 38, (110, 104, 96))
    write(draw, (0, 330), "N", 170, (226, 128, 72))
    write(draw, (2048, 330), "N", 170, (226, 128, 72))
    return np.asarray(image)


def bottle_label() -> NDArray[np.uint8]:
    """All around the bottle: brand in front, small print and barcode behind."""
    image = Image.new("RGB", (2048, 860), CREAM)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 2048, 26), fill=GOLD)
    draw.rectangle((0, 834, 2048, 860), fill=GOLD)
    draw.rectangle((690, 26, 1358, 834), fill=FOREST)
    for turn in np.linspace(0, 2 * np.pi, 12, endpoint=False):  # a flower of leaves
        x, y = 1024 + 72 * np.sin(turn), 190 - 72 * np.cos(turn)
        draw.ellipse((x - 30, y - 30, x + 30, y + 30), fill=(148, 178, 112))
    draw.ellipse((984, 150, 1064, 230), fill=GOLD)
    write(draw, (1024, 390), "ALPINE", 150, CREAM)
    write(draw, (1024, 500), "herbal shampoo", 68, GOLD)
    draw.line((820, 560, 1228, 560), fill=GOLD, width=4)
    write(draw, (1024, 640), "sage · thyme · birch", 48, CREAM)
    write(draw, (1024, 760), "300 ml", 56, CREAM)
    write(draw, (340, 110), "How to use", 58, FOREST)
    lines_of_text(draw, (120, 170, 570, 780), 18, (120, 120, 110), 3)
    write(draw, (1700, 110), "Ingredients", 58, FOREST)
    lines_of_text(draw, (1470, 170, 1930, 540), 12, (120, 120, 110), 4)
    barcode(draw, (1530, 600, 1860, 760), 5)
    return np.asarray(image)


def carton_front(width: int, height: int) -> NDArray[np.uint8]:
    """The tea carton's front."""
    image = Image.new("RGB", (width, height), (176, 58, 46))
    draw = ImageDraw.Draw(image)
    draw.rectangle((26, 26, width - 26, height - 26), outline=CREAM, width=5)
    draw.ellipse((width * 0.18, height * 0.36, width * 0.82, height * 0.36 + width * 0.64), fill=CREAM)
    mountains(draw, (width // 2, int(height * 0.36 + width * 0.33)), int(width * 0.42), (GOLD, (96, 132, 122), FOREST))
    write(draw, (width / 2, height * 0.13), "RED PEAK", int(width * 0.15), CREAM)
    write(draw, (width / 2, height * 0.225), "mountain tea", int(width * 0.09), GOLD)
    write(draw, (width / 2, height * 0.86), "40 bags", int(width * 0.075), CREAM)
    write(draw, (width / 2, height * 0.92), "80 g", int(width * 0.055), CREAM)
    return np.asarray(image)


def carton_back(width: int, height: int) -> NDArray[np.uint8]:
    """The tea carton's back."""
    image = Image.new("RGB", (width, height), CREAM)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, width, height * 0.16), fill=(176, 58, 46))
    write(draw, (width / 2, height * 0.08), "RED PEAK", int(width * 0.11), CREAM)
    write(draw, (width / 2, height * 0.22), "From high gardens", int(width * 0.075), (176, 58, 46))
    lines_of_text(
        draw, (int(width * 0.12), int(height * 0.28), int(width * 0.88), int(height * 0.56)), 12, (130, 120, 110), 7
    )
    for i, minutes in enumerate(("95 °C", "4 min", "200 ml")):
        x = width * (0.22 + 0.28 * i)
        draw.ellipse(
            (x - width * 0.1, height * 0.66 - width * 0.1, x + width * 0.1, height * 0.66 + width * 0.1), fill=GOLD
        )
        write(draw, (x, height * 0.66), minutes, int(width * 0.052), INK)
    barcode(draw, (int(width * 0.3), int(height * 0.79), int(width * 0.7), int(height * 0.93)), 9)
    return np.asarray(image)


def carton_side(width: int, height: int, *, left: bool) -> NDArray[np.uint8]:
    """One of the carton's narrow sides."""
    ground, ink = ((140, 42, 36), CREAM) if left else ((206, 170, 96), (140, 42, 36))
    image = Image.new("RGB", (height, width), ground)  # drawn lying, turned upright
    draw = ImageDraw.Draw(image)
    write(draw, (height / 2, width * 0.42), "RED PEAK", int(width * 0.4), ink)
    write(draw, (height / 2, width * 0.78), "mountain tea · 40 bags", int(width * 0.17), ink)
    return np.asarray(image.transpose(Image.Transpose.ROTATE_90))


def carton_top(width: int, depth: int) -> NDArray[np.uint8]:
    """The carton's lid."""
    image = Image.new("RGB", (width, depth), (176, 58, 46))
    draw = ImageDraw.Draw(image)
    draw.rectangle((14, 14, width - 14, depth - 14), outline=CREAM, width=4)
    write(draw, (width / 2, depth / 2), "RED PEAK", int(depth * 0.34), CREAM)
    return np.asarray(image)


def weave(size: int, color: Color, *, contrast: float, threads: int, seed: int) -> NDArray[np.uint8]:
    """Cloth of crossing threads, tileable."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] * (2 * np.pi * threads / size)
    thread = np.where(np.sin(x / 2) * np.sin(y / 2) > 0, np.abs(np.sin(x)), np.abs(np.sin(y)))
    value = 1 + contrast * (thread - 0.6) + random.normal(0, contrast / 4, (size, size))
    return np.clip(np.array(color) * value[..., None], 0, 255).astype(np.uint8)


def wood(height: int, width: int, color: Color, *, seed: int, rings: float = 9.0) -> NDArray[np.uint8]:
    """Grain along the width."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width] / height
    bend = sum(
        random.normal(0, 0.05) * np.sin(2 * np.pi * (x * f * height / width + y * 0.7 * f + random.uniform()))
        for f in (0.5, 1.0, 1.7)
    )
    ring = (y + bend) * rings
    grain = 0.5 + 0.5 * np.sin(2 * np.pi * ring + 1.5 * np.sin(2 * np.pi * ring * 0.37))
    fibre = random.normal(0, 1, (height, max(width // 24, 2)))
    fibre = np.asarray(Image.fromarray(fibre.astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC))
    value = 0.82 + 0.2 * grain + 0.045 * fibre
    return np.clip(np.array(color) * value[..., None], 0, 255).astype(np.uint8)
