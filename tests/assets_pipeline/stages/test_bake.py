"""Maps that show on the low-poly mesh what was on the high-poly one."""

from dataclasses import replace

import numpy as np
import pytest
import trimesh

from assets_pipeline.asset import Asset, Mesh, RawShape, frozen
from assets_pipeline.geometry.measure import sample_surface
from assets_pipeline.geometry.rays import RayScene
from assets_pipeline.stages.bake import Bake, bake
from assets_pipeline.stages.decimate import decimate
from assets_pipeline.stages.unwrap import unwrap
from assets_pipeline.texture.transfer import covered_texels, interpolate


def mesh_of(shape: trimesh.Trimesh, **more: np.ndarray) -> Mesh:
    return Mesh(frozen(shape.vertices, np.float32), frozen(shape.faces, np.uint32), **more)


def checker(size: int) -> np.ndarray:
    """A colourful checker, 16 fields to a side, uint8 (size, size, 3)."""
    row, column = np.mgrid[:size, :size] * 16 // size
    image = np.where(((row + column) % 2)[..., None], (230, 200, 40), (20, 40, 160)).astype(np.uint8)
    image[:, :, 1] += (row * 3).astype(np.uint8)
    return frozen(image)


def textured(shape: trimesh.Trimesh, size: int) -> RawShape:
    """The shape with charts of its own and a checker over them."""
    laid_out, _ = unwrap(mesh_of(shape), size, 4)
    return RawShape(
        Mesh(laid_out.positions, laid_out.indices, laid_out.texcoords),
        "test",
        base_color=checker(size),
        roughness=0.3,
        metallic=1.0,
    )


def colour_at(mesh: Mesh, image: np.ndarray, triangle: np.ndarray, weights: np.ndarray) -> np.ndarray:
    where = interpolate(mesh.texcoords, mesh.indices.astype(np.int64), triangle, weights.astype(np.float32))
    column, row = (where * image.shape[1::-1]).astype(int).T
    return image[row.clip(0, image.shape[0] - 1), column.clip(0, image.shape[1] - 1)].astype(float)


def psnr_between(one: Mesh, image: np.ndarray, other: Mesh, baked: np.ndarray) -> float:
    """How alike both textures are where rays from around the product meet it, in dB."""
    targets = sample_surface(other, 20_000, seed=5)[0]
    origins = np.random.default_rng(2).normal(size=targets.shape)
    origins *= 3 / np.linalg.norm(origins, axis=1, keepdims=True)
    colours = []
    for mesh, texture in ((one, image), (other, baked)):
        triangle, distance, weights = RayScene(mesh.positions, mesh.indices).first_hit(origins, targets - origins)
        colours.append((triangle >= 0, distance, colour_at(mesh, texture, np.maximum(triangle, 0), weights)))
    (hit, near, a), (also, as_near, b) = colours
    same = hit & also & (np.abs(near - as_near) < 0.005)
    assert same.mean() > 0.95
    return float(10 * np.log10(255**2 / max(((a[same] - b[same]) ** 2).mean(), 1e-6)))


@pytest.mark.parametrize(
    "shape", [trimesh.creation.box((1, 0.7, 0.4)), trimesh.creation.icosphere(5)], ids=["box", "ball"]
)
def test_the_texture_arrives_on_the_low_poly_mesh(shape: trimesh.Trimesh) -> None:
    raw = textured(shape, 900)
    low = unwrap(decimate(raw.mesh, 2_000)[0], 1024, 4)[0]
    material, unseen, counts = bake(low, raw.mesh, raw, 2048)
    assert counts["size"] in (1024, 2048) and unseen is None
    assert psnr_between(raw.mesh, raw.base_color, low, material.base_color) > 22
    wrong = np.roll(material.base_color, 40, axis=0)
    assert psnr_between(raw.mesh, raw.base_color, low, wrong) < 15, "the measure can tell a shifted texture"


def test_vertex_colours_arrive_too() -> None:
    ball = trimesh.creation.icosphere(3)
    colours = np.c_[(ball.vertices * 100 + 128), np.full(len(ball.vertices), 255)].astype(np.uint8)
    raw = RawShape(mesh_of(ball, colors=frozen(colours)), "test")
    low = unwrap(decimate(raw.mesh, 2_000)[0], 512, 4)[0]
    material, _, _ = bake(low, raw.mesh, raw, 1024)
    points, triangle = sample_surface(low, 5_000)
    corners = low.positions[low.indices[triangle]].astype(float)
    weights = np.linalg.solve(corners.transpose(0, 2, 1), points[..., None])[..., 0]
    found = colour_at(low, material.base_color, triangle, weights / weights.sum(axis=1, keepdims=True))
    assert np.abs(found - (points * 100 + 128)).max() < 5


@pytest.fixture(scope="module")
def relief() -> tuple[Mesh, Mesh, RawShape]:
    """A flat slab, and the same slab with slanting waves on its top."""
    line = np.linspace(-0.5, 0.5, 161)
    x, z = np.meshgrid(line, line)
    y = 0.004 * np.sin(40 * x + 25 * z)
    grid = np.arange(x.size).reshape(x.shape)
    a, b, c, d = grid[:-1, :-1].ravel(), grid[:-1, 1:].ravel(), grid[1:, 1:].ravel(), grid[1:, :-1].ravel()
    indices = np.concatenate([np.stack([a, c, b], 1), np.stack([a, d, c], 1)])
    high = Mesh(frozen(np.stack([x.ravel(), y.ravel(), z.ravel()], 1), np.float32), frozen(indices, np.uint32))
    corners = np.array([[-0.5, 0, -0.5], [0.5, 0, -0.5], [0.5, 0, 0.5], [-0.5, 0, 0.5]])
    low = Mesh(frozen(corners, np.float32), frozen([[0, 2, 1], [0, 3, 2]], np.uint32))
    return unwrap(low, 512, 4)[0], high, RawShape(high, "test")


def test_the_normal_map_gives_the_relief_back(relief: tuple[Mesh, Mesh, RawShape]) -> None:
    low, high, raw = relief
    image = bake(low, high, raw, 512)[0].normal
    texels = covered_texels(low, len(image))
    place = (low.indices.astype(np.int64), texels.triangle, texels.weights)
    normal, tangent = interpolate(low.normals, *place), interpolate(low.tangents, *place)
    bitangent = np.cross(normal, tangent[:, :3]) * tangent[:, 3:]
    value = image.reshape(-1, 3)[texels.at].astype(float) / 255 * 2 - 1
    shown = value[:, :1] * tangent[:, :3] + value[:, 1:2] * bitangent + value[:, 2:] * normal
    x, _, z = interpolate(low.positions, *place).T
    slope = 0.004 * np.cos(40 * x + 25 * z)
    true = np.stack([-40 * slope, np.ones(len(x)), -25 * slope], axis=1)
    true /= np.linalg.norm(true, axis=1, keepdims=True)
    inside = np.maximum(np.abs(x), np.abs(z)) < 0.48
    degrees = np.degrees(np.arccos(np.clip((shown * true).sum(axis=1) / np.linalg.norm(shown, axis=1), -1, 1)))
    assert degrees[inside].mean() < 1
    assert image.reshape(-1, 3)[texels.at].std(axis=0).max() > 10, "there is relief to show"


@pytest.mark.parametrize("finer", [0, 3], ids=["as it is", "from a finer mesh"])
def test_a_box_needs_no_relief(finer: int) -> None:
    box = trimesh.creation.box()
    for _ in range(finer):
        box = box.subdivide()
    raw = textured(box, 256)
    low = unwrap(decimate(raw.mesh, 100)[0], 256, 4)[0]
    normal = bake(low, raw.mesh, raw, 256)[0].normal
    assert (normal == (128, 128, 255)).all() and normal.shape == (64, 64, 3)


def test_a_cavity_is_darker_than_the_outside() -> None:
    cup = trimesh.creation.revolve([[0, 0], [0.5, 0], [0.5, 1], [0.45, 1], [0.45, 0.05], [0, 0.05]], sections=48)
    raw = RawShape(mesh_of(cup), "test")
    low = unwrap(raw.mesh, 512, 4)[0]
    occlusion = bake(low, raw.mesh, raw, 512)[0].occlusion
    texels = covered_texels(low, len(occlusion))
    place = interpolate(low.positions, low.indices.astype(np.int64), texels.triangle, texels.weights)
    value = occlusion.ravel()[texels.at].astype(float)
    radius = np.hypot(place[:, 0], place[:, 1])
    bottom_inside = (np.abs(place[:, 2] - 0.05) < 0.01) & (radius < 0.3)
    outside = (radius > 0.49) & (place[:, 2] > 0.1)
    assert value[bottom_inside].mean() < 170 < 250 < value[outside].mean()


def test_roughness_metallic_and_unseen_follow_the_raw_shape() -> None:
    raw = textured(trimesh.creation.box(), 256)
    seen = np.zeros((256, 256), np.uint8)
    first = covered_texels(raw.mesh, 256)
    seen.ravel()[first.at[first.triangle < 3]] = 255
    asset = Asset(raw=replace(raw, seen=frozen(seen)), highpoly=raw.mesh, lowpoly=unwrap(raw.mesh, 256, 4)[0])
    baked = Bake(256)(asset)
    assert baked.unseen == pytest.approx(0.75, abs=0.02)
    assert (baked.material.metallic_roughness == (255, 76, 255)).all()
    assert baked.provenance[-1].stage == "Bake(texture_size=256)"


def test_maps_have_power_of_two_sides_and_keep_the_limit() -> None:
    raw = textured(trimesh.creation.icosphere(3), 1000)
    material = bake(unwrap(raw.mesh, 512, 4)[0], raw.mesh, raw, 700)[0]
    assert material.base_color.shape == (512, 512, 3)
    assert all(side & (side - 1) == 0 for side in material.occlusion.shape)


def test_the_same_asset_gives_the_same_maps() -> None:
    raw = textured(trimesh.creation.torus(0.4, 0.1), 512)
    low = unwrap(decimate(raw.mesh, 800)[0], 512, 4)[0]
    one, other = (bake(low, raw.mesh, raw, 512)[0] for _ in range(2))
    for name in ("base_color", "normal", "occlusion", "metallic_roughness"):
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes()
