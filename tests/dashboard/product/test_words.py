"""Whatever the pipeline and the catalogue can say has words for people."""

from pathlib import Path

from assets_pipeline import pipeline, progress, recipes
from assets_pipeline.asset import View as Side
from assets_pipeline.progress import name_of
from catalog.models import Kind, View
from dashboard.product.words import PHASES, PROFILES, QUALITIES, STAGES, VIEW_HELP, WHAT_TO_DO, phases_of
from tests.catalog.makers import make_job, make_merchant, make_product


def test_every_stage_has_words_and_a_phase() -> None:
    told = {stage for name, held in vars(progress).items() if name.endswith("_SECONDS") for stage in held}
    run = {name_of(kind.__new__(kind)) for kind in (*pipeline.PREPARE, *pipeline.GENERATE, *pipeline.FINISH)}
    assert (told | run) - STAGES.keys() == set()
    assert set(STAGES) == {stage for _, stages in PHASES for stage in stages}


def test_every_quality_profile_and_side_has_words() -> None:
    assert list(QUALITIES) == list(recipes.QUALITIES)
    assert set(PROFILES) == set(recipes.PROFILES)
    assert set(VIEW_HELP) == set(View.values) == {side.value for side in Side}


def test_what_to_do_is_told_for_codes_that_there_are(root: Path) -> None:
    codes = (root / "docs" / "codes.md").read_text()
    assert [code for code in WHAT_TO_DO if f"`{code}`" not in codes] == []


def test_phases_pass_one_after_the_other(db: None) -> None:
    job = make_job(make_product(make_merchant()), stage="bake")
    assert [phase.state for phase in phases_of(job)] == ["done", "done", "now", "later", "later"]
    job.kind = Kind.UPLOAD
    assert next(phase.name for phase in phases_of(job)) == "Shape"
