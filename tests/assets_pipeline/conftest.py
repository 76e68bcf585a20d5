"""A finished asset and the Node tools, made once for all tests of the delivery side."""

from collections.abc import Iterator

import pytest

from assets_pipeline.asset import Asset
from assets_pipeline.nodejs.tools import NodeTools
from assets_pipeline.stages.export_glb import ExportGlb
from assets_pipeline.stages.export_usdz import ExportUsdz
from tests.models import mug_asset


@pytest.fixture(scope="session")
def tools() -> Iterator[NodeTools]:
    """The real Node helper. Its absence is a failure, never a skip."""
    with NodeTools() as running:
        yield running


@pytest.fixture(scope="session")
def exported(tools: NodeTools) -> Asset:
    """The test mug with its three model files."""
    return ExportUsdz()(ExportGlb(tools)(mug_asset()))
