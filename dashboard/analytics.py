"""What shoppers do with the shop's models, and what the shop has used"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from catalog.happenings import Counts, happenings_by_day, happenings_of, happenings_of_shop
from catalog.models import Happening
from catalog.usage import stored_now, usage_by_month
from dashboard.access import Access, member_page, page

SPANS = (7, 30, 90, 365)
MONTHS = 6
SHOWN = 50
CHART = (720, 120)
"""Width and height, in the chart's own units."""

WORDS = {
    Happening.VIEW: "Seen",
    Happening.LOAD: "Model opened",
    Happening.INTERACT: "Turned",
    Happening.AR_START: "Placed in a room",
    Happening.AR_TAP: "Tapped your call in AR",
    Happening.ADD_TO_CART: "Put in the cart",
}


@dataclass(frozen=True)
class Bar:
    """A day in the chart."""

    day: date
    count: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Figure:
    """A number, and the share of those who have seen the model; None: nobody has."""

    words: str
    count: int
    share: float | None


@require_safe
@member_page
def analytics(request: HttpRequest, access: Access) -> HttpResponse:
    """The shop as a whole, and its products."""
    days = _days(request)
    by_day = happenings_by_day(access.merchant, days)
    total = {each: sum(counts[each] for _, counts in by_day) for each in Happening}
    told = happenings_of_shop(access.merchant, days)
    context = {
        "days": days,
        "spans": SPANS,
        "words": WORDS.values(),
        "figures": figures(total),
        "bars": bars([(day, counts[Happening.VIEW]) for day, counts in by_day]),
        "chart": CHART,
        "busiest": max((counts[Happening.VIEW] for _, counts in by_day), default=0),
        "quiet": not any(total.values()),
        "rows": [(each.product, [each.total[name] for name in WORDS]) for each in told[:SHOWN]],
        "more": max(0, len(told) - SHOWN),
        "months": usage_by_month(access.merchant, MONTHS),
        "stored": stored_now(access.merchant),
    }
    return page(request, access, "dashboard/analytics.html", context)


@require_safe
@member_page
def product(request: HttpRequest, access: Access, product_id: str) -> HttpResponse:
    """One product, version by version: whether a better model is looked at more."""
    found = access.product(product_id)
    days = _days(request)
    versions = happenings_of(found, days)
    context = {
        "product": found,
        "days": days,
        "spans": SPANS,
        "words": WORDS.values(),
        "rows": [(each.number, each.version_id, [each.total[name] for name in WORDS]) for each in versions],
    }
    return page(request, access, "dashboard/analytics_product.html", context)


def figures(total: Counts) -> list[Figure]:
    """Each happening's number, and its share of the views."""
    seen = total[Happening.VIEW]
    shares = {name: None if name == Happening.VIEW or not seen else 100 * total[name] / seen for name in WORDS}
    return [Figure(words, total[name], shares[name]) for name, words in WORDS.items()]


def bars(by_day: Sequence[tuple[date, int]]) -> list[Bar]:
    """The chart's bars, the busiest day as high as the chart."""
    most = max((count for _, count in by_day), default=0) or 1
    step = CHART[0] / max(1, len(by_day))
    return [
        Bar(
            day,
            count,
            round(number * step, 2),
            round(CHART[1] * (1 - count / most), 2),
            round(step * 0.8, 2),
            round(CHART[1] * count / most, 2),
        )
        for number, (day, count) in enumerate(by_day)
    ]


def _days(request: HttpRequest) -> int:
    text = request.GET.get("days", "")
    return int(text) if text in map(str, SPANS) else 30
