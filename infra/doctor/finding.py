"""One thing that was looked at, and how it is"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Finding:
    """text: how it is. fix: what to do, empty when nothing."""

    about: str
    level: Level
    text: str
    fix: str = ""

    def __str__(self) -> str:
        line = f"{self.level:8}{self.about:12}{self.text}"
        return f"{line}\n{'':20}-> {self.fix}" if self.fix else line


Check = Callable[[], Iterator[Finding]]
"""Looks at something; what it raises is its own mistake."""


def ok(about: str, text: str) -> Finding:
    """Nothing to do."""
    return Finding(about, Level.OK, text)


def warning(about: str, text: str, fix: str) -> Finding:
    """It works, but somebody should know."""
    return Finding(about, Level.WARNING, text, fix)


def error(about: str, text: str, fix: str) -> Finding:
    """It does not work."""
    return Finding(about, Level.ERROR, text, fix)
