"""What `ImageTo3D` promises, asked of every generator that this machine can run."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import cache

import numpy as np
import pytest

from assets_pipeline.asset import Cutout, Hints, Material, RawShape, View
from assets_pipeline.errors import Cancelled, InputRejected
from assets_pipeline.generators.registry import GENERATORS, why_not_here
from assets_pipeline.geometry.cameras import eye_of, look_at
from assets_pipeline.geometry.measure import volume
from assets_pipeline.geometry.topology import components, edges_of, weld
from assets_pipeline.protocols import ImageTo3D
from assets_pipeline.texture.compare import iou
from assets_pipeline.texture.draw import Part, draw
from tests.cutouts import BLUE, BOWL, RED, WHITE, YELLOW, carton, mug, photograph, plain, turned

RUNNABLE = [name for name, make in GENERATORS.items() if not why_not_here(make().spec, lambda weights: False)]

PACK_SIZE = np.array([0.3, 0.2, 0.16])
PACK = carton(*PACK_SIZE, {"front": plain(RED), "right": plain(BLUE), "top": plain(WHITE), "back": plain(RED)})


def sided(view: View, azimuth: float) -> Cutout:
    return photograph(PACK, azimuth=azimuth, elevation=5, name=f"{view}.jpg", view=view).cutout


@cache
def request(case: str) -> tuple[tuple[Cutout, ...], Hints]:
    """Photos and hints as a merchant sends them."""
    size = Hints(title="Gift box", width=0.3, height=0.2, depth=0.16)
    return {
        "a bowl, title only": (
            (photograph([turned(BOWL, plain(YELLOW))], elevation=25, name="bowl.jpg").cutout,),
            Hints(title="Salad bowl"),
        ),
        "a mug, nothing said": (
            (photograph(mug(), elevation=12, name="IMG_1.jpg", tells_focal=False).cutout,),
            Hints(),
        ),
        "a box, turned, with dimensions": (
            (photograph(PACK, azimuth=30, elevation=20, name="box.jpg", view=View.THREE_QUARTER).cutout,),
            size,
        ),
        "a box from three sides": (
            (sided(View.FRONT, 0), sided(View.BACK, 180), sided(View.RIGHT, 90)),
            size,
        ),
    }[case]


CASES = ["a bowl, title only", "a mug, nothing said", "a box, turned, with dimensions", "a box from three sides"]
TURNED, SIDES = CASES[2], CASES[3]


def run(name: str, views: tuple[Cutout, ...], hints: Hints, *, seed: int = 0) -> RawShape:
    generator = GENERATORS[name]()
    return generator.generate(views, hints, seed=seed, progress=lambda share: None, cancelled=lambda: False)


@cache
def made(name: str, case: str) -> RawShape:
    views, hints = request(case)
    if not GENERATORS[name]().spec.min_views <= len(views) <= GENERATORS[name]().spec.max_views:
        pytest.skip(f"{name} does not take {len(views)} photos")
    return run(name, views, hints)


@pytest.fixture(params=RUNNABLE)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=CASES)
def raw(request: pytest.FixtureRequest, name: str) -> RawShape:
    return made(name, request.param)


def arrays(value: object, path: str) -> Iterator[tuple[str, np.ndarray]]:
    """Every array in a value, with the way to it."""
    if isinstance(value, np.ndarray):
        yield path, value
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from arrays(getattr(value, field.name), f"{path}.{field.name}")
    elif isinstance(value, tuple):
        for i, item in enumerate(value):
            yield from arrays(item, f"{path}[{i}]")


def test_some_generator_runs_here() -> None:
    assert "primitive" in RUNNABLE


def test_the_shape_says_who_made_it(name: str, raw: RawShape) -> None:
    assert raw.generator == name
    assert 0 <= raw.confidence <= 1
    assert 0 <= raw.roughness <= 1 and 0 <= raw.metallic <= 1
    assert raw.size_source in ("given", "typical", "unknown")


def test_the_mesh_is_made_of_numbers_of_the_right_kinds(raw: RawShape) -> None:
    mesh = raw.mesh
    assert mesh.positions.dtype == np.float32 and mesh.positions.shape[1:] == (3,)
    assert mesh.indices.dtype == np.uint32 and mesh.indices.shape[1:] == (3,)
    assert mesh.indices.max() < len(mesh.positions)
    assert np.isfinite(mesh.positions).all()
    assert (mesh.extents > 0).all()
    if mesh.texcoords is not None:
        assert mesh.texcoords.dtype == np.float32 and mesh.texcoords.shape == (len(mesh.positions), 2)
        assert mesh.texcoords.min() >= 0 and mesh.texcoords.max() <= 1


def test_the_surface_is_closed_and_faces_outward(raw: RawShape) -> None:
    longest = float(raw.mesh.extents.max())
    positions, indices, _ = weld(raw.mesh.positions, raw.mesh.indices, tolerance=2e-6 * longest)
    corners = np.sort(indices, axis=1)
    whole = (corners[:, 0] != corners[:, 1]) & (corners[:, 1] != corners[:, 2])
    indices = indices[whole]
    edges = edges_of(indices)
    assert edges.boundary == 0
    assert edges.inconsistent == 0
    part = components(indices, len(positions))
    volumes = [volume(positions, indices[part == number]) for number in range(part.max() + 1)]
    assert min(volumes) > -1e-9 * longest**3
    assert sum(volumes) > 1e-3 * float(raw.mesh.extents.prod())


def test_colour_comes_with_the_mask_of_what_was_seen(name: str, raw: RawShape) -> None:
    outputs = GENERATORS[name]().spec.outputs
    assert (raw.base_color is not None) == ("base_color" in outputs)
    assert (raw.seen is not None) == ("seen" in outputs)
    if raw.base_color is not None:
        assert raw.base_color.dtype == np.uint8 and raw.base_color.shape[2:] == (3,)
        assert raw.mesh.texcoords is not None
    if raw.seen is not None and raw.base_color is not None:
        assert raw.seen.dtype == np.uint8 and raw.seen.shape == raw.base_color.shape[:2]
        assert set(np.unique(raw.seen)) <= {0, 255}
        assert 0.05 < (raw.seen > 0).mean() < 1


def test_there_is_a_camera_or_none_for_every_photo(name: str) -> None:
    for case in CASES:
        views, _ = request(case)
        cameras = made(name, case).cameras
        assert len(cameras) == len(views)
        for camera, view in zip(cameras, views, strict=True):
            if camera is not None:
                assert (camera.height, camera.width) == view.rgba.shape[:2]
                assert camera.rotation @ camera.rotation.T == pytest.approx(np.eye(3), abs=1e-6)
                assert np.linalg.det(camera.rotation) == pytest.approx(1)


def test_each_camera_sees_the_shape_where_its_photo_shows_the_product(name: str) -> None:
    for case in CASES:
        views, _ = request(case)
        shape = made(name, case)
        assert any(camera is not None for camera in shape.cameras)
        for number in shape.shaped_from:
            assert shape.cameras[number] is not None
        for camera, view in zip(shape.cameras, views, strict=True):
            if camera is None:
                continue
            part = Part(shape.mesh, Material(base_color=np.zeros((4, 4, 3), np.uint8)))
            seen = draw([part], camera, None, floor=False).coverage > 0.5
            assert iou(seen, view.rgba[..., 3] > 127) > 0.85, (case, view.name)


def test_plus_y_is_up_and_plus_z_is_the_front(name: str) -> None:
    shape = made(name, TURNED)
    camera = shape.cameras[0]
    assert camera is not None
    middle = (shape.mesh.positions.min(axis=0) + shape.mesh.positions.max(axis=0)) / 2
    toward = eye_of(camera) - middle
    toward /= np.linalg.norm(toward)
    true = np.array([np.sin(np.pi / 6) * np.cos(np.pi / 9), np.sin(np.pi / 9), np.cos(np.pi / 6) * np.cos(np.pi / 9)])
    assert np.rad2deg(np.arccos(toward @ true)) < 8
    assert color_at(shape, (0, 0, 1)).argmax() == 0, "the front is red"
    assert color_at(shape, (1, 0, 0)).argmax() == 2, "the right side, toward +X, is blue"
    assert np.ptp(color_at(shape, (0, 1, 0))) < 40, "the top is white"


def color_at(shape: RawShape, side: tuple[int, int, int]) -> np.ndarray:
    """The colour in the middle of one side of the bounding box, as a picture from straight ahead shows it."""
    low, high = shape.mesh.positions.min(axis=0), shape.mesh.positions.max(axis=0)
    middle, size = (low + high).astype(float) / 2, float((high - low).max())
    camera = look_at(middle + np.array(side) * 4 * size, middle, focal_px=300, width=64, height=64)
    assert shape.base_color is not None
    drawn = draw([Part(shape.mesh, Material(base_color=shape.base_color))], camera, None, floor=False)
    return drawn.rgba[32, 32, :3].astype(float)


@pytest.mark.parametrize(
    ("view", "azimuth"), [(View.FRONT, 0), (View.BACK, 180), (View.RIGHT, 90), (View.LEFT, -90)], ids=str
)
def test_a_single_named_view_is_the_side_it_says(name: str, view: View, azimuth: float) -> None:
    shape = run(name, (sided(view, azimuth),), Hints(title="Gift box", width=0.3, height=0.2, depth=0.16))
    camera = shape.cameras[0]
    assert camera is not None
    eye = eye_of(camera)
    beside = np.rad2deg(np.arctan2(eye[0], eye[2])) - azimuth
    assert (beside + 180) % 360 - 180 == pytest.approx(0, abs=8)
    assert shape.mesh.extents / shape.mesh.extents.max() == pytest.approx(PACK_SIZE / PACK_SIZE.max(), rel=0.12)


def test_a_single_photo_from_above_is_the_top(name: str) -> None:
    above = photograph(PACK, elevation=89, view=View.TOP).cutout
    shape = run(name, (above,), Hints(title="Gift box", width=0.3, height=0.2, depth=0.16))
    camera = shape.cameras[0]
    assert camera is not None
    eye = eye_of(camera)
    assert eye[1] / np.linalg.norm(eye) > 0.9


def test_dimensions_are_kept_to_in_shaping(name: str) -> None:
    for case in (TURNED, SIDES):
        shape = made(name, case)
        assert shape.mesh.extents / shape.mesh.extents.max() == pytest.approx(PACK_SIZE / PACK_SIZE.max(), rel=0.12)
        assert shape.size_source == "given"
    views, _ = request(SIDES)
    for depth in (0.08, 0.28):
        flat = run(name, views[:1], Hints(title="Gift box", width=0.3, height=0.2, depth=depth))
        assert flat.mesh.extents[2] / flat.mesh.extents[0] == pytest.approx(depth / 0.3, rel=0.12)


def test_dimensions_that_no_photo_bears_out_are_refused(name: str) -> None:
    views, _ = request(TURNED)
    with pytest.raises(InputRejected) as rejected:
        run(name, views, Hints(title="Gift box", width=0.2, height=0.001, depth=90.0))
    assert rejected.value.code == "dimensions_contradict"
    assert rejected.value.advice


def test_the_same_request_gives_the_same_bytes(name: str) -> None:
    for case in (CASES[1], SIDES):
        views, hints = request(case)
        first, second = made(name, case), run(name, views, hints)
        one, other = dict(arrays(first, "raw")), dict(arrays(second, "raw"))
        assert one.keys() == other.keys() and "raw.mesh.positions" in one
        for path, array in one.items():
            assert array.tobytes() == other[path].tobytes(), path
        assert (first.parameters, first.notes, first.family) == (second.parameters, second.notes, second.family)


def test_the_photos_are_left_as_they_were(name: str) -> None:
    views, hints = request(TURNED)
    before = [view.rgba.tobytes() for view in views]
    run(name, views, hints)
    assert [view.rgba.tobytes() for view in views] == before


def test_arrays_are_read_only_and_contiguous(raw: RawShape) -> None:
    found = dict(arrays(raw, "raw"))
    assert {"raw.mesh.positions", "raw.mesh.indices"} <= found.keys()
    assert spoilt({path: array for path, array in found.items() if "cameras" not in path}) == []


def test_cameras_are_read_only_too(raw: RawShape) -> None:
    assert spoilt({path: array for path, array in arrays(raw, "raw") if "cameras" in path}) == []


def spoilt(found: dict[str, np.ndarray]) -> list[str]:
    """Where an array could be written to or is not contiguous."""
    return [path for path, array in found.items() if array.flags.writeable or not array.flags.c_contiguous]


def test_progress_grows_from_nothing_to_one(name: str) -> None:
    views, hints = request(TURNED)
    shares: list[float] = []
    generator: ImageTo3D = GENERATORS[name]()
    generator.generate(views, hints, seed=0, progress=shares.append, cancelled=lambda: False)
    assert shares == sorted(shares)
    assert len(shares) >= 3
    assert shares[0] < 0.1 and shares[-1] == 1


def test_work_can_be_called_off_at_each_step(name: str) -> None:
    views, hints = request(TURNED)
    asked = 0

    def count() -> bool:
        nonlocal asked
        asked += 1
        return False

    GENERATORS[name]().generate(views, hints, seed=0, progress=lambda share: None, cancelled=count)
    assert asked >= 2, "asked between steps"
    for last in {1, asked}:
        left = last
        shares: list[float] = []

        def enough() -> bool:
            nonlocal left
            left -= 1
            return left <= 0

        with pytest.raises(Cancelled):
            GENERATORS[name]().generate(views, hints, seed=0, progress=shares.append, cancelled=enough)
        assert 1 not in shares, "what was called off never reports its end"
