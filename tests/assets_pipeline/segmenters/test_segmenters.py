"""One suite over every segmenter whose weights set-up fetches; the opt-in ones are known by their tables alone."""

from pathlib import Path

import numpy as np
import pytest

from assets_pipeline import weights
from assets_pipeline.errors import Unavailable
from assets_pipeline.recipes import SEGMENTERS
from assets_pipeline.segmenters import load_segmenter
from assets_pipeline.segmenters.rembg_models import MODELS
from tests.photos import on_paper, product

FETCHED = ("u2net", "u2netp")


def test_every_segmenter_of_the_recipes_has_a_model_and_weights() -> None:
    assert set(SEGMENTERS) == set(MODELS) <= set(weights.WEIGHTS)


@pytest.mark.parametrize("name", FETCHED)
def test_a_product_is_told_from_its_background(name: str, weights_folder: Path) -> None:
    cutout = product(480)
    pixels = np.asarray(on_paper(cutout))
    mask = load_segmenter(name, weights_folder).segment(pixels)
    assert mask.shape == pixels.shape[:2] and mask.dtype == np.float32
    assert mask.min() >= 0 and mask.max() <= 1
    truth = np.asarray(cutout.getchannel("A")) > 127
    assert ((mask > 0.5) & truth).sum() / ((mask > 0.5) | truth).sum() > 0.95


@pytest.mark.parametrize("name", FETCHED)
def test_an_empty_wall_holds_no_product(name: str, weights_folder: Path) -> None:
    assert load_segmenter(name, weights_folder).segment(np.full((300, 400, 3), 240, np.uint8)).max() < 0.3


def test_the_same_photo_gives_the_same_mask(weights_folder: Path) -> None:
    pixels = np.asarray(on_paper(product(320)))
    segmenter = load_segmenter("u2netp", weights_folder)
    assert np.array_equal(segmenter.segment(pixels), segmenter.segment(pixels))


@pytest.mark.parametrize("name", MODELS)
def test_missing_weights_show_on_first_use_and_never_before(name: str, tmp_path: Path) -> None:
    segmenter = load_segmenter(name, tmp_path)
    with pytest.raises(Unavailable) as caught:
        segmenter.segment(np.zeros((300, 300, 3), np.uint8))
    assert caught.value.code == "weights_missing"


def test_damaged_weights_are_unavailable(tmp_path: Path) -> None:
    known = weights.WEIGHTS["u2netp"]
    with (tmp_path / known.file).open("wb") as stream:
        stream.truncate(known.bytes)
    with pytest.raises(Unavailable) as caught:
        load_segmenter("u2netp", tmp_path).segment(np.zeros((300, 300, 3), np.uint8))
    assert caught.value.code == "weights_broken"


def test_the_record_of_a_segmenter_names_no_folder(tmp_path: Path) -> None:
    assert repr(load_segmenter("u2net", tmp_path)) == "RembgSegmenter(name='u2net')"


def test_an_unknown_name_is_our_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="rmbg"):
        load_segmenter("rmbg", tmp_path)
