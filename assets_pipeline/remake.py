"""a finished version, or a model made elsewhere -> a finished asset, without photos to start from"""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from assets_pipeline import pipeline, tasks
from assets_pipeline.asset import UPLOADED, Asset, Cutout, RawShape, StageRecord
from assets_pipeline.errors import InputRejected
from assets_pipeline.formats.foreign_model import refused
from assets_pipeline.formats.glb import read_glb
from assets_pipeline.formats.model import ModelFile
from assets_pipeline.formats.scene import NOTHING, read_scene
from assets_pipeline.protocols import GltfTools, Licence, ObjectStore
from assets_pipeline.recipes import Recipe
from assets_pipeline.report import Report, edited_report, finished_report
from assets_pipeline.stages.adopt import FEWEST_TRIANGLES, SOURCE, Adopt
from assets_pipeline.stages.compare import SCENE, cutout_file, photo_file, read_cutout
from assets_pipeline.stages.edit import Edit
from assets_pipeline.stages.export_glb import GLB
from assets_pipeline.stages.reuse import usable_texcoords
from assets_pipeline.stores.s3 import S3Store
from assets_pipeline.watch import Watch

log = logging.getLogger(__name__)

REPORT = "report.json"
OWN_TERMS = Licence(code="the merchant's own", weights="none")
LOST_RELIEF = "Its normal map was left out, since its mesh had to be laid out anew."


@dataclass(frozen=True)
class Parent:
    """A finished version read back. licence: of its generator; report: as it was written."""

    asset: Asset
    licence: Licence
    report: Report


def edit(task: tasks.EditTask, tools: GltfTools, watch: Watch) -> tuple[Asset, Report]:
    """The version with the task's changes, and its report. Raises InputRejected when its files are gone."""
    parent = read_parent(task.keys, task.store)
    stages: list[pipeline.Stage] = [Edit(**asdict(task.changes)), *pipeline.deliver(task.recipe, tools, parent.licence)]
    asset = pipeline.run(stages, parent.asset, watch.start)
    watch.end_stage()
    assert asset.certificate is not None, "certify has run"
    made_from = f"It was made from version {task.number} by an edit."
    certificate = {
        **asset.certificate,
        "reasons": [*asset.certificate["reasons"], made_from],
        "edit": {"of_version": task.number, "changes": asdict(task.changes)},
    }
    asset = replace(asset, certificate=certificate)
    return asset, edited_report(parent.report, asset, task.recipe, watch.seconds)


def read_parent(keys: Mapping[str, str], store: ObjectStore) -> Parent:
    """A finished version from its files; one without a scene is one without photos. Raises InputRejected."""
    model = read_glb(_get(GLB, keys, store))
    report: Report = json.loads(_get(REPORT, keys, store))
    asset = read_scene(_get(SCENE, keys, store)) if SCENE in keys else Asset(raw=_shape(model.extras))
    pictures = {
        name: _get(name, keys, store)
        for number in range(1, len(asset.photos) + 1)
        for name in (photo_file(number), cutout_file(number))
        if name in keys
    }
    asset = replace(
        asset,
        lowpoly=model.mesh,
        material=model.material,
        cutouts=tuple(_cutout(asset, number, pictures) for number in range(1, len(asset.photos) + 1)),
        provenance=tuple(StageRecord(str(stage)) for stage in model.extras.get("provenance", ())),
        files=pictures,
    )
    return Parent(asset, _licence(model), report)


def adopt(task: tasks.AdoptTask, tools: GltfTools, watch: Watch) -> tuple[Asset, Report]:
    """The uploaded model through the same last stages as our own, and its report. Raises InputRejected."""
    start = Asset(hints=task.hints, files={SOURCE: _fetch(task.key, task.max_bytes, task.store)})
    asset = pipeline.run([Adopt(tools)], start, watch.start)
    assert asset.raw is not None, "adopt has run"
    if not will_do(asset.raw, task.recipe) and asset.raw.normal is not None:
        asset = replace(asset, raw=replace(asset.raw, notes=(*asset.raw.notes, LOST_RELIEF)))
    asset = laid_out(asset, task.recipe, watch)
    asset = pipeline.run(pipeline.deliver(task.recipe, tools, OWN_TERMS), asset, watch.start)
    watch.end_stage()
    origin = (UPLOADED, "uploaded by the merchant", asdict(OWN_TERMS))
    return asset, finished_report(asset, task.recipe, origin, watch.seconds)


def will_do(raw: RawShape, recipe: Recipe) -> bool:
    """Whether the model's mesh and maps can be delivered as they are."""
    return raw.base_color is not None and raw.mesh.triangles <= recipe.triangles and usable_texcoords(raw.mesh)


def laid_out(asset: Asset, recipe: Recipe, watch: Watch) -> Asset:
    """With low-poly mesh and material. Raises InputRejected.

    The stages assert what generators promise. A stranger's mesh promises nothing, so here a broken promise is the
    file's fault; we look into it all the same.
    """
    assert asset.raw is not None, "adopt comes first"
    stages = pipeline.reuse(recipe) if will_do(asset.raw, recipe) else pipeline.remake(recipe)
    try:
        asset = pipeline.run(stages, asset, watch.start)
    except (AssertionError, ArithmeticError, LookupError, ValueError):
        log.exception("an uploaded model is more than our stages can take")
        advice = "The model's surface is too damaged to be finished: repair it, then export it once more."
        raise InputRejected("model_unusable", advice) from None
    assert asset.lowpoly is not None, "both lists make one"
    if asset.lowpoly.triangles < FEWEST_TRIANGLES:
        raise refused("model_no_surface")
    return asset


def _fetch(key: str, most: int, store: S3Store) -> bytes:
    """The uploaded file. Raises InputRejected when it is gone or too large."""
    try:
        size = store.stat(key).bytes
        if size > most:
            raise refused("model_too_large", f"{size / 1e6:.0f}", f"{most / 1e6:.0f}")
        return store.get(key)
    except KeyError:
        raise InputRejected("model_gone", "The uploaded file is no longer there: upload the model once more.") from None


def _get(name: str, keys: Mapping[str, str], store: ObjectStore) -> bytes:
    try:
        return store.get(keys[name])
    except KeyError:
        raise InputRejected("version_files_gone", "Files of this version are gone: make the model anew.") from None


def _cutout(asset: Asset, number: int, pictures: Mapping[str, bytes]) -> Cutout:
    """The cut-out of a photo; of one that was not compared, nothing but its name."""
    photo = asset.photos[number - 1]
    data = pictures.get(cutout_file(number))
    rgba = photo.pixels if data is None else read_cutout(data)
    return Cutout(photo.name, rgba, view=photo.view)


def _shape(extras: Mapping[str, Any]) -> RawShape:
    """What a model file says of the shape that it was made from."""
    told = {name: str(extras.get(name, "")) for name in ("generator", "family", "size_source")}
    return RawShape(NOTHING, **told)  # type: ignore[arg-type]


def _licence(model: ModelFile) -> Licence:
    terms = dict(model.extras.get("licence", {"code": ""}))
    terms["territories_excluded"] = tuple(terms.get("territories_excluded", ()))
    return Licence(**terms)
