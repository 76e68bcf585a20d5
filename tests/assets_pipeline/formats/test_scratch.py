import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from assets_pipeline.asset import Asset
from assets_pipeline.errors import Unavailable
from assets_pipeline.formats.glb import read_glb
from assets_pipeline.formats.scratch import scratch_folder
from assets_pipeline.formats.usdz import read_usdz, write_usdz
from assets_pipeline.formats.usdz_rules import usdz_findings


def test_the_folder_is_gone_afterwards_even_after_trouble() -> None:
    places: list[Path] = []

    def use() -> None:
        with scratch_folder() as folder:
            places.append(folder)
            (folder / "a").write_bytes(b"x")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        use()
    assert not places[0].exists()


@pytest.mark.parametrize(
    "use",
    [
        lambda asset: write_usdz(read_glb(asset.files["model.glb"])),
        lambda asset: read_usdz(asset.files["model.usdz"]),
        lambda asset: usdz_findings(asset.files["model.usdz"]),
    ],
)
def test_a_full_disk_is_told_wherever_usd_needs_a_file(exported: Asset, use: Callable[[Asset], object]) -> None:
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limit[1]))
    try:
        with pytest.raises(Unavailable) as caught:
            use(exported)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert caught.value.code == "scratch_full"


def test_other_trouble_stays_what_it_is() -> None:
    def use() -> None:
        with scratch_folder() as folder:
            (folder / "nothing").read_bytes()

    with pytest.raises(FileNotFoundError):
        use()
