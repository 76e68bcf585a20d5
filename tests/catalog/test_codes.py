"""Every code that the API answers with is documented, and none that it does not."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog import held_jobs, jobs, stranded
from catalog.api.errors import KNOWN

FIRST = ("Invalid", "Conflict", "Forbidden", "Away", "_away", "_invalid", "refusal", "__init__")
SPOKEN_BY = {**dict.fromkeys(FIRST, 0), "refuse_photo": 1}
"""Whose argument at that place is a code."""

CODE = re.compile(r"^[a-z]+(?:_[a-z]+)*$")
FROM_THE_STORE = {"storage_away", "storage_full", "storage_denied"}
FROM_DJANGO = {"server_error"}


def codes_in(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            place = SPOKEN_BY.get(name, 99)
            if place < len(node.args) and isinstance(code := node.args[place], ast.Constant):
                yield from CODE.findall(str(code.value))  # some helpers of that name take a sentence alone
        elif isinstance(node, ast.Assign) and any(getattr(t, "id", "") == "default_code" for t in node.targets):
            assert isinstance(node.value, ast.Constant)
            yield str(node.value.value)


@pytest.fixture(scope="module")
def spoken(root: Path) -> set[str]:
    found = {code for path in (root / "catalog").rglob("*.py") for code in codes_in(path.read_text())}
    return found | {code for code, _ in KNOWN.values()} | FROM_THE_STORE | FROM_DJANGO | {"unknown_field"}


@pytest.fixture(scope="module")
def documented(root: Path) -> set[str]:
    text = (root / "docs" / "api.md").read_text()
    codes = text.partition("## Codes of the API")[2].partition("## Reasons of jobs")[0]
    codes += text.partition("A photo that a worker fetches")[2]
    return set(re.findall(r"`([a-z]+(?:_[a-z]+)*)`", codes)) - {"fields"}


def test_every_code_of_the_api_is_documented(spoken: set[str], documented: set[str]) -> None:
    assert len(spoken) > 50
    assert spoken - documented == set()


def test_no_documented_code_of_the_api_is_dead(spoken: set[str], documented: set[str]) -> None:
    assert documented - spoken == set()


def test_every_reason_that_the_catalogue_gives_a_job_is_documented(root: Path) -> None:
    reasons = {
        jobs.REJECTED_IN_REVIEW,
        held_jobs.CANCELLED_BY_MERCHANT,
        held_jobs.CHECKPOINT_LOST,
        held_jobs.WORKER_LOST,
        stranded.NO_WORKER,
        "files_missing",
        "grade_c",
    }
    text = (root / "docs" / "api.md").read_text().partition("## Reasons of jobs")[2]
    assert reasons - set(re.findall(r"`([a-z]+(?:_[a-z]+)*)`", text)) == set()
