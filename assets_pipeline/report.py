"""a finished asset -> report.json, and the table that a person reads

Seconds, memory and versions live here and never in the asset's own files.
"""

import json
import platform
import resource
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from assets_pipeline.asset import Advice, Asset, StageRecord
from assets_pipeline.generators.registry import Choice
from assets_pipeline.recipes import Recipe, check_profile

PACKAGES = (
    "plinth", "numpy", "scipy", "numba", "opencv-python-headless", "pillow", "onnxruntime", "rembg", "pymatting",
    "trimesh", "embreex", "fast-simplification", "xatlas", "uvunwrap", "pygltflib", "usd-core",
)  # fmt: skip
"""Whose versions decide an asset's bytes."""

Report = dict[str, Any]


def printable(text: str) -> str:
    """`text` on one line, with nothing that moves a terminal's cursor."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def make_report(asset: Asset, recipe: Recipe, choice: Choice, seconds: Mapping[str, float]) -> Report:
    """Everything worth knowing about a finished asset; see docs/command.md.

    seconds: stage name -> seconds, in order.
    """
    spec = choice.generator.spec
    return finished_report(asset, recipe, (spec.name, choice.why, asdict(spec.licence)), seconds)


def finished_report(
    asset: Asset, recipe: Recipe, origin: tuple[str, str, Mapping[str, Any]], seconds: Mapping[str, float]
) -> Report:
    """The same for any origin: its name, why it is that one, and its licence."""
    assert asset.raw is not None, "the report comes after every stage"
    name, why, licence = origin
    return {
        "status": "done",
        "title": asset.title,
        "category": asset.hints.category,
        "inputs": inputs(asset),
        "recipe": asdict(recipe),
        "generator": {
            "name": name,
            "why": why,
            "licence": dict(licence),
            "family": asset.raw.family,
            "confidence": round(asset.raw.confidence, 3),
            "size_source": asset.raw.size_source,
            "notes": list(asset.raw.notes),
            "parameters": dict(asset.raw.parameters),
        },
        "next_photo": asset.raw.next_photo,
        "advice": [asdict(advice) for advice in asset.advice],
        **_outcome(asset, recipe, seconds),
    }


def edited_report(before: Report, asset: Asset, recipe: Recipe, seconds: Mapping[str, float]) -> Report:
    """`before`, of the version that was edited, with what the edit made of it."""
    return before | {"recipe": asdict(recipe)} | _outcome(asset, recipe, seconds)


def _outcome(asset: Asset, recipe: Recipe, seconds: Mapping[str, float]) -> Report:
    """What was done and what came of it."""
    return {
        "stages": stages(asset.provenance, seconds),
        "seconds": round(sum(seconds.values()), 2),
        "peak_rss_mb": peak_rss_mb(),
        "files": {name: {"bytes": len(data), "sha256": sha256(data).hexdigest()} for name, data in asset.files.items()},
        "metrics": metrics(asset),
        "profiles": profiles(asset, recipe),
        "certificate": dict(asset.certificate or {}),
        "versions": versions(),
    }


def inputs(asset: Asset) -> list[Report]:
    """One entry for each photo."""
    return [
        {
            "name": printable(photo.name),
            "view": photo.view,
            "sha256": photo.sha256,
            "bytes": photo.bytes,
            "width": photo.original_size[0],
            "height": photo.original_size[1],
        }
        for photo in asset.photos
    ]


def stages(provenance: Sequence[StageRecord], seconds: Mapping[str, float]) -> list[Report]:
    """One entry for each stage that ran: its options, counts and seconds."""
    records = {record.stage.partition("(")[0].lower(): record for record in provenance}
    found = []
    for name, took in seconds.items():
        record = records.get(name.replace("_", ""))
        entry = {"stage": name, "seconds": round(took, 3)}
        found.append(entry | ({"options": record.stage, "counts": dict(record.counts)} if record else {}))
    return found


def metrics(asset: Asset) -> Report:
    """The figures of the model itself."""
    assert asset.lowpoly is not None and asset.material is not None, "the report comes after every stage"
    return {
        "triangles": asset.lowpoly.triangles,
        "vertices": len(asset.lowpoly.positions),
        "texture_size": max(asset.material.base_color.shape[:2]),
        "extents_m": [round(float(side), 5) for side in asset.lowpoly.extents],
        "unseen": asset.unseen,
    }


def profiles(asset: Asset, recipe: Recipe) -> Report:
    """For each channel of the recipe what keeps the asset out of it, if anything."""
    measured = metrics(asset)
    sizes = {name: len(data) for name, data in asset.files.items()}
    found = {}
    for name in recipe.profiles:
        findings = check_profile(
            name,
            triangles=measured["triangles"],
            texture_size=measured["texture_size"],
            glb_bytes=sizes["model.glb"],
            web_bytes=sizes["model.web.glb"],
            usdz_bytes=sizes["model.usdz"],
        )
        found[name] = {"fits": not findings, "findings": list(findings)}
    return found


def peak_rss_mb() -> int:
    """The most memory that this process held, in MB (10^6 bytes). The Node helper's is not in it."""
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6)


def versions() -> Report:
    """Of what decides an asset's bytes, beside photos and recipe."""
    found = {"plinth": "not installed", "python": platform.python_version(), "machine": platform.machine()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # another generator's environment may do without it
            continue
    return found


def to_json(value: Any) -> str:
    """JSON for people and programs, keys in our order."""
    return json.dumps(value, indent=2, default=plain, ensure_ascii=False) + "\n"


def plain(value: Any) -> Any:
    """What json does not know: arrays and numpy's numbers as lists and numbers, anything else as text."""
    return value.tolist() if hasattr(value, "tolist") else str(value)


# For people


def summarise(report: Report) -> str:
    """The table at the end of `plinth make`."""
    lines = [f"{'stage':14}{'seconds':>8}  counts"]
    lines += [f"{s['stage']:14}{s['seconds']:8.2f}  {counts_line(s.get('counts', {}))}" for s in report["stages"]]
    lines += [f"{'in all':14}{report['seconds']:8.2f}  at most {report['peak_rss_mb']} MB of memory", ""]
    lines += [f"{name:20}{size(entry['bytes']):>10}" for name, entry in report["files"].items()]
    generator = report["generator"]
    lines += ["", f"generator {generator['name']} ({generator['why']}), {generator['family']}"]
    lines += [f"  {note}" for note in generator["notes"]]
    lines += [f"{line['level']}: {line['text']}" for line in report["advice"] if line["level"] != "note"]
    lines += [f"profile {name}: {', '.join(p['findings'])}" for name, p in report["profiles"].items() if not p["fits"]]
    if report["next_photo"]:
        lines.append(f"The photo that would help most: {report['next_photo']}")
    lines.append(certificate_line(report["certificate"]))
    return "\n".join(printable(line) for line in lines)


def counts_line(counts: Mapping[str, Any], width: int = 96) -> str:
    """`triangles 50000, charts 12`: the plain counts and the files' sizes, as many as fit."""
    line = ""
    for key, value in counts.items():
        if isinstance(value, Mapping) and "bytes" in value:
            part = f"{key} {size(value['bytes'])}"
        elif isinstance(value, bool | int | float | str) and value not in (0, "", False):
            part = f"{key.replace('_', ' ')} {f'{value:.3g}' if isinstance(value, float) else value}"
        else:
            continue
        if len(line) + len(part) > width:
            break
        line += f", {part}" if line else part
    return line


def size(count: int) -> str:
    """Bytes for people."""
    return f"{count / 1e6:.2f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"


def certificate_line(certificate: Mapping[str, Any]) -> str:
    """Grade and verdict on one line."""
    broken = [row["name"] for row in certificate["limits"] if row["level"] == "required" and not row["ok"]]
    verdict = f"does not keep: {', '.join(broken)}" if broken else f"all of {len(certificate['limits'])} limits kept"
    missed = sum(row["level"] == "target" and not row["ok"] for row in certificate["limits"])
    if missed and not broken:
        verdict = f"every required limit kept, {missed} target{'s' if missed > 1 else ''} missed"
    return f"certificate: grade {certificate['grade']}, {verdict}. {' '.join(certificate.get('reasons', []))}".strip()


def certificate_table(certificate: Mapping[str, Any]) -> str:
    """What `plinth certify` says: a line for each limit, then the verdict."""
    lines = [
        f"{'ok' if row['ok'] else 'no' if row['level'] == 'required' else 'over':5}"
        f"{row['name']:34}{row['value']:>14} of {row['limit']} ({row['level']})"
        for row in certificate["limits"]
    ]
    if certificate["changed"]:
        lines.append(f"Changed since they were made: {', '.join(certificate['changed'])}")
    return "".join(f"{printable(line)}\n" for line in (*lines, certificate_line(certificate)))


def advice_lines(name: str, advice: Sequence[Advice]) -> list[str]:
    """What `plinth inspect` says about one photo: a verdict, then a line for each remark."""
    mine = [remark for remark in advice if remark.photo in ("", name)]
    levels = {remark.level for remark in mine}
    verdict = "retake" if "retake" in levels else "usable" if "usable" in levels else "use as it is"
    return [f"{printable(name)}: {verdict}", *(f"  {printable(f'{r.code}: {r.text}')}" for r in mine)]
