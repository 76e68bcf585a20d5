"""certificate -> a shopkeeper's words first, the figures beneath

Whatever a certificate lacks, because an older worker wrote it or because a model was uploaded, is left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from catalog.models import AssetVersion, Kind
from catalog.versions import needs_a_look
from dashboard.review.pictures import percent
from dashboard.templatetags.dashboard import byte_size

GRADES = {
    "A": ("Measured and like the photos", "Its size comes from the dimensions you gave, its shape is of a kind that we "
          "know how to build, and seen from your photos' cameras it looks like them."),
    "B": ("Good, but partly assumed", "Its shape is of a kind that we know how to build, but not everything could be "
          "checked: see below what is assumed."),
    "C": ("A guess: look closely", "Parts that no photo shows had to be guessed, or the model looks too little like a "
          "photo. It never goes into your shop by itself."),
}  # fmt: skip
"""Grade -> what it means in short, and at length."""

SIDES = {"width": "Width", "height": "Height", "depth": "Depth"}
EXACT = 5e-4
"""A relative error below which a side is as given: half a millimetre in a metre."""

SIZE_SOURCES = {
    "given": "The size comes from the dimensions that you gave.",
    "typical": "The size is what is usual for this kind of product: give its dimensions for true size in AR.",
    "unknown": "The true size is not known: give at least one dimension, or AR will show it too large or too small.",
}

LIMITS = {
    "triangles": "Triangles",
    "triangles_difference": "All files have the same triangles",
    "materials": "One material",
    "texture_size": "Pixels of the largest texture",
    "model.glb_bytes": "Size of the plain model",
    "model.web.glb_bytes": "Size of the web model",
    "model.usdz_bytes": "Size of the iPhone model",
    "model.glb_extensions_required": "Special features the plain model needs",
    "model.glb_errors": "Errors in the plain model",
    "model.glb_warnings": "Warnings about the plain model",
    "model.web.glb_errors": "Errors in the web model",
    "model.web.glb_warnings": "Warnings about the web model",
    "model.usdz_findings": "Rules of AR Quick Look broken",
    "dimension_width_error": "Width as given",
    "dimension_height_error": "Height as given",
    "dimension_depth_error": "Depth as given",
    "stands_on_floor": "Stands on the floor",
    "centred": "Stands in the middle",
    "model.usdz_parity_db": "The iPhone model looks like the plain one",
    "model.web.glb_parity_db": "The web model looks like the plain one",
}


@dataclass(frozen=True)
class Side:
    """One side of the bounding box, in metres; asked: as the merchant gave it. words: how the two compare."""

    name: str
    metres: float
    asked: float | None
    words: str


@dataclass(frozen=True)
class Limit:
    """One limit. required: an asset that breaks it is not published by itself; others are aims."""

    name: str
    code: str
    value: str
    limit: str
    kept: bool
    required: bool


@dataclass(frozen=True)
class Judgement:
    """What there is to say about a version."""

    needs_a_look: bool
    letter: str
    headline: str
    meaning: str
    reasons: tuple[str, ...]
    next_photo: str
    sides: tuple[Side, ...]
    size_words: str
    unseen: str
    limits: tuple[Limit, ...]
    note: str

    @property
    def broken(self) -> list[Limit]:
        """Limits that had to be kept and are not."""
        return [limit for limit in self.limits if limit.required and not limit.kept]

    @property
    def missed(self) -> list[Limit]:
        """Aims that are missed."""
        return [limit for limit in self.limits if not limit.required and not limit.kept]


@dataclass(frozen=True)
class Validator:
    """What a standard's own tool says about a file."""

    file: str
    tool: str
    verdict: str
    messages: tuple[str, ...]


def judge(version: AssetVersion) -> Judgement:
    """The certificate in words."""
    certificate = version.certificate
    headline, meaning = GRADES[version.grade]
    if version.origin == Kind.UPLOAD and version.grade == "B":
        meaning = "It is a model that you uploaded: its shape and size are yours, and were not compared with photos."
    unseen = certificate.get("unseen")
    return Judgement(
        needs_a_look(version),
        version.grade,
        headline,
        meaning,
        reasons=tuple(certificate.get("reasons", ())),
        next_photo=str(certificate.get("next_photo") or ""),
        sides=tuple(_sides(version)),
        size_words=SIZE_SOURCES.get(certificate.get("size_source", ""), ""),
        unseen="" if unseen is None else percent(float(unseen)),
        limits=tuple(_limit(row) for row in certificate.get("limits", ())),
        note=certificate.get("agreement", {}).get("note", ""),
    )


def validators(version: AssetVersion) -> list[Validator]:
    """One for each model file that was validated."""
    found = []
    for name, facts in version.certificate.get("files", {}).items():
        if told := facts.get("validator"):
            counts = [f"{told.get(kind, 0)} {kind}" for kind in ("errors", "warnings", "infos")]
            lines = tuple(f"{each.get('code', '')}: {each.get('message', '')}" for each in told.get("messages", ()))
            found.append(Validator(name, "Khronos glTF Validator", ", ".join(counts), lines))
        elif "findings" in facts:
            lines = tuple(f"{each['code']}: {each['message']}" for each in facts["findings"])
            found.append(Validator(name, "OpenUSD's checks and AR Quick Look's rules", f"{len(lines)} findings", lines))
    return found


def _sides(version: AssetVersion) -> list[Side]:
    dimensions: Mapping[str, Any] = version.certificate.get("dimensions", {})
    asked, errors = dimensions.get("asked", {}), dimensions.get("error", {})
    rows = []
    for key, name in SIDES.items():
        metres = version.dimensions.get(key)
        if metres is None:
            continue
        words = "not given"
        if key in asked:
            error = float(errors.get(key, 0))
            words = "as you gave it" if error <= EXACT else f"{100 * error:.1f} % off"
        rows.append(Side(name, float(metres), asked.get(key), words))
    return rows


def _limit(row: Mapping[str, Any]) -> Limit:
    code, kept, required = row["name"], bool(row["ok"]), row["level"] == "required"
    value, limit = (_figure(code, row[key]) for key in ("value", "limit"))
    return Limit(LIMITS.get(code, code), code, value, limit, kept, required)


def _figure(code: str, value: float) -> str:
    if code.endswith("_bytes"):
        return byte_size(int(value))
    if code.startswith("dimension_"):
        return f"{100 * value:.2f} %"
    if code.endswith("_db"):
        return f"{value:g} dB"
    if code in ("stands_on_floor", "centred"):
        return f"{1000 * value:.2f} mm"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.0f}"
