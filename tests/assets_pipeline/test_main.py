import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from assets_pipeline.__main__ import COMMANDS, main
from assets_pipeline.arguments import LONGEST_TEXT, MOST_PHOTOS
from assets_pipeline.generators.registry import GENERATORS
from assets_pipeline.recipes import PROFILES, QUALITIES, SEGMENTERS


@pytest.fixture
def photo(tmp_path):
    """A file that is never opened: every test here fails before."""
    path = tmp_path / "in" / "photo.jpg"
    path.parent.mkdir()
    path.write_bytes(b"not opened")
    return str(path)


@pytest.fixture
def out(tmp_path):
    return tmp_path / "new" / "out"


def refuse(capsys, *arguments: str) -> str:
    """Run a command that must end as a usage error; what it said."""
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("usage: ")
    assert said.err.count("\n") == 1
    return said.err


def test_no_command_is_a_usage_error(capsys):
    assert "COMMAND" in refuse(capsys)


def test_an_unknown_command_is_a_usage_error_that_lists_the_known(capsys):
    said = refuse(capsys, "mkae")
    assert all(name in said for name in COMMANDS)


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_command_explains_itself(capsys, command):
    assert main([*([command] if command else []), "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"usage: plinth {command}".rstrip())


def test_help_lists_every_command(capsys):
    main(["--help"])
    said = capsys.readouterr().out
    assert all(f"\n  {name} " in said for name in COMMANDS)


def test_version_is_that_of_the_package(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("plinth ")


def test_no_photo_is_a_usage_error(capsys, out):
    assert "no photo given" in refuse(capsys, "make", "--out", str(out))


def test_make_wants_a_place_for_its_files(capsys, photo):
    assert "--out" in refuse(capsys, "make", photo)


@pytest.mark.parametrize("side", ["width", "height", "depth"])
@pytest.mark.parametrize("value", ["-5", "0", "nan", "inf", "-inf", "1e9", "0.2", "", "tall", "95mm"])
def test_a_dimension_is_a_size_that_a_product_can_have(capsys, photo, out, side, value):
    assert f"--{side}-mm: {value!r} is no size" in refuse(
        capsys, "make", photo, "--out", str(out), f"--{side}-mm={value}"
    )


@pytest.mark.parametrize(
    ("view", "message"),
    [
        ("sideways=a.jpg", "there is no view 'sideways'"),
        ("FRONT=a.jpg", "there is no view 'FRONT'"),
        ("a.jpg", "there is no view 'a.jpg'"),
        ("", "there is no view ''"),
        ("front", "view front names no photo"),
        ("front=", "view front names no photo"),
    ],
)
def test_a_view_is_a_known_side_and_a_photo(capsys, out, view, message):
    assert message in refuse(capsys, "make", "--view", view, "--out", str(out))


def test_the_same_view_twice_is_a_usage_error(capsys, photo, out):
    said = refuse(capsys, "make", "--view", f"front={photo}", "--view", f"front={photo}", "--out", str(out))
    assert "view front is given twice" in said


def test_more_photos_than_fit_in_memory_are_a_usage_error(capsys, photo, out):
    assert f"{MOST_PHOTOS} at most" in refuse(capsys, "make", *[photo] * (MOST_PHOTOS + 1), "--out", str(out))


@pytest.mark.parametrize(
    ("option", "known"),
    [
        ("--generator", GENERATORS),
        ("--quality", QUALITIES),
        ("--profile", PROFILES),
        ("--segmenter", SEGMENTERS),
        ("--texture-size", ["2048"]),
    ],
)
def test_an_unknown_choice_is_a_usage_error_that_lists_the_known(capsys, photo, out, option, known):
    said = refuse(capsys, "make", photo, "--out", str(out), option, "4097")
    assert all(name in said for name in known)


@pytest.mark.parametrize("triangles", ["0", "99", "100001", "-1", "1e4", "many", "9" * 5000])
def test_a_triangle_budget_is_a_number_within_limits(capsys, photo, out, triangles):
    assert "no whole number from 100 to 100000" in refuse(
        capsys, "make", photo, "--out", str(out), f"--triangles={triangles}"
    )


def test_a_budget_beyond_a_named_profile_is_a_usage_error(capsys, photo, out):
    said = refuse(capsys, "make", photo, "--out", str(out), "--profile", "web", "--triangles", "60000")
    assert "profile web takes at most 50000 triangles" in said


def test_an_endless_title_is_a_usage_error(capsys, photo, out):
    assert "longer than" in refuse(capsys, "make", photo, "--out", str(out), "--title", "x" * (LONGEST_TEXT + 1))


def test_an_abbreviated_option_is_no_option(capsys, photo, out):
    assert "--qual" in refuse(capsys, "make", photo, "--out", str(out), "--qual", "draft")


def test_a_leading_dash_is_an_option_unless_two_dashes_come_first(capsys, tmp_path, out, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-dash.jpg").write_bytes(b"")
    assert "unrecognized arguments: -dash.jpg" in refuse(capsys, "make", "-dash.jpg", "--out", str(out))
    assert main(["make", "--out", str(out), "--", "-dash.jpg"]) == 3
    assert "(-dash.jpg)" in capsys.readouterr().err


@pytest.mark.parametrize("place", ["photo.jpg", "photo.jpg/out", "photo.jpg/deep/er"])
def test_an_output_place_under_a_file_is_a_usage_error(capsys, photo, place):
    said = refuse(capsys, "make", photo, "--out", str(Path(photo).parent / place))
    assert "cannot write to" in said


def test_an_output_place_in_a_loop_of_links_is_a_usage_error(capsys, photo, tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    refuse(capsys, "make", photo, "--out", str(tmp_path / "loop" / "out"))


def test_an_output_place_with_an_endless_name_is_a_usage_error(capsys, photo, tmp_path):
    refuse(capsys, "make", photo, "--out", str(tmp_path / ("x" * 300)))


def test_a_photo_that_the_files_would_overwrite_is_a_usage_error(capsys, tmp_path):
    poster = tmp_path / "poster.webp"
    poster.write_bytes(b"mine")
    assert "would overwrite the photo poster.webp" in refuse(capsys, "make", str(poster), "--out", str(tmp_path))
    assert poster.read_bytes() == b"mine"


def test_a_usage_error_leaves_nothing_behind(capsys, photo, tmp_path, out):
    before = sorted(tmp_path.rglob("*"))
    refuse(capsys, "make", photo, "--out", str(out), "--height-mm", "0")
    refuse(capsys, "make", "--out", str(out))
    refuse(capsys, "make", photo, "--out", photo)
    assert sorted(tmp_path.rglob("*")) == before


def test_what_is_said_moves_no_terminal(capsys, out):
    said = refuse(capsys, "make", "--view", "a\nb\x1b[2J=photo.jpg", "--out", str(out))
    assert "\x1b" not in said


def test_json_holds_the_refusal_too(capsys, out):
    assert main(["make", "--json", "--out", str(out)]) == 2
    said = capsys.readouterr()
    assert json.loads(said.out) == {"status": "usage", "code": "usage", "advice": "no photo given", "photo": ""}
    assert said.err == "usage: no photo given\n"


def test_generators_says_what_runs_here(capsys):
    assert main(["generators"]) == 0
    assert "primitive" in capsys.readouterr().out
    assert main(["generators", "--json"]) == 0
    [primitive] = [row for row in json.loads(capsys.readouterr().out) if row["name"] == "primitive"]
    assert primitive["runs_here"] is True
    assert primitive["why_not"] == ""
    assert primitive["licence"]["code"]


def test_weights_lists_licences_and_refuses_unknown_names(capsys):
    assert main(["weights", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert set(SEGMENTERS) <= set(rows)
    assert all(row["licence"] for row in rows.values())
    assert "there are no weights 'unknown'" in refuse(capsys, "weights", "fetch", "unknown")


def test_usage_errors_and_help_load_nothing_heavy():
    script = (
        "import sys; from assets_pipeline.__main__ import main;"
        "main(['make', 'a.jpg', '--out', '/dev/null/x']); main(['make', '--help']);"
        "heavy = {'cv2', 'scipy', 'numba', 'PIL', 'onnxruntime', 'rembg', 'pxr', 'rich'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]"


def test_help_answers_at_once():
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "assets_pipeline", "--help"], capture_output=True, check=True, timeout=60)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert spent < 0.5, f"{spent:.2f} s of processor time"


def test_a_reader_that_leaves_early_is_no_error():
    command = f"{sys.executable} -m assets_pipeline generators | true"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, timeout=60)
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_names_beyond_the_terminals_alphabet_are_spelled_out(tmp_path, encoding):
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    name = os.fsencode(tmp_path) + b"/caf\xc3\xa9\xff\n.jpg"
    done = subprocess.run(
        [sys.executable, "-m", "assets_pipeline", "make", name, "--out", str(tmp_path / "out")],
        capture_output=True,
        env=environment,
        timeout=60,
    )
    assert done.returncode == 3, done.stderr
    assert done.stderr.count(b"\n") == 1
    assert b"\\n.jpg" in done.stderr
