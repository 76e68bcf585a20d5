"""GLBs as strangers make them: sound ones from a few arrays, and every way to get them wrong"""

import io
import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

CUBE = np.array([[x, y, z] for x in (-0.1, 0.1) for y in (0, 0.3) for z in (-0.2, 0.2)], np.float32)
FACES = np.array(
    [[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1],
     [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]],
    np.uint16,
)  # fmt: skip
TYPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4"}
COMPONENTS = {"f4": 5126, "u2": 5123, "u4": 5125, "u1": 5121}


class Glb:
    """A GLB under construction; `document` may be spoilt before `bytes`."""

    def __init__(self) -> None:
        self.body = bytearray()
        self.document: dict[str, Any] = {
            "asset": {"version": "2.0"},
            "scene": 0,
            "scenes": [{"nodes": []}],
            **{name: [] for name in ("nodes", "meshes", "accessors", "bufferViews", "materials", "images", "textures")},
        }

    def view(self, data: bytes) -> int:
        self.body.extend(bytes(-len(self.body) % 4))
        self.document["bufferViews"].append({"buffer": 0, "byteOffset": len(self.body), "byteLength": len(data)})
        self.body.extend(data)
        return len(self.document["bufferViews"]) - 1

    def accessor(self, array: np.ndarray, **more: Any) -> int:
        array = np.ascontiguousarray(array)
        width = array.shape[1] if array.ndim == 2 else 1
        described = {
            "bufferView": self.view(array.tobytes()),
            "componentType": COMPONENTS[array.dtype.str[1:]],
            "count": len(array),
            "type": TYPES[width],
            **more,
        }
        if width == 3 and array.dtype == np.float32 and np.isfinite(array).all():
            described |= {"min": array.min(axis=0).tolist(), "max": array.max(axis=0).tolist()}
        self.document["accessors"].append(described)
        return len(self.document["accessors"]) - 1

    def mesh(
        self,
        positions: np.ndarray = CUBE,
        faces: np.ndarray = FACES,
        *,
        material: int | None = None,
        attributes: Mapping[str, np.ndarray] | None = None,
        node: Mapping[str, Any] | None = None,
        mode: int = 4,
    ) -> int:
        """One mesh of one primitive under one node of the scene; returns the node."""
        told = {"POSITION": self.accessor(positions)}
        told |= {name: self.accessor(array) for name, array in (attributes or {}).items()}
        primitive: dict[str, Any] = {"attributes": told, "indices": self.accessor(faces.ravel()), "mode": mode}
        if material is not None:
            primitive["material"] = material
        self.document["meshes"].append({"primitives": [primitive]})
        self.document["nodes"].append({"mesh": len(self.document["meshes"]) - 1, **(node or {})})
        self.document["scenes"][0]["nodes"].append(len(self.document["nodes"]) - 1)
        return len(self.document["nodes"]) - 1

    def texture(self, image: bytes, mime: str = "image/png") -> dict[str, int]:
        self.document["images"].append({"bufferView": self.view(image), "mimeType": mime})
        self.document["textures"].append({"source": len(self.document["images"]) - 1})
        return {"index": len(self.document["textures"]) - 1}

    def material(self, **fields: Any) -> int:
        self.document["materials"].append(fields)
        return len(self.document["materials"]) - 1

    @property
    def bytes(self) -> bytes:
        body = bytes(self.body) + bytes(-len(self.body) % 4)
        document = {"buffers": [{"byteLength": len(body)}], **self.document}
        return pack(json.dumps({name: value for name, value in document.items() if value != []}).encode(), body)


def pack(text: bytes, body: bytes) -> bytes:
    """The two chunks of a GLB."""
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(body), b"BIN\0") + body
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def png(pixels: np.ndarray | None = None) -> bytes:
    """A PNG, of one colour where none are given."""
    stream = io.BytesIO()
    Image.fromarray(np.full((32, 32, 3), (200, 40, 40), np.uint8) if pixels is None else pixels).save(stream, "PNG")
    return stream.getvalue()


def huge_png(side: int = 30_000) -> bytes:
    """A PNG of a few bytes that says it has that many pixels a side."""
    data = bytearray(png())
    data[16:24] = struct.pack(">II", side, side)
    import zlib

    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    return bytes(data)


def unfolded_cube() -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """The cube with each side's own corners, laid out side by side without overlaps."""
    positions, faces, texcoords = [], [], []
    for side in range(6):
        pair = FACES[2 * side : 2 * side + 2]
        corners = [*pair[0], *[corner for corner in pair[1] if corner not in pair[0]]]
        start = len(positions)
        positions += [CUBE[corner] for corner in corners]
        faces += [[start + corners.index(corner) for corner in triangle] for triangle in pair]
        column, row = side % 3, side // 3
        square = {pair[0][0]: (0, 0), pair[0][1]: (1, 0), pair[0][2]: (1, 1), corners[3]: (0, 1)}
        texcoords += [((column + 0.1 + 0.8 * square[c][0]) / 3, (row + 0.1 + 0.8 * square[c][1]) / 2) for c in corners]
    arrays = np.array(positions, np.float32), np.array(faces, np.uint16)
    return *arrays, {"TEXCOORD_0": np.array(texcoords, np.float32)}
