"""the figures of docs/benchmarks.md: `make bench`, `make bench-service`

    python -m tests.benchmarks [--only shape,speed,photos,objects,service,embed] [--page]

Each part keeps its figures under `var/bench/PART.json` and writes its own section of the page; `--page` writes all that
are there. About half an hour on two cores. Needs the open data beside the repository (`../shared/data`).
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import django

from assets_pipeline.generators.primitive import PrimitiveGenerator
from tests.benchmarks import command, page
from tests.benchmarks.objects import CACHE, DATA, load_object, names, render_cutout
from tests.benchmarks.prototypes import METHODS, measure_prototype
from tests.benchmarks.shape import VIEWS, hints_for, measure_generator

TOLD = {"ours: image": (False, False), "ours: title": (True, False), "ours: title and size": (True, True)}
"""Column -> whether the generator is told (title, dimensions)."""


def say(text: str) -> None:
    print(text, flush=True)


def measure_shape() -> dict[str, Any]:
    """Method -> object -> view -> score, the studies' methods beside ours."""
    found: dict[str, Any] = {method: {} for method in (*METHODS, *TOLD)}
    for name in names():
        truth = load_object(name)
        for method in METHODS:
            found[method][name] = {
                view: asdict(measure_prototype(method, truth, render_cutout(truth, *angles), *angles))
                for view, angles in VIEWS.items()
            }
        for method, (title, dims) in TOLD.items():
            hints = hints_for(truth, title=title, dims=dims)
            found[method][name] = {
                view: asdict(measure_generator(PrimitiveGenerator(), truth, view, hints)) for view in VIEWS
            }
        say(f"  {name}: " + ", ".join(f"{method} {page.mean_cd(found[method][name]):.3f}" for method in found))
    return found


def measure_speed() -> dict[str, Any]:
    """Quality -> medians over three runs."""
    return {quality: command.median_run(quality) for quality in ("standard", "draft")}


def measure_photos() -> list[dict[str, Any]]:
    """Every open photo through the command, told nothing but its file's name."""
    rows = []
    for path in command.open_photos():
        run = command.make(path.stem, [str(path)], part="photos")
        rows.append(command.row(run, path))
        say(f"  {path.name}: {rows[-1]['outcome']} {rows[-1]['faults'] or ''}")
    return rows


def measure_objects() -> list[dict[str, Any]]:
    """Every open object through the command from each view, told title and dimensions."""
    rows = []
    for name in names():
        truth = load_object(name)
        sides = zip(("width", "height", "depth"), truth.extents, strict=True)
        told = ["--title", truth.title, *(x for side, size in sides for x in (f"--{side}-mm", f"{1000 * size:.2f}"))]
        for view, angles in VIEWS.items():
            photo = command.object_photo(truth, *angles)
            run = command.make(f"{name}-{view}", [str(photo), *told], part="objects")
            rows.append(command.row(run, photo))
            say(f"  {run.name}: {rows[-1]['outcome']} {rows[-1]['faults'] or ''}")
    return rows


def set_up_django() -> None:
    """What starts engines knows the catalogue's tables, and those the settings."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()


def measure_service() -> dict[str, Any]:
    """Load on the web process, and one worker's pace."""
    set_up_django()
    from tests.benchmarks.service import measure_service

    return measure_service()


def measure_embed() -> dict[str, Any]:
    """The embedded viewer beside plain model-viewer."""
    set_up_django()
    from tests.benchmarks.embed import measure_embed

    return measure_embed()


PARTS: dict[str, Callable[[], Any]] = {
    "shape": measure_shape,
    "speed": measure_speed,
    "photos": measure_photos,
    "objects": measure_objects,
    "service": measure_service,
    "embed": measure_embed,
}
PIPELINE = ("shape", "speed", "photos", "objects")
"""What needs the open data; `service` and `embed` do not."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(PIPELINE), help="parts, with commas")
    parser.add_argument("--page", action="store_true", help="measure nothing: write the page from what is there")
    options = parser.parse_args()
    wanted = [] if options.page else options.only.split(",")
    if set(wanted) & set(PIPELINE) and not DATA.is_dir():
        say("The benchmarks need the open data: put it beside the repository as ../shared/data.")
        return 1
    for name in wanted:
        say(f"{name} ...")
        CACHE.mkdir(parents=True, exist_ok=True)
        (CACHE / f"{name}.json").write_text(json.dumps(PARTS[name](), indent=1))
    measured = [name for name in PARTS if page.load(name) is not None] if options.page else wanted
    say(f"Wrote {page.write(measured)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
