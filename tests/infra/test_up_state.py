"""What a start finds of the one before it, and leaves to the next."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from infra import settings as real_settings
from infra.addresses import Kept, read_kept, write_kept
from infra.engines.engine import free_ports
from infra.parse import Secret
from infra.up_state import (
    CannotStart,
    alone,
    choose_addresses,
    choose_port,
    keep_addresses,
    keep_processes,
    wait_for_earlier,
)


@contextmanager
def taken_port() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_what_is_kept_comes_back_and_broken_files_are_as_none(tmp_path: Path) -> None:
    assert read_kept(tmp_path) == Kept()
    kept = Kept({"BROKER_URL": "redis://127.0.0.1:1/0"}, 8001, ((1, 2.5),))
    write_kept(tmp_path, kept)
    assert read_kept(tmp_path) == kept
    for broken in ("", "[]", '{"environ": {}, "port": "x", "processes": []}', '{"environ": 3}'):
        (tmp_path / "up.json").write_text(broken)
        assert read_kept(tmp_path) == Kept()


def test_only_one_at_a_time_holds_a_folder(tmp_path: Path) -> None:
    write_kept(tmp_path, Kept(port=8123))
    with alone(tmp_path), pytest.raises(CannotStart, match="8123"), alone(tmp_path):
        pass
    with alone(tmp_path):
        pass


def test_a_start_waits_for_processes_of_an_earlier_one(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1)"])
    keep_processes(tmp_path)([process])
    assert read_kept(tmp_path).processes[0][0] == process.pid
    said: list[str] = []
    wait_for_earlier(tmp_path, lambda name, line: said.append(line))
    assert said == ["waiting for the processes of an earlier run to end"]
    assert psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE
    process.wait()


def test_what_will_not_end_is_named_and_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.up_state.WAIT_SECONDS", 0.3)
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        keep_processes(tmp_path)([process])
        with pytest.raises(CannotStart, match=str(process.pid)):
            wait_for_earlier(tmp_path, lambda name, line: None)
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()


def test_another_process_with_the_same_number_is_nobodys_business(tmp_path: Path) -> None:
    write_kept(tmp_path, Kept(processes=((os.getpid(), psutil.Process().create_time() - 3600),)))
    said: list[str] = []
    wait_for_earlier(tmp_path, lambda name, line: said.append(line))
    assert said == []


def test_addresses_that_somebody_else_has_are_replaced_unless_they_were_set(tmp_path: Path) -> None:
    (free,) = free_ports(1)
    with taken_port() as taken:
        env = replace(
            real_settings.ENV,
            broker_url=Secret(f"redis://127.0.0.1:{taken}/0"),
            s3_endpoint_url=f"http://127.0.0.1:{free}",
        )
        moved = choose_addresses(env, lambda name: False)
        assert set(moved) == {"BROKER_URL", "CACHE_URL"}
        assert not any(f":{taken}" in url for url in moved.values())
        assert moved["CACHE_URL"] == moved["BROKER_URL"].removesuffix("0") + "1"
        assert set(choose_addresses(env, {"CACHE_URL"}.__contains__)) == {"BROKER_URL"}
        assert choose_addresses(env, {"BROKER_URL"}.__contains__) == {}
    assert choose_addresses(env, lambda name: False) == {}
    keep_addresses(tmp_path, moved)
    assert read_kept(tmp_path).environ == moved


def test_the_port_of_last_time_comes_back_while_it_is_free(tmp_path: Path) -> None:
    with taken_port() as taken:
        write_kept(tmp_path, Kept(port=taken))
        other = choose_port(tmp_path, 0)
        assert other != taken
    assert choose_port(tmp_path, 0) == other == read_kept(tmp_path).port


def test_a_port_that_was_asked_for_is_used_or_refused(tmp_path: Path) -> None:
    (free,) = free_ports(1)
    assert choose_port(tmp_path, free) == free
    with taken_port() as taken, pytest.raises(CannotStart, match=str(taken)):
        choose_port(tmp_path, taken)


def test_kept_addresses_stand_in_for_unset_variables_in_the_demo_only(tmp_path: Path) -> None:
    write_kept(tmp_path, Kept({"BROKER_URL": "redis://127.0.0.1:1/0", "S3_ENDPOINT_URL": "http://127.0.0.1:2"}))
    environ = {"DEMO": "true", "DATA_FOLDER": str(tmp_path), "S3_ENDPOINT_URL": "http://set", "BROKER_URL": ""}
    seen = real_settings.with_kept_addresses(environ)
    assert (seen["BROKER_URL"], seen["S3_ENDPOINT_URL"]) == ("redis://127.0.0.1:1/0", "http://set")
    assert real_settings.with_kept_addresses({**environ, "DEMO": "false"})["BROKER_URL"] == ""
