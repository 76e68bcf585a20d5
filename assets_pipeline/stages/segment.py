"""photos -> cut-outs, with advice on what shows only once the product is told from its background"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from assets_pipeline.asset import Advice, Area, Asset, Cutout, Photo, StageRecord, View, frozen
from assets_pipeline.errors import InputRejected
from assets_pipeline.protocols import Segmenter
from assets_pipeline.stages.inspect import from_above
from assets_pipeline.texture.floor_shadow import without_floor_shadow
from assets_pipeline.texture.matting import foreground, refine_alpha, unknown_band
from assets_pipeline.texture.photo_quality import PhotoQuality, measure_photo
from assets_pipeline.texture.silhouette import (
    Box,
    Parts,
    box_of,
    contact_box,
    edge_sharpness,
    fill_pinholes,
    frame_contact,
    keep_parts,
    merge_zoom,
    settle,
)

ZOOM_BELOW = 0.8
"""A product that takes less of the frame's longer side gets a second look at its own size."""

ZOOM_MARGIN = 0.08
NETWORK_SIDE = 320
"""Pixels a side at which U²-Net looks; finer networks do not mind a wider band."""

SMALLEST_PRODUCT_PX = 96
FILLS_FRAME = 0.97
TOO_FAR_APART = 0.5
PLAIN, BUSY = 0.05, 0.22
"""Share of the background covered by edges: plain paper lies below the first, a furnished room above the second."""

SEE_THROUGH = 0.08
"""Share of the product's inside through which the background shows."""

SHINY_WORDS = re.compile(r"\b(glass|crystal|mirror|chrome|transparent|clear acrylic|polished steel)\w*", re.IGNORECASE)

SENTENCES = {
    "blurred": "The product is not sharp: rest the camera on something and tap on the product to focus.",
    "too_dark": "The photo is too dark: photograph near a window or switch more lamps on.",
    "too_bright": "Bright parts of the product are burnt out: use softer light, or a slightly darker setting.",
    "cut_off": "The product is cut off at the {sides} of the photo: step back until all of it is in the picture.",
    "several_objects": "Several separate objects are in the photo: photograph the product alone.",
    "busy_background": "The background is busy: in front of a plain wall or paper the outline comes out cleaner.",
    "small_in_frame": "The product takes {percent} % of the photo's length: go closer, so that it takes most of it.",
    "strong_shadow": "The product throws a strong shadow: use softer light from more than one side.",
    "glass_or_mirror": "Parts seem to be glass or mirror-like: these come out as a plain surface.",
}


@dataclass(frozen=True)
class Segment:
    """Cut the product out of each photo; see `cut_out`."""

    segmenter: Segmenter

    def __call__(self, asset: Asset) -> Asset:
        assert asset.photos, "segment comes after inspect"
        cutouts, advice = [], list(asset.advice)
        for photo in asset.photos:
            try:
                cutout, remarks = cut_out(photo, self.segmenter)
            except InputRejected as error:
                raise InputRejected(error.code, error.advice, photo=photo.name, boxes=error.boxes) from None
            cutouts.append(cutout)
            known = {(remark.code, remark.photo) for remark in advice}
            advice += [remark for remark in remarks if (remark.code, remark.photo) not in known]
        advice += hint_remarks(replace(asset, advice=tuple(advice)))
        counts = {
            "photos": len(cutouts),
            "coverage": [round(cutout.coverage, 4) for cutout in cutouts],
            "edge_sharpness": [round(cutout.edge_sharpness, 3) for cutout in cutouts],
            "method": [cutout.method for cutout in cutouts],
        }
        provenance = (*asset.provenance, StageRecord(repr(self), counts))
        return replace(asset, cutouts=tuple(cutouts), advice=tuple(advice), provenance=provenance)


def hint_remarks(asset: Asset) -> Iterator[Advice]:
    """What the product's own name tells: a photo of clear glass often looks like one of plain grey."""
    told = any(advice.code == "glass_or_mirror" for advice in asset.advice)
    if not told and SHINY_WORDS.search(f"{asset.hints.title} {asset.hints.category}"):
        yield remark("glass_or_mirror", "note")


@dataclass(frozen=True)
class Look:
    """What was found in one photo. mask: before refinement. rgb: the product's own colours."""

    mask: NDArray[np.float32]
    parts: Parts
    rgb: NDArray[np.uint8]
    method: str

    @property
    def alpha(self) -> NDArray[np.float32]:
        return self.parts.alpha


def cut_out(photo: Photo, segmenter: Segmenter) -> tuple[Cutout, list[Advice]]:
    """The product of one photo with a soft edge in its own colours, and what a shopkeeper should know.

    A transparency in the file is trusted, apart from a shadow in it. Raises InputRejected.
    """
    own_alpha = is_cut_out(photo)
    look = use_own_alpha(photo) if own_alpha else use_network(photo, segmenter)
    box = check_product(photo, look)
    rgba = np.dstack([look.rgb, np.rint(look.alpha * 255).astype(np.uint8)])
    cutout = Cutout(
        name=photo.name,
        rgba=frozen(rgba),
        focal_px=photo.focal_px,
        view=photo.view,
        coverage=float(look.alpha.mean()),
        edge_sharpness=edge_sharpness(look.alpha),
        method=look.method,
    )
    quality = measure_photo(photo.pixels, look.alpha, look.mask, background=not own_alpha)
    remarks = [*shape_remarks(photo, look, box), *quality_remarks(photo, quality, box)]
    return cutout, [replace(remark, photo=photo.name) for remark in remarks]


def is_cut_out(photo: Photo) -> bool:
    """Whether the photo's transparency tells a product from a background, and is no watermark or rounded corner."""
    if photo.alpha is None:
        return False
    return float((photo.alpha < 13).mean()) > 0.03


def use_own_alpha(photo: Photo) -> Look:
    """Cut along the photo's own transparency."""
    assert photo.alpha is not None, "asked before"
    product, shadow = without_floor_shadow(photo.pixels, photo.alpha)
    rgb = photo.pixels
    if shadow.any():  # where black shone through an edge from behind, its share is taken out of the colours
        part = photo.alpha.astype(np.float32) / 255 / np.maximum(product, 1e-3)
        mixed = (product > 0) & (part > 1.005)
        rgb = np.where(mixed[..., None], np.clip(rgb * part[..., None], 0, 255).astype(np.uint8), rgb)
    return Look(product, keep_parts(product), rgb, "alpha")


def use_network(photo: Photo, segmenter: Segmenter) -> Look:
    """Let the network tell where the product is, and the photo's own edges where exactly it ends."""
    pixels = photo.pixels
    if photo.alpha is not None:
        share = photo.alpha[..., None].astype(np.float32) / 255
        pixels = np.rint(pixels * share + 255 * (1 - share)).astype(np.uint8)
    mask, grain = find_product(pixels, segmenter)
    settled = settle(mask, grain)
    around = box_of(settled > 0)
    if around is None:
        raise no_product()
    box = around.grown(round(2 * grain) + 4, mask.shape)
    crop, soft = np.ascontiguousarray(pixels[box.window]), np.ascontiguousarray(settled[box.window])
    alpha = refine_alpha(crop, soft, unknown_band(soft, round(grain) + 1))
    parts = keep_parts(fill_pinholes(alpha, pixels=grain))
    rgb = pixels.copy()
    rgb[box.window] = foreground(crop, parts.alpha)
    whole = np.zeros_like(mask)
    whole[box.window] = parts.alpha
    return Look(mask, parts.inside(box, whole), rgb, f"{segmenter.name}, closed-form edges")


def find_product(pixels: NDArray[np.uint8], segmenter: Segmenter) -> tuple[NDArray[np.float32], float]:
    """(soft mask of the photo, pixels that one of the network's own pixels spans there).

    Raises InputRejected when nothing stands out.
    """
    longest = max(pixels.shape[:2])
    whole = segmenter.segment(pixels)
    around = box_of(whole > 0.5)
    if around is None:
        raise no_product()
    box = around.grown(round(ZOOM_MARGIN * around.longest) + 4, pixels.shape)
    if box.longest > ZOOM_BELOW * longest:
        return whole, longest / NETWORK_SIDE
    zoom = np.zeros_like(whole)
    zoom[box.window] = segmenter.segment(np.ascontiguousarray(pixels[box.window]))
    return merge_zoom(whole, zoom, longest / NETWORK_SIDE), box.longest / NETWORK_SIDE


def check_product(photo: Photo, look: Look) -> Box:
    """Where the product is. Raises InputRejected when there is none to speak of, or nothing but it."""
    body = look.alpha > 0.5
    box = box_of(body)
    if box is None:
        raise no_product()
    contact = frame_contact(body)
    if body.mean() > FILLS_FRAME or min(contact.values()) > 0.5:
        raise InputRejected("product_fills_frame", "Everything in the photo seems to be the product: step back.")
    if file_pixels(photo, box) < SMALLEST_PRODUCT_PX:
        raise InputRejected(
            "product_too_small",
            f"The product is only {file_pixels(photo, box)} pixels long: go much closer to it.",
            boxes=(box.shares(body.shape),),
        )
    if look.parts.separate > 1 and look.parts.apart > TOO_FAR_APART:
        raise InputRejected(
            "several_products",
            f"The photo shows {look.parts.separate} separate products: send a photo of one of them alone.",
            boxes=tuple(part.shares(body.shape) for part in look.parts.large),
        )
    return box


def no_product() -> InputRejected:
    """For a photo of nothing in particular."""
    return InputRejected(
        "no_product_found", "No product stands out in the photo: photograph it alone, on a plain background."
    )


def file_pixels(photo: Photo, box: Box) -> int:
    """The product's longer side in pixels of the file."""
    return round(box.longest * max(photo.original_size) / max(photo.pixels.shape[:2]))


def remark(code: str, level: str, *boxes: Area, **facts: str) -> Advice:
    """The advice of that code, its sentence filled in."""
    return Advice(code, SENTENCES[code].format(**facts), level, boxes=boxes)


def shape_remarks(photo: Photo, look: Look, box: Box) -> Iterator[Advice]:
    """What the silhouette tells."""
    shape, body = look.alpha.shape, look.alpha > 0.5
    contact = {side: share for side, share in frame_contact(body).items() if share > 0.01}
    if contact:
        most = max(contact.values())
        level = "note" if most < 0.04 else "usable" if most < 0.35 else "retake"
        strips = [strip.shares(shape) for side in contact if (strip := contact_box(body, side))]
        yield remark("cut_off", level, *strips, sides=" and ".join(contact))
    if look.parts.separate > 1:
        yield remark("several_objects", "usable", *(part.shares(shape) for part in look.parts.large))
    elif look.parts.left_out:
        yield remark("several_objects", "note", *(part.shares(shape) for part in look.parts.dropped))
    share = box.longest / max(photo.pixels.shape[:2])
    if file_pixels(photo, box) < 256 or share < 0.3:
        level = "retake" if file_pixels(photo, box) < 256 else "usable"
        yield remark("small_in_frame", level, box.shares(shape), percent=f"{100 * share:.0f}")


def quality_remarks(photo: Photo, quality: PhotoQuality, box: Box) -> Iterator[Advice]:
    """What light, focus and background tell."""
    blur = 100 * quality.blur_px / box.longest
    product = box.shares(photo.pixels.shape)
    if quality.blur_px > 1.8 and blur > 0.25:
        yield remark("blurred", "retake" if blur > 0.8 else "usable", product)
    if quality.brightest < 0.06:
        yield remark("too_dark", "retake" if quality.brightest < 0.02 else "usable")
    if quality.clipped > 0.25:
        yield remark("too_bright", "usable", product)
    if quality.clutter > BUSY:
        yield remark("busy_background", "note")
    if quality.clutter < PLAIN and quality.shadow > 0.12:  # elsewhere dark things are not told from shadows
        yield remark("strong_shadow", "usable")
    if quality.uniformity > 0.85 and photo.view is not View.TOP:
        yield from_above(photo.name, "note")
    if quality.see_through > SEE_THROUGH:
        yield remark("glass_or_mirror", "note")
