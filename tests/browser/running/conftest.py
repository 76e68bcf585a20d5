"""A service with static files of its own, as `collectstatic` leaves them, and its owner's password."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.demo import SHOP
from tests.browser.running.desk import OWNER
from tests.service.processes import Service, running


@pytest.fixture(scope="session")
def page_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Static files as `collectstatic` leaves them."""
    folder = tmp_path_factory.mktemp("static")
    own = {"DEMO": "true", "DJANGO_SETTINGS_MODULE": "tests.browser.hosted", "HOSTED_STATIC": str(folder)}
    Service(os.environ | own, folder).manage("collectstatic", "--noinput", "--verbosity", "0")
    return folder


@pytest.fixture
def service(
    service_environ: dict[str, str],
    page_files: Path,
    tmp_path: Path,
) -> Iterator[Service]:
    """Web and dispatcher with static files of their own, without workers."""
    own = {
        "DATABASE_URL": f"sqlite:{tmp_path / 'plinth.sqlite3'}",
        "DJANGO_SETTINGS_MODULE": "tests.browser.hosted",
        "HOSTED_STATIC": str(page_files),
    }
    with running(service_environ | own, tmp_path) as started:
        yield started


@pytest.fixture
def password(service: Service) -> str:
    return make_owner(service)


def make_owner(service: Service) -> str:
    """A shop with its owner; returns the owner's password."""
    return re.findall(r"password of \S+: (\S+)", service.manage("create_merchant", SHOP, "--owner", OWNER))[0]
