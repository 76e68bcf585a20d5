"""The sample photos are whole, small, and agree with their true meshes."""

import json
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from assets_pipeline.geometry.rays import RayScene
from samples.make_samples import VIEWS, centred, photograph, true_mesh
from samples.products import PRODUCTS, Product

NAMES = [product.name for product in PRODUCTS]


def test_six_products_are_photographed_from_six_sides_and_before_a_busy_background(samples: Path) -> None:
    assert len(PRODUCTS) == 6
    for name in NAMES:
        photos = {path.stem for path in (samples / name).glob("*.jpg")}
        assert photos == {*VIEWS, "busy"}


def test_all_samples_together_stay_small(samples: Path) -> None:
    assert sum(path.stat().st_size for path in samples.rglob("*") if path.suffix in {".jpg", ".glb"}) < 6_000_000


@pytest.mark.parametrize("name", NAMES)
def test_photos_are_sharp_enough_and_say_their_focal_length(samples: Path, name: str) -> None:
    for path in (samples / name).glob("*.jpg"):
        with Image.open(path) as photo:
            assert (photo.format, max(photo.size)) == ("JPEG", 1200)
            assert photo.getexif().get_ifd(0x8769)[0xA405] in {52, 78}


@pytest.mark.parametrize("name", NAMES)
def test_the_product_stands_in_the_middle_of_a_light_studio(samples: Path, name: str) -> None:
    for view in VIEWS:
        with Image.open(samples / name / f"{view}.jpg") as photo:
            pixels = np.asarray(photo.convert("L"), float)
        rim = np.concatenate([pixels[:8].ravel(), pixels[-8:].ravel(), pixels[:, :8].ravel(), pixels[:, -8:].ravel()])
        height, width = pixels.shape
        middle = pixels[int(height * 0.3) : int(height * 0.7), int(width * 0.3) : int(width * 0.7)]
        assert rim.min() > 110 and rim.std() < 35
        assert np.quantile(np.abs(middle - np.median(rim)), 0.9) > 25, view


@pytest.mark.parametrize("name", NAMES)
def test_the_true_mesh_has_the_dimensions_that_are_told_and_stands_in_our_frame(samples: Path, name: str) -> None:
    told = json.loads((samples / "products.json").read_text())[name]
    mesh = trimesh.load(samples / name / "true.glb", force="mesh")
    low, high = mesh.bounds
    assert np.allclose((high - low) * 1000, [told["width_mm"], told["height_mm"], told["depth_mm"]], atol=0.06)
    assert np.allclose([low[1], (low + high)[0], (low + high)[2]], 0, atol=1e-5)


@pytest.mark.parametrize("product", PRODUCTS, ids=NAMES)
def test_the_true_mesh_is_what_the_script_makes(samples: Path, product: Product) -> None:
    assert true_mesh(centred(product.build())) == (samples / product.name / "true.glb").read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_whoever_looks_at_the_true_mesh_sees_outsides(samples: Path, name: str) -> None:
    mesh = trimesh.load(samples / name / "true.glb", force="mesh", process=False)
    random = np.random.default_rng(0)
    away = random.normal(size=(4000, 3))
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    origins = mesh.bounds.mean(axis=0) + away * mesh.scale * 2
    towards = mesh.bounds.mean(axis=0) + random.normal(size=(4000, 3)) * mesh.extents * 0.2 - origins
    triangle, _, _ = RayScene(mesh.vertices, mesh.faces).first_hit(origins, towards)
    seen = triangle >= 0
    facing = np.einsum("nd,nd->n", mesh.face_normals[triangle[seen]], towards[seen])
    assert seen.sum() > 500
    assert np.mean(facing < 0) > 0.995


def test_the_same_seed_draws_the_same_photo() -> None:
    parts = centred(PRODUCTS[2].build())
    first, second, other = (photograph(parts, "front", scale=0.05, samples=1, seed=seed)[0] for seed in (1, 1, 2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)
