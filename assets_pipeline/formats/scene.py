"""asset -> scene.json and back: what an edit needs later and the model file does not say

Cameras, what is known of the photos and the shape, what was asked for. No pixels and no triangles: those lie in files
of their own. Versions outlive programs, so the format is spelt out here and read without the classes' help.
"""

import json
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np

from assets_pipeline.asset import Asset, Camera, Hints, Mesh, Photo, RawShape, View, frozen

VERSION = 1
SHAPE = ("generator", "family", "confidence", "size_source", "next_photo", "scale_known", "rigid")
"""What is kept of the raw shape, beside its lists."""

NOTHING = Mesh(frozen(np.zeros((0, 3), np.float32)), frozen(np.zeros((0, 3), np.uint32)))
NO_PIXELS = frozen(np.zeros((0, 0, 3), np.uint8))


def write_scene(asset: Asset) -> bytes:
    """The scene of a finished asset; equal assets give equal bytes."""
    raw = asset.raw
    cameras = [*asset.cameras, *[None] * (len(asset.photos) - len(asset.cameras))]
    scene = {
        "version": VERSION,
        "hints": {each.name: getattr(asset.hints, each.name) for each in fields(Hints)},
        "shape": raw and {
            **{name: getattr(raw, name) for name in SHAPE},
            "shaped_from": list(raw.shaped_from),
            "notes": list(raw.notes),
        },
        "unseen": asset.unseen,
        "photos": [_photo(photo, camera) for photo, camera in zip(asset.photos, cameras, strict=True)],
    }  # fmt: skip
    return (json.dumps(scene, ensure_ascii=False, indent=1) + "\n").encode()


def read_scene(data: bytes) -> Asset:
    """The asset without pixels, triangles and files. Raises ValueError when it is no scene that we know."""
    try:
        scene = json.loads(data)
        if scene["version"] != VERSION:
            raise ValueError(f"a scene of version {scene['version']!r}")
        shape = scene["shape"]
        return Asset(
            hints=Hints(**scene["hints"]),
            raw=None if shape is None else _shape(shape),
            photos=tuple(map(_read_photo, scene["photos"])),
            cameras=tuple(_read_camera(photo["camera"]) for photo in scene["photos"]),
            unseen=scene["unseen"],
        )
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
        raise ValueError(f"not a scene: {type(error).__name__}: {error}") from None


def _photo(photo: Photo, camera: Camera | None) -> dict[str, Any]:
    return {
        "name": photo.name,
        "view": photo.view,
        "sha256": photo.sha256,
        "bytes": photo.bytes,
        "width": photo.original_size[0],
        "height": photo.original_size[1],
        "camera": camera and {
            "rotation": camera.rotation.tolist(),
            "translation": camera.translation.tolist(),
            "focal_px": float(camera.focal_px),
            "width": camera.width,
            "height": camera.height,
        },
    }  # fmt: skip


def _read_photo(stored: Mapping[str, Any]) -> Photo:
    size = stored["width"], stored["height"]
    view = View(stored["view"]) if stored["view"] else None
    blank = Photo(stored["name"], NO_PIXELS, None, stored["sha256"], size, view=view)
    return replace(blank, bytes=stored["bytes"])


def _read_camera(stored: Mapping[str, Any] | None) -> Camera | None:
    if stored is None:
        return None
    rotation, translation = np.array(stored["rotation"], np.float64), np.array(stored["translation"], np.float64)
    if rotation.shape != (3, 3) or translation.shape != (3,):
        raise ValueError("a camera of another shape")
    return Camera(frozen(rotation), frozen(translation), stored["focal_px"], stored["width"], stored["height"])


def _shape(stored: Mapping[str, Any]) -> RawShape:
    raw = RawShape(NOTHING, **{name: stored[name] for name in SHAPE})
    return replace(raw, shaped_from=tuple(stored["shaped_from"]), notes=tuple(stored["notes"]))
