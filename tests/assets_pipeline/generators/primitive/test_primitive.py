"""The generator as a whole: photo and title in, painted shape out, looked at as a shopper would."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from assets_pipeline.asset import Asset, Hints, Material, RawShape, View
from assets_pipeline.errors import InputRejected
from assets_pipeline.generators.primitive import PrimitiveGenerator, leading_view
from assets_pipeline.geometry.cameras import eye_of, frame
from assets_pipeline.geometry.rays import RayScene
from assets_pipeline.stages.clean import Clean
from assets_pipeline.texture.compare import iou, psnr_db
from assets_pipeline.texture.draw import Part, draw
from tests.cutouts import (
    BLUE,
    BOTTLE,
    BOWL,
    RED,
    WHITE,
    YELLOW,
    Product,
    Shot,
    carton,
    chair,
    halves,
    lettering,
    mug,
    pan,
    photograph,
    plain,
    turned,
)

PACK = carton(0.2, 0.3, 0.08, {name: lettering() for name in ("front", "left", "right", "back", "top")})


@cache
def shot(name: str) -> Shot:
    product, azimuth, elevation = PRODUCTS[name]
    return photograph(product, azimuth=azimuth, elevation=elevation, name=f"{name[0]}.jpg")


PRODUCTS: dict[str, tuple[Product, float, float]] = {
    "bottle": ([turned(BOTTLE, halves(RED, BLUE))], 0, 20),
    "bowl": ([turned(BOWL, plain(YELLOW))], 0, 25),
    "mug": (mug(), 0, 12),
    "pan": (pan(-40), 0, 15),
    "box": (PACK, 30, 20),
    "toy": (PACK, 0, 0),
    "phone": (PACK, 0, 0),
    "chair": (chair(), 30, 12),
}


def generate(cutouts: list, hints: Hints) -> RawShape:
    return PrimitiveGenerator().generate(cutouts, hints, seed=0, progress=lambda share: None, cancelled=lambda: False)


@cache
def made(name: str) -> RawShape:
    return generate([shot(name).cutout], Hints(title=name))


def part_of(raw: RawShape) -> Part:
    assert raw.base_color is not None
    return Part(raw.mesh, Material(base_color=raw.base_color))


def picture(raw: RawShape, *, azimuth: float, elevation: float = 0.0) -> np.ndarray:
    """The shape from some side, uint8 (200, 200, 4)."""
    camera = frame(raw.mesh.positions, azimuth=azimuth, elevation=elevation, size=200)
    return draw([part_of(raw)], camera, None, floor=False).rgba


def heights_under(raw: RawShape, *places: tuple[float, float]) -> np.ndarray:
    """How high the surface lies under places in x, z, of the half width and depth, as a share of the height."""
    low, high = raw.mesh.positions.min(axis=0), raw.mesh.positions.max(axis=0)
    x, z = np.array(places).T
    origins = np.column_stack([x, np.full(len(x), high[1] + 1), z])
    scene = RayScene(raw.mesh.positions, raw.mesh.indices)
    _, distance, _ = scene.first_hit(origins, np.broadcast_to([0.0, -1.0, 0.0], origins.shape))
    return (high[1] + 1 - distance - low[1]) / (high[1] - low[1])


@pytest.mark.parametrize("name", PRODUCTS)
def test_the_shape_from_its_camera_looks_like_the_photo(name):
    raw, photo = made(name), shot(name).cutout.rgba
    [camera] = raw.cameras
    drawn = draw([part_of(raw)], camera, None, floor=False).rgba
    assert iou(drawn[..., 3] > 127, photo[..., 3] > 127) > 0.9
    inside = (drawn[..., 3] > 250) & (photo[..., 3] > 250)
    assert psnr_db(drawn[..., :3], photo[..., :3], inside) > 20


@pytest.mark.parametrize("name", ["bowl", "mug", "box", "chair"])
def test_the_camera_stands_where_the_photographer_stood(name):
    _, azimuth, elevation = PRODUCTS[name]
    raw = made(name)
    middle = (raw.mesh.positions.min(axis=0) + raw.mesh.positions.max(axis=0)) / 2
    toward = eye_of(raw.cameras[0]) - middle * (0, 1, 0)
    toward /= np.linalg.norm(toward)
    assert np.rad2deg(np.arcsin(toward[1])) == pytest.approx(elevation, abs=5)
    assert np.rad2deg(np.arctan2(toward[0], toward[2])) == pytest.approx(azimuth, abs=5)
    assert raw.parameters["elevation_deg"] == pytest.approx(elevation, abs=5)
    assert raw.parameters["azimuth_deg"] == pytest.approx(azimuth, abs=5)


def test_a_bowl_holds_soup():
    raw = made("bowl")
    radius = raw.mesh.extents[0] / 2
    assert raw.mesh.extents[0] == pytest.approx(raw.mesh.extents[2], rel=0.01)
    inside = heights_under(raw, (0, 0), (0.3 * radius, 0.2 * radius), (-0.4 * radius, 0))
    assert inside.max() < 0.45 and inside.min() > 0
    assert heights_under(raw, (0.97 * radius, 0)) > 0.9, "the rim"


def test_a_mug_keeps_its_handle_with_room_for_a_finger_and_its_inside_free():
    raw = made("mug")
    width, _, depth = raw.mesh.extents
    assert width / depth == pytest.approx((41 + 78) / 82, rel=0.06)
    scene = RayScene(raw.mesh.positions, raw.mesh.indices)
    scale = depth / 0.082
    middle = raw.mesh.positions[:, 1].min() + 0.05 * scale
    left = raw.mesh.positions[:, 0].min()
    from_left = (np.array([0.041, 0.041 + 0.055, 0.041 + 0.073]) * scale) + left
    hit = scene.any_hit(
        np.column_stack([from_left, np.full(3, middle), np.full(3, 9.0)]), np.broadcast_to([0.0, 0.0, -1.0], (3, 3))
    )
    assert list(hit) == [True, False, True], "body, hole, grip"
    centre = left + 0.041 * scale
    assert heights_under(raw, (centre, 0), (centre + 0.033 * scale, 0)).max() < 0.3, "the handle stays outside"


def test_a_pans_handle_is_attached_and_points_to_the_side():
    raw = made("pan")
    radius = raw.mesh.extents[2] / 2
    positions = raw.mesh.positions
    far = positions[np.hypot(positions[:, 0], positions[:, 2]).argmax()]
    assert abs(np.rad2deg(np.arctan2(far[2], abs(far[0])))) < 8
    assert np.hypot(far[0], far[2]) / radius == pytest.approx(0.31 / 0.135, rel=0.15)
    outward = positions[:, 0] * np.sign(far[0]) / radius
    counts, _ = np.histogram(outward, bins=40, range=(0.9, 2.1))
    assert counts.min() > 0, "without a gap from the wall to its end"


def test_a_red_front_stays_red_and_the_back_is_filled_with_it():
    raw = made("bottle")
    for azimuth in (0, 45, 180):
        seen = picture(raw, azimuth=azimuth)
        color = np.median(seen[seen[..., 3] > 250][:, :3], axis=0)
        assert np.abs(color - RED).max() < 25


def test_a_boxs_front_is_upright_and_its_back_can_be_read():
    raw = made("box")
    front, back = (picture(raw, azimuth=azimuth)[30:170, 55:145, :3].mean(axis=2).ravel() for azimuth in (0, 180))
    assert np.corrcoef(front, back)[0, 1] > 0.9
    ink = picture(raw, azimuth=0)[..., :3].mean(axis=2) < 110
    inside = picture(raw, azimuth=0)[..., 3] > 250
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    letter = ink[rows[0] : rows[-1], columns[0] : columns[-1]]
    quarter = np.array([half.mean() for rows in np.array_split(letter, 2) for half in np.array_split(rows, 2, axis=1)])
    assert quarter.argmin() == 1, "an L is empty at the upper right"
    assert quarter[1] < 0.1 < quarter[3]


def test_a_cabinets_back_carries_no_copy_of_its_front():
    faces = {"front": lettering(), "right": plain(WHITE), "top": plain(WHITE)}
    seen = photograph(carton(0.6, 0.9, 0.4, faces), azimuth=30, elevation=15)
    raw = generate([seen.cutout], Hints(title="Cabinet"))
    front, back = (picture(raw, azimuth=azimuth)[50:150, 75:125, :3] for azimuth in (0, 180))
    assert front.std() > 60
    assert back.std() < 15


def test_seen_is_what_the_photo_showed():
    raw = made("box")
    assert raw.seen is not None and raw.base_color is not None
    assert raw.seen.shape == raw.base_color.shape[:2]
    mask = np.repeat(raw.seen[..., None], 3, axis=2)
    shown = [picture(replace(raw, base_color=mask), azimuth=azimuth, elevation=5) for azimuth in (30, 210)]
    share = [(image[..., 0][image[..., 3] > 250] > 127).mean() for image in shown]
    assert share[0] > 0.85 and share[1] < 0.1


@pytest.mark.parametrize("depth_mm", [50, 160])
@pytest.mark.parametrize("title", ["box", "toy", "phone", ""])
def test_given_dimensions_shape_the_product_before_anything_is_stretched(title, depth_mm):
    hints = Hints(title=title, width=0.2, height=0.3, depth=depth_mm / 1000)
    raw = generate([photograph(PACK, azimuth=0, elevation=0, size=256).cutout], hints)
    true = np.array([0.2, 0.3, depth_mm / 1000]) / 0.3
    near = 0.12
    assert raw.mesh.extents / raw.mesh.extents[1] == pytest.approx(true, rel=near)
    assert raw.size_source == "given"
    placed = Clean()(Asset(raw=raw, hints=hints)).highpoly
    assert placed.extents == pytest.approx([0.2, 0.3, depth_mm / 1000], rel=0.01)


def test_known_dimensions_help_where_the_photo_says_little():
    seen = photograph(PACK, azimuth=-40, elevation=5).cutout
    raw = generate([seen], Hints(title="box", width=0.2, height=0.3, depth=0.08))
    assert raw.mesh.extents / raw.mesh.extents[1] == pytest.approx([0.2 / 0.3, 1, 0.08 / 0.3], rel=0.03)


def test_without_dimensions_the_usual_size_of_its_kind_is_taken_and_told():
    raw = made("mug")
    assert raw.mesh.extents.max() == pytest.approx(0.1, rel=1e-4)
    assert raw.scale_known and raw.size_source == "typical"
    assert any("100 mm" in note for note in raw.notes)


def test_contradictory_dimensions_are_refused_before_any_work():
    shares: list[float] = []
    with pytest.raises(InputRejected) as rejected:
        PrimitiveGenerator().generate(
            [shot("box").cutout],
            Hints(title="box", width=0.2, height=0.001, depth=90.0),
            seed=0,
            progress=shares.append,
            cancelled=lambda: False,
        )
    assert rejected.value.code == "dimensions_contradict"
    assert rejected.value.photo == "b.jpg"
    assert max(shares) < 0.5


def test_the_front_photo_leads_then_three_quarter_then_the_first():
    top, left, front, oblique, nameless = (
        replace(shot("box").cutout, view=view) for view in (View.TOP, View.LEFT, View.FRONT, View.THREE_QUARTER, None)
    )
    assert leading_view([top, oblique, front], from_side=False) == 2
    assert leading_view([top, oblique], from_side=False) == 1
    assert leading_view([top, left], from_side=False) == 0
    assert leading_view([nameless, top], from_side=False) == 0
    assert leading_view([front, left], from_side=True) == 1, "a shoe is shown from its side"


def test_further_photos_lend_colour_and_what_became_of_each_is_told():
    product = carton(0.2, 0.3, 0.16, {name: plain(RED) for name in ("front", "left", "right", "top")})
    front = photograph(product, name="front.jpg", view=View.FRONT, elevation=5).cutout
    back = photograph(product, azimuth=180, name="back.jpg", view=View.BACK, elevation=5).cutout
    other = photograph(mug(), name="other.jpg", view=View.LEFT).cutout
    raw = generate([back, front, other], Hints(title="box", width=0.2, height=0.3, depth=0.16))
    assert raw.cameras[0] is not None and raw.cameras[1] is not None and raw.cameras[2] is None
    assert eye_of(raw.cameras[0])[2] < 0 < eye_of(raw.cameras[1])[2]
    told = " ".join(raw.notes)
    assert "shaped from front.jpg" in told and "back.jpg" in told and "other.jpg" in told
    color = picture(raw, azimuth=180)[100, 100, :3].astype(int)
    assert color[1] > color[0], "the back is green, as its photo shows"


def test_the_most_helpful_next_photo_is_named():
    assert {made(name).next_photo.split(":")[0] for name in ("bowl", "chair", "box")} == {
        "top",
        "right",
        "three-quarter",
    }


def test_a_file_name_stands_in_for_a_missing_title():
    nameless = replace(shot("box").cutout, name="blue-phone_front.jpg")
    assert generate([nameless], Hints()).family == "extrusion"
    assert generate([replace(nameless, name="IMG_1.jpg")], Hints()).family == "cuboid"


@pytest.mark.parametrize(("view", "elevation", "side"), [(View.TOP, 89, 1), (View.BOTTOM, -89, -1)])
@pytest.mark.parametrize("title", ["Gift box", "Toy"])
def test_what_a_photo_from_above_or_below_shows_lies_level(view, elevation, side, title):
    flat = carton(0.3, 0.06, 0.2, {"top": plain(RED), "bottom": plain(RED), "front": plain(BLUE)})
    cutout = photograph(flat, elevation=elevation, view=view).cutout
    raw = generate([cutout], Hints(title=title, width=0.3, height=0.06, depth=0.2))
    assert raw.mesh.extents / raw.mesh.extents.max() == pytest.approx((1, 0.2, 0.667), abs=0.1)
    seen = picture(raw, azimuth=0, elevation=89 * side)
    red, _, blue = seen[seen[..., 3] > 250][:, :3].mean(axis=0)
    assert red > blue + 80
    camera = raw.cameras[0]
    assert camera is not None
    assert eye_of(camera)[1] * side > 0.9 * np.linalg.norm(eye_of(camera))


def test_a_turned_body_stays_upright_in_a_photo_from_above():
    cutout = photograph([turned(BOWL, plain(YELLOW))], elevation=60, view=View.TOP).cutout
    width, _, depth = generate([cutout], Hints(title="Mug")).mesh.extents
    assert width == pytest.approx(depth, rel=0.05)
