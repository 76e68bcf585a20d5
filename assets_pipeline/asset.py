"""The values that travel through the pipeline: immutable, with shapes, units and frames stated.

World frame: metres, right-handed, +Y up, the product's front toward +Z, standing on y = 0, centred in x and z.
Arrays are C-contiguous and read-only; build them with `frozen`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

UPLOADED = "uploaded"
"""Stands for the generator, and for the class of shape, of what a person made elsewhere."""


def frozen(array: NDArray[Any], dtype: Any = None) -> NDArray[Any]:
    """A C-contiguous, read-only view or copy of `array`, as every value here holds it."""
    result = np.ascontiguousarray(array, dtype=dtype)
    if result is array and array.flags.writeable:
        result = array.view()
    result.flags.writeable = False
    return result


class View(StrEnum):
    """The side of the product that a photo shows; `right` is seen from +X, `left` from -X."""

    FRONT = "front"
    BACK = "back"
    LEFT = "left"
    RIGHT = "right"
    TOP = "top"
    BOTTOM = "bottom"
    THREE_QUARTER = "three-quarter"


@dataclass(frozen=True)
class Hints:
    """What the merchant says about the product. Dimensions in metres, of the bounding box; width along x, height y."""

    title: str = ""
    category: str = ""
    width: float | None = None
    height: float | None = None
    depth: float | None = None


@dataclass(frozen=True)
class PhotoFile:
    """A photo as it was handed in."""

    name: str
    data: bytes
    view: View | None = None


Area = tuple[float, float, float, float]
"""Part of a photo: left, top, width and height as shares of the whole, 0..1."""


@dataclass(frozen=True)
class Advice:
    """One remark on a photo, for the merchant. `level` is "note", "usable" or "retake"; `code` is API.

    boxes: where in the photo; none: it is about all of it.
    """

    code: str
    text: str
    level: str = "note"
    photo: str = ""
    boxes: tuple[Area, ...] = ()


@dataclass(frozen=True)
class Photo:
    """A decoded photo, upright, in sRGB.

    pixels: uint8 (h, w, 3). alpha: uint8 (h, w), the file's own transparency, or None when it has none.
    focal_px: focal length in pixels of `pixels` from EXIF, or None. sha256: of the file's bytes.
    original_size: (width, height) of the file before it was reduced to working size. bytes: of the file.
    """

    name: str
    pixels: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None
    sha256: str
    original_size: tuple[int, int]
    focal_px: float | None = None
    view: View | None = None
    bytes: int = 0


@dataclass(frozen=True)
class Cutout:
    """The product cut out of one photo, in the photo's full frame.

    rgba: uint8 (h, w, 4) sRGB, straight alpha; under soft edges the foreground's own colour, without background.
    Outside the product the colour is undefined. focal_px as in `Photo`; the principal point is the frame's centre.
    """

    name: str
    rgba: NDArray[np.uint8]
    focal_px: float | None = None
    view: View | None = None
    coverage: float = 0.0
    edge_sharpness: float = 0.0
    method: str = ""


@dataclass(frozen=True)
class Camera:
    """A pinhole camera in the frame of the shape it belongs to.

    A point x is seen at `rotation @ x + translation`: camera frame right-handed, +X right, +Y up, looking along -Z.
    Pixel (column, row) = (width / 2 + focal_px * X / -Z, height / 2 - focal_px * Y / -Z); pixel centres lie at + 0.5.
    rotation: float64 (3, 3), world to camera. translation: float64 (3,).
    """

    rotation: NDArray[np.float64]
    translation: NDArray[np.float64]
    focal_px: float
    width: int
    height: int


@dataclass(frozen=True)
class Mesh:
    """Triangles. positions: float32 (n, 3). indices: uint32 (m, 3), counter-clockwise seen from outside.

    texcoords: float32 (n, 2), glTF's origin (top left). normals: float32 (n, 3), unit. tangents: float32 (n, 4), unit
    xyz and handedness w (glTF). colors: uint8 (n, 4), sRGB, straight alpha.
    """

    positions: NDArray[np.float32]
    indices: NDArray[np.uint32]
    texcoords: NDArray[np.float32] | None = None
    normals: NDArray[np.float32] | None = None
    tangents: NDArray[np.float32] | None = None
    colors: NDArray[np.uint8] | None = None

    @property
    def triangles(self) -> int:
        return len(self.indices)

    @property
    def extents(self) -> NDArray[np.float32]:
        """float32 (3,): width, height and depth of the bounding box in metres."""
        return self.positions.max(axis=0) - self.positions.min(axis=0)


@dataclass(frozen=True)
class Material:
    """Texture maps over texcoords, all uint8.

    base_color: (h, w, 3) sRGB, or (h, w, 4) with alpha. metallic_roughness: (h, w, 3) linear, G roughness, B metallic.
    normal: (h, w, 3) linear, tangent space, +Y up. occlusion: (h, w) linear. Maps may differ in size.
    """

    base_color: NDArray[np.uint8]
    metallic_roughness: NDArray[np.uint8] | None = None
    normal: NDArray[np.uint8] | None = None
    occlusion: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class RawShape:
    """What a generator hands over, in our axes (+Y up, front +Z).

    Colour comes as `mesh.colors`, or as `base_color` over `mesh.texcoords`, or not at all. base_color: uint8 (h, w, 3)
    sRGB, or (h, w, 4) with alpha. seen: uint8 (h, w) over the same texcoords, 255 where a photo showed the texel, or
    None if unknown. metallic_roughness, normal, occlusion: as in `Material`, over the same texcoords, if it has any.
    roughness and metallic: 0..1, for the whole product, where there is no map. scale_known: whether the mesh is in
    metres. rigid: a person made it, so that it may be scaled but not stretched.
    cameras: one per photo handed in, in the mesh's frame, None where it could not be told. shaped_from: indices of the
    photos that decided the shape; the others only coloured it, so it predicts their outlines.
    size_source: "given" by the merchant, "typical" for the category, or "unknown".
    """

    mesh: Mesh
    generator: str
    base_color: NDArray[np.uint8] | None = None
    seen: NDArray[np.uint8] | None = None
    metallic_roughness: NDArray[np.uint8] | None = None
    normal: NDArray[np.uint8] | None = None
    occlusion: NDArray[np.uint8] | None = None
    roughness: float = 0.6
    metallic: float = 0.0
    scale_known: bool = False
    rigid: bool = False
    size_source: str = "unknown"
    cameras: tuple[Camera | None, ...] = ()
    shaped_from: tuple[int, ...] = (0,)
    family: str = ""
    confidence: float = 0.0
    next_photo: str = ""
    notes: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StageRecord:
    """One line of provenance: the stage's repr and what it counted. Holds no seconds and no dates."""

    stage: str
    counts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Asset:
    """Everything known about one asset so far; each stage returns a copy with its result filled in.

    photo_files -> photos -> cutouts -> raw -> highpoly (clean) -> lowpoly (decimate, unwrap) -> material (bake)
    -> files.
    cameras follow `raw.cameras` into the world frame. unseen: share of the texture never photographed, 0..1, or None.
    files: name -> bytes, as they will be published.
    """

    photo_files: tuple[PhotoFile, ...] = ()
    hints: Hints = Hints()
    photos: tuple[Photo, ...] = ()
    advice: tuple[Advice, ...] = ()
    cutouts: tuple[Cutout, ...] = ()
    raw: RawShape | None = None
    highpoly: Mesh | None = None
    cameras: tuple[Camera | None, ...] = ()
    lowpoly: Mesh | None = None
    material: Material | None = None
    unseen: float | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    certificate: Mapping[str, Any] | None = None
    provenance: tuple[StageRecord, ...] = ()

    @property
    def title(self) -> str:
        return self.hints.title or "Product"
