"""task -> result: what the child process of a worker does, with everything that it keeps warm

Models, numba's code and Node's helper stay loaded from one task to the next; so does the last asset, so that the next
task of the same job in the same process need not read it back.
"""

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from assets_pipeline import pipeline, remake, tasks
from assets_pipeline.asset import Asset, Cutout, Photo, PhotoFile, frozen
from assets_pipeline.checkpoints import DamagedCheckpoint, checkpoint_key, from_bytes, to_bytes
from assets_pipeline.errors import InputRejected, Unavailable
from assets_pipeline.generators import registry
from assets_pipeline.generators.registry import Choice
from assets_pipeline.nodejs.tools import NodeTools
from assets_pipeline.progress import name_of
from assets_pipeline.protocols import ImageTo3D
from assets_pipeline.recipes import QUALITIES
from assets_pipeline.remake import REPORT
from assets_pipeline.report import Report, make_report, to_json
from assets_pipeline.segmenters import load_segmenter
from assets_pipeline.stages.compare import Compare
from assets_pipeline.stages.inspect import Inspect, too_large
from assets_pipeline.stages.segment import Segment
from assets_pipeline.stages.store import Store
from assets_pipeline.stores.addressed import AddressedStore, address
from assets_pipeline.stores.s3 import S3Store, content_type_of
from assets_pipeline.tasks import MakeTask, StoredPhoto
from assets_pipeline.texture.warm import warm
from assets_pipeline.watch import IsCancelled, Tell, Watch
from assets_pipeline.weights import FOLDER, is_here

log = logging.getLogger(__name__)

KINDS: Mapping[str, Sequence[type[pipeline.Stage]]] = {
    tasks.PREPARE: pipeline.PREPARE,
    tasks.GENERATE: pipeline.GENERATE,
    tasks.FINISH: (*pipeline.FINISH, *pipeline.COMPARE),
}
BEFORE = {tasks.GENERATE: tasks.PREPARE, tasks.FINISH: tasks.GENERATE}
LACKING = ("generator_unavailable", "no_generator", "weights_missing")
"""What another worker may have."""


class Workshop:
    """Does one task at a time; see the module's own words."""

    def __init__(self) -> None:
        self.tools = NodeTools()
        self._held: tuple[S3Store, str, Asset] | None = None

    def warm_up(self) -> None:
        """Load what every task needs, so that the first one does not wait for it."""
        warm()

    def do(self, task: tasks.Task, tell: Tell, is_cancelled: IsCancelled) -> tasks.Result:
        """The task's result. Raises InputRejected, Unavailable or Cancelled; tells what was spent in any case."""
        watch = Watch(tell, is_cancelled)
        try:
            match task:
                case MakeTask():
                    return Making(task, self, watch).result()
                case tasks.EditTask():
                    return finished(*remake.edit(task, self.tools, watch), task.store, task.files, watch)
                case tasks.AdoptTask():
                    return finished(*remake.adopt(task, self.tools, watch), task.store, task.files, watch)
                case tasks.InspectTask():
                    return inspect_stored_photo(task, watch)
                case tasks.DescribeTask():
                    return describe_generators()
        finally:
            watch.end()

    def read(self, store: S3Store, key: str) -> Asset | None:
        """The checkpoint under `key`, or the very asset if it was the last one; None: make it (again)."""
        if self._held is None or self._held[:2] != (store, key):
            try:
                self._held = (store, key, from_bytes(store.get(key)))
            except KeyError:
                return None
            except DamagedCheckpoint as error:
                log.warning("checkpoint %s is damaged, making it again: %s", key, error)
                return None
        return self._held[2]

    def keep(self, store: S3Store, key: str, asset: Asset) -> None:
        """Store a checkpoint; what was there, damaged perhaps, is replaced."""
        store.put(key, to_bytes(asset), content_type="application/zip")
        self._held = (store, key, asset)


@dataclass
class Making:
    """One MakeTask under way."""

    task: MakeTask
    shop: Workshop
    watch: Watch
    files: dict[str, PhotoFile] = field(default_factory=dict)

    def result(self) -> tasks.Result:
        """Do what the task asks for."""
        if self.task.group == tasks.FINISH:
            return self.finish()
        return tasks.Checkpoint(self.up_to(self.task.group)[0])

    def up_to(self, group: str) -> tuple[str, Asset]:
        """(key, asset) after `group`: from its checkpoint, or made from what comes before, however far back.

        Raises Unavailable ("checkpoint_lost") where an earlier group has to run again that cannot run here.
        """
        own = {tasks.PREPARE: self.task.prepared_key, tasks.GENERATE: self.task.generated_key}[group]
        if own and (asset := self.shop.read(self.task.store, own)):
            return own, asset
        try:
            return self.make(group, own)
        except Unavailable as error:
            if group == self.task.group or error.code not in LACKING:
                raise
            advice = "An intermediate result is lost or damaged: it is made again where that is possible."
            raise Unavailable("checkpoint_lost", advice) from error

    def make(self, group: str, own: str) -> tuple[str, Asset]:
        """(key, asset) after `group`, of which the job's `own` checkpoint is lost. Raises Unavailable."""
        key = self.key(group)
        if key != own and (asset := self.shop.read(self.task.store, key)):
            return key, asset
        if group == tasks.GENERATE and (lack := registry.why_not_here(self.generator().spec, is_here)):
            raise Unavailable("generator_unavailable", f"{self.task.recipe.generator} cannot run here: it {lack}.")
        asset = self.run(group, self.before(group))
        if group == tasks.PREPARE:
            asset = without_originals(asset)
        self.shop.keep(self.task.store, key, asset)
        return key, asset

    def before(self, group: str) -> Asset:
        """What `group` starts from."""
        if group == tasks.PREPARE:
            return Asset(photo_files=tuple(map(self.file, self.task.photos)), hints=self.task.hints)
        return self.up_to(BEFORE[group])[1]

    def run(self, group: str, asset: Asset) -> Asset:
        """Run the stages of `group`. Raises Unavailable where its generator cannot run here."""
        generator = self.generator()
        if group == tasks.GENERATE:
            generator = registry.choose(self.task.recipe.generator, len(asset.cutouts), is_here).generator
            if generator.spec.device == "cuda":
                self.watch.on_gpu.add(group)
        asset = pipeline.run(self.plan(KINDS[group], generator), asset, self.watch.start)
        self.watch.end_stage()
        return asset

    def finish(self) -> tasks.Finished:
        """Run the last stages and store the files beside their report, under the hashes of their contents."""
        asset = self.run(tasks.FINISH, self.up_to(tasks.GENERATE)[1])
        return finished(asset, self.report(asset), self.task.store, self.task.files, self.watch)

    def report(self, asset: Asset) -> Report:
        """report.json: stages of an earlier job, found in a checkpoint, took this one no time."""
        names = [name_of(stage) for group in KINDS for stage in self.plan(KINDS[group], self.generator())]
        seconds = dict.fromkeys(names, 0.0) | dict(self.task.seconds) | self.watch.seconds
        return make_report(asset, self.task.recipe, Choice(self.generator(), self.task.why), seconds)

    def key(self, group: str) -> str:
        """Where the checkpoint after `group` lies when these photos and options make it."""
        kinds = [*KINDS[tasks.PREPARE], *(KINDS[group] if group == tasks.GENERATE else ())]
        photos = [(photo.name, photo.view, self.digest(photo)) for photo in self.task.photos]
        digest = checkpoint_key(self.plan(kinds, self.generator()), photos, self.task.hints)
        return f"{self.task.checkpoints}/{digest}.npz"

    def plan(self, kinds: Iterable[type[pipeline.Stage]], generator: ImageTo3D) -> list[pipeline.Stage]:
        """These stages with their options and adapters."""
        segmenter = load_segmenter(self.task.recipe.segmenter, FOLDER)
        adapters = pipeline.Adapters(segmenter, generator, self.shop.tools, self.task.store)
        return pipeline.plan(kinds, self.task.recipe, adapters, self.watch.share, self.watch.is_cancelled)

    def generator(self) -> ImageTo3D:
        """The one chosen. Raises Unavailable where nobody has heard of it: another worker may have."""
        name = self.task.recipe.generator
        if name not in registry.GENERATORS:
            raise Unavailable("generator_unavailable", f"The generator {name} is not known here.")
        return registry.GENERATORS[name]()

    def digest(self, photo: StoredPhoto) -> str:
        """The photo's sha256, from its bytes where nobody has told it."""
        return photo.sha256 or sha256(self.file(photo).data).hexdigest()

    def file(self, photo: StoredPhoto) -> PhotoFile:
        """The photo's bytes, fetched once. Raises InputRejected."""
        if photo.key not in self.files:
            self.files[photo.key] = fetch_photo_file(photo, self.task.store)
        return self.files[photo.key]


def fetch_photo_file(photo: StoredPhoto, store: S3Store) -> PhotoFile:
    """A photo's bytes. Raises InputRejected when they are gone or not the ones that were looked at."""
    try:
        data = store.get(photo.key)
    except KeyError:
        raise photo_gone(photo.name) from None
    if photo.sha256 and sha256(data).hexdigest() != photo.sha256:
        advice = "The photo's file has changed since it was looked at: upload it once more."
        raise InputRejected("photo_changed", advice, photo=photo.name)
    return PhotoFile(photo.name, data, photo.view)


def photo_gone(name: str) -> InputRejected:
    """For a photo whose bytes nobody has."""
    return InputRejected("photo_gone", "The photo's file is no longer there: upload it once more.", photo=name)


def without_originals(asset: Asset) -> Asset:
    """What later groups can do without, left out: the files as they came, and most of the photos' pixels.

    Later on photos are only looked at, beside the model; cut-outs keep every pixel of the product.
    """
    photos = tuple(map(reduced, asset.photos))
    cutouts = tuple(map(without_background, asset.cutouts))
    return replace(asset, photo_files=(), photos=photos, cutouts=cutouts)


def reduced(photo: Photo) -> Photo:
    """The photo no larger than people look at it."""
    height, width = photo.pixels.shape[:2]
    if max(height, width) <= Compare.size:
        return photo
    scale = Compare.size / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return replace(
        photo,
        pixels=resized(photo.pixels, size),
        alpha=None if photo.alpha is None else resized(photo.alpha, size),
        focal_px=None if photo.focal_px is None else photo.focal_px * scale,
    )


def resized(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """As Pillow's thumbnails are made. size: (width, height)."""
    small = Image.fromarray(image).resize(size, Image.Resampling.BICUBIC, reducing_gap=2)
    return frozen(np.asarray(small))


def without_background(cutout: Cutout) -> Cutout:
    """The cut-out, black where it is wholly transparent: its colour there means nothing, and costs room."""
    rgba = cutout.rgba.copy()
    rgba[rgba[..., 3] == 0] = 0
    return replace(cutout, rgba=frozen(rgba))


def finished(asset: Asset, report: Report, store: S3Store, prefix: str, watch: Watch) -> tasks.Finished:
    """Store the asset's files and its report under the hashes of their contents."""
    told = to_json(report)
    files = {**asset.files, REPORT: told.encode()}
    pipeline.run([Store(AddressedStore(store, prefix))], replace(asset, files=files), watch.start)
    return tasks.Finished(tuple(kept(prefix, name, data) for name, data in files.items()), json.loads(told))


def kept(prefix: str, name: str, data: bytes) -> tasks.KeptFile:
    """What the catalogue has to know of a stored file."""
    key = address(prefix, name, data)
    return tasks.KeptFile(name, key, len(data), sha256(data).hexdigest(), content_type_of(name))


def inspect_stored_photo(task: tasks.InspectTask, watch: Watch) -> tasks.Inspected:
    """Decode the photo and look for the product in it. Raises InputRejected."""
    draft = QUALITIES["draft"]
    try:
        size = task.store.stat(task.photo.key).bytes
    except KeyError:
        raise photo_gone(task.photo.name) from None
    inspect = Inspect(working_side=draft.working_side)
    if size > (most := min(task.max_bytes, inspect.max_bytes)):
        raise too_large(size, most, task.photo.name)
    file = fetch_photo_file(task.photo, task.store)
    stages: list[pipeline.Stage] = [inspect, Segment(load_segmenter(draft.segmenter, FOLDER))]
    asset = pipeline.run(stages, Asset(photo_files=(file,)), watch.start)
    (photo,) = asset.photos
    return tasks.Inspected(photo.sha256, photo.bytes, *photo.original_size, asset.advice)


def describe_generators() -> tasks.Described:
    """Every generator's spec as JSON, and what it lacks here."""
    specs = [make().spec for make in registry.GENERATORS.values()]
    lacks = [registry.why_not_here(spec, is_here) for spec in specs]
    return tasks.Described(
        tuple(asdict(spec) | {"runs_here": not lack, "why_not": lack} for spec, lack in zip(specs, lacks, strict=True))
    )
