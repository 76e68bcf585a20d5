"""what a shop has used: jobs, versions and processor seconds of each month, and what is stored now

`count_usage` writes it down as it happens; only what is stored is counted when somebody asks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db.models import Count, Sum
from django.db.models.functions import TruncMonth
from django.utils import timezone

from catalog.models import AssetVersion, Merchant, Photo, Status

ENDED = tuple(status for status in Status if status not in (Status.QUEUED, Status.RUNNING))


@dataclass
class Spending:
    """What one generator took in a month, seconds before it was chosen (an empty name) apart. versions: made by it."""

    generator: str
    cpu_seconds: float = 0.0
    gpu_seconds: float = 0.0
    versions: int = 0


@dataclass
class Month:
    """One calendar month in UTC: what was used in it, also by what has been deleted since.

    jobs: how often one came to an end, by how; one that is tried again or decided about counts for each. bytes: of the
    assets made in the month that are still there. generators: the most expensive first, by seconds on a GPU.
    """

    month: str
    jobs: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ENDED, 0))
    cpu_seconds: float = 0.0
    gpu_seconds: float = 0.0
    versions: int = 0
    bytes: int = 0
    generators: list[Spending] = field(default_factory=list)


@dataclass(frozen=True)
class Stored:
    """What lies in the store now; a file that several versions share counts for each."""

    products: int
    photos: int
    photo_bytes: int
    versions: int
    version_bytes: int


def usage_by_month(merchant: Merchant, months: int) -> list[Month]:
    """The last `months` months, this one first; months without anything too."""
    now = timezone.now()
    first, end = _months_ago(now, months - 1), _months_ago(now, -1)  # who has a fast clock may have written later days
    found = {name: Month(name) for name in (_name(_months_ago(now, n)) for n in range(months))}
    days = merchant.usage_days.filter(day__gte=first.date(), day__lt=end.date())
    sums = {name: Sum(name) for name in ("ended", "versions", "cpu_seconds", "gpu_seconds")}
    kinds = days.order_by().annotate(month=TruncMonth("day")).values("month", "generator", "ended_as")
    for row in kinds.annotate(**sums).order_by("generator"):
        _add(found[_name(row["month"])], row)
    made = AssetVersion.objects.filter(product__merchant=merchant, created_at__gte=first, created_at__lt=end)
    sizes = made.order_by().annotate(month=TruncMonth("created_at")).values("month").annotate(sum=Sum("bytes"))
    for moment, size in sizes.values_list("month", "sum"):
        found[_name(moment)].bytes = size
    for month in found.values():
        month.generators.sort(key=lambda spent: (-spent.gpu_seconds, -spent.cpu_seconds))
    return list(found.values())


def _add(month: Month, row: Mapping[str, Any]) -> None:
    """Add the sums of a generator's rows of one kind."""
    if row["ended_as"]:
        month.jobs[row["ended_as"]] += row["ended"]
        return
    spent = Spending(row["generator"], round(row["cpu_seconds"], 3), round(row["gpu_seconds"], 3), row["versions"])
    month.generators.append(spent)
    month.cpu_seconds = round(month.cpu_seconds + spent.cpu_seconds, 3)
    month.gpu_seconds = round(month.gpu_seconds + spent.gpu_seconds, 3)
    month.versions += spent.versions


def stored_now(merchant: Merchant) -> Stored:
    """What the shop has in the store."""
    photos = Photo.objects.filter(product__merchant=merchant).aggregate(number=Count("pk"), bytes=Sum("bytes"))
    made = AssetVersion.objects.filter(product__merchant=merchant)
    versions = made.aggregate(number=Count("pk"), bytes=Sum("bytes"))
    return Stored(
        products=merchant.products.count(),
        photos=photos["number"],
        photo_bytes=photos["bytes"] or 0,
        versions=versions["number"],
        version_bytes=versions["bytes"] or 0,
    )


def _months_ago(now: datetime, number: int) -> datetime:
    """The beginning of that month."""
    year, month = divmod(now.year * 12 + now.month - 1 - number, 12)
    return now.replace(year=year, month=month + 1, day=1, hour=0, minute=0, second=0, microsecond=0)


def _name(moment: date) -> str:
    return f"{moment:%Y-%m}"
