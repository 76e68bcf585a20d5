"""What every engine has in common: its log, which stays short however long it runs."""

import sys
from pathlib import Path

import pytest

from infra import up
from infra.engines import engine as engines
from infra.engines.engine import Engine, launch, shorten_log
from tests.workers.processes import wait_until

TALKER = """
import sys, time
n = 0
while True:
    n += 1
    print(f"line {n}", flush=True)
    time.sleep(0.002)
"""


@pytest.fixture
def talker(tmp_path: Path) -> Engine:
    """A program that writes a line every now and then."""
    command = [sys.executable, "-c", TALKER]
    engine = launch("valkey", command, folder=tmp_path, url="", ports={}, is_ready=lambda: True)
    yield engine  # type: ignore[misc]
    engine.kill()


def numbers(log: Path) -> list[int]:
    return [int(line.split()[1]) for line in log.read_text().splitlines()]


def test_a_log_that_is_short_stays(talker: Engine) -> None:
    wait_until(lambda: talker.log.stat().st_size > 100, seconds=10, what="it writes")
    shorten_log(talker.log)
    assert numbers(talker.log)[0] == 1
    assert not talker.log.with_name("valkey.log.1").exists()


def test_a_log_that_has_become_long_begins_anew_while_the_engine_writes(
    talker: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "LONGEST_LOG_BYTES", 400)
    before = talker.log.with_name("valkey.log.1")
    for _ in range(3):
        wait_until(lambda: talker.log.stat().st_size > 500, seconds=10, what="it writes")
        shorten_log(talker.log)
        assert talker.log.stat().st_size < 400
    wait_until(lambda: talker.log.stat().st_size > 200, seconds=10, what="it goes on writing")
    written = numbers(before) + numbers(talker.log)
    assert written == sorted(written)
    assert talker.log.read_bytes()[:4] == b"line", "no hole where the old lines were"


def test_a_long_log_of_the_last_run_is_put_aside_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "LONGEST_LOG_BYTES", 400)
    (tmp_path / "valkey.log").write_text("line 1\n" * 100)
    command = [sys.executable, "-c", "print('line 7', flush=True); input()"]
    engine = launch("valkey", command, folder=tmp_path, url="", ports={}, is_ready=lambda: True)
    engine.kill()
    assert set(numbers(tmp_path / "valkey.log.1")) == {1}
    assert set(numbers(tmp_path / "valkey.log")) <= {7}


def test_up_looks_after_the_logs_of_its_engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings) -> None:
    monkeypatch.setattr(engines, "LONGEST_LOG_BYTES", 400)
    place = up.Place(tmp_path, tmp_path, settings.ENV, lambda name: False)
    up.keep_logs_short(place)  # nothing has been started yet
    for name in ("valkey", "seaweedfs"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.log").write_text("line 1\n" * 100)
    up.keep_logs_short(place)
    assert {path.name for path in tmp_path.glob("*/*.1")} == {"valkey.log.1", "seaweedfs.log.1"}
