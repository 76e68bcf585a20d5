import numpy as np
import pytest

from assets_pipeline.asset import Asset, Cutout, Hints, frozen
from assets_pipeline.errors import Cancelled
from assets_pipeline.generators.registry import GENERATORS
from assets_pipeline.stages.generate import Generate


def can() -> Asset:
    """A grey can before nothing."""
    y, x = np.mgrid[0:320, 0:320]
    inside = (np.abs(x - 160) < 60) & (np.abs(y - 160) < 100)
    rgba = np.where(inside[..., None], np.uint8([150, 60, 40, 255]), np.uint8([0, 0, 0, 0]))
    cutout = Cutout(name="can.png", rgba=frozen(rgba, np.uint8), coverage=float(inside.mean()), method="alpha")
    return Asset(cutouts=(cutout,), hints=Hints(title="Soup can", height=0.1))


def test_generate_fills_in_the_shape_and_counts_it():
    asset = Generate(GENERATORS["primitive"]())(can())
    assert asset.raw is not None
    assert asset.raw.generator == "primitive"
    [record] = asset.provenance
    assert record.stage == "Generate(generator='primitive', seed=0)"
    assert record.counts["triangles"] == asset.raw.mesh.triangles > 0
    assert record.counts["family"] == asset.raw.family
    assert record.counts["views"] == 1


def test_generate_makes_the_same_shape_twice():
    first, second = (Generate(GENERATORS["primitive"](), seed=3)(can()).raw for _ in range(2))
    assert first is not None and second is not None
    assert np.array_equal(first.mesh.positions, second.mesh.positions)
    assert np.array_equal(first.mesh.indices, second.mesh.indices)


def test_generate_tells_its_progress_up_to_the_end():
    shares: list[float] = []
    Generate(GENERATORS["primitive"](), progress=shares.append)(can())
    assert shares == sorted(shares)
    assert shares and 0 <= shares[0] <= shares[-1] <= 1


def test_generate_stops_when_called_off():
    with pytest.raises(Cancelled):
        Generate(GENERATORS["primitive"](), cancelled=lambda: True)(can())
