"""What a worker's child does when it lacks what a task needs, without its process around it"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assets_pipeline import tasks
from assets_pipeline.asset import Hints, View
from assets_pipeline.errors import Unavailable
from assets_pipeline.generators import registry
from assets_pipeline.generators.primitive import PrimitiveGenerator
from assets_pipeline.recipes import make_recipe
from assets_pipeline.stores.s3 import S3Store
from assets_pipeline.workshop import Workshop
from infra.engines.engine import Engine
from tests.engines import s3_store

NPZ = "application/zip"


class Far(PrimitiveGenerator):
    """A generator that needs what this machine lacks."""

    spec = replace(PrimitiveGenerator.spec, name="far", packages=("a_package_that_is_nowhere",))


@pytest.fixture
def store(seaweedfs: Engine, bucket: str) -> S3Store:
    return s3_store(seaweedfs, bucket)


@pytest.fixture
def task(store: S3Store, samples: Path, monkeypatch: pytest.MonkeyPatch) -> tasks.MakeTask:
    """A job for that generator, prepared and generated elsewhere."""
    generators: Mapping[str, Any] = {"primitive": PrimitiveGenerator, "far": Far}
    monkeypatch.setattr(registry, "GENERATORS", generators)
    data = (samples / "mug" / "front.jpg").read_bytes()
    store.put("photos/a/1", data, content_type="image/jpeg")
    photo = tasks.StoredPhoto("front.jpg", "photos/a/1", View.FRONT)
    recipe = replace(make_recipe("draft"), generator="far")
    return tasks.MakeTask(tasks.PREPARE, (photo,), Hints("Mug"), recipe, "", store, "checkpoints/a", "files/a")


@pytest.mark.parametrize("left", [b"PK damaged", None])
def test_a_lost_shape_that_cannot_be_made_here_is_asked_of_whoever_can(
    task: tasks.MakeTask, store: S3Store, left: bytes | None
) -> None:
    if left is not None:
        store.put("checkpoints/a/g.npz", left, content_type=NPZ)
    finish = replace(task, group=tasks.FINISH, generated_key="checkpoints/a/g.npz")
    news: list[tasks.News] = []
    with pytest.raises(Unavailable) as caught:
        Workshop().do(finish, news.append, lambda: False)
    assert caught.value.code == "checkpoint_lost"
    assert [each for each in news if isinstance(each, tasks.Began)] == []  # nothing was made in vain


def test_a_generator_that_cannot_run_where_it_was_sent_is_no_lost_checkpoint(task: tasks.MakeTask) -> None:
    with pytest.raises(Unavailable) as caught:
        Workshop().do(replace(task, group=tasks.GENERATE), lambda news: None, lambda: False)
    assert caught.value.code == "generator_unavailable"
