"""what shoppers do with a version in shops' pages -> counters by day, and nothing about anybody

A counter is kept for `KEEP_DAYS`, so that a month may be compared with the same month a year before.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import connection
from django.db.models import Sum
from django.utils import timezone

from catalog.models import Happening, HappeningCount, Merchant, Product

KEEP_DAYS = 400

COUNT_ONE_MORE = """
INSERT INTO catalog_happeningcount (version_id, day, happening, count)
SELECT version.id, %s, %s, 1
FROM catalog_assetversion version JOIN catalog_product product ON product.id = version.product_id
WHERE version.public_id = %s AND version.published_at IS NOT NULL
  AND product.published_version_id IS NOT NULL AND NOT product.archived
ON CONFLICT (version_id, day, happening) DO UPDATE SET count = catalog_happeningcount.count + 1
"""
"""One statement, so that no version goes between the look and the count."""

Counts = Mapping[Happening, int]
"""Every happening has an entry."""


@dataclass(frozen=True)
class VersionHappenings:
    """What happened to a version: in all, and on each day that something did, the first day first."""

    number: int
    version_id: str
    total: Counts
    days: tuple[tuple[date, Counts], ...]


@dataclass(frozen=True)
class ProductHappenings:
    """What happened to a product, all its versions together."""

    product: Product
    total: Counts


def count(version_id: str, happening: Happening) -> bool:
    """Count one more; False, and nothing is kept, where nothing of that public id is published.

    A version that is followed by another still counts: a shopper's page may have been open for a while.
    """
    with connection.cursor() as cursor:
        cursor.execute(COUNT_ONE_MORE, [timezone.now().date(), happening.value, version_id])
        return cursor.rowcount > 0


def happenings_of(product: Product, days: int) -> list[VersionHappenings]:
    """What happened to the product's versions in the last `days` days, today one of them; the newest version first."""
    by_version: dict[tuple[int, str], dict[date, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    rows = HappeningCount.objects.filter(version__product=product, day__gte=_first_day(days))
    for number, version_id, day, happening, found in rows.order_by("day").values_list(
        "version__number", "version__public_id", "day", "happening", "count"
    ):
        by_version[number, version_id][day][happening] = found
    return [
        VersionHappenings(
            number=number,
            version_id=version_id,
            total=_counts(by_day.values()),
            days=tuple((day, _counts([found])) for day, found in by_day.items()),
        )
        for (number, version_id), by_day in sorted(by_version.items(), reverse=True)
    ]


def happenings_of_shop(merchant: Merchant, days: int) -> list[ProductHappenings]:
    """What happened to the shop's products in the last `days` days; the most seen first, those without any left out."""
    by_product: dict[int, dict[str, int]] = defaultdict(dict)
    rows = HappeningCount.objects.filter(version__product__merchant=merchant, day__gte=_first_day(days))
    for product, happening, found in rows.values_list("version__product", "happening").annotate(found=Sum("count")):
        by_product[product][happening] = found
    products = merchant.products.in_bulk(by_product)
    told = [ProductHappenings(products[pk], _counts([found])) for pk, found in by_product.items() if pk in products]
    return sorted(told, key=lambda each: (-each.total[Happening.VIEW], each.product.pk))


def happenings_by_day(merchant: Merchant, days: int) -> list[tuple[date, Counts]]:
    """What happened to all of the shop's products on each of the last `days` days, today the last; quiet days too."""
    by_day: dict[date, dict[str, int]] = defaultdict(dict)
    rows = HappeningCount.objects.filter(version__product__merchant=merchant, day__gte=_first_day(days))
    for day, happening, found in rows.values_list("day", "happening").annotate(found=Sum("count")):
        by_day[day][happening] = found
    every = (_first_day(days) + timedelta(days=number) for number in range(days))
    return [(day, _counts([by_day[day]])) for day in every]


def forget_happenings(now: datetime) -> int:
    """Delete counters older than `KEEP_DAYS`; how many."""
    return HappeningCount.objects.filter(day__lt=now.date() - timedelta(days=KEEP_DAYS)).delete()[0]


def _first_day(days: int) -> date:
    return timezone.now().date() - timedelta(days=days - 1)


def _counts(found: Iterable[Mapping[str, int]]) -> Counts:
    parts = list(found)
    return {happening: sum(part.get(happening, 0) for part in parts) for happening in Happening}
