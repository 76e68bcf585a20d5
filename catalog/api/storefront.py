"""/s/: the storefront's JSON, for anybody, from anywhere; up as long as the database is"""

import re
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, re_path, register_converter
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.base import View
from catalog.api.errors import not_found
from catalog.models import Product
from catalog.storefront import (
    find_by_id,
    find_by_sku,
    manifest,
    model_json_ld,
    product_json_ld,
    public_file_url,
)
from catalog.versions import SHOWN

SHORT = "public, max-age=60, stale-while-revalidate=600"
"""A roll back is seen within a minute; caches answer at once and ask behind the shopper's back."""

SHORTER = "public, max-age=10"
"""What is not there may be published any moment."""

FROM_ANYWHERE = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, X-Request-ID",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "If-None-Match, X-Request-ID",
    "Access-Control-Max-Age": "86400",
}


ABSENT = OpenApiParameter("absent", enum=["204"], description="What to answer, instead of 404, when nothing is shown.")

FILE_NAMES = "|".join(sorted(map(re.escape, SHOWN)))


class ShownVersion(serializers.Serializer[Any]):
    """Which version is shown."""

    id = serializers.CharField()
    number = serializers.IntegerField()
    published_at = serializers.DateTimeField(allow_null=True)


class SidesJson(serializers.Serializer[Any]):
    """Sides of the bounding box, metres."""

    width = serializers.FloatField()
    height = serializers.FloatField()
    depth = serializers.FloatField()


class ShownFile(serializers.Serializer[Any]):
    """A file; what lies at its address never changes."""

    url = serializers.URLField()
    bytes = serializers.IntegerField()
    sha256 = serializers.CharField()
    content_type = serializers.CharField()


class CertificateSummary(serializers.Serializer[Any]):
    """How true the asset is."""

    grade = serializers.ChoiceField(["A", "B", "C"])
    passed = serializers.BooleanField(allow_null=True)
    reasons = serializers.ListField(child=serializers.CharField(), help_text="why that grade")
    unseen = serializers.FloatField(allow_null=True, help_text="share of the texture that no photo showed, 0..1")


class ManifestJson(serializers.Serializer[Any]):
    """Everything that a page needs to show a product."""

    id = serializers.CharField(help_text="the product's")
    sku = serializers.CharField()
    title = serializers.CharField()
    alt_text = serializers.CharField()
    version = ShownVersion()
    dimensions = SidesJson()
    poster = serializers.URLField(allow_null=True)
    files = serializers.DictField(child=ShownFile(), help_text="by name: model.glb, model.web.glb, model.usdz, ...")
    certificate = CertificateSummary()


FOUND = {200: ManifestJson, 204: None}
JSON_LD = "application/ld+json"


class PublicView(View):
    """Something that pages of any origin may read."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()

    def show_manifest(self, product: Product | None) -> Response:
        """The product's manifest. Raises Http404, or answers 204 where the caller asks for that."""
        if product is None and self.request.query_params.get("absent") == "204":
            return Response(status=204)
        return self.show(manifest(self.shown(product)), headers={"Cache-Control": SHORT})

    def shown(self, product: Product | None) -> Product:
        """The product that was found. Raises Http404."""
        if product is None:
            raise Http404
        return product

    def lead_to(self, url: str | None) -> Response:
        """To where that lies now. Raises Http404."""
        if url is None:
            raise Http404
        return Response(status=302, headers={"Location": url, "Cache-Control": SHORT})

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response.headers.setdefault("Cache-Control", SHORTER)
        for name, value in {**FROM_ANYWHERE, **(PREFLIGHT if request.method == "OPTIONS" else {})}.items():
            response.headers[name] = value
        return super().finalize_response(request, response, *args, **kwargs)


class ManifestView(PublicView):
    """The manifest of the published version, by the product's id."""

    @extend_schema(operation_id="get_manifest", tags=["storefront"], parameters=[ABSENT], responses=FOUND)
    def get(self, request: Request, id: str) -> Response:
        """Read what a page needs to show a product. 404 as long as nothing of it is published."""
        return self.show_manifest(find_by_id(id))


class ManifestBySkuView(PublicView):
    """The manifest of the published version, by the shop's slug and the SKU."""

    @extend_schema(operation_id="get_manifest_by_sku", tags=["storefront"], parameters=[ABSENT], responses=FOUND)
    def get(self, request: Request, merchant: str, sku: str) -> Response:
        """Read what a page needs to show a product, by the shop's slug and the SKU."""
        return self.show_manifest(find_by_sku(merchant, sku))


class FileView(PublicView):
    """A lasting address for a file of whatever version is published: for pages without scripts, and for feeds."""

    @extend_schema(operation_id="get_public_file", tags=["storefront"], responses={302: None})
    def get(self, request: Request, id: str, name: str) -> Response:
        """Be led to a file of the published version, such as `poster.webp` or `model.glb`."""
        return self.lead_to(public_file_url(self.shown(find_by_id(id)), name))


class FileBySkuView(PublicView):
    """The same by the shop's slug and the SKU."""

    @extend_schema(operation_id="get_public_file_by_sku", tags=["storefront"], responses={302: None})
    def get(self, request: Request, merchant: str, sku: str, name: str) -> Response:
        """Be led to a file of the published version, by the shop's slug and the SKU."""
        return self.lead_to(public_file_url(self.shown(find_by_sku(merchant, sku)), name))


class JsonLdView(PublicView):
    """What search engines read of the published version."""

    @extend_schema(
        operation_id="get_json_ld",
        tags=["storefront"],
        parameters=[OpenApiParameter("as", enum=["model", "product"], default="model")],
        responses={(200, JSON_LD): OpenApiTypes.OBJECT},
    )
    def get(self, request: Request, id: str) -> Response:
        """Read schema.org's description: a `3DModel`, or with `as=product` a `Product` that it is the subject of."""
        describe = product_json_ld if request.query_params.get("as") == "product" else model_json_ld
        response = self.show(describe(self.shown(find_by_id(id))), headers={"Cache-Control": SHORT})
        response.content_type = JSON_LD
        return response


def nothing_here(request: HttpRequest) -> HttpResponse:
    """What is said at addresses that are none."""
    response = not_found(request)
    for name, value in {**FROM_ANYWHERE, "Cache-Control": SHORTER}.items():
        response.headers[name] = value
    return response


class FileName:
    """In an address: the name of a public file. A SKU that ends like one is found by its manifest alone."""

    regex = FILE_NAMES

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(FileName, "file")

routes = [
    path("<str:id>.json", ManifestView.as_view(), name="manifest"),
    path("<str:id>.jsonld", JsonLdView.as_view(), name="json-ld"),
    path("<str:id>/<file:name>", FileView.as_view(), name="public-file"),
    path("<str:merchant>/<path:sku>.json", ManifestBySkuView.as_view(), name="manifest-by-sku"),
    path("<str:merchant>/<path:sku>/<file:name>", FileBySkuView.as_view(), name="public-file-by-sku"),
]

urlpatterns = [*routes, re_path("", nothing_here)]
