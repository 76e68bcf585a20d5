"""/generators: what recipes may ask for, as the workers say"""

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.base import View
from catalog.workers import known_generators, known_names


class LicenceJson(serializers.Serializer[Any]):
    """Terms."""

    code = serializers.CharField(help_text="SPDX name of the code's licence", default="")
    weights = serializers.CharField(help_text="licence of its weights, `none` without weights", default="none")
    territories_excluded = serializers.ListField(child=serializers.CharField(), default=list)
    revenue_cap_usd = serializers.IntegerField(allow_null=True, default=None)
    attribution = serializers.CharField(default="")


class GeneratorJson(serializers.Serializer[Any]):
    """What makes shapes from photos."""

    name = serializers.CharField(help_text="for `generator` of a recipe")
    summary = serializers.CharField(default="")
    min_views = serializers.IntegerField(default=1, help_text="photos that it needs")
    max_views = serializers.IntegerField(default=1, help_text="photos that it can use")
    device = serializers.CharField(default="cpu")
    runs_here = serializers.BooleanField(default=True, help_text="whether a worker can run it now")
    why_not = serializers.CharField(default="", help_text="what is missing, if it cannot run")
    licence = LicenceJson()


class OffersJson(serializers.Serializer[Any]):
    """What recipes may name; `generator` may always be `auto`."""

    generators = GeneratorJson(many=True)
    qualities = serializers.ListField(child=serializers.CharField())
    profiles = serializers.ListField(child=serializers.CharField())


class GeneratorsView(View):
    """What recipes may ask for."""

    @extend_schema(operation_id="list_generators", tags=["account"], responses=OffersJson)
    def get(self, request: Request) -> Response:
        """List what recipes may name: generators, quality levels and profiles. Empty until a worker has reported."""
        offers = {
            "generators": [{"licence": {}, **spec} for _, spec in sorted(known_generators().items())],
            "qualities": sorted(known_names("qualities")),
            "profiles": sorted(known_names("profiles")),
        }
        return self.show(dict(OffersJson(offers).data))


routes = [path("generators", GeneratorsView.as_view(), name="generators")]
