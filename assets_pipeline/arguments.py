"""argv -> checked options: everything that can be told wrong before any photo is opened, nothing heavy loaded"""

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from assets_pipeline.asset import Hints, View
from assets_pipeline.generators.registry import AUTO, GENERATORS
from assets_pipeline.recipes import (
    PROFILES,
    QUALITIES,
    SEGMENTERS,
    TEXTURE_SIZES,
    TRIANGLES_MAX,
    TRIANGLES_MIN,
    Recipe,
    RecipeError,
    make_recipe,
)
from assets_pipeline.stores.directory import DirectoryStore, UnusablePlace

FILES = (
    "model.glb",
    "model.web.glb",
    "model.usdz",
    "poster.webp",
    "poster-white.webp",
    "turntable.webp",
    "preview.html",
    "report.json",
)
"""What `make` writes into its folder."""

ONE_GENERATOR = f"{AUTO} (default) or one of: {', '.join(GENERATORS)}"
ONE_SEGMENTER = f"what cuts the product out: {', '.join(SEGMENTERS)}; their licences: plinth weights"
MOST_PHOTOS = 24
SMALLEST_MM, LARGEST_MM = 1.0, 50_000.0
LONGEST_TEXT = 200
LARGEST_SEED = 2**31 - 1


class UsageError(Exception):
    """The arguments will not do; the message says which and why."""


class Parser(argparse.ArgumentParser):
    """Raises UsageError instead of leaving the process; knows no abbreviations, which would bind us for ever."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see `{self.prog} --help`)")


@dataclass(frozen=True)
class MakeOptions:
    """What `plinth make` was asked for."""

    photos: tuple[tuple[Path, View | None], ...]
    out: Path
    hints: Hints
    recipe: Recipe
    as_json: bool


def add_photos(parser: argparse.ArgumentParser) -> None:
    """Photos, and photos of named sides."""
    parser.add_argument("photos", nargs="*", metavar="PHOTO", type=Path, help="photos of one product; the front first")
    parser.add_argument(
        "--view",
        action="append",
        default=[],
        type=view_and_path,
        metavar="NAME=PHOTO",
        help=f"a photo of a known side: {', '.join(View)} (right is seen from +X)",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """For programs that read the result."""
    parser.add_argument("--json", action="store_true", dest="as_json", help="the result as JSON on stdout")


def add_make(parser: argparse.ArgumentParser) -> None:
    """The options of `plinth make`."""
    add_photos(parser)
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="the folder to write; made when missing")
    parser.add_argument("--title", type=words, default="", help="the product's name in the shop")
    parser.add_argument("--category", type=words, default="", metavar="WORD", help="what it is: mug, chair, box ...")
    for side, axis in (("width", "left to right"), ("height", "bottom to top"), ("depth", "front to back")):
        parser.add_argument(f"--{side}-mm", type=millimetres, metavar="N", help=f"its real size, {axis}")
    parser.add_argument("--generator", default=AUTO, choices=[AUTO, *GENERATORS], metavar="NAME", help=ONE_GENERATOR)
    parser.add_argument("--quality", default="standard", choices=list(QUALITIES), help="default standard")
    parser.add_argument("--segmenter", choices=list(SEGMENTERS), metavar="NAME", help=ONE_SEGMENTER)
    triangles = whole_number(TRIANGLES_MIN, TRIANGLES_MAX)
    parser.add_argument("--triangles", type=triangles, metavar="N", help="at most this many triangles")
    sizes = list(TEXTURE_SIZES)
    parser.add_argument("--texture-size", type=int, choices=sizes, metavar="N", help=f"pixels a side: {sizes}")
    parser.add_argument("--profile", action="append", default=[], choices=list(PROFILES), help="keep to its limits")
    parser.add_argument("--seed", type=whole_number(0, LARGEST_SEED), default=0, metavar="N", help="default 0")
    add_json(parser)


def add_inspect(parser: argparse.ArgumentParser) -> None:
    """The options of `plinth inspect`."""
    add_photos(parser)
    add_json(parser)


def add_weights(parser: argparse.ArgumentParser) -> None:
    """The options of `plinth weights`."""
    parser.add_argument("action", nargs="?", choices=["list", "fetch"], default="list")
    parser.add_argument("name", nargs="?", default="", metavar="NAME", help="whose weights to fetch")
    add_json(parser)


def add_certify(parser: argparse.ArgumentParser) -> None:
    """The options of `plinth certify`."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder that `plinth make` wrote")
    add_json(parser)


def make_options(options: argparse.Namespace) -> MakeOptions:
    """The parsed options of `plinth make`, checked against each other and against the disk. Raises UsageError."""
    photos = named_photos(options)
    check_out(options.out, [path for path, _ in photos])
    try:
        recipe = make_recipe(
            options.quality,
            generator=options.generator,
            segmenter=options.segmenter,
            triangles=options.triangles,
            texture_size=options.texture_size,
            profiles=options.profile,
            seed=options.seed,
        )
    except RecipeError as error:
        raise UsageError(str(error)) from None
    hints = Hints(options.title, options.category, options.width_mm, options.height_mm, options.depth_mm)
    return MakeOptions(photos, options.out, hints, recipe, options.as_json)


def named_photos(options: argparse.Namespace) -> tuple[tuple[Path, View | None], ...]:
    """Every photo with the side it shows: the front, then those without a name, then other sides. Raises UsageError."""
    named: Sequence[tuple[View, Path]] = options.view
    views = [view for view, _ in named]
    doubled = [view for view in View if views.count(view) > 1]
    if doubled:
        raise UsageError(f"view {doubled[0]} is given twice")
    sides = [(path, view) for view, path in named]
    front = [side for side in sides if side[1] is View.FRONT]
    others = [side for side in sides if side[1] is not View.FRONT]
    photos = (*front, *((path, None) for path in options.photos), *others)
    if not photos:
        raise UsageError("no photo given")
    if len(photos) > MOST_PHOTOS:
        raise UsageError(f"{len(photos)} photos given, {MOST_PHOTOS} at most")
    return photos


def check_out(out: Path, photos: Sequence[Path]) -> None:
    """See that the folder can be written and holds none of the photos. Raises UsageError."""
    try:
        DirectoryStore(out).ensure_writable()
        kept = {(out / name).resolve() for name in FILES}
        overwritten = [photo for photo in photos if photo.resolve() in kept]
    except UnusablePlace as error:
        raise UsageError(f"--out: {error.strerror}") from None
    except RuntimeError:  # Python 3.11 and 3.12 say so of a loop of symbolic links; reading the photo will tell
        return
    if overwritten:
        raise UsageError(f"--out {out} would overwrite the photo {overwritten[0].name}")


def view_and_path(text: str) -> tuple[View, Path]:
    """`front=mug.jpg`."""
    name, equals, path = text.partition("=")
    if name not in list(View):
        raise argparse.ArgumentTypeError(f"there is no view {name!r}; views: {' '.join(View)}")
    if not equals or not path:
        raise argparse.ArgumentTypeError(f"view {name} names no photo; write {name}=PHOTO")
    return View(name), Path(path)


def millimetres(text: str) -> float:
    """A dimension, in metres."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not SMALLEST_MM <= value <= LARGEST_MM:
        raise argparse.ArgumentTypeError(f"{text!r} is no size from {SMALLEST_MM:g} to {LARGEST_MM:g} mm")
    return value / 1000


def whole_number(low: int, high: int) -> Callable[[str], int]:
    """A parser of integers within limits."""

    def parse(text: str) -> int:
        if not text.isdecimal() or not low <= int(text[:12]) <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {low} to {high}")
        return int(text)

    return parse


def words(text: str) -> str:
    """A title or category: one line of printable text."""
    line = "".join(c for c in " ".join(text.split()) if c.isprintable())
    if len(line) > LONGEST_TEXT:
        raise argparse.ArgumentTypeError(f"longer than {LONGEST_TEXT} characters")
    return line
