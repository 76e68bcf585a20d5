"""What a shop has used: kept apart from jobs and versions, so that deleting a product deletes no bill"""

from django.db import models

from catalog.models.jobs import Status
from catalog.models.merchants import Merchant


class UsageDay(models.Model):
    """What tasks of a merchant took on one day (UTC), by generator; grows only.

    ended: how many jobs ended that day, by `ended_as`; empty: seconds spent, before or without an end.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="usage_days")
    day = models.DateField()
    generator = models.CharField(max_length=40, blank=True)
    ended_as = models.CharField(max_length=12, choices=Status, blank=True)
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
