"""cut-outs -> shape"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from assets_pipeline.asset import Asset, Cutout, Hints, RawShape, StageRecord
from assets_pipeline.protocols import Cancelled, ImageTo3D, Progress


def ignore(share: float) -> None:
    """Told the share done, does nothing."""


def never() -> bool:
    """Calls nothing off."""
    return False


@dataclass(frozen=True, repr=False)
class Generate:
    """Let `generator` make the shape; see `generate`."""

    generator: ImageTo3D
    seed: int = 0
    progress: Progress = field(default=ignore, compare=False)
    cancelled: Cancelled = field(default=never, compare=False)

    def __repr__(self) -> str:
        return f"Generate(generator={self.generator.spec.name!r}, seed={self.seed})"

    def __call__(self, asset: Asset) -> Asset:
        assert asset.cutouts, "generate comes after segment"
        raw = generate(
            self.generator,
            asset.cutouts,
            asset.hints,
            seed=self.seed,
            progress=self.progress,
            cancelled=self.cancelled,
        )
        counts = {
            "views": len(asset.cutouts),
            "triangles": raw.mesh.triangles,
            "family": raw.family,
            "confidence": round(raw.confidence, 3),
            "notes": list(raw.notes),
        }
        return replace(asset, raw=raw, provenance=(*asset.provenance, StageRecord(repr(self), counts)))


def generate(
    generator: ImageTo3D,
    cutouts: Sequence[Cutout],
    hints: Hints,
    *,
    seed: int,
    progress: Progress,
    cancelled: Cancelled,
) -> RawShape:
    """The shape that `generator` makes of the views.

    Raises InputRejected, Unavailable or Cancelled as `ImageTo3D.generate` says.
    """
    raw = generator.generate(cutouts, hints, seed=seed, progress=progress, cancelled=cancelled)
    assert raw.mesh.triangles > 0, f"{generator.spec.name} made an empty mesh"
    return raw
