"""A browser for every test, ended with it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Playwright, expect, sync_playwright

from tests.browser.chromium import DESK, PAGE_MS, Watched, browser, watch

OpenBrowser = Callable[..., BrowserContext]

expect.set_options(timeout=PAGE_MS)  # its own 5 s are too short for a busy machine


@pytest.fixture
def playwright() -> Iterator[Playwright]:
    """Playwright's driver, for one test: its event loop in this thread would make Django refuse all later ones."""
    with sync_playwright() as started:
        yield started


@pytest.fixture
def open_browser(
    playwright: Playwright, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[OpenBrowser]:
    """`open_browser((360, 780), color_scheme="dark")`: a browser of its own with an empty profile."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # the driver's loop makes Django think that we are async
    with ExitStack() as stack:

        def opened(size: tuple[int, int] = DESK, **options: Any) -> BrowserContext:
            return stack.enter_context(browser(playwright, tmp_path_factory.mktemp("profile"), size, **options))

        yield opened


@pytest.fixture
def desk(open_browser: OpenBrowser) -> Watched:
    """A page in a window of a desktop's width."""
    return watch(open_browser(DESK))


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where a test puts screenshots, to be looked at by people."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    return folder
