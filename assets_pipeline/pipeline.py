"""photos -> AR files: the lists of stages and `run`. START READING HERE.

Each stage is one file in `stages/`, named for its verb: options as fields, one step as `__call__`. `plan` gives every
stage its options from the recipe and its adapters: which segmenter, generator, store and glTF tools serve is decided
there and nowhere else.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assets_pipeline.asset import Asset
from assets_pipeline.nodejs.tools import MODULES
from assets_pipeline.protocols import Cancelled, GltfTools, ImageTo3D, Licence, ObjectStore, Progress, Segmenter
from assets_pipeline.recipes import Recipe
from assets_pipeline.stages.bake import Bake
from assets_pipeline.stages.certify import Certify
from assets_pipeline.stages.clean import Clean
from assets_pipeline.stages.compare import Compare
from assets_pipeline.stages.decimate import Decimate
from assets_pipeline.stages.export_glb import ExportGlb
from assets_pipeline.stages.export_usdz import ExportUsdz
from assets_pipeline.stages.generate import Generate, ignore, never
from assets_pipeline.stages.inspect import Inspect
from assets_pipeline.stages.preview import Preview
from assets_pipeline.stages.render import Render
from assets_pipeline.stages.reuse import Reuse
from assets_pipeline.stages.segment import Segment
from assets_pipeline.stages.store import Store
from assets_pipeline.stages.unwrap import Unwrap

Stage = Callable[[Asset], Asset]

PREPARE = (Inspect, Segment)  # photos -> cut-outs
GENERATE = (Generate,)  # cut-outs -> high-poly shape, on a GPU where the generator wants one
FINISH = (  # high-poly -> files and certificate
    Clean,
    Decimate,
    Unwrap,
    Bake,
    ExportGlb,
    ExportUsdz,
    Render,
    Certify,
    Preview,
)
COMPARE = (Compare,)  # files -> what a person judges them by; in the service alone
KEEP = (Store,)  # files -> their place


@dataclass(frozen=True)
class Adapters:
    """What serves the stages' needs from outside."""

    segmenter: Segmenter
    generator: ImageTo3D
    tools: GltfTools
    store: ObjectStore


def plan(
    kinds: Iterable[type[Stage]],
    recipe: Recipe,
    adapters: Adapters,
    progress: Progress = ignore,
    cancelled: Cancelled = never,
) -> list[Stage]:
    """The stages of `kinds`, in that order, with their options.

    progress: told how far the generator is. cancelled: asked by it whether to stop.
    """
    licence = adapters.generator.spec.licence
    stages: Mapping[type[Any], Stage] = {
        Inspect: Inspect(working_side=recipe.working_side),
        Segment: Segment(adapters.segmenter),
        Generate: Generate(adapters.generator, recipe.seed, progress, cancelled),
        Clean: Clean(),
        Decimate: Decimate(recipe.triangles),
        Unwrap: Unwrap(recipe.texture_size),
        Bake: Bake(recipe.texture_size),
        ExportGlb: ExportGlb(adapters.tools, licence, recipe.glb_bytes, recipe.web_bytes),
        ExportUsdz: ExportUsdz(),
        Render: Render(recipe.poster_side),
        Certify: Certify(adapters.tools),
        Preview: Preview(MODULES),
        Compare: Compare(),
        Store: Store(adapters.store),
    }
    return [stages[kind] for kind in kinds]


def remake(recipe: Recipe) -> list[Stage]:
    """The shape of an uploaded model -> low-poly mesh, its maps laid out and baked anew."""
    return [Clean(), Decimate(recipe.triangles), Unwrap(recipe.texture_size), Bake(recipe.texture_size)]


def reuse(recipe: Recipe) -> list[Stage]:
    """The same for one whose texcoords and maps will do as they are."""
    return [Clean(), Reuse(recipe.texture_size)]


def deliver(recipe: Recipe, tools: GltfTools, licence: Licence) -> list[Stage]:
    """What was edited or uploaded -> files and certificate."""
    return [
        ExportGlb(tools, licence, recipe.glb_bytes, recipe.web_bytes),
        ExportUsdz(),
        Render(recipe.poster_side),
        Certify(tools),
        Compare(),
    ]


def tell_nobody(stage: Stage) -> None:
    """Told about each stage, does nothing."""


def run(stages: Sequence[Stage], asset: Asset, on_start: Callable[[Stage], None] = tell_nobody) -> Asset:
    """Apply `stages` in order, telling `on_start` about each one."""
    for stage in stages:
        on_start(stage)
        asset = stage(asset)
    return asset
