"""/schema.json and /docs: the API's description, for programs and for people"""

from functools import cache
from typing import Any

from django.urls import path, reverse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


@cache
def description() -> dict[str, Any]:
    """The whole API; made once for each process, since it takes a second."""
    return dict(SchemaGenerator().get_schema(public=True))


class SchemaView(APIView):
    """The API's description, for programs."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=300"}
        return Response(description(), headers=headers)


class DocsView(SpectacularSwaggerSplitView):
    """The API's description, for people; everything that the page loads comes from us."""

    throttle_classes = ()

    def _get_schema_url(self, request: Request) -> str:
        return reverse("schema")


routes = [
    path("schema.json", SchemaView.as_view(), name="schema"),
    path("docs", DocsView.as_view(), name="docs"),
]
