"""the command end to end, in processes of its own"""

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assets_pipeline.__main__ import main
from assets_pipeline.arguments import FILES
from assets_pipeline.formats.glb import read_glb, write_glb

PLINTH = (sys.executable, "-m", "assets_pipeline")


@pytest.fixture(scope="module")
def photo(tmp_path_factory) -> Path:
    """A blue can with a white band, cut out; 1024 pixels."""
    y, x = np.mgrid[0:1024, 0:1024]
    inside = (np.abs(x - 512) < 190) & (np.abs(y - 520) < 330)
    shade = np.clip(1.1 - 0.0000075 * (x - 430.0) ** 2, 0.3, 1)[..., None]
    band = (np.abs(y - 520) < 120)[..., None]
    color = np.where(band, [236, 232, 220], [38, 84, 150]) * shade
    rgba = np.concatenate([color, np.where(inside, 255, 0)[..., None]], axis=-1).astype(np.uint8)
    path = tmp_path_factory.mktemp("photos") / "blue can\n.png"
    Image.fromarray(rgba).save(path)
    return path


@pytest.fixture(scope="module")
def made(photo, tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """(folder, what the command said) of one draft."""
    out = tmp_path_factory.mktemp("made") / "new" / "can"
    arguments = (
        "make",
        str(photo),
        "--out",
        str(out),
        "--quality",
        "draft",
        "--title",
        "Blue can",
        "--height-mm",
        "120",
    )
    return out, subprocess.run([*PLINTH, *arguments], capture_output=True, text=True, timeout=300)


@pytest.fixture
def copy(made, tmp_path) -> Path:
    """The folder once more, to be spoilt."""
    return Path(shutil.copytree(made[0], tmp_path / "copy"))


def test_make_writes_every_file_and_nothing_else(made):
    out, done = made
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in out.iterdir()) == sorted(FILES)
    assert [path.name for path in out.parent.iterdir()] == ["can"]


def test_make_ends_with_a_table_of_stages_files_and_the_grade(made):
    out, done = made
    stages = [stage["stage"] for stage in json.loads((out / "report.json").read_text())["stages"]]
    for name in stages:
        assert re.search(rf"^{name} +\d+\.\d\d  ", done.stdout, re.M), name
    for name in FILES[:-1]:
        assert re.search(rf"^{re.escape(name)} +[\d.]+ (kB|MB)$", done.stdout, re.M), name
    assert re.search(r"^certificate: grade [ABC], ", done.stdout, re.M)
    assert done.stdout.splitlines()[-1] == f"Open {out / 'preview.html'}"


def test_without_a_terminal_each_stage_is_one_plain_line_on_stderr(made):
    out, done = made
    stages = [stage["stage"] for stage in json.loads((out / "report.json").read_text())["stages"]]
    assert done.stderr.splitlines() == [f"[{i}/{len(stages)}] {name}" for i, name in enumerate(stages, 1)]


def test_the_report_says_what_was_done_to_what(made, photo):
    report = json.loads((made[0] / "report.json").read_text())
    [given] = report["inputs"]
    assert given["sha256"] == sha256(photo.read_bytes()).hexdigest()
    assert given["name"] == "blue can\\n.png"
    assert (given["width"], given["height"], given["bytes"]) == (1024, 1024, photo.stat().st_size)
    assert report["recipe"]["quality"] == "draft"
    assert report["generator"]["name"] == "primitive"
    assert report["generator"]["why"].startswith("the best that can run here")
    assert report["generator"]["licence"]["code"]
    assert report["metrics"]["extents_m"][1] == pytest.approx(0.12, rel=0.01)
    assert 0 < report["metrics"]["triangles"] <= 10_000
    assert report["certificate"]["passed"] is True
    assert report["profiles"] == {name: {"fits": True, "findings": []} for name in report["recipe"]["profiles"]}
    assert report["versions"]["plinth"]
    assert 50 < report["peak_rss_mb"] < 3_000
    assert report["seconds"] == pytest.approx(sum(stage["seconds"] for stage in report["stages"]), abs=0.1)


def test_every_stage_reports_its_options_counts_and_seconds(made):
    for stage in json.loads((made[0] / "report.json").read_text())["stages"]:
        assert set(stage) == {"stage", "seconds", "options", "counts"}
        assert not re.search(r"0x[0-9a-f]{6}", stage["options"]), "a memory address would differ from run to run"


def test_the_report_holds_the_sha256_of_every_file(made):
    files = json.loads((made[0] / "report.json").read_text())["files"]
    assert set(files) == set(FILES) - {"report.json"}
    for name, entry in files.items():
        data = (made[0] / name).read_bytes()
        assert entry == {"bytes": len(data), "sha256": sha256(data).hexdigest()}


@pytest.mark.slow
def test_the_same_photo_and_options_give_the_same_bytes(made, photo, tmp_path, capsys):
    arguments = ["make", str(photo), "--quality", "draft", "--title", "Blue can", "--height-mm", "120"]
    assert main([*arguments, "--out", str(tmp_path / "again")]) == 0
    for name in set(FILES) - {"report.json"}:
        assert (tmp_path / "again" / name).read_bytes() == (made[0] / name).read_bytes(), name


@pytest.mark.slow
def test_json_on_stdout_is_the_report_and_nothing_else(photo, tmp_path, capsys):
    assert main(["make", str(photo), "--quality", "draft", "--out", str(tmp_path / "out"), "--json"]) == 0
    said = capsys.readouterr().out
    assert json.loads(said) == json.loads((tmp_path / "out" / "report.json").read_text())


def test_certify_finds_a_fresh_folder_sound(made, capsys):
    assert main(["certify", str(made[0])]) == 0
    said = capsys.readouterr().out
    assert "certificate: grade" in said
    assert "Changed" not in said
    assert main(["certify", str(made[0]), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["passed"] is True
    assert found["changed"] == []


def test_certify_judges_the_files_and_not_the_report(copy, capsys):
    model = read_glb((copy / "model.glb").read_bytes())
    larger = replace(model, mesh=replace(model.mesh, positions=model.mesh.positions * np.float32(1.2)))
    (copy / "model.glb").write_bytes(write_glb(larger, generator="test"))
    assert main(["certify", str(copy)]) == 3
    said = capsys.readouterr().err
    assert said.startswith("certificate_failed: ")
    assert "dimension_height_error 0.2" in said


def test_certify_refuses_a_damaged_file(copy, capsys):
    (copy / "model.glb").write_bytes((copy / "model.glb").read_bytes()[:5000])
    assert main(["certify", str(copy)]) == 3
    said = capsys.readouterr().err
    assert said.startswith("file_damaged: model.glb changed since it was made")


@pytest.mark.parametrize("name", ["model.usdz", "report.json"])
def test_certify_refuses_a_folder_with_a_file_missing(copy, capsys, name):
    (copy / name).unlink()
    assert main(["certify", str(copy)]) == 3
    assert capsys.readouterr().err.startswith("file_missing: ")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"files": {"other": {}}, "certificate": {}}', "\xff"])
def test_certify_refuses_a_report_that_is_none(copy, capsys, text):
    (copy / "report.json").write_text(text)
    assert main(["certify", str(copy)]) == 3
    assert capsys.readouterr().err.startswith("report_damaged: ")


@pytest.mark.parametrize("room", [4_000, 300_000], ids=["no room for scratch files", "no room for the result"])
def test_a_full_disk_is_for_time_to_mend_and_leaves_nothing(photo, tmp_path, room):
    def small_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    out = tmp_path / "runs" / "out"
    command = [*PLINTH, "make", str(photo), "--quality", "draft", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, preexec_fn=small_disk)
    assert done.returncode == 75, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith(("scratch_full: ", "storage_full: "))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_in_the_middle_leaves_nothing(photo, tmp_path, number):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    command = [*PLINTH, "make", str(photo), "--quality", "draft", "--out", str(tmp_path / "runs" / "out")]
    environment = {**os.environ, "TMPDIR": str(scratch)}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    )
    assert process.stderr is not None
    said = ""
    while "generate" not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    time.sleep(0.3)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    assert err.splitlines()[-1].startswith("interrupted: ")
    assert "Traceback" not in err
    assert [path.name for path in tmp_path.iterdir()] == ["scratch"]
    assert list(scratch.iterdir()) == []


def test_our_own_bug_is_one_line_and_exit_1(copy, capsys, monkeypatch):
    """A report with a word for a number is nothing that `make` writes."""
    report = json.loads((copy / "report.json").read_text())
    report["certificate"]["dimensions"]["asked"] = {"width": "wide"}
    (copy / "report.json").write_text(json.dumps(report))
    monkeypatch.delenv("PLINTH_TRACEBACK", raising=False)
    assert main(["certify", str(copy)]) == 1
    said = capsys.readouterr().err
    assert said.startswith("bug: TypeError: ")
    assert said.count("\n") == 1
    assert "PLINTH_TRACEBACK=1" in said
    monkeypatch.setenv("PLINTH_TRACEBACK", "1")
    assert main(["certify", str(copy)]) == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err
