"""Valkey keeps what it has taken."""

from pathlib import Path

import pytest
import redis

from infra.engines.engine import Engine, EngineFailed, free_ports
from infra.engines.valkey import start
from tests.engines import listeners


def test_it_is_ready_when_start_returns_and_gone_when_stop_does(tmp_path: Path) -> None:
    engine = start(tmp_path / "data")
    with redis.Redis.from_url(engine.url) as client:
        assert client.ping()
    assert engine.alive()
    engine.stop()
    assert not engine.alive()
    with pytest.raises(redis.ConnectionError), redis.Redis.from_url(engine.url) as client:
        client.ping()


def test_it_listens_on_loopback_alone(valkey: Engine) -> None:
    assert listeners(valkey.pid) == {("127.0.0.1", valkey.ports["redis"])}


def test_it_finds_everything_again_on_the_same_port(tmp_path: Path) -> None:
    engine = start(tmp_path)
    with redis.Redis.from_url(engine.url) as client:
        client.rpush("queue", *range(500))
    engine.stop()
    again = start(tmp_path, engine.ports["redis"])
    try:
        assert again.url == engine.url
        with redis.Redis.from_url(again.url) as client:
            assert client.llen("queue") == 500
    finally:
        again.stop()


def test_a_taken_port_is_told(tmp_path: Path, valkey: Engine) -> None:
    with pytest.raises(EngineFailed, match=f"cannot listen on port {valkey.ports['redis']}"):
        start(tmp_path, valkey.ports["redis"])


def test_free_ports_differ() -> None:
    assert len(set(free_ports(20))) == 20


def test_what_a_failed_server_wrote_is_told(tmp_path: Path) -> None:
    (tmp_path / "appendonlydir").write_bytes(b"not a folder")
    with pytest.raises(EngineFailed, match="appendonlydir"):
        start(tmp_path)
