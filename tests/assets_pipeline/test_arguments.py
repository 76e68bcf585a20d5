import argparse
from pathlib import Path

import pytest

from assets_pipeline.arguments import Parser, add_make, make_options, named_photos, words
from assets_pipeline.asset import Hints, View


def parse(*arguments: str) -> argparse.Namespace:
    parser = Parser(prog="test")
    add_make(parser)
    return parser.parse_intermixed_args(arguments)


def test_photos_may_stand_before_between_and_after_options(tmp_path):
    options = parse("a.jpg", "--out", str(tmp_path / "out"), "b.jpg", "--quality", "draft", "c.jpg")
    assert [path.name for path, _ in named_photos(options)] == ["a.jpg", "b.jpg", "c.jpg"]


def test_the_front_comes_first_and_known_sides_last():
    options = parse("x.jpg", "--view", "back=b.jpg", "--view", "front=f.jpg", "--out", "out")
    assert named_photos(options) == (
        (Path("f.jpg"), View.FRONT),
        (Path("x.jpg"), None),
        (Path("b.jpg"), View.BACK),
    )


def test_dimensions_become_metres(tmp_path):
    options = parse("a.jpg", "--out", str(tmp_path / "out"), "--height-mm", "95", "--depth-mm=0.8e2", "--title", "Mug")
    assert make_options(options).hints == Hints(title="Mug", height=0.095, depth=0.08)


def test_a_view_may_have_an_equals_sign_in_its_photos_name():
    assert named_photos(parse("--view", "top=a=b.jpg", "--out", "out")) == ((Path("a=b.jpg"), View.TOP),)


def test_the_recipe_follows_the_options(tmp_path):
    wanted = make_options(
        parse("a.jpg", "--out", str(tmp_path / "out"), "--quality", "high", "--profile", "web", "--profile", "apple")
    )
    assert wanted.recipe.quality == "high"
    assert wanted.recipe.profiles == ("web", "apple")
    assert wanted.recipe.triangles == 50_000


@pytest.mark.parametrize(
    ("given", "kept"),
    [("Coffee  mug\n", "Coffee mug"), ("a\x1b[2Jb", "a[2Jb"), ("Кружка ☕", "Кружка ☕"), ("", "")],
)
def test_a_title_is_one_printable_line(given, kept):
    assert words(given) == kept
