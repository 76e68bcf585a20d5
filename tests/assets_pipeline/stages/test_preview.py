import base64
import io
import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assets_pipeline.asset import Advice, Asset, Photo
from assets_pipeline.errors import Unavailable
from assets_pipeline.nodejs.tools import MODULES, NodeTools, node_command
from assets_pipeline.stages.certify import Certify
from assets_pipeline.stages.preview import Preview, preview_page
from assets_pipeline.stages.render import Render

HOSTILE = 'Mug "$title" </script><script>alert(1)</script> & sons'


@pytest.fixture(scope="module")
def finished(tools: NodeTools, exported: Asset) -> Asset:
    titled = replace(exported, hints=replace(exported.hints, title=HOSTILE))
    photo = Photo("bad\n<name>.jpg", exported.material.base_color, None, "ab", (256, 256))
    advice = Advice("too_small", "Send a larger photo <b>please</b>.", "usable", photo.name)
    shaped = replace(exported.raw, next_photo="A photo from the back.")
    asset = replace(titled, photos=(photo,), advice=(advice,), raw=shaped, unseen=0.4)
    return Certify(tools)(Render(size=128)(asset))


@pytest.fixture(scope="module")
def page(finished: Asset) -> str:
    return preview_page(finished, MODULES).decode()


def test_it_shows_title_grade_dimensions_files_and_advice(page: str) -> None:
    text = page.split("<script>")[0]
    for part in ("Mug &quot;$title&quot;", ">B<", "82.0 mm", "95.0 mm", "model.usdz", "A photo from the back.", "40%"):
        assert part in text, part


def test_what_users_typed_is_text_and_never_markup(page: str) -> None:
    assert "<script>alert(1)" not in page
    assert "<name>" not in page
    assert "<b>please" not in page


def test_it_points_at_nothing_but_the_files_beside_it(page: str) -> None:
    markup = page.split("<script>")[0] + page.rsplit("</script>", 1)[1]
    assert "http" not in markup.replace("http-equiv", "")
    assert 'src="data:' in markup


def test_it_stays_reasonably_small_and_repeats(page: str, finished: Asset) -> None:
    assert len(page) < 1_300_000 + 1.4 * len(finished.files["model.web.glb"])
    assert Preview(MODULES)(finished).files["preview.html"].decode() == page


def test_a_transparent_photo_is_shown_on_white(finished: Asset) -> None:
    black = np.zeros((32, 32, 3), np.uint8)
    photos = (Photo("cut.png", black, np.zeros((32, 32), np.uint8), "ab", (32, 32)),)
    shown = preview_page(replace(finished, photos=photos), MODULES).decode().split('<div class="photos">')[1]
    data = shown.split("base64,")[1].split('"')[0]
    assert np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))).min() > 250


def test_without_the_viewer_the_advice_says_what_to_run(finished: Asset, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="npm ci"):
        preview_page(finished, tmp_path)


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 1440])
def test_a_browser_shows_the_model_from_the_disk_without_a_network(
    page: str, tmp_path: Path, root: Path, width: int
) -> None:
    (tmp_path / "preview.html").write_text(page)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert chromium, "no Chromium on this machine"
    script = root / "tests" / "browser" / "open_page.mjs"
    url = (tmp_path / "preview.html").as_uri()
    command = [*node_command(), str(script), str(MODULES), chromium, url, str(width), str(tmp_path / "page.png")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["errors"] == []
    assert told["requests"] == [url]
    assert told["overflow"] <= 0, "no sideways scrolling"
    assert told["dimensions"] == pytest.approx([0.082, 0.095, 0.082], rel=1e-3)
