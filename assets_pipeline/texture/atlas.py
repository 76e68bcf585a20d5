"""several materials with textures of their own -> one set of maps, and texcoords that lead to them"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from assets_pipeline.asset import frozen
from assets_pipeline.formats.foreign_model import Finish, ForeignModel, Piece, Texture, refused
from assets_pipeline.formats.pictures import Picture
from assets_pipeline.texture.color import linear_to_srgb, srgb_to_linear, to_bytes

LARGEST = 4096
"""Texels of the whole atlas a side."""

PLAIN = 16
"""Texels a side of a material that is the same everywhere."""

MOST_REPEATS = 32
"""How often a texture may lie side by side before only its mean can be seen."""

CLAMP, MIRROR = 33071, 33648
FLAT = (128, 128, 255)

MIXED_SETS = "Maps that lie over other texture coordinates than its colours were left out."
COLOURED_TWICE = "Vertex colours were left out, since there are textures."
REPEATED = "Textures that repeat very often were replaced by their mean colour."


@dataclass(frozen=True)
class Tiles:
    """The maps of all materials side by side. texcoords: float64 (n, 2) for each piece. notes: what was left out."""

    base_color: NDArray[np.uint8]
    metallic_roughness: NDArray[np.uint8]
    normal: NDArray[np.uint8] | None
    occlusion: NDArray[np.uint8] | None
    texcoords: tuple[NDArray[np.float64], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Range:
    """The whole texture cells that a material's texcoords span. start: (u, v). cells: how many along u and v."""

    start: tuple[int, int]
    cells: tuple[int, int]


def lay_out(model: ForeignModel) -> Tiles:
    """The maps of `model`, in a square of equal cells where it has several materials. Raises InputRejected."""
    notes: dict[str, None] = {}
    if any(piece.colors is not None for piece in model.pieces):
        notes[COLOURED_TWICE] = None
    coords = [_texcoords(piece, model.finishes[piece.finish]) for piece in model.pieces]
    columns = math.ceil(math.sqrt(len(model.finishes)))
    ranges: list[Range | None] = []
    for number in range(len(model.finishes)):
        own = [each for each, piece in zip(coords, model.pieces, strict=True) if piece.finish == number]
        ranges.append(_range([each for each in own if each is not None], notes))
    last = _LastPicture()
    cells = [_Cell(finish, span, last, notes) for finish, span in zip(model.finishes, ranges, strict=True)]
    if len(cells) == 1:
        size = cells[0].size
    else:
        side = min(1 << math.ceil(math.log2(max(max(cell.size) for cell in cells))), LARGEST // columns)
        size = side, side
    maps = {name: _grid(_drawn(cells, name, size), columns) for name in _names(model.finishes)}
    texcoords = tuple(
        _placed(uv, ranges[piece.finish], piece, columns, size) for uv, piece in zip(coords, model.pieces, strict=True)
    )
    return Tiles(
        base_color=frozen(maps["base_color"]),
        metallic_roughness=frozen(maps["metallic_roughness"]),
        normal=frozen(maps["normal"]) if "normal" in maps else None,
        occlusion=frozen(maps["occlusion"][..., 0]) if "occlusion" in maps else None,
        texcoords=texcoords,
        notes=tuple(notes),
    )


def _names(finishes: Sequence[Finish]) -> list[str]:
    names = ["base_color", "metallic_roughness"]
    if any(finish.normal for finish in finishes):
        names.append("normal")
    if any(finish.occlusion for finish in finishes):
        names.append("occlusion")
    return names


def _texcoords(piece: Piece, finish: Finish) -> NDArray[np.float64] | None:
    """The piece's texcoords as its colours (or else its first map) are laid over them; None: nothing is."""
    if not finish.textures:
        return None
    first = finish.textures[0]
    if first.texcoords not in piece.texcoords:
        return None
    uv = piece.texcoords[first.texcoords]
    uv = uv @ first.matrix[:2, :2].T + first.matrix[:2, 2]
    for axis in range(2):
        if first.wrap[axis] == CLAMP:
            uv[:, axis] = np.clip(uv[:, axis], 0, 1)
    return uv


def _range(coords: Sequence[NDArray[np.float64]], notes: dict[str, None]) -> Range | None:
    """The cells that all of `coords` lie in; None: one colour stands for all."""
    if not coords:
        return None
    low = np.min([each.min(axis=0) for each in coords], axis=0)
    high = np.max([each.max(axis=0) for each in coords], axis=0)
    start = np.floor(low + 1e-4)
    cells = np.maximum(np.ceil(high - 1e-4) - start, 1)
    if cells.max() > MOST_REPEATS:
        notes[REPEATED] = None
        return None
    return Range((int(start[0]), int(start[1])), (int(cells[0]), int(cells[1])))


class _LastPicture:
    """Unpacks pictures and keeps the last: materials that share one take their turns one after the other."""

    def __init__(self) -> None:
        self._known: tuple[Picture, NDArray[np.uint8]] | None = None

    def pixels(self, picture: Picture) -> NDArray[np.uint8]:
        """As `Picture.pixels`. Raises ValueError when damaged."""
        if self._known is None or self._known[0] is not picture:
            self._known = None  # two at a time would be too many
            self._known = picture, picture.pixels()
        return self._known[1]


def _drawn(cells: Sequence["_Cell"], name: str, size: tuple[int, int]) -> list[NDArray[np.uint8]]:
    """That map of each cell, every picture unpacked once for all of them."""
    order = sorted(range(len(cells)), key=lambda number: id(cells[number].picture(name)))
    drawn = {number: cells[number].map(name, size) for number in order}
    return [drawn[number] for number in range(len(cells))]


class _Cell:
    """The maps of one material."""

    def __init__(self, finish: Finish, span: Range | None, last: _LastPicture, notes: dict[str, None]) -> None:
        self.finish = finish
        self.span = span
        self.last = last
        self.notes = notes

    @property
    def size(self) -> tuple[int, int]:
        """Width and height that show all there is."""
        textures = self.finish.textures
        if self.span is None or not textures:
            return PLAIN, PLAIN
        wide = max(texture.picture.width for texture in textures) * self.span.cells[0]
        high = max(texture.picture.height for texture in textures) * self.span.cells[1]
        return max(PLAIN, min(wide, LARGEST)), max(PLAIN, min(high, LARGEST))

    def picture(self, name: str) -> Picture | None:
        """What one map is made from."""
        finish = self.finish
        sources = {"base_color": finish.colors, "metallic_roughness": finish.surface, "normal": finish.normal}
        texture = sources.get(name, finish.occlusion)
        return texture.picture if texture else None

    def map(self, name: str, size: tuple[int, int]) -> NDArray[np.uint8]:
        """One map, uint8 (h, w, c) of that width and height."""
        finish = self.finish
        if name == "base_color":
            return self._colors(size)
        if name == "metallic_roughness":
            image = self._image(finish.surface, size, (255, 255, 255))
            factors = np.array([1, finish.roughness, finish.metallic], np.float32)
            return np.rint(image[..., :3] * factors).astype(np.uint8)
        if name == "normal":
            return self._image(finish.normal, size, FLAT)[..., :3]
        return self._image(finish.occlusion, size, (255, 255, 255))[..., :1]

    def _colors(self, size: tuple[int, int]) -> NDArray[np.uint8]:
        """sRGB with alpha, as the material's mode takes it."""
        finish = self.finish
        image = self._image(finish.colors, size, (255, 255, 255, 255))
        light = srgb_to_linear(np.arange(256, dtype=np.uint8))
        result = np.full((*image.shape[:2], 4), 255, np.uint8)
        for channel in range(3):
            result[..., channel] = to_bytes(linear_to_srgb(light * finish.base_color[channel]))[image[..., channel]]
        if finish.alpha_mode != "OPAQUE":
            alpha = image[..., 3] if image.shape[2] == 4 else np.full(image.shape[:2], 255, np.uint8)
            share = alpha.astype(np.float32) / 255 * finish.base_color[3]
            result[..., 3] = to_bytes((share >= finish.cutoff) if finish.alpha_mode == "MASK" else share)
        return result

    def _image(self, texture: Texture | None, size: tuple[int, int], plain: Sequence[int]) -> NDArray[np.uint8]:
        """The texture over the material's cells; `plain` without one, its mean where nothing leads to it."""
        if texture is not None and texture.texcoords != self.finish.textures[0].texcoords:
            self.notes[MIXED_SETS] = None
            texture = None
        if texture is None:
            return np.full((size[1], size[0], len(plain)), plain, np.uint8)
        try:
            pixels = self.last.pixels(texture.picture)
        except ValueError:
            raise refused("model_texture_broken") from None
        if self.span is None:
            mean = np.rint(pixels.reshape(-1, pixels.shape[2]).mean(axis=0)).astype(np.uint8)
            return np.tile(mean, (size[1], size[0], 1))
        one = size[0] // self.span.cells[0], size[1] // self.span.cells[1]
        if min(self.span.cells) > 1 or max(self.span.cells) > 1:  # repeated: each copy as large as there is room for
            pixels = _resized(pixels, max(one[0], 1), max(one[1], 1))
            pixels = _repeated(pixels, self.span, texture.wrap)
        elif MIRROR in texture.wrap:
            pixels = _repeated(pixels, self.span, texture.wrap)
        return _resized(pixels, *size)


def _repeated(pixels: NDArray[np.uint8], span: Range, wrap: tuple[int, int]) -> NDArray[np.uint8]:
    """Copies side by side, every other one mirrored where the texture says so."""
    for axis, along in ((1, 0), (0, 1)):
        numbers = range(span.start[along], span.start[along] + span.cells[along])
        mirrored = np.flip(pixels, axis) if wrap[along] == MIRROR else pixels
        pixels = np.concatenate([mirrored if number % 2 else pixels for number in numbers], axis=axis)
    return pixels


def _resized(pixels: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    if pixels.shape[:2] == (height, width):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS))


def _grid(cells: Sequence[NDArray[np.uint8]], columns: int) -> NDArray[np.uint8]:
    """The cells in a square of rows; colours without any alpha lose the channel."""
    height, width, channels = cells[0].shape
    whole = np.full((height * columns, width * columns, channels), 255, np.uint8)
    for number, cell in enumerate(cells):
        row, column = divmod(number, columns)
        whole[row * height : (row + 1) * height, column * width : (column + 1) * width] = cell
    return whole[..., :3] if channels == 4 and whole[..., 3].min() == 255 else whole


def _placed(
    uv: NDArray[np.float64] | None, span: Range | None, piece: Piece, columns: int, size: tuple[int, int]
) -> NDArray[np.float64]:
    """Texcoords in the atlas, half a texel inside their cell; the cell's middle where nothing leads to a texture."""
    row, column = divmod(piece.finish, columns)
    if uv is None or span is None:
        inside = np.full((len(piece.positions), 2), 0.5)
    else:
        inside = np.clip((uv - span.start) / span.cells, 0, 1)
    if columns == 1:
        return inside
    inset = 0.5 / np.array(size)
    return (np.array([column, row]) + inset + inside * (1 - 2 * inset)) / columns
