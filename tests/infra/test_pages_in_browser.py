"""A real browser finds nothing to complain about in our pages, with all our headers."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model

from assets_pipeline.nodejs.tools import MODULES, node_command
from catalog.models import AssetJob, Member, Merchant, Product, Role, Status
from catalog.recipe import Recipe

EMAIL, PASSWORD = "owner@lamps.example", "a-password-for-tests"


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_pages_keep_to_our_headers_and_fit_phones_and_desks(live_server, root: Path, broker: object) -> None:
    merchant = Merchant.objects.create(name="Lamps", slug="lamps")
    owner = get_user_model().objects.create_user(EMAIL, EMAIL, PASSWORD)
    Member.objects.create(merchant=merchant, user=owner, role=Role.OWNER)
    for number in range(3):
        product = Product.objects.create(
            merchant=merchant, sku=f"lamp-{number}", title="A lamp with a rather long name"
        )
        AssetJob.objects.create(
            product=product, merchant=merchant, recipe=Recipe().as_json(), status=Status.RUNNING, stage="bake"
        )
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert chromium, "no Chromium on this machine"
    script = root / "tests" / "browser" / "look.mjs"
    command = [*node_command(), str(script), str(MODULES), chromium, live_server.url, EMAIL, PASSWORD]
    done = subprocess.run(
        [*command, "/shops/lamps/products/ .sku", "/api/v1/docs .opblock"], capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["complaints"] == []
    assert told["foreign"] == []
    assert told["found"]["/shops/lamps/products/"] == 3
    assert told["found"]["/api/v1/docs"] > 20
    assert max(told["overflow"].values()) <= 0
