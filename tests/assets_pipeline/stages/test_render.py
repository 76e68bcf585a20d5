import io
import time

import numpy as np
import pytest
from PIL import Image

from assets_pipeline.geometry.cameras import frame
from assets_pipeline.stages.render import Render, render
from tests.models import mug_asset, textured_mug


@pytest.fixture(scope="module")
def pictures() -> dict[str, np.ndarray]:
    files = Render(size=256)(mug_asset()).files
    opened = {name: Image.open(io.BytesIO(data)) for name, data in files.items()}
    assert {image.format for image in opened.values()} == {"WEBP"}
    return {name: np.asarray(image) for name, image in opened.items()}


def test_the_poster_is_clear_around_the_product_with_its_shadow_in_alpha(pictures: dict[str, np.ndarray]) -> None:
    poster = pictures["poster.webp"]
    assert poster.shape == (256, 256, 4)
    alpha = poster[..., 3]
    assert max(alpha[0].max(), alpha[-1].max(), alpha[:, 0].max(), alpha[:, -1].max()) <= 2, "nothing is cut off"
    assert 0.2 < (alpha > 250).mean() < 0.7
    assert ((alpha > 20) & (alpha < 200)).mean() > 0.02


def test_the_white_poster_is_the_same_picture_on_white(pictures: dict[str, np.ndarray]) -> None:
    clear, white = pictures["poster.webp"].astype(float), pictures["poster-white.webp"].astype(float)
    alpha = clear[..., 3:] / 255
    inside = alpha[..., 0] > 0.999
    assert white.shape == (256, 256, 3)
    assert white[0].min() > 250
    assert np.abs(clear[inside][:, :3] - white[inside]).mean() < 4


def test_the_turntable_shows_eight_different_sides_at_one_scale(pictures: dict[str, np.ndarray]) -> None:
    sheet = pictures["turntable.webp"].astype(float)
    size = 256 * 3 // 8
    assert sheet.shape == (2 * size, 4 * size, 3)
    views = [sheet[r * size : (r + 1) * size, c * size : (c + 1) * size] for r in range(2) for c in range(4)]
    heights = [np.ptp(np.nonzero((view.max(axis=2) - view.min(axis=2) > 40).any(axis=1))[0]) for view in views]
    assert max(heights) - min(heights) <= 2
    assert min(np.abs(a - b).mean() for i, a in enumerate(views) for b in views[i + 1 :]) > 2


def test_the_same_asset_gives_the_same_bytes() -> None:
    assert Render(size=128)(mug_asset()).files == Render(size=128)(mug_asset()).files


def test_one_picture_at_a_size_of_choice() -> None:
    mesh, material = textured_mug()
    camera = frame(mesh.positions, azimuth=0, elevation=10, size=100)
    assert render(mesh, material, camera).shape == (100, 100, 4)
    assert render(mesh, material, camera, 64).shape == (64, 64, 4)


@pytest.mark.slow
def test_fifty_thousand_triangles_take_less_than_three_seconds() -> None:
    asset = mug_asset(segments=160, rows=150, size=2048)
    start = time.process_time()
    Render()(asset)
    assert time.process_time() - start < 6.0, "seconds of two cores"
