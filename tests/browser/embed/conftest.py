"""Our web process as operators run it, a published mug, and a shop on another origin."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from assets_pipeline.nodejs.tools import NodeTools
from assets_pipeline.stages.export_glb import ExportGlb
from assets_pipeline.stages.export_usdz import ExportUsdz
from assets_pipeline.stages.render import Render
from catalog.models import Product
from tests.browser.embed.shops import show
from tests.browser.embed.website import Shop, running_shop
from tests.catalog.api.serving import web
from tests.catalog.makers import make_merchant
from tests.catalog.races import ROOT
from tests.models import mug_asset


@pytest.fixture(scope="session")
def mug_files() -> Mapping[str, bytes]:
    """The files that are published of the tests' mug."""
    with NodeTools() as tools:
        asset = Render(512)(ExportUsdz()(ExportGlb(tools)(mug_asset())))
    return {name: data for name, data in asset.files.items() if name.endswith((".glb", ".usdz", ".webp"))}


@pytest.fixture(scope="session")
def static_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Static files as `collectstatic` leaves them."""
    folder = tmp_path_factory.mktemp("static")
    environ = {"DEMO": "true", "DJANGO_SETTINGS_MODULE": "tests.browser.hosted", "HOSTED_STATIC": str(folder)}
    command = [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"]
    subprocess.run(command, cwd=ROOT, env=os.environ | environ, check=True, timeout=120)
    return folder


@dataclass(frozen=True)
class Site:
    """Ours. url: the web process; store: where published files come from."""

    url: str
    store: str


@pytest.fixture
def site(
    transactional_db: None, service_environ: dict[str, str], static_folder: Path, tmp_path: Path
) -> Iterator[Site]:
    """The running web process on this test's database."""
    own = {"DJANGO_SETTINGS_MODULE": "tests.browser.hosted", "HOSTED_STATIC": str(static_folder)}
    with web(tmp_path / "web.log", service_environ | own) as running:
        yield Site(f"http://127.0.0.1:{running.port}", service_environ["S3_ENDPOINT_URL"])


@pytest.fixture
def mug(transactional_db: None, storage: object, broker: object, mug_files: Mapping[str, bytes]) -> Product:
    """A published product."""
    merchant = make_merchant("lamps")
    product = Product.objects.create(merchant=merchant, sku="MUG 1/2", title="Mug & saucer")
    show(product, mug_files)
    return product


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A website on another origin."""
    with running_shop() as running:
        yield running
