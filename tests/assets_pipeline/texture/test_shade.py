import numpy as np
import pytest

from assets_pipeline.texture.shade import STUDIO, Surface, shade, tone_mapped


def light(normal: tuple[float, float, float] = (0, 0, 1), unshadowed: float = 1.0, **change: float) -> float:
    values = {"base": 0.5, "roughness": 0.6, "metallic": 0.0, "occlusion": 1.0} | change

    def one(value: float) -> np.ndarray:
        return np.full((1, 1), value, np.float32)

    surface = Surface(
        normal=np.array([normal], np.float32) / np.float32(np.linalg.norm(normal)),
        view=np.array([[0, 0, 1]], np.float32),
        base_color=np.full((1, 3), values["base"], np.float32),
        roughness=one(values["roughness"]),
        metallic=one(values["metallic"]),
        occlusion=one(values["occlusion"]),
    )
    lamps = np.array([lamp.direction for lamp in STUDIO.lamps], np.float32)
    lamps /= np.linalg.norm(lamps, axis=1, keepdims=True)
    return float(shade(surface, STUDIO, lamps, one(unshadowed)).mean())


def test_a_grey_wall_facing_the_camera_stays_about_as_grey() -> None:
    assert light() == pytest.approx(0.5, abs=0.08)


def test_up_is_brighter_than_down_and_lamp_side_than_far_side() -> None:
    assert light((0, 1, 0.5)) > 1.3 * light((0, -1, 0.5))
    assert light((-1, 0.3, 0.5)) > light((1, 0.3, 0.5))


@pytest.mark.parametrize(("option", "darker"), [("occlusion", 0.3), ("unshadowed", 0.0), ("base", 0.1)])
def test_crevices_shadows_and_paint_darken(option: str, darker: float) -> None:
    assert light(**{option: darker}) < 0.9 * light()


def test_gloss_shows_lamps_where_they_mirror() -> None:
    toward_lamp = np.array(STUDIO.lamps[0].direction) / np.linalg.norm(STUDIO.lamps[0].direction) + (0, 0, 1)
    assert light(tuple(toward_lamp), roughness=0.1) > 1.1 * light(tuple(toward_lamp), roughness=0.9)


def test_metal_takes_its_colour_from_the_room() -> None:
    assert light(metallic=1.0, base=0.9, roughness=0.3) > 3 * light(metallic=1.0, base=0.2, roughness=0.3)


def test_tone_mapping_keeps_middle_colours_and_never_leaves_the_range() -> None:
    middle = np.array([[0.5, 0.3, 0.2]], np.float32)
    assert np.allclose(tone_mapped(middle), middle - 0.04, atol=1e-6)
    many = tone_mapped(np.random.default_rng(0).uniform(0, 30, (1000, 3)).astype(np.float32))
    assert many.min() >= 0
    assert many.max() <= 1
    grey = tone_mapped(np.linspace(0, 20, 200, dtype=np.float32)[:, None].repeat(3, axis=1))[:, 0]
    assert (np.diff(grey) > 0).all()
