"""A version of a product's model, to judge and to decide about"""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from catalog.comments import LONGEST
from dashboard.access import Access, member_page, page
from dashboard.review.certificate import judge, validators
from dashboard.review.commenting import comment_rows
from dashboard.review.editing import LAYS
from dashboard.review.files import file_rows, shown_model
from dashboard.review.history import history_of, origin_words
from dashboard.review.pictures import comparisons, maps, names_of
from dashboard.review.standing import standing_of


@require_safe
@member_page
def overview(request: HttpRequest, access: Access, product_id: str, version_id: str) -> HttpResponse:
    """One version: the model, its photos, what is to be said of it, and what may be done."""
    product = access.product(product_id)
    version = access.version(product, version_id)
    context = {
        "product": product,
        "version": version,
        "standing": standing_of(product, version),
        "judged": judge(version),
        "validators": validators(version),
        "comparisons": comparisons(version),
        "maps": maps(version),
        "model": shown_model(version),
        "has_turntable": "turntable.webp" in names_of(version),
        "lays": LAYS,
        "files": file_rows(version),
        "licence": licence_rows(version.licence),
        "origin": origin_words(version),
        "history": history_of(product, version),
        "comments": comment_rows(version, access),
        "longest": LONGEST,
        "active": product.jobs.filter(ended_at=None).first(),
    }
    return page(request, access, "dashboard/version.html", context)


def licence_rows(licence: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the generator's licence says, without what it leaves open."""
    weights = licence.get("weights", "")
    rows = [
        ("Program", licence.get("code", "")),
        ("Learned weights", "none" if weights == "none" else weights),
        ("Not to be used in", ", ".join(licence.get("territories_excluded") or ())),
        ("Up to a yearly revenue of", _dollars(licence.get("revenue_cap_usd"))),
        ("Attribution", licence.get("attribution", "")),
    ]
    return [(name, str(value)) for name, value in rows if value]


def _dollars(amount: float | None) -> str:
    return f"{amount:,.0f} US dollars" if amount else ""
