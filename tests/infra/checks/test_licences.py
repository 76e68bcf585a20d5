"""Nothing outside the allowlist is depended on, and the check would see it."""

from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest

from assets_pipeline.weights import WEIGHTS
from infra.checks.licences import ALLOWED, declared, is_allowed, locked, npm_rows, python_rows, rows, weights_rows


def test_everything_we_depend_on_is_allowed(root: Path) -> None:
    table = rows(root)
    assert [row for row in table if not row.allowed] == []
    assert {"python", "npm", "weights"} <= {row.kind for row in table}
    assert len(table) > 100


def test_a_package_that_states_no_licence_is_refused() -> None:
    (row,) = python_rows({"requirements.lock": "no-such-package==1.0 \\\n"})
    assert (row.name, row.version, row.licence, row.allowed) == ("no-such-package", "1.0", "", False)


def test_an_lgpl_package_is_allowed_only_by_name() -> None:
    lock = {"packages": {"": {}, "node_modules/x": {"version": "1", "license": "LGPL-3.0-or-later"}}}
    assert [row.allowed for row in npm_rows(lock)] == [False]
    lock = {"packages": {"node_modules/@img/sharp-libvips-linux-x64": {"license": "LGPL-3.0-or-later"}}}
    assert [row.allowed for row in npm_rows(lock)] == [True]


def test_non_commercial_weights_are_refused() -> None:
    rmbg = replace(WEIGHTS["u2net"], licence="LicenseRef-BRIA-RMBG-non-commercial")
    assert [row.allowed for row in weights_rows({"rmbg": rmbg})] == [False]


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("MIT AND GPL-3.0-only", False),
        ("MIT OR GPL-3.0-only", True),
        ("(MIT OR GPL-3.0-only) AND BSD-3-Clause", True),
        ("(GPL-2.0-only OR AGPL-3.0-only) AND MIT", False),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("", False),
    ],
)
def test_expressions_of_and_and_or_are_understood(expression: str, allowed: bool) -> None:
    assert is_allowed(expression, ALLOWED) is allowed


def test_a_lock_is_read_whatever_its_markers_say() -> None:
    text = "numpy==2.4.6 \\\n    --hash=sha256:00\ncolorama==0.4.6 ; sys_platform == 'win32' \\\nDjango==5.2 \\\n"
    assert locked(text) == {"numpy": "2.4.6", "colorama": "0.4.6", "django": "5.2"}


def test_metadata_is_read_newest_field_first() -> None:
    meta = EmailMessage()
    meta["License"] = "see the file " * 10
    assert declared(meta) == ""
    meta["Classifier"] = "License :: OSI Approved :: MIT License"
    assert declared(meta) == "MIT"
    meta["License-Expression"] = "ISC"
    assert declared(meta) == "ISC"
