"""Every code that a merchant or a program may meet is documented."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from assets_pipeline.formats.foreign_model import SENTENCES as MODELS
from assets_pipeline.stages.inspect import NOTES
from assets_pipeline.stages.segment import SENTENCES

SPOKEN_BY = {"InputRejected": 0, "Unavailable": 0, "Advice": 0, "remark": 0, "fail": 1, "refused": 0}
"""Whose argument at that place is a code."""


def codes_in(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        place = SPOKEN_BY.get(name, 99)
        if place < len(node.args) and isinstance(code := node.args[place], ast.Constant):
            yield str(code.value)


@pytest.fixture(scope="module")
def spoken(root: Path) -> set[str]:
    found = {code for path in (root / "assets_pipeline").rglob("*.py") for code in codes_in(path.read_text())}
    return found | set(NOTES) | set(SENTENCES)


@pytest.fixture(scope="module")
def documented(root: Path) -> set[str]:
    return set(re.findall(r"`([a-z]+(?:_[a-z]+)*)`", (root / "docs" / "codes.md").read_text()))


def test_every_code_is_documented(spoken: set[str], documented: set[str]) -> None:
    assert len(spoken) > 40
    assert spoken - documented == set()


def test_no_documented_code_is_dead(spoken: set[str], documented: set[str]) -> None:
    levels_and_views = {"note", "usable", "retake", "top"}
    assert documented - spoken - levels_and_views == set()


def test_sentences_are_told_as_documented(root: Path) -> None:
    text = (root / "docs" / "codes.md").read_text()
    for code, sentence in {**NOTES, **SENTENCES, **MODELS}.items():
        assert re.sub(r"\{\w+\}", "…", sentence) in text, code
