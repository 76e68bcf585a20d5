import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assets_pipeline.asset import View
from assets_pipeline.errors import InputRejected
from assets_pipeline.stages.inspect import Inspect, read_photo_file
from tests.assets_pipeline.formats.test_exif import apple_note
from tests.photos import asset_of, encoded, on_paper, product

JAR = on_paper(product(1100))


def code_of(path: Path, **options: int) -> str:
    with pytest.raises(InputRejected) as caught:
        read_photo_file(path, **options)
    assert caught.value.photo
    return caught.value.code


def test_a_photos_bytes_and_view_are_read(tmp_path: Path) -> None:
    for name in ("mug.jpg", "with spaces (1).jpg", "продукт 商品 é.jpg", "new\nline.jpg", "-dash.jpg"):
        (tmp_path / name).write_bytes(b"bytes")
        file = read_photo_file(tmp_path / name, View.BACK)
        assert (file.name, file.data, file.view) == (name, b"bytes", View.BACK)


def test_a_link_to_a_photo_is_followed(tmp_path: Path) -> None:
    (tmp_path / "mug.jpg").write_bytes(b"bytes")
    (tmp_path / "link.jpg").symlink_to("mug.jpg")
    assert read_photo_file(tmp_path / "link.jpg").data == b"bytes"


def test_what_cannot_be_a_photo_has_a_code_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    assert code_of(tmp_path) == "photo_is_directory"
    assert code_of(tmp_path / "empty.jpg") == "photo_empty"
    assert code_of(tmp_path / "missing.jpg") == "photo_missing"
    assert code_of(tmp_path / "empty.jpg" / "below.jpg") == "photo_missing"
    assert code_of(tmp_path / "loop.jpg") == "photo_missing"
    assert code_of(tmp_path / ("long" * 200)) == "photo_missing"
    assert code_of(Path("nul\0.jpg")) == "photo_missing"


def test_a_pipe_does_not_make_us_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    assert code_of(tmp_path / "pipe.jpg") == "photo_not_a_file"


def test_an_endless_device_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "zero.jpg").symlink_to("/dev/zero")
    assert code_of(tmp_path / "zero.jpg") == "photo_not_a_file"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_photo_without_permission_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "locked.jpg").touch(mode=0o000)
    assert code_of(tmp_path / "locked.jpg") == "photo_unreadable"


def test_no_more_is_read_than_may_be(tmp_path: Path) -> None:
    (tmp_path / "mug.jpg").write_bytes(b"12345")
    assert read_photo_file(tmp_path / "mug.jpg", max_bytes=5).data == b"12345"
    assert code_of(tmp_path / "mug.jpg", max_bytes=4) == "photo_too_large"


def test_photos_are_decoded_with_what_they_say_about_themselves() -> None:
    asset = Inspect()(asset_of(JAR, view=View.FRONT))
    (photo,) = asset.photos
    assert photo.pixels.shape == (1100, 1100, 3) and not photo.pixels.flags.writeable
    assert photo.original_size == (1100, 1100) and photo.view is View.FRONT and len(photo.sha256) == 64
    assert asset.advice == ()
    assert asset.provenance[-1].stage.startswith("Inspect(") and asset.provenance[-1].counts["photos"] == 1


def test_a_rejection_names_its_photo() -> None:
    with pytest.raises(InputRejected) as caught:
        Inspect()(asset_of(JAR, b"no photo"))
    assert (caught.value.code, caught.value.photo) == ("not_an_image", "1.png")


def test_photos_over_the_limits_are_refused() -> None:
    data = encoded(JAR)
    stages = {"photo_too_large": Inspect(max_bytes=len(data) - 1), "too_many_pixels": Inspect(max_pixels=10**6)}
    for code, stage in stages.items():
        with pytest.raises(InputRejected) as caught:
            stage(asset_of(data))
        assert caught.value.code == code


@pytest.mark.parametrize(("side", "level"), [(1024, None), (1000, "usable"), (400, "retake")])
def test_low_resolution_is_told_by_degrees(side: int, level: str | None) -> None:
    advice = Inspect()(asset_of(JAR.resize((side, side)))).advice
    assert [(remark.code, remark.level) for remark in advice] == ([("low_resolution", level)] if level else [])


def test_the_same_photo_twice_is_noted() -> None:
    advice = Inspect()(asset_of(JAR, JAR, Image.fromarray(255 - np.asarray(JAR)))).advice
    assert [(remark.code, remark.photo) for remark in advice] == [("photo_repeated", "1.png")]


def test_a_phone_that_looked_straight_down_is_noticed_unless_the_top_is_meant() -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x927C] = apple_note(0, 0.1, -0.99)
    asset = asset_of(encoded(JAR, "JPEG", exif=exif))
    assert [remark.code for remark in Inspect()(asset).advice] == ["seen_from_above"]
    files = tuple(replace(file, view=View.TOP) for file in asset.photo_files)
    assert Inspect()(replace(asset, photo_files=files)).advice == ()
