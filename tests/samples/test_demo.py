"""The demo makes every asset and one page that leads to them."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from samples.demo import PHOTOS, items


def test_the_demo_shows_each_product_and_one_real_photo(tmp_path: Path) -> None:
    wanted = items(tmp_path)
    assert [item.name for item in wanted] == [*PHOTOS, "coffee"]
    assert all(item.photo.is_file() for item in wanted)


@pytest.mark.slow
def test_the_demo_makes_every_asset_and_a_page_that_leads_to_them(root: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "samples.demo", str(tmp_path)]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    links = re.findall(r'(?:href|src)="([^"]+)"', (tmp_path / "index.html").read_text())
    assert len(links) == 2 * (len(PHOTOS) + 1)
    assert all((tmp_path / link).is_file() for link in links)
    for name in PHOTOS:
        assert json.loads((tmp_path / name / "report.json").read_text())["generator"]
