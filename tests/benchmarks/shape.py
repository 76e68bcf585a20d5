"""one photo -> shape: the generator alone, measured against the truth

    python -m tests.benchmarks.shape [--only teapot,...] [--title] [--dims] [--views front,tq] [--prototype NAME]

One photo at a time, a clean cut-out: `front` (azimuth 0, elevation 5) and `tq` (three-quarter: azimuth 35, elevation
20), field of view 20 degrees, which the generator is not told. Prints a row per object: cd and f01 (longest side 2),
silhouette IoU, the yaw that the alignment found, the family that the generator chose.
"""

import argparse
import time
from collections.abc import Mapping

import numpy as np

from assets_pipeline.asset import Cutout, Hints
from assets_pipeline.protocols import ImageTo3D
from tests.benchmarks.metric import Score, score
from tests.benchmarks.objects import Truth, load_object, names, render_cutout, rotation_y
from tests.benchmarks.prototypes import METHODS, measure_prototype

VIEWS = {"front": (0.0, 5.0), "tq": (35.0, 20.0)}
Table = dict[str, dict[str, Score]]
"""Object name -> view -> score."""

__all__ = ["VIEWS", "Table", "hints_for", "load_object", "mean", "measure_generator", "render_cutout", "score"]


def hints_for(truth: Truth, *, title: bool, dims: bool) -> Hints:
    """What the merchant says: the title, the dimensions, both or nothing."""
    width, height, depth = truth.extents if dims else (None, None, None)
    return Hints(title=truth.title if title else "", width=width, height=height, depth=depth)


def cutout_of(truth: Truth, view: str) -> Cutout:
    """The object's photo from `view`, as the segment stage would hand it over, under a name that tells nothing."""
    rgba = render_cutout(truth, *VIEWS[view])
    return Cutout(name="photo.png", rgba=rgba, coverage=float((rgba[..., 3] > 127).mean()), method="alpha")


def measure_generator(generator: ImageTo3D, truth: Truth, view: str, hints: Hints) -> Score:
    """Generate from one view and score. A shape in the camera's frame is turned by the view's azimuth as well."""
    started = time.perf_counter()
    raw = generator.generate([cutout_of(truth, view)], hints, seed=0, progress=lambda _: None, cancelled=lambda: False)
    seconds = time.perf_counter() - started
    known = [np.eye(3), rotation_y(np.deg2rad(VIEWS[view][0]))]
    return score(
        raw.mesh.positions, raw.mesh.indices.astype(np.int64), truth, known, family=raw.family, seconds=seconds
    )


def mean(table: Table, figure: str) -> float:
    """The mean of one figure over objects and views."""
    return float(np.mean([getattr(found, figure) for row in table.values() for found in row.values()]))


def print_row(name: str, row: Mapping[str, Score]) -> None:
    cells = "".join(f" | {s.cd:.3f} {s.f01:.2f} {s.iou:.2f} {s.yaw:5.0f} {s.family[:14]:14}" for s in row.values())
    total = f"{np.mean([s.cd for s in row.values()]):.3f} {np.mean([s.f01 for s in row.values()]):.2f}"
    print(f"{name:20}{cells} | {total}  {sum(s.seconds for s in row.values()):.1f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="names of objects, with commas")
    parser.add_argument("--views", default="front,tq")
    parser.add_argument("--title", action="store_true", help="tell the generator the product's title")
    parser.add_argument("--dims", action="store_true", help="tell the generator width, height and depth")
    parser.add_argument("--prototype", choices=METHODS, help="measure one of the studies' methods instead")
    options = parser.parse_args()
    views, table = options.views.split(","), Table()
    print(f"{'':20}" + "".join(f" | {view:4} cd f01  iou   yaw family     " for view in views) + " | mean cd f01")
    for name in options.only.split(",") if options.only else names():
        truth = load_object(name)
        if options.prototype:
            row = {
                v: measure_prototype(options.prototype, truth, render_cutout(truth, *VIEWS[v]), *VIEWS[v])
                for v in views
            }
        else:
            from assets_pipeline.generators.primitive import PrimitiveGenerator

            hints = hints_for(truth, title=options.title, dims=options.dims)
            row = {view: measure_generator(PrimitiveGenerator(), truth, view, hints) for view in views}
        table[name] = row
        print_row(name, row)
    figures = f"CD {mean(table, 'cd'):.4f}  F@.1 {mean(table, 'f01'):.3f}  IoU {mean(table, 'iou'):.3f}"
    print(f"mean of {len(table)} objects: {figures}")


if __name__ == "__main__":
    main()
