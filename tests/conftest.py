"""What every test may ask for: the repository's root, the samples, the weights' folder."""

import signal
from pathlib import Path

import pytest

pytest_plugins = ["tests.engines"]

ROOT = Path(__file__).resolve().parents[1]


def pytest_configure() -> None:
    """Let signals reach what tests start: background jobs and nohup ignore some, and children inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def samples() -> Path:
    """Product photos of our own making: samples/<product>/<background>/<view>.jpg, with samples/products.json."""
    return ROOT / "samples"


@pytest.fixture(scope="session")
def weights_folder() -> Path:
    """Where set-up put the default segmenters' weights. Their absence is a failure, never a skip."""
    folder = ROOT / "var" / "weights"
    assert folder.is_dir(), "no weights: run `make setup` once"
    return folder
