"""/usage: what has been used, month by month"""

from dataclasses import asdict
from typing import Any

from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.base import View
from catalog.api.pages import read_number
from catalog.usage import ENDED, stored_now, usage_by_month

MOST_MONTHS = 36


class EndedJobs(serializers.Serializer[Any]):
    """Jobs by how they ended."""

    def get_fields(self) -> dict[str, Any]:
        return {status.value: serializers.IntegerField(min_value=0) for status in ENDED}


class SpendingJson(serializers.Serializer[Any]):
    """What one generator took."""

    generator = serializers.CharField(help_text="empty: before one was chosen")
    cpu_seconds = serializers.FloatField(help_text="of processors")
    gpu_seconds = serializers.FloatField(help_text="on a GPU")
    versions = serializers.IntegerField(help_text="made by it")


class MonthJson(serializers.Serializer[Any]):
    """One calendar month, UTC: what was used in it, also by what has been deleted since."""

    month = serializers.RegexField(r"^\d{4}-\d{2}$")
    jobs = EndedJobs(help_text="that ended in it; one that was retried or decided about counts for each of its ends")
    cpu_seconds = serializers.FloatField(help_text="of processors, in all")
    gpu_seconds = serializers.FloatField(help_text="on a GPU, in all")
    versions = serializers.IntegerField(help_text="made in it")
    bytes = serializers.IntegerField(help_text="of the files of versions made in it that are still there")
    generators = SpendingJson(many=True, help_text="the same by generator, the most seconds first")


class StoredJson(serializers.Serializer[Any]):
    """What is there now."""

    products = serializers.IntegerField()
    photos = serializers.IntegerField()
    photo_bytes = serializers.IntegerField()
    versions = serializers.IntegerField()
    version_bytes = serializers.IntegerField()


class UsageJson(serializers.Serializer[Any]):
    """What the shop has used."""

    months = MonthJson(many=True, help_text="this month first")
    stored = StoredJson()


class UsageView(View):
    """What has been used."""

    @extend_schema(
        operation_id="get_usage",
        tags=["account"],
        parameters=[
            OpenApiParameter(
                "months",
                {"type": "integer", "minimum": 1, "maximum": MOST_MONTHS, "default": 12},
            )
        ],
        responses=UsageJson,
    )
    def get(self, request: Request) -> Response:
        """Tell what has been used in the last months, and what is stored now."""
        self.check_parameters({"months"})
        months = read_number(request, "months", 12, most=MOST_MONTHS)
        used = [asdict(month) for month in usage_by_month(self.merchant, months)]
        return self.show({"months": used, "stored": asdict(stored_now(self.merchant))})


routes = [path("usage", UsageView.as_view(), name="usage")]
