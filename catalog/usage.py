"""what a shop has used: jobs, versions and processor seconds of each month, and what is stored now"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import BigIntegerField, Count, Func, Q, QuerySet, Sum
from django.db.models.functions import TruncMonth
from django.utils import timezone

from catalog.models import AssetVersion, Merchant, Photo, Status

ENDED = tuple(status for status in Status if status not in (Status.QUEUED, Status.RUNNING))


@dataclass
class Month:
    """One calendar month in UTC. jobs: those that ended then, by how; seconds: what those jobs took in all.

    versions, bytes: of the assets made in it that are still there.
    """

    month: str
    jobs: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ENDED, 0))
    cpu_seconds: float = 0.0
    gpu_seconds: float = 0.0
    versions: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class Stored:
    """What lies in the store now; a file that several versions share counts for each."""

    products: int
    photos: int
    photo_bytes: int
    versions: int
    version_bytes: int


class FileBytes(Func):
    """The bytes of all files in a version's list."""

    output_field = BigIntegerField()
    arity = 1

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "(SELECT SUM((file ->> 'bytes')::bigint) FROM jsonb_array_elements(%(expressions)s) AS files(file))"
        return self.as_sql(compiler, connection, template=template, **context)

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "(SELECT SUM(json_extract(value, '$.bytes')) FROM json_each(%(expressions)s))"
        return self.as_sql(compiler, connection, template=template, **context)


def usage_by_month(merchant: Merchant, months: int) -> list[Month]:
    """The last `months` months, this one first; months without anything too."""
    first = _months_ago(timezone.now(), months - 1)
    found = {name: Month(name) for name in (_name(_months_ago(timezone.now(), n)) for n in range(months))}
    for row in _by_month(merchant.jobs.filter(ended_at__gte=first), "ended_at").annotate(
        **{status.value: Count("pk", filter=Q(status=status)) for status in ENDED},
        cpu=Sum("cpu_seconds"),
        gpu=Sum("gpu_seconds"),
    ):
        month = found[_name(row["month"])]
        month.jobs = {status.value: row[status.value] for status in ENDED}
        month.cpu_seconds, month.gpu_seconds = round(row["cpu"], 3), round(row["gpu"], 3)
    made = AssetVersion.objects.filter(product__merchant=merchant, created_at__gte=first)
    for row in _by_month(made, "created_at").annotate(number=Count("pk"), bytes=Sum(FileBytes("files"))):
        month = found[_name(row["month"])]
        month.versions, month.bytes = row["number"], row["bytes"] or 0
    return list(found.values())


def stored_now(merchant: Merchant) -> Stored:
    """What the shop has in the store."""
    photos = Photo.objects.filter(product__merchant=merchant).aggregate(number=Count("pk"), bytes=Sum("bytes"))
    made = AssetVersion.objects.filter(product__merchant=merchant)
    versions = made.aggregate(number=Count("pk"), bytes=Sum(FileBytes("files")))
    return Stored(
        products=merchant.products.count(),
        photos=photos["number"],
        photo_bytes=photos["bytes"] or 0,
        versions=versions["number"],
        version_bytes=versions["bytes"] or 0,
    )


def _by_month(rows: QuerySet[Any], moment: str) -> QuerySet[Any, Mapping[str, Any]]:
    return rows.order_by().annotate(month=TruncMonth(moment)).values("month")


def _months_ago(now: datetime, number: int) -> datetime:
    """The beginning of that month."""
    year, month = divmod(now.year * 12 + now.month - 1 - number, 12)
    return now.replace(year=year, month=month + 1, day=1, hour=0, minute=0, second=0, microsecond=0)


def _name(moment: datetime) -> str:
    return f"{moment:%Y-%m}"
