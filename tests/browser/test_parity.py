"""The plain GLB, the web GLB and the USDZ show the same model when somebody else's loaders and renderer draw them"""

import base64
import io
import math
import mimetypes
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page, Route

from assets_pipeline.asset import Asset, frozen
from assets_pipeline.nodejs.tools import NodeTools
from assets_pipeline.stages.export_glb import ExportGlb
from assets_pipeline.stages.export_usdz import ExportUsdz
from tests.browser.chromium import Watched
from tests.models import mug_asset

pytestmark = pytest.mark.browser

HERE = Path(__file__).resolve().parent
THREE = HERE.parents[1] / "node_modules" / "three"
ORIGIN = "http://127.0.0.1"
VIEWS = 4

USDZ_DB, WEB_DB = 50, 42
"""The same picture to the eye: measured 57, and 47 through WebP and rounded coordinates. Upside down: 9 to 14."""

Pictures = list[NDArray[np.float64]]


def test_all_three_files_look_the_same(desk: Watched) -> None:
    with NodeTools() as tools:
        asset = ExportUsdz()(ExportGlb(tools)(mug_asset()))
    size = float(max(asset.lowpoly.extents)) if asset.lowpoly else 0.0
    page = opened(desk.page, asset.files)
    plain, box = drawn(page, "model.glb", size)
    for name, least in (("model.usdz", USDZ_DB), ("model.web.glb", WEB_DB)):
        other, its_box = drawn(page, name, size)
        found = [psnr(*pair) for pair in zip(plain, other, strict=True)]
        assert min(found) >= least, f"{name}: {found}"
        assert np.allclose(box, its_box, atol=size / 500), f"{name} has another size or place"
    assert desk.complaints == []


def test_a_texture_upside_down_would_be_seen(desk: Watched) -> None:
    right = mug_asset()
    assert right.material is not None
    wrong = replace(right, material=replace(right.material, base_color=frozen(right.material.base_color[::-1])))
    with NodeTools() as tools:
        files = {f"{name}.glb": ExportGlb(tools)(asset).files["model.glb"] for name, asset in pairs(right, wrong)}
    page = opened(desk.page, files)
    (first, _), (second, _) = (drawn(page, name, 0.1) for name in files)
    assert min(psnr(*pair) for pair in zip(first, second, strict=True)) < min(USDZ_DB, WEB_DB) - 5


def pairs(right: Asset, wrong: Asset) -> tuple[tuple[str, Asset], ...]:
    return ("right", right), ("wrong", wrong)


def opened(page: Page, files: Mapping[str, bytes]) -> Page:
    """The page that draws, with these files and three.js at one origin that no server listens at."""

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix(ORIGIN)
        if path == "/":
            route.fulfill(body=(HERE / "parity.html").read_bytes(), content_type="text/html")
        elif path.startswith("/files/"):
            route.fulfill(body=files[path.removeprefix("/files/")], content_type="application/octet-stream")
        elif (file := THREE / path.removeprefix("/three/")).is_file():
            route.fulfill(body=file.read_bytes(), content_type=mimetypes.guess_type(file)[0] or "text/javascript")
        else:
            route.fulfill(status=204)

    page.route(f"{ORIGIN}/**", answer)
    page.goto(f"{ORIGIN}/")
    page.wait_for_function("window.ready")
    return page


def drawn(page: Page, name: str, size: float) -> tuple[Pictures, list[float]]:
    """Pictures of the file in 0..1 from all sides, and its bounding box: x, y, z from, x, y, z to."""
    told = page.evaluate("([name, views, size]) => pictures(name, views, size)", [name, VIEWS, size])
    pictures = [Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) for url in told["pictures"]]
    return [np.asarray(picture.convert("RGB")) / 255 for picture in pictures], told["box"]


def psnr(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Decibels over the pixels that show the model in either picture; infinite when they are equal."""
    background = first[0, 0]
    shown = (np.abs(first - background) > 1e-6).any(axis=2) | (np.abs(second - background) > 1e-6).any(axis=2)
    assert shown.mean() > 0.1, "the model is in the picture"
    error = float(np.square(first - second)[shown].mean())
    return 10 * math.log10(1 / error) if error else math.inf
