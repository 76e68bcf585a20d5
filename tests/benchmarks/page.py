"""figures under var/bench -> docs/benchmarks.md and its contact sheets"""

import json
import os
import platform
import re
import statistics
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageOps

from assets_pipeline.geometry.cores import usable_cores
from tests.benchmarks.objects import CACHE, ROOT

DOCS = ROOT / "docs"
CELL = 150
SHEET_QUALITY = 74
LABELS = {
    "inflation": "inflation",
    "image": "router, image",
    "word": "+ word",
    "dims": "+ size",
    "ours: image": "**ours**, image",
    "ours: title": "**+ title**",
    "ours: title and size": "**+ size**",
}

SHAPE_NOTES = """\
One photo of each of the 14 open objects: a clean cut-out of 576 pixels, field of view 20 degrees (the generator is not
told), from the front (azimuth 0, elevation 5) and three-quarter (35, 20); each cell is the mean of the two as CD/F@.1.
CD is the mean of both directions' mean distances, longest side 2; F@.1 the F-score at 0.1; only true points seen from
outside count. The first four columns are the studies' prototypes run in the same run: they are given the true camera's
rotation. Ours is not: its result is tried as it stands and turned by the photo's azimuth, as a generator may answer in
the camera's frame. All are then turned by a search over yaw in steps of 30 degrees (the same for everyone) and aligned
by similarity ICP, which forgives scale and small turns. Half of CD, and F@.05 for F@.1, compare with a unit cube."""

LOAD_FIGURES = ("per_second", "p50_ms", "p95_ms")
SERVICE_NOTES = """\
`make bench-service`: one web process (uvicorn), one dispatcher, SQLite, Valkey and SeaweedFS on the same two cores as
wrk, which asks over 8 connections for some seconds after one to warm up. Every product is published and has a job."""

EMBED_NOTES = """\
`python -m tests.benchmarks --only embed`: one product page on a phone's screen, with the code of
[embed.md](embed.md) and with plain model-viewer 4.4 and a poster, the same model (meshopt), poster and servers. Each
visit has an empty cache, 1.6 Mbit/s, 150 ms latency and half the processor, and draws in software. Ours is tapped as
soon as its button is there; model-viewer loads its model by itself. Bytes are those of a visit in which nobody does
anything."""


def load(part: str) -> Any:
    """The part's figures, None when it has not been measured."""
    path = CACHE / f"{part}.json"
    return json.loads(path.read_text()) if path.exists() else None


def mean_cd(views: Mapping[str, Mapping[str, float]]) -> float:
    return statistics.fmean(score["cd"] for score in views.values())


def mean_f01(views: Mapping[str, Mapping[str, float]]) -> float:
    return statistics.fmean(score["f01"] for score in views.values())


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Markdown."""
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    return "\n".join([*lines, *("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows)])


def shape_section(found: Mapping[str, Any]) -> str:
    objects = list(next(iter(found.values())))
    rows = []
    for name in objects:
        cells = [f"{mean_cd(found[m][name]):.3f}/{mean_f01(found[m][name]):.2f}" for m in found]
        families = {score["family"] for score in found["ours: title"][name].values()}
        rows.append([name, *cells, " / ".join(sorted(families))])
    means = [
        f"**{statistics.fmean(mean_cd(v) for v in found[m].values()):.4f}/"
        f"{statistics.fmean(mean_f01(v) for v in found[m].values()):.3f}**"
        for m in found
    ]
    rows.append(["**mean**", *means, ""])
    worse = [n for n in objects if mean_cd(found["ours: title"][n]) > mean_cd(found["inflation"][n]) + 0.0005]
    verdict = f"Worse than inflation with the title known: {', '.join(worse) if worse else 'none'}."
    head = ["object", *(LABELS[method] for method in found), "family"]
    return f"## Shape from one photo\n\n{SHAPE_NOTES}\n\n{table(head, rows)}\n\n{verdict}\n"


def speed_section(found: Mapping[str, Any]) -> str:
    stages = list(found["standard"]["stages"])
    rows = [[name, *(f"{found[q]['stages'].get(name, 0):.2f}" for q in found)] for name in stages]
    rows.append(["**the command, start to end**", *(f"**{found[q]['seconds']:.1f}**" for q in found)])
    rows.append(["processor seconds, all cores", *(f"{found[q]['processor_seconds']:.1f}" for q in found)])
    rows.append(["peak memory, MB", *(str(found[q]["peak_rss_mb"]) for q in found)])
    first = found["standard"]
    size = " x ".join(str(side) for side in first["size"])
    return (
        f"## Seconds and memory\n\n`plinth make` on one photo of {size} pixels ({first['photo']}), weights on disk, "
        f"median of three runs, each a process of its own.\n\n{table(['stage', *found], rows)}\n"
    )


def runs_section(title: str, intro: str, rows: Sequence[Mapping[str, Any]], sheet: str) -> str:
    cells = [
        [
            row["name"],
            row["outcome"].replace("|", "/") + (f" **{'; '.join(row['faults'])}**" if row["faults"] else ""),
            row["triangles"] or "",
            " / ".join(f"{size / 1e6:.2f}" for size in row["bytes"].values()),
            row["seconds"],
            row["peak_rss_mb"] or "",
        ]
        for row in rows
    ]
    made = [row for row in rows if row["status"] == 0]
    rejected = [row for row in rows if row["status"] == 3]
    faulty = [row for row in rows if row["faults"]]
    web = [row["bytes"]["model.web.glb"] / 1e6 for row in made]
    summary = (
        f"{len(rows)} photos: {len(made)} assets, {len(rejected)} rejections, {len(faulty)} with faults. "
        f"model.web.glb: median {statistics.median(web):.2f} MB, at most {max(web):.2f} MB."
    )
    head = ["photo", "outcome", "triangles", "MB: glb / web / usdz", "seconds", "MB of memory"]
    return f"## {title}\n\n{intro}\n\n{summary}\n\n![{title}]({sheet})\n\n{table(head, cells)}\n"


def service_section(found: Mapping[str, Any]) -> str:
    sizes = list(found["load"])
    endpoints = [name for name in found["load"][sizes[0]] if name != "web_rss_mb"]
    rows = [
        [f"{name}, {int(size):,} products", *(round(found["load"][size][name][key], 1) for key in LOAD_FIGURES)]
        for name in endpoints
        for size in sizes
    ]
    jobs = found["jobs"]
    alone = statistics.median(job["seconds"] for job in jobs["overhead"])
    shares = sorted(100 * (job["seconds"] / job["stage_seconds"] - 1) for job in jobs["overhead"])
    memory = " and ".join(f"{found['load'][size]['web_rss_mb']} MB with {int(size):,} products" for size in sizes)
    return (
        f"## The service\n\n{SERVICE_NOTES}\n\n{table(['what', 'per second', 'p50, ms', 'p95, ms'], rows)}\n\n"
        f"One worker on drafts of a 1024 px photo: {jobs['start_seconds']:.2f} s from request to start with an empty "
        f"queue (median), {jobs['jobs_per_hour']:.0f} jobs an hour, {jobs['worker_rss_mb']} MB with its child process "
        f"and Node. The web process holds {memory}.\n\n"
        f"A standard job, alone, takes {alone:.1f} s from request to end (median); queue, leases, checkpoints and rows "
        f"add {statistics.median(shares):.1f} % to the seconds of its stages, at most {shares[-1]:.1f} %.\n"
    )


def embed_section(found: Mapping[str, Any]) -> str:
    ours, plain = found["ours"], found["plain"]
    sooner = 100 * (1 - ours["picture_seconds"] / plain["picture_seconds"])
    later = ours["model_seconds"] - plain["model_seconds"]
    rows = [
        [
            name,
            f"{found[part]['bytes'] / 1000:.0f}",
            f"{found[part]['picture_seconds']:.1f}",
            f"{found[part]['model_seconds']:.1f}",
        ]
        for part, name in (("ours", "**`<plinth-viewer>`**"), ("plain", "model-viewer"))
    ]
    head = ["page", "kB before interaction", "first picture, s", "model that turns, s"]
    return (
        f"## The embedded viewer\n\n{EMBED_NOTES}\n\n{table(head, rows)}\n\n"
        f"The first picture comes {sooner:.0f} % sooner; the turning model itself {abs(later):.1f} s "
        f"{'later' if later > 0 else 'sooner'}, as nothing of it is loaded before somebody taps. "
        f"Medians of {len(ours['visits'])} visits.\n"
    )


def contact_sheet(rows: Sequence[Mapping[str, Any]], path: Path, columns: int = 3) -> None:
    """Per run the photo, then front, right and back of the result (from its turntable), with its name."""
    wide, high = 4 * CELL + 8, CELL + 16
    lines = -(-len(rows) // columns)
    sheet = Image.new("RGB", (columns * wide, lines * high), "white")
    draw = ImageDraw.Draw(sheet)
    for number, row in enumerate(rows):
        x, y = number % columns * wide, number // columns * high
        photo = ImageOps.exif_transpose(Image.open(row["photo"])).convert("RGBA")
        pictures = [photo, *turned(Path(row["folder"]))] if row["status"] == 0 else [photo]
        for place, picture in enumerate(pictures):
            small = ImageOps.contain(picture.convert("RGBA"), (CELL - 4, CELL - 4))
            sheet.paste(small, (x + place * CELL + 2, y + 14), small)
        note = row["name"] if row["status"] == 0 else f"{row['name']}  {row['outcome'].split(':')[0]}"
        draw.text((x + 4, y + 1), note, fill="black")
    sheet.save(path, quality=SHEET_QUALITY, method=6)


def turned(folder: Path) -> list[Image.Image]:
    """Front, right side and back out of the turntable's eight views in two rows."""
    views = Image.open(folder / "turntable.webp").convert("RGB")
    side = views.width // 4
    return [views.crop((k % 4 * side, k // 4 * side, (k % 4 + 1) * side, (k // 4 + 1) * side)) for k in (0, 2, 4)]


def machine() -> str:
    """What the figures were taken on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    cores = usable_cores()
    return (
        f"{cores} cores ({platform.machine()}), {memory:.0f} GB of memory, no GPU, Python {platform.python_version()}"
    )


def photos_section(rows: Sequence[Mapping[str, Any]]) -> str:
    contact_sheet(rows, DOCS / "benchmark-photos.webp")
    intro = "Each open photo through `plinth make PHOTO`, told no more than its name: photo, front, right and back."
    return runs_section("Real photos", intro, rows, "benchmark-photos.webp")


def objects_section(rows: Sequence[Mapping[str, Any]]) -> str:
    contact_sheet(rows, DOCS / "benchmark-objects.webp")
    intro = "Each open object's rendered photo through `plinth make`, told title and dimensions."
    return runs_section("Rendered objects", intro, rows, "benchmark-objects.webp")


SECTIONS: Mapping[str, tuple[str, Callable[[Any], str]]] = {
    "shape": ("Shape from one photo", shape_section),
    "speed": ("Seconds and memory", speed_section),
    "photos": ("Real photos", photos_section),
    "objects": ("Rendered objects", objects_section),
    "service": ("The service", service_section),
    "embed": ("The embedded viewer", embed_section),
}
"""Part -> the heading of its section, and what writes it."""


def write(measured: Collection[str]) -> Path:
    """Write the sections of the parts that were `measured` into docs/benchmarks.md; the others stay as they are."""
    path = DOCS / "benchmarks.md"
    kept = sections(path.read_text() if path.exists() else "")
    parts = ["# Benchmarks\n", f"Made by `make bench` on {machine()}.\n"]
    for part, (title, written) in SECTIONS.items():
        if part in measured:
            parts.append(written(load(part)))
        elif title in kept:
            parts.append(kept[title])
    path.write_text("\n".join(parts))
    return path


def sections(text: str) -> dict[str, str]:
    """Heading -> section of the page, its heading with it."""
    _, *found = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    return {section.partition("\n")[0].removeprefix("## "): section.rstrip("\n") + "\n" for section in found}
