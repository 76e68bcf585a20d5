from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from assets_pipeline.asset import Asset, Cutout, Hints
from assets_pipeline.errors import InputRejected
from assets_pipeline.segmenters import load_segmenter
from assets_pipeline.stages.inspect import Inspect
from assets_pipeline.stages.segment import Segment
from tests.photos import asset_of, on_paper, product

JAR = product(640)
PAPER = (226, 226, 226)


@pytest.fixture(scope="module")
def segment(weights_folder: Path) -> Segment:
    return Segment(load_segmenter("u2netp", weights_folder))


def cut(segment: Segment, *photos: Image.Image) -> Asset:
    return segment(Inspect()(asset_of(*photos)))


def codes(asset: Asset) -> set[str]:
    return {remark.code for remark in asset.advice} - {"low_resolution"}


def rejection(segment: Segment, photo: Image.Image) -> str:
    with pytest.raises(InputRejected) as caught:
        cut(segment, photo)
    assert caught.value.photo == "0.png"
    return caught.value.code


def overlap(cutout: Cutout, truth: Image.Image) -> float:
    found, true = cutout.rgba[..., 3] > 127, np.asarray(truth.getchannel("A")) > 127
    return float((found & true).sum() / (found | true).sum())


def placed(cutout: Image.Image, at: tuple[int, int], size: tuple[int, int]) -> Image.Image:
    canvas = Image.new("RGBA", size, (0, 0, 0, 0))
    canvas.paste(cutout, at)
    return canvas


def test_a_product_is_cut_out_along_its_own_edges(segment: Segment) -> None:
    asset = cut(segment, on_paper(JAR))
    (cutout,) = asset.cutouts
    assert overlap(cutout, JAR) > 0.985
    assert cutout.rgba.shape == (640, 640, 4) and not cutout.rgba.flags.writeable
    assert cutout.coverage == pytest.approx(np.asarray(JAR.getchannel("A")).mean() / 255, rel=0.02)
    assert 0.2 < cutout.edge_sharpness <= 1 and cutout.method.startswith("u2netp")
    assert codes(asset) == set()
    record = asset.provenance[-1]
    assert record.stage == "Segment(segmenter=RembgSegmenter(name='u2netp'))" and record.counts["photos"] == 1


def test_no_background_shines_through_the_edge(segment: Segment) -> None:
    leaning = JAR.rotate(9, Image.Resampling.BICUBIC)
    (cutout,) = cut(segment, on_paper(leaning, (60, 200, 60))).cutouts
    soft = cutout.rgba[(cutout.rgba[..., 3] > 30) & (cutout.rgba[..., 3] < 225)].astype(int)
    assert len(soft) > 300
    assert (soft[:, 1] - soft[:, 0] < 20).mean() > 0.97  # nothing of the jar is greener than red


def test_a_files_own_transparency_is_used_as_it_is(segment: Segment) -> None:
    (cutout,) = cut(segment, JAR).cutouts
    assert cutout.method == "alpha"
    assert np.array_equal(cutout.rgba[..., 3], np.asarray(JAR.getchannel("A")))


def test_a_soft_shadow_in_the_transparency_is_no_product(segment: Segment) -> None:
    rows, columns = np.mgrid[0:640, 0:640]
    fall = ((columns - 310) / 160) ** 2 + ((rows - 585) / 30) ** 2
    shadow = Image.new("RGBA", JAR.size, (0, 0, 0, 0))
    shadow.putalpha(Image.fromarray((100 * np.clip(1 - fall, 0, 1) ** 2).astype(np.uint8)))
    (cutout,) = cut(segment, Image.alpha_composite(shadow, JAR)).cutouts
    assert np.abs(cutout.rgba[..., 3].astype(int) - np.asarray(JAR.getchannel("A"))).max() <= 8


def test_rounded_corners_are_no_cut_out(segment: Segment) -> None:
    photo = on_paper(JAR).convert("RGBA")
    alpha = np.full((640, 640), 255, np.uint8)
    alpha[:12, :12] = alpha[-12:, -12:] = 0
    photo.putalpha(Image.fromarray(alpha))
    (cutout,) = cut(segment, photo).cutouts
    assert cutout.method.startswith("u2netp") and overlap(cutout, JAR) > 0.98


@pytest.mark.parametrize(
    "photo",
    [
        Image.new("RGB", (400, 400), "white"),
        Image.new("RGB", (400, 400), "black"),
        Image.fromarray(np.random.default_rng(1).integers(0, 256, (400, 400, 3), dtype=np.uint8)),
        Image.new("RGBA", (400, 400), (255, 0, 0, 0)),
    ],
    ids=["white", "black", "noise", "transparent"],
)
def test_a_photo_of_nothing_is_refused(segment: Segment, photo: Image.Image) -> None:
    assert rejection(segment, photo) == "no_product_found"


def test_a_photo_of_nothing_but_product_is_refused(segment: Segment) -> None:
    whole = JAR.crop((200, 200, 420, 540)).resize((640, 640))
    alpha = np.full((640, 640), 255, np.uint8)
    alpha[:6, :6] = 0
    alpha[300:440, 100:300] = 0  # an opening, so that the transparency counts as a cut-out
    whole.putalpha(Image.fromarray(alpha))
    assert rejection(segment, whole) == "product_fills_frame"


def test_a_product_of_a_few_pixels_is_refused(segment: Segment) -> None:
    assert rejection(segment, placed(JAR.resize((100, 100)), (270, 270), (640, 640))) == "product_too_small"


def test_two_products_side_by_side_are_refused(segment: Segment) -> None:
    two = Image.new("RGBA", (1280, 640), (0, 0, 0, 0))
    two.paste(JAR, (0, 0))
    two.paste(JAR, (640, 0))
    assert rejection(segment, on_paper(two)) == "several_products"


def test_a_pair_close_together_is_kept_with_advice(segment: Segment) -> None:
    pair = Image.new("RGBA", (960, 640), (0, 0, 0, 0))
    pair.paste(JAR, (0, 0))
    pair.alpha_composite(JAR, (280, 0))
    asset = cut(segment, pair)
    assert overlap(asset.cutouts[0], pair) > 0.99
    assert codes(asset) == {"several_objects"}


def test_a_product_over_the_frames_edge_is_told_with_the_side(segment: Segment) -> None:
    asset = cut(segment, JAR.crop((0, 0, 640, 480)))
    (remark,) = [remark for remark in asset.advice if remark.code == "cut_off"]
    assert remark.level == "retake" and "bottom" in remark.text and "top" not in remark.text


def boxes(asset: Asset, code: str) -> list[list[float]]:
    (found,) = [remark for remark in asset.advice if remark.code == code]
    return [[round(share, 2) for share in box] for box in found.boxes]


def test_what_is_wrong_is_marked_where_it_is(segment: Segment) -> None:
    cut_off = cut(segment, on_paper(placed(JAR, (-200, 0), (640, 640))))
    ((left, top, width, height),) = boxes(cut_off, "cut_off")
    assert left == 0 and width <= 0.06 and 0 < top < 0.5 < top + height < 1
    small = JAR.resize((200, 200))
    far = cut(segment, on_paper(placed(small, (700, 100), (1000, 1000))))
    ((left, top, width, height),) = boxes(far, "small_in_frame")
    assert 0.68 < left < 0.85 and 0.08 < top < 0.2 and left + width < 0.92 and top + height < 0.32
    pair = placed(small, (50, 300), (1000, 1000))
    pair.alpha_composite(small, (750, 300))
    with pytest.raises(InputRejected) as caught:
        cut(segment, on_paper(pair))
    assert caught.value.code == "several_products"
    first, second = sorted(caught.value.boxes)
    assert first[0] + first[2] < 0.3 and second[0] > 0.7


def test_a_product_far_away_is_told(segment: Segment) -> None:
    far = placed(JAR.resize((600, 600), Image.Resampling.LANCZOS), (700, 700), (2000, 2000))
    assert codes(cut(segment, far)) == {"small_in_frame"}


def test_a_blurred_photo_is_told_by_degrees(segment: Segment) -> None:
    levels = []
    for sigma in (0, 2, 12):
        asset = cut(segment, on_paper(JAR).filter(ImageFilter.GaussianBlur(sigma)))
        levels += [remark.level for remark in asset.advice if remark.code == "blurred"] or [""]
    assert levels == ["", "usable", "retake"]


def test_a_dark_and_a_burnt_out_photo_are_told(segment: Segment) -> None:
    dark = Image.fromarray((np.asarray(on_paper(JAR)) * 0.15).astype(np.uint8))
    assert "too_dark" in codes(cut(segment, dark))
    bright = JAR.copy()
    bright.paste((255, 255, 255, 255), (200, 310, 420, 430))
    assert codes(cut(segment, bright)) == {"too_bright"}


def test_a_products_name_tells_of_glass(segment: Segment) -> None:
    asset = Inspect()(asset_of(JAR))
    named = Asset(photo_files=asset.photo_files, photos=asset.photos, hints=Hints(title="Wine glass, set of two"))
    assert codes(segment(named)) == {"glass_or_mirror"}


def test_several_photos_are_cut_out_in_order(segment: Segment) -> None:
    asset = cut(segment, JAR, JAR.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    assert [cutout.name for cutout in asset.cutouts] == ["0.png", "1.png"]


def test_the_same_photo_gives_the_same_cut_out(segment: Segment) -> None:
    first, second = (cut(segment, on_paper(JAR)).cutouts[0] for _ in range(2))
    assert np.array_equal(first.rgba, second.rgba)
