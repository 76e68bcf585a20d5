"""/e/<product>: a page with nothing but the viewer, for shops that allow no scripts; the only one that may be framed"""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from catalog.api.storefront import SHORT, SHORTER
from catalog.embed.script import ELSEWHERE, WORDS, languages
from catalog.storefront import find_by_id, manifest, model_json_ld

PASSED_ON = (
    "analytics",
    "ar-modes",
    "ar-placement",
    "call-to-action",
    "canonical-url",
    "checkout-subtitle",
    "checkout-title",
    "load",
    "price",
)
"""Attributes of the element that the page's address may set."""


@require_safe
@xframe_options_exempt
def frame(request: HttpRequest, public_id: str) -> HttpResponse:
    """The product's viewer; 404, with a page that says so to people, as long as nothing is published."""
    language = language_of(request)
    product = find_by_id(public_id) if "\0" not in public_id else None
    context = {
        "language": language,
        "nothing": nothing_words(language),
        "product": product,
        "manifest": manifest(product) if product else None,
        "json_ld": json_ld_tag(model_json_ld(product)) if product else "",
        "attributes": {name: request.GET[name] for name in PASSED_ON if name in request.GET},
    }
    response = HttpResponse(render_to_string("embed/frame.html", context), status=200 if product else 404)
    response.headers["Cache-Control"] = SHORT if product else SHORTER
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def language_of(request: HttpRequest) -> str:
    """The one that the address names, where there are words for it."""
    asked = request.GET.get("lang", "")[:2].lower()
    return asked if asked in languages() else ELSEWHERE


@cache
def nothing_words(language: str) -> str:
    """What people are told who come for a product that has nothing to show."""
    return str(json.loads((WORDS / f"{language}.json").read_text())["page"]["nothing"])


def json_ld_tag(data: Mapping[str, Any]) -> SafeString:
    """The data block for search engines; nothing in it can end it, as in Django's own `json_script`."""
    text = json.dumps(data, cls=DjangoJSONEncoder).translate({ord(sign): f"\\u{ord(sign):04X}" for sign in "<>&"})
    return mark_safe(f'<script type="application/ld+json">{text}</script>')  # noqa: S308
