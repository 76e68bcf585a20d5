"""Adapters that tell product from background."""

from pathlib import Path

from assets_pipeline.protocols import Segmenter


def load_segmenter(name: str, weights_dir: Path) -> Segmenter:
    """The segmenter called `name`, with its weights in `weights_dir`. Nothing heavy is loaded before its first use."""
    from assets_pipeline.segmenters.rembg_models import RembgSegmenter

    return RembgSegmenter(name, weights_dir)
