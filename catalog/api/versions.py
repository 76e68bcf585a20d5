"""/products/{id}/versions and /versions: what has been made, and which of it the storefront shows"""

from collections.abc import Callable
from typing import Any

from django.urls import URLPattern, path
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import versions
from catalog.api.base import Json, View, to_json
from catalog.api.jobs import CostJson, NoBody
from catalog.api.products import product_json
from catalog.models import AssetVersion, Kind
from catalog.storage import storage

LINK_SECONDS = 900


class DimensionsJson(serializers.Serializer[Any]):
    """Of the bounding box, in metres."""

    width = serializers.FloatField()
    height = serializers.FloatField()
    depth = serializers.FloatField()


class FileJson(serializers.Serializer[Any]):
    """A file of a version."""

    bytes = serializers.IntegerField()
    sha256 = serializers.CharField()
    content_type = serializers.CharField()
    url = serializers.CharField(help_text="a link to it for 15 minutes, for whoever has it")
    public_url = serializers.CharField(allow_null=True, help_text="lasting and for everybody; null: never published")


class VersionListed(serializers.Serializer[AssetVersion]):
    """A finished asset, in short."""

    id = serializers.CharField(source="public_id")
    product = serializers.CharField(source="product.public_id")
    number = serializers.IntegerField(help_text="1, 2, 3 … within the product")
    origin = serializers.ChoiceField(Kind.choices, help_text="what it was made from")
    parent = serializers.CharField(  # type: ignore[assignment]
        source="parent.public_id", default=None, allow_null=True, help_text="the version that an edit started from"
    )
    edits = serializers.DictField(help_text="what the edit changed")
    grade = serializers.ChoiceField(["A", "B", "C"])
    generator = serializers.CharField()
    dimensions = DimensionsJson()
    alt_text = serializers.CharField()
    cost = CostJson(source="*")
    job = serializers.CharField(source="job.public_id", default=None, allow_null=True)
    is_shown = serializers.SerializerMethodField(help_text="by the storefront, now")
    created_at = serializers.DateTimeField()
    published_at = serializers.DateTimeField(allow_null=True, help_text="for the first time")

    def get_is_shown(self, version: AssetVersion) -> bool:
        return version.product.published_version_id == version.pk


class VersionJson(VersionListed):
    """A finished asset with its files, its figures and its certificate."""

    files = serializers.SerializerMethodField()
    metrics = serializers.DictField()
    certificate = serializers.DictField()
    licence = serializers.DictField(help_text="of the generator")

    @extend_schema_field(serializers.DictField(child=FileJson()))
    def get_files(self, version: AssetVersion) -> Json:
        public = {file["name"]: storage().public_url(file["key"]) for file in version.public_files}
        return {
            file["name"]: {
                "bytes": file["bytes"],
                "sha256": file["sha256"],
                "content_type": file["content_type"],
                "url": storage().link(file["key"], expires_in=LINK_SECONDS, filename=file["name"]),
                "public_url": public.get(file["name"]),
            }
            for file in version.files
        }


version_listed: Callable[[AssetVersion], Json] = to_json(VersionListed)
"""A version as lists have it."""


version_json: Callable[[AssetVersion], Json] = to_json(VersionJson)
"""A version as the API tells it."""


class VersionsView(View):
    """The versions of a product."""

    @extend_schema(
        operation_id="list_versions",
        summary="Versions of a product's asset",
        tags=["versions"],
        responses=VersionListed(many=True),
    )
    def get(self, request: Request, id: str) -> Response:
        """Newest first."""
        product = self.find(self.merchant.products, id)
        return self.show_page(product.versions.select_related("product", "job", "parent"), version_listed)


class OneVersion(View):
    """Views of one version."""

    def version(self, id: str) -> AssetVersion:
        """The merchant's version with that id. Raises Http404."""
        rows = AssetVersion.objects.filter(product__merchant=self.merchant)
        found: AssetVersion = self.find(rows.select_related("product__merchant", "job", "parent"), id)
        return found


class VersionView(OneVersion):
    """One version."""

    @extend_schema(operation_id="get_version", summary="A version", tags=["versions"], responses=VersionJson)
    def get(self, request: Request, id: str) -> Response:
        """Its files, figures and certificate."""
        return self.show(version_json(self.version(id)))


class PublishView(OneVersion):
    """Publish a version."""

    takes_if_match = True

    @extend_schema(
        operation_id="publish_version",
        summary="Publish a version",
        tags=["versions"],
        request=NoBody,
        responses=VersionJson,
    )
    def post(self, request: Request, id: str) -> Response:
        """Show this version in the storefront; a job of it that waits for review is approved thereby.

        `If-Match` takes the ETag of the product.
        """
        version, check = self.version(id), self.unchanged(product_json)
        self.parse(NoBody)
        check(version.product)  # before anything is copied, and once more under the lock
        versions.publish_version(version, check=check)
        return self.show(version_json(self.version(id)))


class RollBackView(OneVersion):
    """Back to the version before."""

    takes_if_match = True

    @extend_schema(
        operation_id="roll_back", summary="Roll back", tags=["versions"], request=NoBody, responses=VersionJson
    )
    def post(self, request: Request, id: str) -> Response:
        """Show the version that was published before the one that is shown.

        `If-Match` takes the ETag of the product: going back twice by mistake is going back too far.
        """
        product = self.find(self.merchant.products, id)
        self.parse(NoBody)
        before = versions.roll_back(product, check=self.unchanged(product_json))
        return self.show(version_json(self.version(before.public_id)))


class UnpublishView(View):
    """Nothing in the storefront."""

    takes_if_match = True

    @extend_schema(
        operation_id="unpublish", summary="Unpublish", tags=["versions"], request=NoBody, responses={204: None}
    )
    def post(self, request: Request, id: str) -> Response:
        """Take the product's asset out of the storefront; its versions stay.

        `If-Match` takes the ETag of the product.
        """
        product = self.find(self.merchant.products, id)
        self.parse(NoBody)
        versions.unpublish(product, check=self.unchanged(product_json))
        return Response(status=204)


routes: list[URLPattern] = [
    path("products/<str:id>/versions", VersionsView.as_view()),
    path("products/<str:id>/rollback", RollBackView.as_view()),
    path("products/<str:id>/unpublish", UnpublishView.as_view()),
    path("versions/<str:id>", VersionView.as_view()),
    path("versions/<str:id>/publish", PublishView.as_view()),
]
