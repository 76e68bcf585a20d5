import io

import pytest

from assets_pipeline.nodejs.tools import NodeTools
from assets_pipeline.pipeline import FINISH, GENERATE, PREPARE, deliver, remake, reuse
from assets_pipeline.progress import (
    EDIT_SECONDS,
    EXPECTED_SECONDS,
    UPLOAD_SECONDS,
    Bar,
    Watch,
    name_of,
    share_of_all,
)
from assets_pipeline.protocols import Licence
from assets_pipeline.recipes import make_recipe
from assets_pipeline.stages.decimate import Decimate


class ExportSomething:
    """A stage by name alone."""

    def __call__(self) -> None: ...


class Terminal(io.StringIO):
    """Keeps what is written and calls itself a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_stage_goes_by_its_verb():
    assert name_of(Decimate(12)) == "decimate"
    assert name_of(ExportSomething()) == "export_something"


def test_every_stage_of_the_pipeline_moves_the_bar():
    stages = {name_of(kind.__new__(kind)) for kind in (*PREPARE, *GENERATE, *FINISH)}
    assert set(EXPECTED_SECONDS) == stages


def test_elsewhere_than_on_a_terminal_each_stage_is_a_line():
    stream = io.StringIO()
    with Watch(2, stream) as watch:
        watch.start(Decimate())
        watch.share(0.5)
        watch.start(ExportSomething())
    assert stream.getvalue() == "[1/2] decimate\n[2/2] export_something\n"


def test_the_watch_times_every_stage_in_order():
    with Watch(2, io.StringIO()) as watch:
        watch.start(Decimate())
        watch.start(ExportSomething())
    assert list(watch.seconds) == ["decimate", "export_something"]
    assert all(0 <= seconds < 1 for seconds in watch.seconds.values())


def test_the_watch_stops_when_a_stage_fails():
    def work() -> None:
        with watch:
            watch.start(Decimate())
            raise ValueError("broken")

    watch = Watch(1, io.StringIO())
    with pytest.raises(ValueError, match="broken"):
        work()
    assert list(watch.seconds) == ["decimate"]


def test_a_terminal_gets_a_bar_that_is_wiped_at_the_end():
    stream = Terminal()
    with Watch(1, stream) as watch:
        watch.start(Decimate())
        watch.share(0.5)
        watch.share(7.0)
    assert "decimate" in stream.getvalue()
    assert stream.getvalue().endswith("\x1b[1A\x1b[2K")  # up a line, and wiped


def test_the_bar_never_goes_back_and_ends_full():
    bar, seen = Bar(Terminal()), []
    for name in EXPECTED_SECONDS:
        bar.start(name)
        for share in (0.0, 0.5, 1.0):
            bar.share(share)
            seen.append(bar.done)
    bar.close()
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1.0)


def test_every_stage_of_an_edit_and_of_an_upload_moves_it_too():
    recipe, tools = make_recipe("draft"), NodeTools()
    last = [name_of(stage) for stage in deliver(recipe, tools, Licence("x"))]
    assert set(EDIT_SECONDS) == {"edit", *last}
    laid_out = {name_of(stage) for stage in (*reuse(recipe), *remake(recipe))}
    assert set(UPLOAD_SECONDS) == {"adopt", *laid_out, *last}
    shares = [share_of_all(stage, 0.0, EDIT_SECONDS) for stage in EDIT_SECONDS]
    assert shares == sorted(shares) and shares[0] == 0 and share_of_all("store", 0.0, EDIT_SECONDS) == 1
