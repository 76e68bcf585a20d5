"""Another surface, or another way to stand: asked for in the viewer, made by a worker as a new version"""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from catalog.edits import Edits, request_edit
from catalog.errors import Invalid
from dashboard.access import Access, member_page

LAYS = {
    "": "As it stands",
    "x90": "Tip it forward",
    "x-90": "Tip it backward",
    "z90": "Tip it to the left",
    "z-90": "Tip it to the right",
    "x180": "Upside down, over its front",
    "z180": "Upside down, over its side",
}
"""Ways to lay a product -> in words."""

UNTINTED = "#ffffff"


@require_POST
@member_page
def save_edit(request: HttpRequest, access: Access, product_id: str, version_id: str) -> HttpResponse:
    """Ask for a new version with what the form changes."""
    product = access.product(product_id)
    version = access.version(product, version_id)
    job = request_edit(version, edits_in(request.POST))
    messages.info(request, f"Version {version.number} stays as it is; the changed one is being made.")
    return redirect("dashboard:version-making", access.merchant.slug, product.public_id, job.public_id)


def edits_in(form: QueryDict) -> Edits:
    """What a form asks for; fields that are missing or empty change nothing. Raises Invalid."""
    values: dict[str, Any] = {}
    for name in ("roughness", "metallic"):
        if text := form.get(name, "").strip():
            values[name] = _number(name, text) / 100
    if (tint := form.get("tint", "").strip().lower()) and tint != UNTINTED:
        values["tint"] = tint
    if text := form.get("turn_degrees", "").strip():
        degrees = int(_number("turn_degrees", text))
        values["turn_degrees"] = degrees % 360
    if lay := form.get("lay", ""):
        values["lay"] = lay
    return Edits.from_json(values)


def _number(name: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not abs(number) <= 1000:
        raise Invalid("bad_value", "A number that was sent is none.", {name: "is no number"})
    return number
