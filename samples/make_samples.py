"""products -> samples/<product>/{<view>.jpg, busy.jpg, true.glb} and samples/products.json

Run as `python -m samples.make_samples [PRODUCT...]`; about a minute per photo. The same code draws the same bytes.
"""

import argparse
import io
import json
from pathlib import Path

import numpy as np
import trimesh
from numpy.typing import NDArray
from PIL import Image

from assets_pipeline.geometry.rays import RayScene
from samples.photograph import Set, develop, trace
from samples.products import PRODUCTS, Product
from samples.shapes import Floats, Part
from samples.stages import cluttered_table, lens_for, room_lights, studio_lights, sweep

HERE = Path(__file__).parent
FOV = np.radians(26.0)
LONG, SHORT = 1200, 900

VIEWS = {  # azimuth (0 is the front, 90 is +X) and elevation, degrees
    "front": (0, 9),
    "right": (90, 9),
    "back": (180, 9),
    "left": (270, 9),
    "top": (0, 89.5),
    "three-quarter": (35, 22),
}
BUSY = (20, 18)


def turned(parts: list[Part], azimuth: float) -> list[Part]:
    """The product on a turntable, turned until the camera sees it from `azimuth` degrees."""
    angle, matrix = -np.radians(azimuth), np.eye(4)
    matrix[:3, :3] = [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    return [part.moved(matrix) for part in parts]


def size_of(parts: list[Part]) -> Floats:
    """Width, height, depth in metres."""
    return np.ptp(np.concatenate([part.positions for part in parts]), axis=0)


def centred(parts: list[Part]) -> list[Part]:
    """The product in our frame: on y = 0, the bounding box centred in x and z."""
    positions = np.concatenate([part.positions for part in parts])
    low, high = positions.min(axis=0), positions.max(axis=0)
    matrix = np.eye(4)
    matrix[:3, 3] = [-(low[0] + high[0]) / 2, -low[1], -(low[2] + high[2]) / 2]
    return [part.moved(matrix) for part in parts]


def photograph(parts: list[Part], view: str, *, scale: float, samples: int, seed: int) -> tuple[np.ndarray, float]:
    """The photo uint8 (h, w, 3) and its focal length in 35 mm terms."""
    busy = view == "busy"
    azimuth, elevation = BUSY if busy else VIEWS[view]
    reach = float(np.linalg.norm(size_of(parts)))
    product = turned(parts, azimuth)
    points = np.concatenate([part.positions for part in product])
    across, tall, _ = np.ptp(points, axis=0)
    upright = tall > 1.15 * across and view != "top"
    width, height = (SHORT, LONG) if upright else (LONG, SHORT)
    lens = lens_for(
        points,
        elevation=float(np.radians(elevation)),
        fov=FOV,
        width=round(width * scale),
        height=round(height * scale),
        fill=0.62 if busy else 0.74,
    )
    lights = (room_lights if busy else studio_lights)(reach, lens.target)
    around = cluttered_table(reach, seed) if busy else sweep(reach)
    stage = Set(product, around, lights, 0.5 if busy else 0.36)
    radiance = trace(stage, lens, samples=samples, seed=seed)
    exposure = 0.95 if busy else 0.84 / np.percentile(radiance[..., 1], 88)
    pixels = develop(radiance, exposure=exposure, warmth=0.02 if busy else 0.004, seed=seed)
    return pixels, 24 / (2 * np.tan(FOV / 2)) if width > height else 36 / (2 * np.tan(FOV / 2))


def jpeg(pixels: np.ndarray, focal_35mm: float, quality: int) -> bytes:
    """A JPEG with the focal length in its EXIF and nothing else."""
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = round(focal_35mm)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality, optimize=True, subsampling="4:2:0", exif=exif)
    return buffer.getvalue()


def true_mesh(parts: list[Part]) -> bytes:
    """The product's geometry alone as a GLB, every triangle counter-clockwise seen from outside."""
    start = np.cumsum([0] + [len(part.positions) for part in parts])
    positions = np.concatenate([part.positions for part in parts])
    indices = [part.indices + first for part, first in zip(parts, start[:-1], strict=True)]
    scene = RayScene(positions, np.concatenate(indices))
    outward = np.concatenate([_outward(scene, positions, triangles) for triangles in indices])
    return trimesh.Trimesh(positions, outward, process=False).export(file_type="glb", include_normals=False)


def _outward(scene: RayScene, positions: Floats, indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """`indices`, turned over if more light escapes from their back than from their front."""
    corners = positions[indices]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(normals, axis=1, keepdims=True)
    normals = normals / np.maximum(area, 1e-20)
    random = np.random.default_rng(0)
    escaped = []
    for side in (1.0, -1.0):
        towards = side * normals + 0.95 * _directions(random, len(normals))
        free = ~scene.any_hit(corners.mean(axis=1) + side * normals * 1e-5, towards)
        escaped.append(float((free * area[:, 0]).sum()))
    return indices if escaped[0] >= escaped[1] else indices[:, ::-1]


def _directions(random: np.random.Generator, count: int) -> Floats:
    vectors = random.normal(size=(count, 3))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def draw(product: Product, folder: Path, *, views: list[str], scale: float, samples: int) -> None:
    """All photos and the true mesh of one product."""
    parts = centred(product.build())
    (folder / product.name).mkdir(parents=True, exist_ok=True)
    (folder / product.name / "true.glb").write_bytes(true_mesh(parts))
    for view in views:
        seed = 100 * PRODUCTS.index(product) + [*VIEWS, "busy"].index(view)
        pixels, focal = photograph(parts, view, scale=scale, samples=samples, seed=seed)
        (folder / product.name / f"{view}.jpg").write_bytes(jpeg(pixels, focal, 86))
        print(f"{product.name}/{view}.jpg")


def describe(folder: Path) -> None:
    """products.json: title, category and true dimensions of each product."""
    entries = {}
    for product in PRODUCTS:
        width, height, depth = (round(float(side) * 1000, 1) for side in size_of(product.build()))
        entries[product.name] = {
            "title": product.title,
            "category": product.category,
            "width_mm": width,
            "height_mm": height,
            "depth_mm": depth,
            "views": [*VIEWS],
        }
    (folder / "products.json").write_text(json.dumps(entries, indent=2) + "\n")


def main() -> None:
    """Draw what the command line names, everything by default."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("products", nargs="*", metavar="PRODUCT", help="only these")
    parser.add_argument("--view", action="append", choices=[*VIEWS, "busy"], help="only these views")
    parser.add_argument("--out", type=Path, default=HERE, help="another folder than samples/")
    parser.add_argument("--meshes", action="store_true", help="the true meshes and products.json, no photos")
    parser.add_argument("--scale", type=float, default=1.0, help="smaller photos, for a look")
    parser.add_argument("--samples", type=int, default=5, help="rays per pixel")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for product in PRODUCTS:
        if not options.products or product.name in options.products:
            draw(
                product,
                options.out,
                views=[] if options.meshes else options.view or [*VIEWS, "busy"],
                scale=options.scale,
                samples=options.samples,
            )
    describe(options.out)


if __name__ == "__main__":
    main()
