"""a finished version, or a model made elsewhere -> a finished asset, without photos to start from"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from assets_pipeline import pipeline, tasks
from assets_pipeline.asset import Asset, Cutout, RawShape, StageRecord
from assets_pipeline.errors import InputRejected
from assets_pipeline.formats.glb import read_glb
from assets_pipeline.formats.model import ModelFile
from assets_pipeline.formats.scene import NOTHING, read_scene
from assets_pipeline.protocols import GltfTools, Licence, ObjectStore
from assets_pipeline.report import Report, edited_report
from assets_pipeline.stages.compare import SCENE, cutout_file, photo_file, read_cutout
from assets_pipeline.stages.edit import Edit
from assets_pipeline.stages.export_glb import GLB
from assets_pipeline.watch import Watch

REPORT = "report.json"


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
