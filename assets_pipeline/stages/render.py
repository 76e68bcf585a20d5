"""low-poly mesh + maps -> poster.webp, poster-white.webp, turntable.webp"""

import io
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from assets_pipeline.asset import Asset, Camera, Material, Mesh, StageRecord
from assets_pipeline.geometry.cameras import frame
from assets_pipeline.texture.draw import Part, Picture, Scene, draw

POSTER, POSTER_WHITE, TURNTABLE = "poster.webp", "poster-white.webp", "turntable.webp"
WHITE = np.array([255, 255, 255], np.uint8)
TURNTABLE_VIEWS, TURNTABLE_COLUMNS = 8, 4
AZIMUTH, ELEVATION = 30.0, 14.0
"""The poster's camera: a little from the right and above, as products are photographed."""

BORDER = 0.14
"""Share of the frame over which shadows fade out, so that none is cut off."""


@dataclass(frozen=True)
class Render:
    """Draw the product as a shop shows it; see `posters` and `turntable`. size: pixels of the poster's sides."""

    size: int = 1024

    def __call__(self, asset: Asset) -> Asset:
        assert asset.lowpoly is not None and asset.material is not None, "render comes after bake"
        scene = Scene([Part(asset.lowpoly, asset.material)])
        files = {**asset.files, **posters(scene, self.size), TURNTABLE: turntable(scene, self.size * 3 // 8)}
        record = StageRecord(repr(self), {name: len(files[name]) for name in (POSTER, POSTER_WHITE, TURNTABLE)})
        return replace(asset, files=files, provenance=(*asset.provenance, record))


def render(mesh: Mesh, material: Material, camera: Camera, size: int | None = None) -> NDArray[np.uint8]:
    """One picture on nothing, uint8 (h, w, 4), the soft shadow on y = 0 in its alpha.

    size: the longer side in pixels; the camera's own when None.
    """
    if size is not None:
        scale = size / max(camera.width, camera.height)
        width, height = round(camera.width * scale), round(camera.height * scale)
        camera = replace(camera, focal_px=camera.focal_px * scale, width=width, height=height)
    return draw([Part(mesh, material)], camera).rgba


def posters(scene: Scene, size: int) -> dict[str, bytes]:
    """The picture for a shop's page: on nothing, and on white."""
    camera = frame(scene.positions, azimuth=AZIMUTH, elevation=ELEVATION, size=size)
    picture = _faded(scene.draw(camera))
    return {POSTER: _webp(picture.rgba), POSTER_WHITE: _webp(picture.over(WHITE))}


def turntable(scene: Scene, size: int) -> bytes:
    """Eight views around the product in two rows on white, from the front counter-clockwise, at one scale."""
    step = 360 / TURNTABLE_VIEWS
    cameras = [frame(scene.positions, azimuth=number * step, elevation=ELEVATION, size=size) for number in range(8)]
    farthest = max(cameras, key=_distance)
    rows = -(-TURNTABLE_VIEWS // TURNTABLE_COLUMNS)
    sheet = np.full((rows * size, TURNTABLE_COLUMNS * size, 3), 255, np.uint8)
    for number, camera in enumerate(cameras):
        picture = _faded(scene.draw(_moved_back(camera, _distance(farthest))))
        row, column = divmod(number, TURNTABLE_COLUMNS)
        sheet[row * size : (row + 1) * size, column * size : (column + 1) * size] = picture.over(WHITE)
    return _webp(sheet)


def _distance(camera: Camera) -> float:
    """How far the camera stands from the world's vertical axis, along its view."""
    return float(np.linalg.norm(camera.translation))


def _moved_back(camera: Camera, distance: float) -> Camera:
    """The same view from `distance`, so that all views share one scale."""
    translation = camera.translation - np.array([0, 0, distance - _distance(camera)])
    return replace(camera, translation=translation)


def _faded(picture: Picture) -> Picture:
    """`picture` with its shadow fading out toward the frame's border."""
    height, width = picture.shadow.shape
    ramps = []
    for side in (height, width):
        inside = (0.5 - np.abs((np.arange(side) + 0.5) / side - 0.5)) / BORDER
        ramps.append(np.clip(inside, 0, 1))
    fade = np.minimum.outer(*ramps)
    return replace(picture, shadow=(picture.shadow * fade * fade * (3 - 2 * fade)).astype(np.float32))


def _webp(pixels: NDArray[np.uint8]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "WEBP", quality=90, alpha_quality=95, method=4)
    return stream.getvalue()
