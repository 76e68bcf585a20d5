"""the studies' single-photo methods, run beside ours in the same protocol: the figures to beat

`inflation`: maximal-ball inflation of the silhouette. `image`: the router with image cues. `word`: the router told the
category, free form where the word names no class. `dims`: width, height and depth too: the box fit takes them, other
shapes are stretched to them, by 0.6 to 1.6 at most. Each stands in the camera's frame and is turned by the true camera,
which ours is not told. Read from `../shared/studies/reconstruction`.
"""

import importlib
import sys
import time
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.metric import Score, score
from tests.benchmarks.objects import DATA, Floats, Truth, eye_on

METHODS = ("inflation", "image", "word", "dims")
Surface = tuple[Floats, NDArray[Any]]


def study(name: str) -> ModuleType:
    """A module of the studies, which import each other by bare names."""
    folder = str(DATA.parent / "studies" / "reconstruction")
    if folder not in sys.path:
        sys.path.append(folder)
    return importlib.import_module(name)


def route(rgba: Floats, word: str | None) -> str:
    """free, box, sor (closed revolve) or sor_open."""
    router = study("router")
    if word is None:
        cues, _, (_, _, fit), (_, _, box) = router.features(rgba)
        return str(router.route(cues, fit, box))
    words = [part for part in word.replace("/", " ").split() if router.route("none", {}, {"iou": 0}, part) != "free"]
    return str(router.route("none", {}, {"iou": 0}, words[0])) if words else "free"


def build(rgba: Floats, family: str, dims: tuple[float, float, float] | None) -> Surface:
    """The surface in the camera's frame."""
    single = study("single")
    if family == "box":
        positions, indices, _ = single.m_box(rgba, dims=dims)
    elif family == "free":
        positions, indices = single.inflate_balls(rgba)
    else:
        positions, indices, _ = single.m_sor(rgba, opened=family == "sor_open")
    return positions, indices


def stretch(positions: Floats, dims: tuple[float, float, float]) -> Floats:
    """Scale each axis toward the proportions of `dims`, by 0.6 to 1.6 at most."""
    sizes = np.ptp(positions, axis=0)
    wanted = np.array(dims) / sizes
    wanted /= np.median(wanted)
    return positions * np.clip(wanted, 0.6, 1.6)


def measure_prototype(method: str, truth: Truth, rgba: NDArray[np.uint8], azimuth: float, elevation: float) -> Score:
    """Score one of METHODS on one photo."""
    started = time.perf_counter()
    crop, _ = study("single").crop(rgba.astype(np.float32) / 255)
    dims = truth.extents if method == "dims" else None
    family = "free" if method == "inflation" else route(crop, None if method == "image" else truth.category)
    positions, indices = build(crop, family, dims)
    seconds = time.perf_counter() - started
    rotation = eye_on(truth.positions, azimuth, elevation, 20, 8).rotation.T
    if dims is not None and family != "box":
        positions, rotation = stretch(positions @ rotation.T, dims), np.eye(3)
    return score(positions, indices, truth, [rotation], family=family, seconds=seconds)
