"""what people write as a length -> metres, and back"""

import re
from collections.abc import Mapping

from catalog.errors import Invalid

UNITS: Mapping[str, float] = {"mm": 0.001, "cm": 0.01, "m": 1.0, "in": 0.0254}
"""Unit -> its metres."""

PLACES: Mapping[str, int] = {"mm": 2, "cm": 3, "m": 5, "in": 3}
"""Decimals that tell a hundredth of a millimetre, or nearly."""

WRITTEN: Mapping[str, str] = {"″": "in", '"': "in", "inch": "in", "inches": "in"}
LENGTH = re.compile(r'([0-9]+(?:[.,][0-9]+)?|[.,][0-9]+)\s*(mm|cm|m|in|inch|inches|"|″)?', re.IGNORECASE)
LONGEST = 40


def read_length(text: str, unit: str) -> float | None:
    """Metres of `text`, in `unit` unless it names its own ("12,5 cm"); None where it is empty. Raises Invalid.

    A comma or a point before the decimals, both at once or groups of thousands are refused: 1.200 mm is told apart from
    1,200 mm by nobody.
    """
    text = text.strip()
    if not text:
        return None
    found = LENGTH.fullmatch(text) if len(text) <= LONGEST else None
    if found is None:
        raise Invalid("bad_value", f"“{text[:LONGEST]}” is no length: write a number such as 12.5, or 12.5 cm.")
    own = (found[2] or unit).lower()
    metres = float(found[1].replace(",", ".")) * UNITS[WRITTEN.get(own, own)]
    return round(metres, 6)


def write_length(metres: float | None, unit: str) -> str:
    """0.1139 in mm -> 113.9"""
    return "" if metres is None else f"{metres / UNITS[unit]:.{PLACES[unit]}f}".rstrip("0").rstrip(".")
