"""Work that comes round again, whatever happens."""

import itertools
import logging
import threading
import time

import pytest
from django.db import DatabaseError

from catalog.periodic import Beat, run_beats


def test_work_goes_on_until_told_to_stop() -> None:
    stop, times = threading.Event(), []

    def work() -> None:
        times.append(time.monotonic())
        if len(times) == 4:
            stop.set()

    run_beats([Beat("work", work, 0.01)], stop)
    assert len(times) == 4


@pytest.mark.parametrize("trouble", [DatabaseError("the database is away"), ZeroDivisionError("a bug")])
def test_failures_are_logged_waited_out_ever_longer_and_survived(
    trouble: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    stop, times = threading.Event(), []

    def work() -> None:
        times.append(time.monotonic())
        if len(times) < 5:
            raise trouble
        if len(times) == 7:
            stop.set()

    run_beats([Beat("work", work, 0.02)], stop)
    waits = [after - before for before, after in itertools.pairwise(times)]
    assert waits[0] < waits[2] < waits[3]
    assert waits[5] < waits[3]
    assert len(caplog.records) == 4
    bug = isinstance(trouble, ZeroDivisionError)
    assert {record.levelno for record in caplog.records} == {logging.ERROR if bug else logging.WARNING}
    assert all(bool(record.exc_info) == bug for record in caplog.records)


def test_one_that_hangs_neither_stops_the_others_nor_the_end() -> None:
    stop, hang, times = threading.Event(), threading.Event(), []

    def work() -> None:
        times.append(time.monotonic())
        if len(times) == 5:
            stop.set()

    start = time.monotonic()
    run_beats([Beat("hangs", lambda: hang.wait(60), 0.01), Beat("work", work, 0.01)], stop, patience_seconds=0.3)
    hang.set()
    assert len(times) >= 5
    assert time.monotonic() - start < 5
