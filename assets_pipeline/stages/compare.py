"""finished asset -> pictures that lay the model beside its photos, its maps as pictures, and scene.json

For whoever judges the model in the service; never published, and no part of what the command delivers.
"""

import io
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from assets_pipeline.asset import Asset, Camera, Cutout, Material, Photo, StageRecord, frozen
from assets_pipeline.formats.scene import write_scene
from assets_pipeline.geometry.cameras import resized
from assets_pipeline.geometry.cores import usable_cores
from assets_pipeline.stages.certify import COMPARED_SIDE
from assets_pipeline.texture.draw import Part, Scene

SCENE = "scene.json"
MAPS = ("base_color", "metallic_roughness", "normal", "occlusion")


def photo_file(number: int) -> str:
    """The name of the picture of the `number`th photo, from 1 on."""
    return f"photo-{number}.webp"


def cutout_file(number: int) -> str:
    """The name of the product cut out of that photo, as small as it is compared."""
    return f"cutout-{number}.webp"


def render_file(number: int) -> str:
    """The name of the model as that photo's camera sees it."""
    return f"render-{number}.webp"


def map_file(name: str) -> str:
    """The name of a map's picture."""
    return f"map-{name}.webp"


@dataclass(frozen=True)
class Compare:
    """Write what a person compares; see `compare_files`. size: of the pictures' longer sides, at most."""

    size: int = 1024

    def __call__(self, asset: Asset) -> Asset:
        assert asset.certificate is not None, "compare comes after certify"
        files = compare_files(asset, self.size)
        record = StageRecord(repr(self), {name: len(data) for name, data in files.items()})
        return replace(asset, files={**asset.files, **files}, provenance=(*asset.provenance, record))


def compare_files(asset: Asset, size: int) -> dict[str, bytes]:
    """For each photo with a camera `photo_file`, `render_file` and `cutout_file` in one frame; maps; and the scene.

    A photo or cut-out that is among the asset's files already stays as it is, byte for byte.
    """
    assert asset.material is not None, "there is nothing to compare before bake"
    work = {**dict(_pictures(asset, size)), **dict(_maps(asset.material, size))}
    todo = {name: make for name, make in work.items() if name not in asset.files or name.startswith(("render", "map"))}
    with ThreadPoolExecutor(usable_cores()) as pool:
        made = dict(zip(todo, pool.map(lambda make: make(), todo.values()), strict=True))
    return {**{name: made.get(name) or asset.files[name] for name in work}, SCENE: write_scene(asset)}


Make = Callable[[], bytes]


def _pictures(asset: Asset, size: int) -> Iterator[tuple[str, Make]]:
    """The pictures of each photo that has a camera, each with how its bytes are made."""
    assert asset.lowpoly is not None and asset.material is not None, "there is nothing to compare before bake"
    scene: Scene | None = None
    for number, (photo, cutout, camera) in enumerate(zip(asset.photos, asset.cutouts, asset.cameras, strict=False), 1):
        if camera is None:
            continue
        scene = scene or Scene([Part(asset.lowpoly, asset.material)])
        seen = resized(camera, min(size, max(camera.width, camera.height)))
        drawn = scene.draw(seen, floor=False).rgba
        yield photo_file(number), partial(_photo, photo, seen)
        yield render_file(number), partial(_lossy, drawn, 88)
        yield cutout_file(number), partial(_cutout, cutout, resized(camera, COMPARED_SIDE))


def _photo(photo: Photo, camera: Camera) -> bytes:
    """The photo in the camera's frame, on white where it is transparent."""
    image = Image.fromarray(photo.pixels)
    if photo.alpha is not None:
        image = Image.composite(image, Image.new("RGB", image.size, "white"), Image.fromarray(photo.alpha))
    if image.size != (camera.width, camera.height):
        image = image.resize((camera.width, camera.height), Image.Resampling.LANCZOS)
    return _lossy(np.asarray(image), 86)


def _cutout(cutout: Cutout, camera: Camera) -> bytes:
    """The cut-out at the size at which silhouettes are compared, nothing lost: edits are compared with it again."""
    small = Image.fromarray(cutout.rgba).resize((camera.width, camera.height), Image.Resampling.BOX)
    stream = io.BytesIO()
    small.save(stream, "WEBP", lossless=True, quality=20, method=1, exact=True)
    return stream.getvalue()


def read_cutout(data: bytes) -> NDArray[np.uint8]:
    """uint8 (h, w, 4) of a `cutout_file`."""
    with Image.open(io.BytesIO(data), formats=("WEBP",)) as image:
        return frozen(np.asarray(image.convert("RGBA")))


def _maps(material: Material, size: int) -> Iterator[tuple[str, Make]]:
    """Each map as a picture, no larger than `size`."""
    maps: Mapping[str, NDArray[np.uint8] | None] = {name: getattr(material, name) for name in MAPS}
    for name, pixels in maps.items():
        if pixels is not None:
            if name == "metallic_roughness":
                pixels = pixels * np.array([0, 1, 1], np.uint8)  # red is not of this map
            yield map_file(name), partial(_map, pixels, size)


def _map(pixels: NDArray[np.uint8], size: int) -> bytes:
    image = Image.fromarray(pixels)
    image.thumbnail((size, size), Image.Resampling.BOX)
    return _lossy(np.asarray(image.convert("RGBA" if pixels.ndim == 3 and pixels.shape[2] == 4 else "RGB")), 80)


def _lossy(pixels: NDArray[np.uint8], quality: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "WEBP", quality=quality, alpha_quality=90, method=2)
    return stream.getvalue()
