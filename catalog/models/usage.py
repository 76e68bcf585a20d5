"""What a shop has used: kept apart from jobs and versions, so that deleting a product deletes no bill"""

from collections.abc import Mapping

from django.db import models, transaction
from django.db.models import F
from django.utils import timezone

from catalog.models.merchants import Merchant


class UsageDay(models.Model):
    """What a merchant has used on one day (UTC), by generator (empty: before one was chosen); grows only.

    ended: how many jobs came to an end that day, by `ended_as`, a job's status; a job that is tried again or decided
    about counts for each of its ends. ended_as is empty in the row that has the seconds spent and the versions made.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="usage_days")
    day = models.DateField()
    generator = models.CharField(max_length=40, blank=True)
    ended_as = models.CharField(max_length=12, blank=True)
    ended = models.PositiveIntegerField(default=0)
    versions = models.PositiveIntegerField(default=0)
    cpu_seconds = models.FloatField(default=0)
    gpu_seconds = models.FloatField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["merchant", "day", "generator", "ended_as"], name="usage_once_per_day")
        ]

    def __str__(self) -> str:
        return f"{self.merchant} {self.day} {self.generator}"


@transaction.atomic
def count_usage(merchant_pk: int, generator: str, more: Mapping[str, float], *, ended_as: str = "") -> None:
    """Add to some fields of today's row, within the transaction of what they tell about.

    All jobs of a merchant write to the same few rows, so they are locked last and for as short as can be. The order of
    locks everywhere: the job, its product, totals of stages by name, then usage, the row without `ended_as` first.
    """
    row = {"merchant_id": merchant_pk, "day": timezone.now().date(), "generator": generator, "ended_as": ended_as}
    grown = {name: F(name) + amount for name, amount in more.items()}
    if not UsageDay.objects.filter(**row).update(**grown):
        UsageDay.objects.bulk_create([UsageDay(**row)], ignore_conflicts=True)
        UsageDay.objects.filter(**row).update(**grown)
