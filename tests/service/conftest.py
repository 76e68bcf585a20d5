"""A running service for the tests of the whole."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.client import Client
from tests.service.processes import Service, running


@pytest.fixture
def service(service_environ: dict[str, str], tmp_path: Path) -> Iterator[Service]:
    """Web and dispatcher on real engines with an empty database and bucket; the test starts the workers."""
    own = {
        "DATABASE_URL": f"sqlite:{tmp_path / 'plinth.sqlite3'}",
        "API_WRITES_PER_MINUTE": "10000",
        "API_READS_PER_MINUTE": "10000",
    }
    with running(service_environ | own, tmp_path) as started:
        yield started


@pytest.fixture
def client(service: Service) -> Client:
    """The API with a key that may write."""
    printed = service.manage("create_merchant", "Lamp House", "--owner", "owner@lamps.example", "--key", "tests")
    return Client(service.url, printed.split()[-1])
