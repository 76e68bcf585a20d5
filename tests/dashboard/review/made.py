"""Real assets for the review pages: photos through the whole pipeline, and versions of them in the database"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from assets_pipeline import pipeline, tasks
from assets_pipeline.asset import Asset, Hints, PhotoFile, View
from assets_pipeline.generators.registry import choose
from assets_pipeline.nodejs.tools import NodeTools
from assets_pipeline.progress import name_of
from assets_pipeline.recipes import make_recipe
from assets_pipeline.report import make_report, to_json
from assets_pipeline.segmenters import load_segmenter
from assets_pipeline.stores.s3 import content_type_of
from assets_pipeline.weights import FOLDER, is_here
from assets_pipeline.worker.words import finished_asset
from catalog.models import AssetVersion, Merchant, Product, Status
from catalog.storage import FILES, storage
from catalog.versions import FinishedAsset, create_version, reserve_files
from tests.catalog.makers import make_job

REPORT = "report.json"


@dataclass(frozen=True)
class Made:
    """What the pipeline made: files by name, and their report."""

    files: Mapping[str, bytes]
    report: Mapping[str, Any]


def make_asset(samples: Path, name: str, views: Sequence[str], tools: NodeTools, **sides: float) -> Made:
    """A draft of one of the samples, from its photos of those views."""
    facts = json.loads((samples / "products.json").read_text())[name]
    photos = tuple(
        PhotoFile(f"{name}-{view}.jpg", (samples / name / f"{view}.jpg").read_bytes(), View(view)) for view in views
    )
    choice = choose("primitive", len(photos), is_here)
    recipe = make_recipe("draft", generator="primitive", triangles=4000, texture_size=512)
    adapters = pipeline.Adapters(load_segmenter(recipe.segmenter, FOLDER), choice.generator, tools, None)
    kinds = (*pipeline.PREPARE, *pipeline.GENERATE, *pipeline.FINISH, *pipeline.COMPARE)
    stages = pipeline.plan(kinds, recipe, adapters)
    asset = pipeline.run(stages, Asset(photo_files=photos, hints=Hints(facts["title"], facts["category"], **sides)))
    report = to_json(make_report(asset, recipe, choice, dict.fromkeys(map(name_of, stages), 0.5)))
    return Made({**asset.files, REPORT: report.encode()}, json.loads(report))


def handed_over(merchant: Merchant, made: Made, *, store: bool = True) -> FinishedAsset:
    """What a worker hands over; the files lie in the store."""
    kept = []
    for name, data in made.files.items():
        digest = sha256(data).hexdigest()
        key = f"{FILES}/{merchant.public_id}/{digest}/{name}"
        if store:
            storage().put_once(key, data, content_type=content_type_of(name))
        kept.append(tasks.KeptFile(name, key, len(data), digest, content_type_of(name)))
    return finished_asset(tasks.Finished(tuple(kept), made.report))


def add_version(
    product: Product, made: Made, *, store: bool = True, ended: Status = Status.NEEDS_REVIEW
) -> AssetVersion:
    """A version of that asset, with the job that made it, as the worker leaves it."""
    return add_finished(product, handed_over(product.merchant, made, store=store), ended=ended)


def add_finished(product: Product, result: FinishedAsset, *, ended: Status = Status.NEEDS_REVIEW) -> AssetVersion:
    """A version, and its job at its end."""
    job = make_job(product)
    reserve_files(job, result)
    version = create_version(job, result, cpu_seconds=9.4)
    job.refresh_from_db()
    job.move_to(Status.RUNNING)
    job.move_to(ended, reason=result.review_reason, advice=result.review_advice)
    return version
