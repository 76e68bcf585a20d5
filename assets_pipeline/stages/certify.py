"""files -> certificate: how true the asset is, in numbers, from the bytes that will be published

The schema is documented in docs/certificate.md.
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from PIL import Image

from assets_pipeline.asset import UPLOADED, Asset, Camera, Cutout, Hints, Mesh, RawShape, StageRecord
from assets_pipeline.formats.glb import glb_facts, read_glb
from assets_pipeline.formats.model import ModelFile
from assets_pipeline.formats.usdz import read_usdz
from assets_pipeline.formats.usdz_rules import usdz_findings
from assets_pipeline.geometry.cameras import frame, resized
from assets_pipeline.protocols import GltfTools
from assets_pipeline.stages.export_glb import GLB, WEB_GLB
from assets_pipeline.stages.export_usdz import USDZ
from assets_pipeline.texture.compare import SAME_DB, color_difference, iou, psnr_db
from assets_pipeline.texture.draw import Part, Scene

PRIMITIVES = {
    "revolve_closed": "turned, closed",
    "revolve_open": "turned, open",
    "cuboid": "box",
    "extrusion": "plate",
    "furniture": "furniture",
}
FREE_FORM = {"inflation": "free form"}
FAMILIES = PRIMITIVES | FREE_FORM
"""Classes of shape that generators name, in words."""

TURNED = {"revolve_closed", "revolve_open"}

GREY = np.array([128, 128, 128], np.uint8)
COMPARED_SIDE = 384
"""Pixels of the longer side at which a model is compared with its photos."""

COMPARED_VIEWS = ((35.0, 20.0), (215.0, 20.0))
"""Azimuth and elevation in degrees from which files are compared: between them they see all sides but the bottom."""

AGREEMENT_NOTE = (
    "Agreement with a photo that the shape was made from proves little; the outline of another is predicted."
)


@dataclass(frozen=True)
class Limits:
    """What the asset must keep (DESIGN 5); targets are what it should."""

    triangles: int = 100_000
    triangles_target: int = 50_000
    texture_size: int = 2048
    glb_bytes: int = 5_000_000
    web_bytes: int = 2_000_000
    web_bytes_target: int = 700_000
    usdz_bytes: int = 5_000_000
    dimension_error: float = 0.01
    usdz_parity_db: float = 40.0
    web_parity_db: float = 30.0


LIMITS = Limits()
NO_HINTS = Hints()


@dataclass(frozen=True)
class Certify:
    """Judge the files; see `check_files`, `agreement` and `grade`.

    min_iou, max_color_difference: the agreement with each photo below which an asset is no better than a guess.
    min_predicted_iou: the same for photos that had no say in the shape; their cameras are known less well, too.
    """

    tools: GltfTools = field(repr=False)
    limits: Limits = LIMITS
    min_iou: float = 0.85
    min_predicted_iou: float = 0.75
    max_color_difference: float = 20.0

    def __call__(self, asset: Asset) -> Asset:
        assert asset.raw is not None and USDZ in asset.files, "certify comes after the exports"
        certificate = check_files(asset.files, self.tools, asset.hints, self.limits)
        model = read_glb(asset.files[GLB])
        photos = agreement(model, asset.cutouts, asset.cameras, asset.raw.shaped_from)
        agrees = [self._agrees(photo) for photo in photos]
        letter, reasons = grade(asset.raw, asset.hints, agrees, dimensions_kept=_kept(certificate, "dimension"))
        certificate |= {
            "grade": letter,
            "reasons": reasons,
            "next_photo": asset.raw.next_photo,
            "generator": asset.raw.generator,
            "family": asset.raw.family,
            "size_source": asset.raw.size_source,
            "agreement": {"note": AGREEMENT_NOTE, "photos": photos},
            "unseen": asset.unseen,
        }
        record = StageRecord(repr(self), {"grade": letter, "passed": certificate["passed"]})
        return replace(asset, certificate=certificate, provenance=(*asset.provenance, record))

    def _agrees(self, photo: Mapping[str, Any]) -> bool:
        least = self.min_iou if photo["made_from_it"] else self.min_predicted_iou
        return bool(photo["iou"] >= least and photo["color_difference"] <= self.max_color_difference)


def check_files(
    files: Mapping[str, bytes], tools: GltfTools, hints: Hints = NO_HINTS, limits: Limits = LIMITS
) -> dict[str, Any]:
    """What can be told from the published files alone: sizes, validators, likeness, and each limit kept or not."""
    plain = read_glb(files[GLB])
    web = read_glb(tools.unpack_web(files[WEB_GLB]))
    usdz = read_usdz(files[USDZ])
    found = {
        GLB: {**glb_facts(files[GLB]), "validator": tools.validate(files[GLB])},
        WEB_GLB: {**glb_facts(files[WEB_GLB]), "validator": tools.validate(files[WEB_GLB])},
        USDZ: {**usdz.facts, "findings": _findings(files[USDZ], plain.mesh)},
    }
    likeness = {USDZ: usdz, WEB_GLB: web}
    parity = {name: round(decibels, 1) for name, decibels in parity_db(plain, likeness).items()}
    dimensions = _dimensions(plain.mesh, hints)
    rows = _limit_rows(found, parity, dimensions, plain.mesh, limits)
    return {
        "version": 1,
        "passed": all(row["ok"] for row in rows if row["level"] == "required"),
        "dimensions": dimensions,
        "files": found,
        "parity_db": parity,
        "limits": rows,
    }


def parity_db(reference: ModelFile, others: Mapping[str, ModelFile]) -> dict[str, float]:
    """How alike files look, each drawn by our renderer from its own bytes: the least over two opposite views."""
    cameras = [frame(reference.mesh.positions, azimuth=a, elevation=e, size=320) for a, e in COMPARED_VIEWS]
    scene = _scene(reference)
    expected = [scene.draw(camera, floor=False) for camera in cameras]
    worst = {}
    for name, model in others.items():
        scene, worst[name] = _scene(model), SAME_DB
        for camera, picture in zip(cameras, expected, strict=True):
            other = scene.draw(camera, floor=False)
            covered = (picture.coverage > 0) | (other.coverage > 0)
            worst[name] = min(worst[name], psnr_db(picture.over(GREY), other.over(GREY), covered))
    return worst


def agreement(
    model: ModelFile, cutouts: Iterable[Cutout], cameras: Iterable[Camera | None], shaped_from: Container[int] = (0,)
) -> list[dict[str, Any]]:
    """For each photo whose camera is known: overlap of silhouettes, and how far base colours are from the photo's."""
    scene, rows = _scene(model), []
    for number, (cutout, camera) in enumerate(zip(cutouts, cameras, strict=False)):
        if camera is None:
            continue
        small = resized(camera, COMPARED_SIDE)
        picture = scene.draw(small, None, floor=False)
        photo = np.asarray(Image.fromarray(cutout.rgba).resize((small.width, small.height), Image.Resampling.BOX))
        product, drawn = photo[..., 3] > 127, picture.coverage > 0.5
        both = (photo[..., 3] > 250) & (picture.coverage > 0.99)
        seen = picture.over(GREY)[both], photo[..., :3][both]
        rows.append(
            {
                "photo": cutout.name,
                "view": str(cutout.view) if cutout.view else "",
                "made_from_it": number in shaped_from,
                "iou": round(iou(product, drawn), 4),
                "color_difference": round(color_difference(*seen), 2) if both.any() else 100.0,
            }
        )
    return rows


def grade(raw: RawShape, hints: Hints, agrees: list[bool], *, dimensions_kept: bool) -> tuple[str, list[str]]:
    """A, B or C (DESIGN 5) and why. agrees: for each photo with a camera, whether the model looks like it."""
    if raw.family == UPLOADED:
        return "C", ["It was uploaded, and nothing says how true to the product it is.", *raw.notes]
    if not all(agrees):
        return "C", ["The model looks too little like the photo."]
    if raw.family not in PRIMITIVES:
        known = FREE_FORM.get(raw.family, "shape of no known class")
        return "C", [f"A {known} was guessed from one photo: its depth and its back are not known."]
    reasons = [f"The shape is of a known class: {PRIMITIVES[raw.family]}."]
    if not agrees:
        return "B", [*reasons, "It could not be compared with a photo."]
    if not measured(raw, hints):
        return "B", [*reasons, "Its dimensions were not all given."]
    if not dimensions_kept:
        return "B", [*reasons, "Its dimensions are not those given."]
    return "A", [*reasons, "Its dimensions were given, and it looks like the photo."]


def measured(raw: RawShape, hints: Hints) -> bool:
    """Whether the merchant's dimensions leave nothing of the size open: one does for a turned shape, else all three."""
    given = sum(side is not None for side in (hints.width, hints.height, hints.depth))
    return raw.size_source == "given" and given >= (1 if raw.family in TURNED else 3)


def _scene(model: ModelFile) -> Scene:
    return Scene([Part(model.mesh, model.material)])


def _findings(usdz: bytes, mesh: Mesh) -> list[dict[str, str]]:
    findings = usdz_findings(usdz, extents=mesh.extents.tolist())
    return [{"code": finding.code, "message": finding.message} for finding in findings]


def _dimensions(mesh: Mesh, hints: Hints) -> dict[str, Any]:
    """The bounding box against what was asked for, in metres."""
    low, high = mesh.positions.min(axis=0).astype(float), mesh.positions.max(axis=0).astype(float)
    sides = {name: float(side) for name, side in zip(("width", "height", "depth"), high - low, strict=True)}
    asked = {name: value for name in sides if (value := getattr(hints, name)) is not None}
    middle = (low + high) / 2
    return {
        "metres": {name: round(side, 5) for name, side in sides.items()},
        "asked": asked,
        "error": {name: round(abs(sides[name] - value) / value, 5) for name, value in asked.items()},
        "base": round(float(low[1]), 6),
        "centre_x": round(float(middle[0]), 6),
        "centre_z": round(float(middle[2]), 6),
    }


def _limit_rows(
    found: Mapping[str, Any],
    parity: Mapping[str, float],
    dimensions: Mapping[str, Any],
    mesh: Mesh,
    limits: Limits,
) -> list[dict[str, Any]]:
    glb, web, usdz, rows = found[GLB], found[WEB_GLB], found[USDZ], []

    def at_most(name: str, value: float, limit: float, level: str = "required") -> None:
        rows.append({"name": name, "value": value, "limit": limit, "ok": value <= limit, "level": level})

    at_most("triangles", glb["triangles"], limits.triangles)
    at_most("triangles", glb["triangles"], limits.triangles_target, "target")
    at_most("triangles_difference", max(abs(glb["triangles"] - other["triangles"]) for other in (web, usdz)), 0)
    at_most("materials", glb["materials"], 1)
    sides = [max(texture["width"], texture["height"]) for file in (glb, web) for texture in file["textures"]]
    at_most("texture_size", max(sides, default=0), limits.texture_size)
    at_most(f"{GLB}_bytes", glb["bytes"], limits.glb_bytes)
    at_most(f"{WEB_GLB}_bytes", web["bytes"], limits.web_bytes)
    at_most(f"{WEB_GLB}_bytes", web["bytes"], limits.web_bytes_target, "target")
    at_most(f"{USDZ}_bytes", usdz["bytes"], limits.usdz_bytes)
    at_most(f"{GLB}_extensions_required", len(glb["extensions_required"]), 0)
    for name, file in ((GLB, glb), (WEB_GLB, web)):
        at_most(f"{name}_errors", file["validator"]["errors"], 0)
        at_most(f"{name}_warnings", file["validator"]["warnings"], 0, "required" if name == GLB else "target")
    at_most(f"{USDZ}_findings", len(usdz["findings"]), 0)
    for name, error in dimensions["error"].items():
        at_most(f"dimension_{name}_error", error, limits.dimension_error)
    height, longest = float(mesh.extents[1]), float(mesh.extents.max())
    at_most("stands_on_floor", abs(dimensions["base"]), round(0.002 * height, 6))
    at_most("centred", max(abs(dimensions["centre_x"]), abs(dimensions["centre_z"])), round(0.005 * longest, 6))
    for name, least in ((USDZ, limits.usdz_parity_db), (WEB_GLB, limits.web_parity_db)):
        ok = parity[name] >= least
        rows.append({"name": f"{name}_parity_db", "value": parity[name], "limit": least, "ok": ok, "level": "required"})
    return rows


def _kept(certificate: Mapping[str, Any], prefix: str) -> bool:
    return all(row["ok"] for row in certificate["limits"] if row["name"].startswith(prefix))
