"""low-poly mesh + maps -> model.glb and model.web.glb"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assets_pipeline.asset import Asset, Material, Mesh, StageRecord
from assets_pipeline.formats.glb import write_glb
from assets_pipeline.formats.images import (
    EncodedImage,
    decode_image,
    encode_jpeg,
    encode_lossless_webp,
    encode_png,
    encode_webp,
    resized,
)
from assets_pipeline.formats.model import BASE_COLOR, DEFAULT_ROUGHNESS, NORMAL, SURFACE, ModelFile
from assets_pipeline.geometry.topology import edges_of, weld
from assets_pipeline.protocols import GltfTools, Licence
from assets_pipeline.texture.compare import psnr_db

GLB, WEB_GLB = "model.glb", "model.web.glb"
SMALL_PNG = 600_000
"""Bytes up to which a map stays lossless in the plain file."""

SMALL_WEB, SMALL_WEB_TEXELS = 40_000, 512 * 512
"""The same for the web file, tried for maps of up to so many texels: lossless WebP is slow."""


@dataclass(frozen=True)
class Effort:
    """How maps are encoded: quality of each in per cent, and what its sides are divided by."""

    base_color: int
    surface: int
    normal: int
    base_color_shrink: int = 1
    surface_shrink: int = 1
    normal_shrink: int = 1


PLAIN_EFFORTS = (  # the normal map gives way first, the colours last
    Effort(base_color=90, surface=90, normal=94),
    Effort(base_color=90, surface=90, normal=88),
    Effort(base_color=90, surface=85, normal=92, normal_shrink=2),
    Effort(base_color=90, surface=85, normal=85, surface_shrink=2, normal_shrink=2),
    Effort(base_color=82, surface=80, normal=85, surface_shrink=2, normal_shrink=2),
    Effort(base_color=82, surface=80, normal=80, base_color_shrink=2, surface_shrink=2, normal_shrink=4),
    Effort(base_color=70, surface=70, normal=75, base_color_shrink=2, surface_shrink=4, normal_shrink=4),
)
WEB_EFFORTS = (
    Effort(base_color=86, surface=80, normal=88),
    Effort(base_color=84, surface=75, normal=86, surface_shrink=2, normal_shrink=2),
    Effort(base_color=78, surface=72, normal=80, surface_shrink=2, normal_shrink=2),
    Effort(base_color=72, surface=70, normal=75, surface_shrink=4, normal_shrink=4),
    Effort(base_color=76, surface=70, normal=75, base_color_shrink=2, surface_shrink=4, normal_shrink=4),
    Effort(base_color=60, surface=60, normal=60, base_color_shrink=4, surface_shrink=8, normal_shrink=8),
)
GENTLE_WEB_EFFORTS = 4
"""Efforts that are spent to reach the web file's goal; the rest only to keep its limit."""


@dataclass(frozen=True)
class ExportGlb:
    """Write the plain and the web GLB; see `export_glb`. licence: of the generator, stated in the files."""

    tools: GltfTools = field(repr=False)
    licence: Licence | None = field(default=None, repr=False)
    glb_bytes: int = 5_000_000
    web_bytes: int = 2_000_000
    web_goal_bytes: int = 700_000

    def __call__(self, asset: Asset) -> Asset:
        assert asset.lowpoly is not None and asset.material is not None, "export comes after bake"
        model = ModelFile(
            mesh=asset.lowpoly,
            name=asset.title,
            images={},
            alpha_mode=alpha_mode(asset.material.base_color),
            double_sided=is_open(asset.lowpoly),
            extras=extras_of(asset, self.licence),
        )
        plain, plain_counts = export_glb(model, asset.material, self.glb_bytes)
        web, web_counts = export_web_glb(model, asset.material, self.tools, self.web_bytes, self.web_goal_bytes)
        record = StageRecord(repr(self), {GLB: plain_counts, WEB_GLB: web_counts})
        files = {**asset.files, GLB: plain, WEB_GLB: web}
        return replace(asset, files=files, provenance=(*asset.provenance, record))


def export_glb(model: ModelFile, material: Material, limit: int) -> tuple[bytes, dict[str, Any]]:
    """A GLB that every viewer and shop reads: no extension, JPEG and PNG; and what its maps cost in quality.

    Maps lose quality step by step until the file is within `limit` bytes; past the last step it is larger.
    """
    maps = packed_maps(material)
    empty = len(_write(model, _placeholders(maps, _encode_plain)))
    images = _within(limit - empty, PLAIN_EFFORTS, maps, _encode_plain)
    data = _write(model, images)
    return data, _counts(data, maps, images)


def export_web_glb(
    model: ModelFile, material: Material, tools: GltfTools, limit: int, goal: int
) -> tuple[bytes, dict[str, Any]]:
    """A GLB for the page: meshopt geometry, WebP maps; as small as `goal` if little is lost by it, else `limit`."""
    maps = packed_maps(material)
    empty = len(tools.pack_web(_write(model, _placeholders(maps, _encode_web))))
    images = _within(goal - empty, WEB_EFFORTS[:GENTLE_WEB_EFFORTS], maps, _encode_web)
    if empty + _total(images) > limit:
        images = _within(limit - empty, WEB_EFFORTS[GENTLE_WEB_EFFORTS:], maps, _encode_web)
    data = tools.pack_web(_write(model, images))
    return data, _counts(data, maps, images)


def packed_maps(material: Material) -> dict[str, NDArray[np.uint8]]:
    """The maps by slot; occlusion and roughness and metallic in one image, as glTF allows."""
    maps = {BASE_COLOR: material.base_color}
    if material.metallic_roughness is not None or material.occlusion is not None:
        maps[SURFACE] = _packed_surface(material)
    if material.normal is not None:
        maps[NORMAL] = material.normal
    return maps


def _packed_surface(material: Material) -> NDArray[np.uint8]:
    surface, occlusion = material.metallic_roughness, material.occlusion
    sizes = [channel.shape[:2] for channel in (surface, occlusion) if channel is not None]
    height, width = max(size[0] for size in sizes), max(size[1] for size in sizes)
    packed = np.zeros((height, width, 3), np.uint8)
    packed[..., 0] = 255 if occlusion is None else resized(occlusion, width, height)
    packed[..., 1] = round(255 * DEFAULT_ROUGHNESS)
    if surface is not None:
        packed[..., 1:] = resized(surface, width, height)[..., 1:]
    return packed


def alpha_mode(base_color: NDArray[np.uint8]) -> str:
    """How a viewer should take the alpha: not at all, as holes when nearly all of it is all or nothing, or as glass."""
    if base_color.shape[2] == 3 or base_color[..., 3].min() == 255:
        return "OPAQUE"
    between = np.mean((base_color[..., 3] > 25) & (base_color[..., 3] < 230))
    return "MASK" if between < 0.05 else "BLEND"


def is_open(mesh: Mesh) -> bool:
    """Whether its inside can be seen, so that viewers must draw both sides."""
    _, indices, _ = weld(mesh.positions, mesh.indices, 1e-6 * float(mesh.extents.max()))
    return edges_of(indices).boundary > 0


def extras_of(asset: Asset, licence: Licence | None) -> dict[str, Any]:
    """Where the asset comes from, for its file's `asset.extras`; no dates, so that bytes can repeat."""
    raw = asset.raw
    origin: dict[str, Any] = {"title": asset.title, "made_with": generator_name()}
    if raw is not None:
        origin |= {"generator": raw.generator, "family": raw.family, "size_source": raw.size_source}
    if licence is not None:
        terms = asdict(licence)
        origin["licence"] = {key: value for key, value in terms.items() if value not in ("", None, ())}
    origin["photos_sha256"] = [photo.sha256 for photo in asset.photos]
    origin["provenance"] = [record.stage for record in asset.provenance]
    return {key: value for key, value in origin.items() if value not in ("", [], None)}


def generator_name() -> str:
    """This program and its version, for `asset.generator`."""
    try:
        return f"Plinth {version('plinth')}"
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "Plinth"


def _write(model: ModelFile, images: Mapping[str, EncodedImage]) -> bytes:
    return write_glb(replace(model, images=images), generator=generator_name())


Encode = Callable[[str, NDArray[np.uint8], int], EncodedImage]


def _placeholders(maps: Mapping[str, NDArray[np.uint8]], encode: Encode) -> dict[str, EncodedImage]:
    """One texel of each map, to weigh all but the maps."""
    return {slot: encode(slot, pixels[:1, :1], 50) for slot, pixels in maps.items()}


def _within(
    budget: int, efforts: Sequence[Effort], maps: Mapping[str, NDArray[np.uint8]], encode: Encode
) -> dict[str, EncodedImage]:
    """The maps at the first effort that fits the budget, or at the last one."""
    for images in _attempts(efforts, maps, encode):
        if _total(images) <= budget:
            break
    return images


def _attempts(
    efforts: Sequence[Effort], maps: Mapping[str, NDArray[np.uint8]], encode: Encode
) -> Iterator[dict[str, EncodedImage]]:
    known: dict[tuple[str, int, int], EncodedImage] = {}  # most steps change one map
    for effort in efforts:
        asked = {
            BASE_COLOR: (effort.base_color, effort.base_color_shrink),
            SURFACE: (effort.surface, effort.surface_shrink),
            NORMAL: (effort.normal, effort.normal_shrink),
        }
        for slot, pixels in maps.items():
            quality, shrink = asked[slot]
            if (slot, quality, shrink) not in known:
                height, width = (max(side // shrink, 1) for side in pixels.shape[:2])
                known[slot, quality, shrink] = encode(slot, resized(pixels, width, height), quality)
        yield {slot: known[slot, *asked[slot]] for slot in maps}


def _encode_plain(slot: str, pixels: NDArray[np.uint8], quality: int) -> EncodedImage:
    """JPEG, or PNG where there is alpha or where it costs little, as it does for smooth maps of numbers."""
    if pixels.shape[2] == 4:
        return encode_png(pixels)
    jpeg = encode_jpeg(pixels, quality)
    if slot == BASE_COLOR or len(jpeg.data) > SMALL_PNG:
        return jpeg
    png = encode_png(pixels)
    return png if len(png.data) <= SMALL_PNG else jpeg


def _encode_web(_: str, pixels: NDArray[np.uint8], quality: int) -> EncodedImage:
    """Lossy, but small maps stay whole where that costs little: WebP halves the resolution of colour."""
    lossy = encode_webp(pixels, quality)
    if pixels.shape[0] * pixels.shape[1] <= SMALL_WEB_TEXELS:
        lossless = encode_lossless_webp(pixels)
        if len(lossless.data) <= max(SMALL_WEB, len(lossy.data)):
            return lossless
    return lossy


def _total(images: Mapping[str, EncodedImage]) -> int:
    return sum(len(image.data) + 4 for image in images.values())  # 4: alignment


def _counts(data: bytes, maps: Mapping[str, NDArray[np.uint8]], images: Mapping[str, EncodedImage]) -> dict[str, Any]:
    """The file's size, and for each map its encoding and how close it still is to what was baked."""
    counts: dict[str, Any] = {"bytes": len(data)}
    for slot, image in images.items():
        pixels = decode_image(image)[..., : maps[slot].shape[2]]
        height, width = maps[slot].shape[:2]
        decibels = psnr_db(resized(pixels, width, height), maps[slot][..., : pixels.shape[2]])
        kind = f"{image.suffix} {image.width}x{image.height}"
        counts[slot] = {"encoding": kind, "bytes": len(image.data), "psnr_db": round(decibels, 1)}
    return counts
