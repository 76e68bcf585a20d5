"""The browser that other tests rely on hears complaints, sees foreign requests and finds what is inaccessible."""

from pathlib import Path

import pytest

from tests.browser.chromium import Watched

pytestmark = pytest.mark.browser

BAD_PAGE = """<!doctype html><title>Bad</title><div style="width: 3000px">wide</div><img src="http://elsewhere.example/a.png">
<script>console.error("heard")</script>"""


def test_a_bad_page_is_seen_to_be_bad(desk: Watched, tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text(BAD_PAGE)
    desk.page.goto(page.as_uri())
    assert "heard" in desk.complaints
    assert desk.foreign("file://") == ["http://elsewhere.example/a.png"]
    assert desk.overflow() > 0
    assert any(found.startswith(("image-alt", "html-has-lang")) for found in desk.violations())
