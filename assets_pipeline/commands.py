"""checked options -> result on stdout: what each of `plinth`'s commands does

Heavy modules are loaded inside the functions, after the arguments have been found good.
"""

import argparse
import json
import struct
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets_pipeline import arguments
from assets_pipeline.arguments import FILES, MakeOptions, UsageError
from assets_pipeline.asset import Asset, Hints, PhotoFile, View
from assets_pipeline.errors import InputRejected
from assets_pipeline.generators import registry
from assets_pipeline.report import (
    Report,
    advice_lines,
    certificate_table,
    make_report,
    printable,
    size,
    summarise,
    to_json,
)
from assets_pipeline.weights import FOLDER, WEIGHTS, fetch, is_here

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

    choice = registry.choose(wanted.recipe.generator, len(files), is_here)
    with NodeTools() as tools:
        adapters = adapters_for(wanted, choice.generator, tools)
        kinds = (*pipeline.PREPARE, *pipeline.GENERATE, *pipeline.FINISH)
        with Watch(len(kinds), sys.stderr) as watch:
            stages = pipeline.plan(kinds, wanted.recipe, adapters, watch.share)
            asset = pipeline.run(stages, Asset(photo_files=tuple(files), hints=wanted.hints), watch.start)
        report = make_report(asset, wanted.recipe, choice, watch.seconds)
        asset = replace(asset, files={**asset.files, "report.json": to_json(report).encode()})
        pipeline.run(pipeline.plan(pipeline.KEEP, wanted.recipe, adapters), asset)
    return report


def adapters_for(wanted: MakeOptions, generator: Any, tools: Any) -> "Adapters":
    """What serves the command: a segmenter by name, Node's tools and a folder as the store."""
    from assets_pipeline.pipeline import Adapters
    from assets_pipeline.segmenters import load_segmenter
    from assets_pipeline.stores.directory import DirectoryStore

    segmenter = load_segmenter(wanted.recipe.segmenter, FOLDER)
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


def inspect(options: argparse.Namespace) -> str:
    """`plinth inspect`: what is good and bad about each photo."""
    asset = inspect_photos(read_photos(arguments.named_photos(options)))
    if options.as_json:
        return to_json({"status": "done", "advice": [asdict(advice) for advice in asset.advice]})
    return "".join(f"{line}\n" for photo in asset.photos for line in advice_lines(photo.name, asset.advice))


def inspect_photos(files: Sequence[PhotoFile]) -> Asset:
    """Inspect and segment: half of what can be wrong shows only once the product is told from the background."""
    from assets_pipeline import pipeline
    from assets_pipeline.recipes import QUALITIES
    from assets_pipeline.segmenters import load_segmenter
    from assets_pipeline.stages.inspect import Inspect
    from assets_pipeline.stages.segment import Segment

    draft = QUALITIES["draft"]
    segmenter = load_segmenter(draft.segmenter, FOLDER)
    stages: list[pipeline.Stage] = [Inspect(working_side=draft.working_side), Segment(segmenter)]
    return pipeline.run(stages, Asset(photo_files=tuple(files)))


def generators(options: argparse.Namespace) -> str:
    """`plinth generators`: what can make shapes here, and what the others lack."""
    specs = [make_generator().spec for make_generator in registry.GENERATORS.values()]
    lacks = {spec.name: registry.why_not_here(spec, is_here) for spec in specs}
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
    """`plinth weights [fetch NAME]`: list the models' weights with their licences and terms, or fetch some."""
    if options.action == "fetch":
        if options.name not in WEIGHTS:
            raise UsageError(f"there are no weights {options.name!r}; known: {', '.join(WEIGHTS)}")
        fetched = fetch(options.name, tell=lambda line: print(line, file=sys.stderr, flush=True))  # noqa: T201
        return f"{fetched}\n"
    rows = [{"name": name, "here": is_here(name), **asdict(entry)} for name, entry in WEIGHTS.items()]
    if options.as_json:
        return to_json(rows)
    text = ""
    for row in rows:
        place = "here" if row["here"] else "not here"
        text += f"{row['name']:10}{place:10}{size(row['bytes']):>10}  {row['licence']:12}{row['home']}\n"
        text += f"{'':10}{row['terms']}\n" if row["terms"] else ""
    return text


def certify(options: argparse.Namespace) -> str:
    """`plinth certify`: check again all that can be told from the files that `make` wrote.

    Raises InputRejected when a file is missing or damaged, or when the asset does not keep what we promise.
    """
    files, report = read_folder(options.folder)
    changed = [name for name, entry in report["files"].items() if sha256(files[name]).hexdigest() != entry["sha256"]]
    result = {"status": "done", "changed": changed, "grade": report["certificate"]["grade"]}
    result |= check_folder(files, report["certificate"]["dimensions"]["asked"], changed)
    broken = [row for row in result["limits"] if row["level"] == "required" and not row["ok"]]
    if broken:
        listed = ", ".join(f"{row['name']} {row['value']} (limit {row['limit']})" for row in broken)
        raise InputRejected("certificate_failed", f"The asset does not keep its limits: {listed}.")
    return to_json(result) if options.as_json else certificate_table(result)


def read_folder(folder: Path) -> tuple[dict[str, bytes], Report]:
    """(files, report) that `make` wrote. Raises InputRejected."""
    files = {}
    for name in FILES:
        try:
            files[name] = (folder / name).read_bytes()
        except OSError as error:
            raise InputRejected("file_missing", f"Cannot read {folder / name}: {error.strerror}.") from None
    try:
        report = json.loads(files["report.json"])
        complete = set(report["files"]) <= set(files) and {"grade", "dimensions"} <= set(report["certificate"])
    except (ValueError, KeyError, TypeError):
        complete = False
    if not complete:
        raise InputRejected("report_damaged", "report.json is not one that `plinth make` wrote; make the asset again.")
    return files, report


def check_folder(files: Mapping[str, bytes], asked: Mapping[str, float], changed: Sequence[str]) -> dict[str, Any]:
    """What the files say. Raises InputRejected when one of the `changed` files can no longer be read."""
    from assets_pipeline.nodejs.tools import NodeTools
    from assets_pipeline.stages.certify import check_files

    with NodeTools() as tools:
        try:
            return check_files(
                files, tools, Hints(width=asked.get("width"), height=asked.get("height"), depth=asked.get("depth"))
            )
        except (ValueError, KeyError, IndexError, TypeError, OSError, struct.error):
            if not changed:
                raise
            advice = f"{', '.join(changed)} changed since it was made and cannot be read; make the asset again."
            raise InputRejected("file_damaged", advice) from None
