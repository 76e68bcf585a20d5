"""what people type about a product -> values that `catalog.products` takes, or what is wrong with each field

The rules are the API's own: what its `ProductWish` refuses is refused here too, in a shopkeeper's words.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.text import slugify
from rest_framework.exceptions import ValidationError

from catalog.api.parsing import read_values
from catalog.api.products import ProductWish
from catalog.errors import Invalid
from catalog.lengths import UNITS, read_length
from catalog.models import Merchant
from catalog.models.products import LARGEST_M, SMALLEST_M

SIDES = ("width", "height", "depth")
TEXTS = ("sku", "title", "category", "external_id")
IMPLAUSIBLE = f"must be between {SMALLEST_M * 1000:g} mm and {LARGEST_M:g} m. Is the unit right?"


def read_facts(typed: Mapping[str, str], *, unit: str = "mm", partial: bool = False) -> dict[str, Any]:
    """Values of the fields in `typed`: texts as they are, sides in `unit` or their own, tags by commas.

    partial: nothing is required. Raises Invalid, whose `fields` say what is wrong with each.
    """
    if unit not in UNITS:
        raise Invalid("bad_value", "Choose a unit.", {"unit": "Choose a unit."})
    values: dict[str, Any] = {name: typed[name].strip() for name in TEXTS if name in typed}
    errors: dict[str, str] = {}
    for side in SIDES:
        if side in typed:
            try:
                values[side] = read_length(typed[side], unit)
            except Invalid as error:
                errors[side] = error.message
    if "tags" in typed:
        values["tags"] = read_tags(typed["tags"])
    try:
        checked = read_values(ProductWish(data=values, partial=partial), values, typed=False)
    except ValidationError as error:
        errors = dict(_in_words(error.detail)) | errors
    if errors:
        raise Invalid("bad_value", next(iter(errors.values())), errors)
    return {name: checked[name] for name in values}


def read_tags(text: str) -> list[str]:
    """Words between commas or semicolons, each once."""
    return list(dict.fromkeys(tag.strip() for tag in re.split(r"[,;|]", text) if tag.strip()))


def free_sku(merchant: Merchant, title: str) -> str:
    """A SKU made from the title that no product of the shop has yet."""
    base = slugify(title)[:60].strip("-") or "product"
    taken = set(merchant.products.filter(sku__startswith=base).values_list("sku", flat=True)[:10_000])
    number = next(n for n in range(1, len(taken) + 2) if (base if n == 1 else f"{base}-{n}") not in taken)
    return base if number == 1 else f"{base}-{number}"


def _in_words(detail: Any) -> Iterable[tuple[str, str]]:
    for name, complaints in detail.items():
        first = complaints
        while isinstance(first, list | dict):
            first = next(iter(first.values() if isinstance(first, dict) else first))
        label = {"sku": "The SKU", "external_id": "The external id"}.get(name, f"The {name}")
        code = getattr(first, "code", "")
        if name in SIDES:
            yield name, f"{label} {IMPLAUSIBLE}"
        elif code in {"required", "blank", "null"}:
            yield name, f"{label} is missing."
        else:
            yield name, f"{label}: {str(first)[:1].lower()}{str(first)[1:]}"
