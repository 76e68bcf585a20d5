"""What a merchant says of a product: title, category, size, SKU and tags, saved in place"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from catalog.checks import at_revision
from catalog.errors import LostRace, Refused
from catalog.facts import SIDES, read_facts
from catalog.lengths import PLACES, UNITS, write_length
from catalog.models import Product
from catalog.products import change_product
from dashboard.access import Access, is_fragment, member_page, page

NAMES = ("title", "sku", "category", "tags", *SIDES)
UNIT = "cm"
"""Where nobody has chosen one."""

SAVED = "facts-saved"
"""Told to the page's other parts."""

LARGE_M, SMALL_M = 1.5, 0.02
LABELS: Mapping[str, str] = {"sku": "SKU", "category": "What it is"}


def facts_context(product: Product, unit: str = "") -> dict[str, Any]:
    """The form as the product is now."""
    unit = unit or fitting_unit(product)
    return form_context(product, written(product, unit), unit)


def form_context(
    product: Product, typed: Mapping[str, str], unit: str, errors: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The form with what somebody has typed; fields that are stored otherwise by now are told."""
    errors = errors or {}
    fields = {name: {"value": typed.get(name, ""), "error": errors.get(name, "")} for name in NAMES}
    return {
        "product": product,
        "fields": fields,
        "lengths": [(side, fields[side]) for side in SIDES],
        "unit": unit,
        "units": [(name, f"{metres:g}", PLACES[name]) for name, metres in UNITS.items()],
        "errors": errors,
        "seen": digest(product),
        "given": sum(getattr(product, side) is not None for side in SIDES),
    }


@require_POST
@member_page(writes=True)
def save(request: HttpRequest, access: Access, product_id: str) -> HttpResponse:
    """Save what was typed; nothing of it is lost when it will not do or somebody else was faster."""
    product = access.product(product_id)
    typed = {name: request.POST.get(name, "") for name in NAMES}
    unit = request.POST.get("unit", UNIT)
    unit = unit if unit in UNITS else UNIT
    shown, status = form_context(product, typed, unit), 422
    try:
        values = read_facts(typed, unit=unit)
        values |= {side: getattr(product, side) for side in SIDES if typed[side] == written(product, unit)[side]}
        if request.POST.get("seen") != digest(product):
            raise LostRace("changed since the form was drawn")
        product = change_product(product, values, check=at_revision(product.revision))
        shown, status = {**facts_context(product, unit), "saved": True}, 200
    except LostRace:
        product = access.product(product_id)
        theirs = {name: text for name, text in written(product, unit).items() if text != typed[name].strip()}
        if theirs:
            shown, status = {**form_context(product, typed, unit), "theirs": told(theirs)}, 422
        else:
            shown, status = {**facts_context(product, unit), "saved": True}, 200
    except Refused as error:
        shown = form_context(product, typed, unit, plainly(error))
    if is_fragment(request):
        response = page(request, access, "dashboard/product_facts.html", shown, status=status)
        if status == 200:
            response.headers["HX-Trigger-After-Swap"] = SAVED
        return response
    if status == 200:
        messages.success(request, "Saved.")
        return redirect("dashboard:product", access.merchant.slug, product.public_id)
    return page(request, access, "dashboard/product_facts_page.html", shown, status=status)


def plainly(error: Refused) -> Mapping[str, str]:
    """Field -> what is wrong with it."""
    if error.code == "sku_taken":
        return {"sku": "Another product has this SKU."}
    return error.fields or {"title": error.message}


def told(theirs: Mapping[str, str]) -> list[tuple[str, str]]:
    """(label, what is stored) of each field that somebody else has changed."""
    return [(LABELS.get(name, name.capitalize()), text or "empty") for name, text in theirs.items()]


def written(product: Product, unit: str) -> dict[str, str]:
    """Every field as the form shows it."""
    sides = {side: write_length(getattr(product, side), unit) for side in SIDES}
    return {
        "title": product.title,
        "sku": product.sku,
        "category": product.category,
        "tags": ", ".join(product.tags),
        **sides,
    }


def digest(product: Product) -> str:
    """Changes with what the form is about, and not when a version is published meanwhile."""
    facts = [product.title, product.sku, product.category, product.tags, *(getattr(product, side) for side in SIDES)]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def fitting_unit(product: Product) -> str:
    """The unit that a product of that size is measured in."""
    largest = max((getattr(product, side) or 0 for side in SIDES), default=0)
    return "m" if largest > LARGE_M else "mm" if 0 < largest < SMALL_M else UNIT
