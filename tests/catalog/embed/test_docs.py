"""docs/embed.md names everything that a shop may write, hear or style, and nothing else."""

import re
from pathlib import Path

import pytest

from catalog.embed.frame import PASSED_ON
from catalog.embed.script import HERE
from catalog.happenings import KEEP_DAYS
from catalog.models import Happening

SOURCE = (HERE / "element.js").read_text()
LIVE = (HERE.parent / "static" / "embed" / "live.js").read_text()


@pytest.fixture(scope="module")
def doc(root: Path) -> str:
    return (root / "docs" / "embed.md").read_text()


def section(doc: str, title: str) -> str:
    return doc.partition(f"## {title}\n")[2].partition("\n## ")[0]


def first_cells(text: str) -> set[str]:
    """What stands in code in the first column of the table."""
    return {
        code
        for line in text.splitlines()
        if line.startswith("| `")
        for code in re.findall(r"`([^`]+)`", line.split("|")[1])
    }


def test_every_attribute(doc: str) -> None:
    read = set(re.findall(r"told\(this, '([a-z-]+)'\)|hasAttribute\('([a-z-]+)'\)", SOURCE))
    names = {name for pair in read for name in pair if name} | set(
        re.search(r"observedAttributes = \[(.*)\]", SOURCE)[1].replace("'", "").split(", ")
    )  # type: ignore[index]
    assert first_cells(section(doc, "Attributes")) == names
    assert all(f"`{name}`" in section(doc, "Shops that allow no scripts") for name in PASSED_ON)


def test_every_event_with_its_codes(doc: str) -> None:
    fired = {f"plinth:{name}" for name in re.findall(r"(?:#tell|tell)\('([a-z-]+)'", SOURCE + LIVE)}
    assert first_cells(section(doc, "Events")) == fired
    for code in re.findall(r"#fail\('(\w+)'", SOURCE):
        assert f"`{code}`" in section(doc, "Events")


def test_every_part_and_property(doc: str) -> None:
    looks = section(doc, "Looks")
    assert first_cells(looks) == set(re.findall(r"var\((--plinth-[a-z-]+)", SOURCE))
    for part in re.findall(r"part: '([a-z-]+)'", SOURCE):
        assert f"`{part}`" in looks


def test_every_method(doc: str) -> None:
    methods = set(re.findall(r"^  (?:async )?(\w+)\(\) \{", SOURCE, re.MULTILINE))
    own = methods - {"constructor", "connectedCallback", "disconnectedCallback", "approach", "meet"}
    assert {name.removesuffix("()") for name in first_cells(section(doc, "Methods"))} == own


def test_everything_that_is_counted_and_for_how_long(doc: str) -> None:
    analytics = section(doc, "Analytics")
    assert all(f"`{happening}`" in analytics for happening in Happening.values)
    assert f"{KEEP_DAYS} days" in analytics
