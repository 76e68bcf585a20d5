"""a version's files -> what lies beside what: photos with renders from their cameras, maps"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from catalog.models import AssetVersion

PHOTO = re.compile(r"photo-(\d{1,3})\.webp")

MAPS = {
    "base_color": ("Colour", "What the surface looks like, without light and shadow (base color)."),
    "metallic_roughness": (
        "Shine",
        "Green: how rough, blue: how metallic. Dark green shines (metallic, roughness).",
    ),
    "normal": ("Fine relief", "Dents and bumps finer than the triangles; plain violet is flat (normal)."),
    "occlusion": ("Soft shadow", "Dark where little light gets in, as inside a cup (occlusion)."),
}
"""Map -> its name for people, and what it shows."""

OVERLAP = ((0.95, "nearly the same"), (0.85, "close"), (0.75, "roughly the same"), (0.0, "another outline"))
COLORS = ((2, "the same to the eye"), (6, "slightly different"), (12, "visibly different"), (20, "clearly different"))


@dataclass(frozen=True)
class Comparison:
    """A photo and the model as its camera sees it, in one frame. cutout: the product alone, where there is one.

    made_from_it: whether the photo decided the shape; None: not known. overlap: of the outlines, 0..1. color: mean
    distance of the colours.
    """

    number: int
    name: str
    photo: str
    render: str
    cutout: str = ""
    view: str = ""
    made_from_it: bool | None = None
    overlap: float | None = None
    color: float | None = None

    @property
    def overlap_percent(self) -> str:
        return percent(self.overlap)

    @property
    def overlap_words(self) -> str:
        """How alike the outlines are."""
        return next(words for least, words in OVERLAP if (self.overlap or 0) >= least)

    @property
    def color_words(self) -> str:
        """How alike the colours are."""
        return next((words for most, words in COLORS if (self.color or 0) <= most), "another colour")


@dataclass(frozen=True)
class Map:
    """A picture of one of the model's maps."""

    file: str
    name: str
    about: str


def comparisons(version: AssetVersion) -> list[Comparison]:
    """Each photo that the model can be laid beside; none for versions made before that, or without photos."""
    names = names_of(version)
    numbers = sorted(int(found[1]) for name in names if (found := PHOTO.fullmatch(name)))
    numbers = [number for number in numbers if f"render-{number}.webp" in names]
    rows = agreement_of(version)
    told = dict(zip(numbers, rows, strict=True)) if len(rows) == len(numbers) else {}
    return [_comparison(number, told.get(number, {}), names) for number in numbers]


def agreement_of(version: AssetVersion) -> list[Mapping[str, Any]]:
    """What the certificate says of each photo that has a camera, in the photos' order."""
    return list(version.certificate.get("agreement", {}).get("photos", []))


def maps(version: AssetVersion) -> list[Map]:
    """Pictures of the maps that there are."""
    names = names_of(version)
    return [Map(f"map-{key}.webp", *words) for key, words in MAPS.items() if f"map-{key}.webp" in names]


def names_of(version: AssetVersion) -> frozenset[str]:
    """The names of a version's files."""
    return frozenset(file["name"] for file in version.files)


def percent(share: float | None) -> str:
    """0.978 -> 98 %; never rounded up to all or down to nothing"""
    if share is None:
        return ""
    if 0 < share < 0.01 or 0.99 < share < 1:
        return f"{100 * share:.1f} %"
    return f"{100 * share:.0f} %"


def _comparison(number: int, told: Mapping[str, Any], names: frozenset[str]) -> Comparison:
    cutout = f"cutout-{number}.webp"
    return Comparison(
        number,
        name=told.get("photo") or f"photo {number}",
        photo=f"photo-{number}.webp",
        render=f"render-{number}.webp",
        cutout=cutout if cutout in names else "",
        view=told.get("view", ""),
        made_from_it=told.get("made_from_it"),
        overlap=told.get("iou"),
        color=told.get("color_difference"),
    )
