"""/versions/{id}/edits: another surface, another side to the front, without generating anything"""

from typing import Any

from django.urls import URLPattern, path
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import context
from catalog.api.jobs import JobJson, job_json
from catalog.api.versions import OneVersion
from catalog.edits import LARGEST_TURN, LAYS, Edits, request_edit

TINT = {"anyOf": [{"type": "string", "pattern": "^(#[0-9a-fA-F]{6})?$"}, {"type": "null"}]}


@extend_schema_field(TINT)
class TintField(serializers.CharField):
    """A colour as #rrggbb, or nothing."""


@extend_schema_field({"anyOf": [{"type": "string", "enum": [*filter(None, LAYS)]}, {"type": "string", "const": ""}]})
class LayField(serializers.ChoiceField):
    """A way to lie, or nothing."""


class EditsWish(serializers.Serializer[Any]):
    """What becomes different; what is left out stays as it is."""

    roughness = serializers.FloatField(
        min_value=0, max_value=1, allow_null=True, default=None, help_text="its mean: 0 a mirror, 1 chalk"
    )
    metallic = serializers.FloatField(min_value=0, max_value=1, allow_null=True, default=None, help_text="its mean")
    tint = TintField(
        max_length=7,
        trim_whitespace=False,
        allow_null=True,
        allow_blank=True,
        default=None,
        help_text="#rrggbb, multiplied as light",
    )
    turn_degrees = serializers.IntegerField(
        min_value=-LARGEST_TURN,
        max_value=LARGEST_TURN,
        default=0,
        help_text="about the vertical: 90 brings what faced the front to the right",
    )
    lay = LayField(
        [*filter(None, LAYS)],
        allow_blank=True,
        default="",
        help_text="before that, about an axis: x90 brings the top to the front",
    )


class EditsView(OneVersion):
    """Edit a version."""

    @extend_schema(
        operation_id="edit_version",
        summary="Edit a version",
        tags=["versions"],
        request=EditsWish,
        responses={202: JobJson},
    )
    def post(self, request: Request, id: str) -> Response:
        """Queue a job that makes a new version of this one in seconds: another surface, or facing another way."""
        version = self.version(id)
        edits = Edits.from_json(self.parse(EditsWish))
        job = request_edit(version, edits, request_id=context.request_id.get())
        return self.show(job_json(job), status=202)


routes: list[URLPattern] = [
    path("versions/<str:id>/edits", EditsView.as_view()),
]
