from dataclasses import dataclass, replace

from assets_pipeline import pipeline
from assets_pipeline.asset import Asset, StageRecord
from assets_pipeline.generators.registry import GENERATORS
from assets_pipeline.nodejs.tools import NodeTools
from assets_pipeline.pipeline import FINISH, GENERATE, KEEP, PREPARE, Adapters, plan, run
from assets_pipeline.recipes import make_recipe
from assets_pipeline.segmenters import load_segmenter
from assets_pipeline.stages.bake import Bake
from assets_pipeline.stages.decimate import Decimate
from assets_pipeline.stages.generate import Generate
from assets_pipeline.stages.unwrap import Unwrap
from assets_pipeline.stores.directory import DirectoryStore

EVERY = (*PREPARE, *GENERATE, *FINISH, *KEEP)


@dataclass(frozen=True)
class Note:
    """A stage that leaves its word."""

    word: str

    def __call__(self, asset: Asset) -> Asset:
        return replace(asset, provenance=(*asset.provenance, StageRecord(self.word)))


def adapters(tmp_path) -> Adapters:
    """Real ones; none of them loads or starts anything before it is used."""
    return Adapters(
        load_segmenter("u2netp", tmp_path), GENERATORS["primitive"](), NodeTools(), DirectoryStore(tmp_path / "out")
    )


def test_run_applies_the_stages_in_order_and_tells_about_each():
    told = []
    asset = run([Note("a"), Note("b")], Asset(), told.append)
    assert [record.stage for record in asset.provenance] == ["a", "b"]
    assert told == [Note("a"), Note("b")]


def test_run_leaves_the_asset_it_was_given_alone():
    before = Asset()
    run([Note("a")], before)
    assert before == Asset()


def test_run_of_nothing_changes_nothing():
    assert run([], Asset()) == Asset()


def test_the_plan_gives_each_stage_its_options(tmp_path):
    recipe = make_recipe("draft", triangles=777, texture_size=512, seed=5)
    stages = {type(stage): stage for stage in plan(EVERY, recipe, adapters(tmp_path))}
    assert stages[Decimate].triangles == 777
    assert stages[Unwrap].texture_size == stages[Bake].texture_size == 512
    assert stages[Generate].seed == 5
    assert [*stages] == [*EVERY]


def test_the_same_recipe_plans_the_same_stages(tmp_path):
    texts = [[repr(stage) for stage in plan(EVERY, make_recipe(), adapters(tmp_path))] for _ in range(2)]
    assert texts[0] == texts[1]
    assert not any(" at 0x" in text for text in texts[0])


def test_every_stage_is_in_one_list_and_its_file_is_named_for_it():
    assert len(set(EVERY)) == len(EVERY)
    for kind in EVERY:
        assert kind.__module__.split(".")[-1].replace("_", "") == kind.__name__.lower()
        assert kind in {getattr(pipeline, name) for name in dir(pipeline) if name[0].isupper() and name[1].islower()}
