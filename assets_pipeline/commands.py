"""checked options -> result on stdout: what each of `plinth`'s commands does

Heavy modules are loaded inside the functions, after the arguments have been found good.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets_pipeline import arguments
from assets_pipeline.arguments import MakeOptions, UsageError
from assets_pipeline.asset import Asset, PhotoFile, View
from assets_pipeline.generators import registry
from assets_pipeline.report import Report, advice_lines, make_report, printable, summarise

if TYPE_CHECKING:
    from assets_pipeline.pipeline import Adapters

PREVIEW = "preview.html"


def make(options: argparse.Namespace) -> str:
    """`plinth make`: photos -> a folder with every file. Nothing is written before everything is whole."""
    wanted = arguments.make_options(options)
    report = make_asset(wanted, read_photos(wanted.photos))
    if wanted.as_json:
        return to_json(report)
    return f"{summarise(report)}\n{printable(f'Open {wanted.out / PREVIEW}')}\n"


def make_asset(wanted: MakeOptions, files: Sequence[PhotoFile]) -> Report:
    """Run the whole pipeline and store the files beside their report."""
    from assets_pipeline import pipeline
    from assets_pipeline.nodejs.tools import NodeTools
    from assets_pipeline.progress import Watch

    choice = registry.choose(wanted.recipe.generator, len(files), has_weights)
    with NodeTools() as tools:
        adapters = adapters_for(wanted, choice.generator, tools)
        kinds = (*pipeline.PREPARE, *pipeline.GENERATE, *pipeline.FINISH)
        with Watch(len(kinds)) as watch:
            stages = pipeline.plan(kinds, wanted.recipe, adapters, watch.share)
            asset = pipeline.run(stages, Asset(photo_files=tuple(files), hints=wanted.hints), watch.start)
        report = make_report(asset, wanted.recipe, choice, watch.seconds)
        asset = replace(asset, files={**asset.files, "report.json": to_json(report).encode()})
        pipeline.run(pipeline.plan(pipeline.KEEP, wanted.recipe, adapters), asset)
    return report


def adapters_for(wanted: MakeOptions, generator: Any, tools: Any) -> "Adapters":
    """What serves the command: a segmenter by name, Node's tools and a folder as the store."""
    from assets_pipeline import weights
    from assets_pipeline.pipeline import Adapters
    from assets_pipeline.segmenters import load_segmenter
    from assets_pipeline.stores.directory import DirectoryStore

    segmenter = load_segmenter(wanted.recipe.segmenter, weights.FOLDER)
    return Adapters(segmenter, generator, tools, DirectoryStore(wanted.out))


def read_photos(photos: Sequence[tuple[Path, View | None]]) -> list[PhotoFile]:
    """Every photo's bytes, under names that tell them apart. Raises InputRejected."""
    from assets_pipeline.stages.inspect import read_photo_file

    files: list[PhotoFile] = []
    for path, view in photos:
        file = read_photo_file(path, view)
        taken = {other.name for other in files}
        name, again = file.name, 2
        while file.name in taken:  # the same name from two folders
            file, again = replace(file, name=f"{name} ({again})"), again + 1
        files.append(file)
    return files


def has_weights(name: str) -> bool:
    """Whether the weights have been fetched."""
    from assets_pipeline import weights

    return weights.path(name, weights.FOLDER).is_file()


def inspect(options: argparse.Namespace) -> str:
    """`plinth inspect`: what is good and bad about each photo."""
    asset = inspect_photos(read_photos(arguments.named_photos(options)))
    if options.as_json:
        return to_json({"status": "done", "advice": [asdict(advice) for advice in asset.advice]})
    return "".join(f"{line}\n" for photo in asset.photos for line in advice_lines(photo.name, asset.advice))


def inspect_photos(files: Sequence[PhotoFile]) -> Asset:
    """Inspect and segment: half of what can be wrong shows only once the product is told from the background."""
    from assets_pipeline import pipeline, weights
    from assets_pipeline.recipes import QUALITIES
    from assets_pipeline.segmenters import load_segmenter
    from assets_pipeline.stages.inspect import Inspect
    from assets_pipeline.stages.segment import Segment

    draft = QUALITIES["draft"]
    segmenter = load_segmenter(draft.segmenter, weights.FOLDER)
    stages = [Inspect(working_side=draft.working_side), Segment(segmenter)]
    return pipeline.run(stages, Asset(photo_files=tuple(files)))


def generators(options: argparse.Namespace) -> str:
    """`plinth generators`: what can make shapes here, and what the others lack."""
    specs = [make_generator().spec for make_generator in registry.GENERATORS.values()]
    lacks = {spec.name: registry.why_not_here(spec, has_weights) for spec in specs}
    if options.as_json:
        return to_json(
            [asdict(spec) | {"runs_here": not lacks[spec.name], "why_not": lacks[spec.name]} for spec in specs]
        )
    text = ""
    for spec in specs:
        photos = f"{spec.min_views} photo" if spec.max_views == 1 else f"{spec.min_views}-{spec.max_views} photos"
        text += f"{spec.name:16}{spec.device:6}{photos:14}{lacks[spec.name] or 'runs here'}\n{'':16}{spec.summary}\n"
    return text


def weights(options: argparse.Namespace) -> str:
    """`plinth weights [fetch NAME]`: list the models' weights with their licences, or fetch some."""
    from assets_pipeline import weights as known

    if options.action == "fetch":
        if options.name not in known.WEIGHTS:
            raise UsageError(f"there are no weights {options.name!r}; known: {', '.join(known.WEIGHTS)}")
        return f"{known.fetch(options.name, known.FOLDER, print)}\n"
    rows = [asdict(entry) | {"name": name, "here": has_weights(name)} for name, entry in known.WEIGHTS.items()]
    if options.as_json:
        return to_json(rows)
    return "".join(f"{row['name']:16}{'here' if row['here'] else 'missing':9}{row['licence']}\n" for row in rows)


def certify(options: argparse.Namespace) -> str:
    """`plinth certify`: the certificate of a folder that `make` wrote, computed from its files."""


def to_json(value: Any) -> str:
    """JSON for people and programs, keys in our order."""
    return json.dumps(value, indent=2, default=plain, ensure_ascii=False) + "\n"


def plain(value: Any) -> Any:
    """What json does not know: arrays and numpy's numbers as lists and numbers, anything else as text."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
