"""bytes of a GLB that a stranger made -> its triangles, materials and pictures, or the reason why not

Everything that the file declares is held against its length and our limits before memory is taken for it: counts before
arrays, sizes before pixels. Nothing is fetched, and of what is packed only JPEG, PNG and WebP are unpacked.
Spec: https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assets_pipeline.formats.foreign_container import Json, broken, oddness_as_rejection, read_chunks, whole
from assets_pipeline.formats.foreign_model import (
    COMPRESSED,
    SUPPORTED,
    Finish,
    ForeignModel,
    Limits,
    Piece,
    Texture,
    refused,
)
from assets_pipeline.formats.glb import COMPONENTS, DTYPES, LARGEST, WEBP, node_matrix
from assets_pipeline.formats.pictures import Picture, open_picture

TRANSFORM = "KHR_texture_transform"
INSTANCES = "EXT_mesh_gpu_instancing"
TRIANGLES, STRIP, FAN = 4, 5, 6
"""Modes of a primitive that have a surface; those below are points and lines."""


def read_foreign_glb(data: bytes, limits: Limits | None = None) -> ForeignModel:
    """The model in `data`. Raises InputRejected."""
    document, body = read_chunks(data, limits or Limits())
    with oddness_as_rejection():
        return _Reader(document, body, limits or Limits()).model()


class _Reader:
    """Reads one document; whatever is odd raises one of ODD or InputRejected."""

    def __init__(self, document: Json, body: memoryview, limits: Limits) -> None:
        self.document = document
        self.body = body
        self.limits = limits
        self.notes: dict[str, None] = {}
        self._checked: dict[str, list[Json]] = {}
        self._texels = 0
        self._pictures: dict[tuple[int, int], Picture] = {}

    def model(self) -> ForeignModel:
        """The whole of it."""
        self._check_kind()
        places = list(self._placed_meshes())
        self._check_counts(places)
        pieces = tuple(piece for mesh, matrix in places for piece in self._pieces(mesh, matrix))
        if not pieces:
            raise refused("model_no_surface")
        used = sorted({piece.finish for piece in pieces})
        finishes = {number: self._finish(number) for number in used}
        place = {number: at for at, number in enumerate(used)}
        renumbered = tuple(
            Piece(piece.positions, piece.indices, place[piece.finish], piece.texcoords, piece.colors)
            for piece in pieces
        )
        return ForeignModel(renumbered, tuple(finishes.values()), tuple(self.notes))

    # what the file says of itself

    def _check_kind(self) -> None:
        """Raises InputRejected for what we cannot or must not read."""
        used = {*self._names("extensionsUsed"), *self._names("extensionsRequired")}
        if packed := sorted(used & COMPRESSED):
            raise refused("model_compressed", packed[0])
        if unknown := sorted({*self._names("extensionsRequired")} - SUPPORTED):
            raise refused("model_extension", unknown[0])
        buffers = self._objects("buffers")
        if any("uri" in each for each in (*buffers, *self._objects("images"))):
            raise refused("model_external")
        if len(buffers) > 1 or sum(whole(each["byteLength"]) for each in buffers) > len(self.body):
            raise refused("model_truncated")
        if self._objects("animations"):
            self.notes["Its animations were left out."] = None
        if self._objects("cameras"):
            self.notes["Its cameras were left out."] = None
        if used & {"KHR_lights_punctual"}:
            self.notes["Its lights were left out."] = None

    def _names(self, key: str) -> list[str]:
        return [str(name) for name in self._list(key)]

    def _list(self, key: str) -> list[Any]:
        found = self.document.get(key, [])
        if not isinstance(found, list):
            broken(f"{key} is no list")
        return found

    def _objects(self, key: str) -> list[Json]:
        if key not in self._checked:
            found = self._list(key)
            if not all(isinstance(each, dict) for each in found):
                broken(f"{key} holds something else")
            self._checked[key] = found
        return self._checked[key]

    def _one(self, key: str, index: Any) -> Json:
        found, number = self._objects(key), whole(index)
        if number >= len(found):
            broken(f"there is no {key} {number}")
        return found[number]

    # where its meshes stand

    def _placed_meshes(self) -> Iterator[tuple[int, NDArray[np.float64]]]:
        """Each mesh of the scene with its matrix, nodes from the roots down, none twice."""
        nodes = self._few_nodes(self._objects("nodes"))
        seen: set[int] = set()
        waiting = [(root, np.eye(4), 0) for root in reversed(self._few_nodes(self._roots(nodes)))]
        while waiting:
            number, above, depth = waiting.pop()
            node = self._one("nodes", number)
            if number in seen or depth > self.limits.depth or len(waiting) > self.limits.nodes:
                broken("nodes in a circle, or too deep")
            seen.add(number)
            matrix = above @ node_matrix(node)
            if not np.isfinite(matrix).all() or np.abs(matrix).max() > 1e9:
                broken("a place that is no number")
            if "skin" in node:
                raise refused("model_skinned")
            if INSTANCES in node.get("extensions", {}):
                raise refused("model_extension", INSTANCES)
            if "mesh" in node:
                yield node["mesh"], matrix
            waiting += [(child, matrix, depth + 1) for child in reversed(self._few_nodes(node.get("children", [])))]

    def _few_nodes(self, nodes: list[Any]) -> list[Any]:
        """`nodes`, if there are not too many. Raises InputRejected."""
        if len(nodes) > self.limits.nodes:
            raise refused("model_too_complex", f"{len(nodes)} nodes", self.limits.nodes)
        return nodes

    def _roots(self, nodes: list[Json]) -> list[int]:
        if self._list("scenes"):
            return list(self._one("scenes", self.document.get("scene", 0)).get("nodes", []))
        children = {child for node in nodes for child in node.get("children", [])}
        return [number for number in range(len(nodes)) if number not in children]

    # what they are made of

    def _check_counts(self, places: list[tuple[int, NDArray[np.float64]]]) -> None:
        """Raises InputRejected before any array is made; a mesh counts as often as it is placed."""
        of_mesh = {mesh: self._counts(self._one("meshes", mesh)["primitives"]) for mesh in {mesh for mesh, _ in places}}
        parts, triangles, vertices = (sum(of_mesh[mesh][which] for mesh, _ in places) for which in range(3))
        found = {
            "parts": (parts, self.limits.primitives),
            "triangles": (triangles, self.limits.triangles),
            "vertices": (vertices, self.limits.vertices),
            "materials": (len(self._list("materials")), self.limits.materials),
        }
        for what, (count, most) in found.items():
            if count > most:
                raise refused("model_too_complex", f"{count} {what}", most)

    def _counts(self, primitives: list[Json]) -> tuple[int, int, int]:
        """(primitives, triangles, vertices) that one mesh declares, those of points and lines among the vertices."""
        triangles = vertices = 0
        for primitive in primitives:
            self._refuse_packed(primitive)
            attributes = primitive["attributes"]
            count = self._count(attributes["POSITION"])
            if any(self._count(each) != count for each in attributes.values()):
                broken("attributes of different lengths")
            corners = self._count(primitive["indices"]) if "indices" in primitive else count
            triangles += _declared_triangles(corners, whole(primitive.get("mode", TRIANGLES)))
            vertices += count
        return len(primitives), triangles, vertices

    def _count(self, accessor: Any) -> int:
        return whole(self._one("accessors", accessor)["count"])

    def _refuse_packed(self, holder: Json) -> None:
        """Raises InputRejected where an extension holds the data itself, told at the file's start or not."""
        if packed := sorted(COMPRESSED & {*holder.get("extensions", {})}):
            raise refused("model_compressed", packed[0])

    def _pieces(self, mesh: int, matrix: NDArray[np.float64]) -> Iterator[Piece]:
        for primitive in self._one("meshes", mesh)["primitives"]:
            if primitive.get("targets"):
                self.notes["Its morph targets were left out."] = None
            mode = primitive.get("mode", TRIANGLES)
            if mode < TRIANGLES:
                self.notes["Its lines and points were left out."] = None
                continue
            piece = self._piece(primitive, mode, matrix)
            if len(piece.indices):
                yield piece

    def _piece(self, primitive: Json, mode: int, matrix: NDArray[np.float64]) -> Piece:
        attributes = primitive["attributes"]
        local = self._floats(attributes["POSITION"], "VEC3")
        positions = local.astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
        corners = self._corners(primitive, len(positions))
        indices = _triangles(corners, mode)
        if np.linalg.det(matrix[:3, :3]) < 0:
            indices = indices[:, ::-1]
        sets = [int(name[9:]) for name in attributes if name.startswith("TEXCOORD_") and name[9:].isdigit()][:4]
        texcoords = {each: self._floats(attributes[f"TEXCOORD_{each}"], "VEC2").astype(np.float64) for each in sets}
        colors = self._colors(attributes["COLOR_0"]) if "COLOR_0" in attributes else None
        finish = primitive.get("material", -1)
        return Piece(positions, np.ascontiguousarray(indices), finish, texcoords, colors)

    def _corners(self, primitive: Json, vertices: int) -> NDArray[np.int64]:
        if "indices" not in primitive:
            return np.arange(vertices)
        values = self._accessor(primitive["indices"], "SCALAR")
        if values.dtype.kind != "u":
            broken("corners that are no whole numbers")
        corners = values.ravel().astype(np.int64)
        if len(corners) and corners.max() >= vertices:
            broken("triangles with corners that are not there")
        return corners

    def _colors(self, accessor: int) -> NDArray[np.float32]:
        kind = self._one("accessors", accessor).get("type")
        values = self._floats(accessor, "VEC4" if kind == "VEC4" else "VEC3")
        opaque = np.ones((len(values), 4), np.float32)
        opaque[:, : values.shape[1]] = np.clip(values, 0, 1)
        return opaque

    def _floats(self, accessor: int, kind: str) -> NDArray[np.float32]:
        """Values as floats, (count, components), all of them numbers."""
        values = self._accessor(accessor, kind).astype(np.float32)
        described = self._one("accessors", accessor)
        if described.get("normalized") and described["componentType"] in LARGEST:
            values = np.maximum(values / LARGEST[described["componentType"]], -1.0)
        if not np.isfinite(values).all():
            broken("coordinates that are no numbers")
        return values

    def _accessor(self, number: int, kind: str) -> NDArray[Any]:
        """The accessor's raw values over the file's own bytes, (count, components), if it lies within them."""
        accessor = self._one("accessors", number)
        if accessor.get("type") != kind:
            broken(f"{kind} expected")
        if "sparse" in accessor:
            raise refused("model_extension", "sparse data")
        view = self._one("bufferViews", accessor["bufferView"])
        dtype, width = np.dtype(DTYPES[whole(accessor["componentType"])]).newbyteorder("<"), COMPONENTS[kind]
        count, size = self._count(number), dtype.itemsize * width
        start, length = self._span(view)
        stride, offset = whole(view.get("byteStride", size)), whole(accessor.get("byteOffset", 0))
        if stride < size or offset + stride * (count - 1) + size > length:
            broken("data beyond its end")
        return np.ndarray((count, width), dtype, self.body, start + offset, (stride, dtype.itemsize))

    def _span(self, view: Json) -> tuple[int, int]:
        """Where a buffer view lies: (start, length), within the file."""
        self._refuse_packed(view)
        start, length = whole(view.get("byteOffset", 0)), whole(view["byteLength"])
        if start + length > len(self.body) or whole(view.get("buffer", 0)) != 0:
            broken("data beyond its end")
        return start, length

    # what they look like

    def _finish(self, number: int) -> Finish:
        if number == -1:
            return Finish()
        material = self._one("materials", number)
        pbr = material.get("pbrMetallicRoughness", {})
        base = tuple(_share(value) for value in pbr.get("baseColorFactor", (1, 1, 1, 1)))
        if len(base) != 4:
            broken("a colour of other than four parts")
        mode = material.get("alphaMode", "OPAQUE")
        if material.get("emissiveTexture") or any(material.get("emissiveFactor", ())):
            self.notes["Its own light was left out."] = None
        if {*material.get("extensions", {})} - SUPPORTED:
            self.notes["Special materials, such as coats and glass, were taken as plain ones."] = None
        return Finish(
            base_color=base,
            metallic=_share(pbr.get("metallicFactor", 1)),
            roughness=_share(pbr.get("roughnessFactor", 1)),
            alpha_mode=mode if mode in ("MASK", "BLEND") else "OPAQUE",
            cutoff=_share(material.get("alphaCutoff", 0.5)),
            colors=self._texture(pbr.get("baseColorTexture")),
            surface=self._texture(pbr.get("metallicRoughnessTexture")),
            normal=self._texture(material.get("normalTexture")),
            occlusion=self._texture(material.get("occlusionTexture")),
        )

    def _texture(self, info: Json | None) -> Texture | None:
        if info is None:
            return None
        texture = self._one("textures", info["index"])
        self._refuse_packed(texture)
        source = texture.get("extensions", {}).get(WEBP, texture).get("source")
        if source is None:
            return None
        sampler = self._one("samplers", texture["sampler"]) if "sampler" in texture else {}
        transform = info.get("extensions", {}).get(TRANSFORM, {})
        return Texture(
            self._picture(source),
            whole(transform.get("texCoord", info.get("texCoord", 0))),
            (sampler.get("wrapS", 10497), sampler.get("wrapT", 10497)),
            _texcoord_matrix(transform),
        )

    def _picture(self, number: int) -> Picture:
        """The picture, opened but not unpacked, the same one for the same bytes; its size is within the limits."""
        image = self._one("images", number)
        if image.get("mimeType") == "image/ktx2":
            raise refused("model_compressed", "KTX2")
        span = self._span(self._one("bufferViews", image["bufferView"]))
        if span not in self._pictures:
            self._pictures[span] = self._opened(*span)
        return self._pictures[span]

    def _opened(self, start: int, length: int) -> Picture:
        if length + sum(known for _, known in self._pictures) > len(self.body):
            broken("pictures over each other")
        try:
            picture = open_picture(bytes(self.body[start : start + length]))
        except ValueError:
            raise refused("model_texture_broken") from None
        most = self.limits.texture_side
        self._texels += picture.width * picture.height
        if max(picture.width, picture.height) > most or self._texels > self.limits.texels:
            raise refused("model_texture_too_large", picture.width, picture.height, most)
        return picture


def _declared_triangles(corners: int, mode: int) -> int:
    """How many `_triangles` makes of that many corners; none of points and lines. Raises InputRejected."""
    if mode > FAN:
        broken("a mode that nobody knows")
    if mode == TRIANGLES:
        return corners // 3
    return max(corners - 2, 0) if mode in (STRIP, FAN) else 0


def _triangles(corners: NDArray[np.int64], mode: int) -> NDArray[np.int64]:
    """int64 (m, 3), counter-clockwise (spec 3.7.2.1)."""
    if mode == TRIANGLES:
        return corners[: len(corners) // 3 * 3].reshape(-1, 3)
    if len(corners) < 3:
        return np.empty((0, 3), np.int64)
    if mode == FAN:
        return np.stack([corners[1:-1], corners[2:], np.full(len(corners) - 2, corners[0])], axis=1)
    strip = np.stack([corners[:-2], corners[1:-1], corners[2:]], axis=1)
    strip[1::2] = strip[1::2][:, [0, 2, 1]]
    return strip


def _share(value: Any) -> float:
    """A factor within 0..1."""
    return float(min(max(float(value), 0.0), 1.0))


def _texcoord_matrix(transform: Json) -> NDArray[np.float64]:
    """float64 (3, 3), as KHR_texture_transform says."""
    (x, y), (sx, sy) = transform.get("offset", (0, 0)), transform.get("scale", (1, 1))
    angle = float(transform.get("rotation", 0))
    cos, sin = np.cos(angle), np.sin(angle)
    matrix = np.array([[cos * sx, sin * sy, x], [-sin * sx, cos * sy, y], [0, 0, 1]], np.float64)
    if not np.isfinite(matrix).all() or np.abs(matrix).max() > 1e6:
        broken("texcoords that are no numbers")
    return matrix
