"""The versions of a product: where each comes from, which one the shop shows; two of them side by side"""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from catalog.models import AssetVersion, Kind, Product
from dashboard.access import Access, member_page, page
from dashboard.review.certificate import judge
from dashboard.review.files import shown_model
from dashboard.review.pictures import names_of
from dashboard.review.standing import Standing, standing_of

CHANGES = {
    "roughness": "roughness {:.0%}",
    "metallic": "metal {:.0%}",
    "tint": "tint {}",
    "turn_degrees": "turned by {}°",
    "lay": "stood up another way",
}
"""Edit -> in words, with its value."""


@dataclass(frozen=True)
class HistoryRow:
    """One version in the list."""

    version: AssetVersion
    standing: Standing
    origin: str
    has_poster: bool
    is_this: bool


def history_of(product: Product, this: AssetVersion | None = None) -> list[HistoryRow]:
    """All versions, newest first."""
    rows = product.versions.select_related("parent", "job").order_by("-number")
    return [
        HistoryRow(
            version,
            standing_of(product, version),
            origin_words(version),
            has_poster="poster.webp" in names_of(version),
            is_this=version == this,
        )
        for version in rows
    ]


def origin_words(version: AssetVersion) -> str:
    """What it was made from."""
    match version.origin:
        case Kind.UPLOAD:
            return "Uploaded model"
        case Kind.EDIT:
            start = f"Version {version.parent.number}" if version.parent else "A deleted version"
            changes = [text.format(version.edits[name]) for name, text in CHANGES.items() if name in version.edits]
            return f"{start}, {', '.join(changes)}" if changes else f"{start}, changed"
    return "Made from photos"


@require_safe
@member_page
def compare(request: HttpRequest, access: Access, product_id: str, version_id: str, other_id: str) -> HttpResponse:
    """Two versions whose cameras move together; the older one on the left."""
    product = access.product(product_id)
    pair = sorted((access.version(product, each) for each in (version_id, other_id)), key=lambda each: each.number)
    sides = [
        {
            "version": each,
            "judged": judge(each),
            "standing": standing_of(product, each),
            "origin": origin_words(each),
            "model": shown_model(each),
        }
        for each in pair
    ]
    return page(request, access, "dashboard/versions_compare.html", {"product": product, "sides": sides})
