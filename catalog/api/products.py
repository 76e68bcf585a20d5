"""/products: what is sold, by id and by SKU"""

from collections.abc import Callable
from typing import Any

from django.core.validators import RegexValidator
from django.db.models import QuerySet
from django.urls import path, reverse
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.base import Json, View, to_json
from catalog.api.filters import SinceFilter
from catalog.deletion import delete_product
from catalog.models import Product, Status
from catalog.models.products import LARGEST_M, SMALLEST_M
from catalog.products import (
    NO_JOB,
    change_product,
    create_product,
    put_product,
    with_archived,
    with_latest_job,
    with_shown_version,
    with_tag,
    with_words,
)

MOST_TAGS = 50
NO_CONTROLS = RegexValidator(r"^[^\x00-\x1f\x7f]+$", "Must not hold line breaks or other control characters.")
NO_STEPS = RegexValidator(r"^(?!\.{1,2}$)", "Must not be . or .., which mean a folder in an address.")
EXAMPLE = {"sku": "MUG-1", "title": "Blue mug", "category": "mug", "height": 0.095, "tags": ["kitchen"]}


def metres() -> serializers.FloatField:
    """A side of a product."""
    return serializers.FloatField(
        min_value=SMALLEST_M, max_value=LARGEST_M, allow_null=True, default=None, help_text="metres, as it stands"
    )


def short_text(most: int, help_text: str, **options: Any) -> serializers.CharField:
    """A text of one line."""
    return serializers.CharField(max_length=most, validators=[NO_CONTROLS], help_text=help_text, **options)


class ProductFacts(serializers.Serializer[Any]):
    """What a merchant says of a product, beside its SKU."""

    title = short_text(200, "as shoppers read it")
    category = short_text(80, "one word helps to find the shape: mug, chair, shoe", allow_blank=True, default="")
    width = metres()
    height = metres()
    depth = metres()
    tags = serializers.ListField(
        child=short_text(60, "your own word"), max_length=MOST_TAGS, default=list, help_text="your own words"
    )
    external_id = short_text(120, "what your shop platform calls it", allow_blank=True, default="")
    archived = serializers.BooleanField(default=False, help_text="no longer sold: nothing of it is shown")


class ProductWish(ProductFacts):
    """A product to make."""

    sku = serializers.CharField(
        max_length=80, validators=[NO_CONTROLS, NO_STEPS], help_text="your own number, unique in your shop"
    )


class ProductPut(ProductFacts):
    """A product as it shall be; what is left out is reset."""

    sku = serializers.CharField(max_length=80, required=False, help_text="if given, as in the address")


class ProductJson(serializers.Serializer[Product]):
    """A product."""

    id = serializers.CharField(source="public_id")
    sku = serializers.CharField()
    title = serializers.CharField()
    category = serializers.CharField()
    width = serializers.FloatField(allow_null=True, help_text="metres")
    height = serializers.FloatField(allow_null=True, help_text="metres")
    depth = serializers.FloatField(allow_null=True, help_text="metres")
    tags = serializers.ListField(child=serializers.CharField())
    external_id = serializers.CharField()
    archived = serializers.BooleanField()
    published_version = serializers.CharField(
        source="published_version.public_id", default=None, allow_null=True, help_text="what the storefront shows"
    )
    manifest = serializers.SerializerMethodField(help_text="path of the storefront's JSON; 404 until published")
    revision = serializers.IntegerField(help_text="grows with every change")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    def get_manifest(self, product: Product) -> str:
        return reverse("manifest", args=[product.public_id])


product_json: Callable[[Product], Json] = to_json(ProductJson)
"""A product, as the API shows it."""


class ProductFilter(filters.FilterSet):
    """Which products."""

    archived = filters.ChoiceFilter(
        choices=[("false", "on sale"), ("true", "archived"), ("any", "all")],
        method="keep",
        help_text="`false` where it is not given",
    )
    category = filters.CharFilter()
    sku = filters.CharFilter()
    external_id = filters.CharFilter()
    tag = filters.CharFilter(method="filter_tag", help_text="carries this tag")
    q = filters.CharFilter(method="filter_words", max_length=200, help_text="all these words in SKU or title")
    job_status = filters.ChoiceFilter(
        choices=[*Status.choices, (NO_JOB, "never had a job")],
        method="filter_job_status",
        help_text="state of the latest job",
    )
    updated_since = SinceFilter("updated_at", help_text="changed at that moment or later")

    class Meta:
        """What the filters are about."""

        model = Product
        fields: tuple[str, ...] = ()

    def filter_queryset(self, queryset: QuerySet[Product]) -> QuerySet[Product]:
        archived = self.form.cleaned_data["archived"] or "false"
        queryset = super().filter_queryset(queryset)
        return queryset if archived == "any" else with_archived(queryset, archived == "true")

    def keep(self, products: QuerySet[Product], name: str, value: str) -> QuerySet[Product]:
        """Filtered in `filter_queryset`, which knows what counts where nothing is given."""
        return products

    def filter_tag(self, products: QuerySet[Product], name: str, tag: str) -> QuerySet[Product]:
        return with_tag(products, tag)

    def filter_words(self, products: QuerySet[Product], name: str, words: str) -> QuerySet[Product]:
        return with_words(products, words)

    def filter_job_status(self, products: QuerySet[Product], name: str, status: str) -> QuerySet[Product]:
        return with_latest_job(products, status)


class ProductsView(View):
    """All products."""

    filterset_class = ProductFilter

    @extend_schema(operation_id="list_products", tags=["products"], responses=ProductJson(many=True))
    def get(self, request: Request) -> Response:
        """List products, newest first."""
        return self.show_page(with_shown_version(self.merchant.products.all()), product_json)

    @extend_schema(
        operation_id="create_product",
        tags=["products"],
        request=ProductWish,
        responses={201: ProductJson},
        examples=[OpenApiExample("A mug", EXAMPLE, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """Make a product."""
        return self.show_new(create_product(self.merchant, self.parse(ProductWish)))

    def show_new(self, product: Product) -> Response:
        """201, with the product's address."""
        headers = {"Location": reverse("product", args=[product.public_id])}
        return self.show(product_json(product), status=201, headers=headers)


class OneProduct(View):
    """Views of one product."""

    def product(self, **which: str) -> Product:
        """The merchant's product with that id or SKU. Raises Http404."""
        rows = with_shown_version(self.merchant.products.all())
        found: Product = self.first(rows.filter(**which))
        return found


class ProductView(OneProduct):
    """One product, by its id."""

    @extend_schema(operation_id="get_product", tags=["products"], responses=ProductJson)
    def get(self, request: Request, id: str) -> Response:
        """Get a product."""
        return self.show(product_json(self.product(public_id=id)))

    @extend_schema(
        operation_id="change_product",
        tags=["products"],
        request=ProductWish,
        responses=ProductJson,
        examples=[OpenApiExample("Another height", {"height": 0.1}, request_only=True)],
    )
    def patch(self, request: Request, id: str) -> Response:
        """Change what is given; the rest stays."""
        product = self.product(public_id=id)
        changes = self.parse(ProductWish, partial=True)
        return self.show(product_json(change_product(product, changes, check=self.unchanged(product_json))))

    @extend_schema(operation_id="delete_product", tags=["products"], responses={204: None})
    def delete(self, request: Request, id: str) -> Response:
        """Delete a product for good, with its photos, jobs, versions and files, published ones too."""
        delete_product(self.product(public_id=id), check=self.unchanged(product_json))
        return Response(status=204)


class ProductBySkuView(OneProduct):
    """One product, by its SKU."""

    @extend_schema(operation_id="get_product_by_sku", tags=["products"], responses=ProductJson)
    def get(self, request: Request, sku: str) -> Response:
        """Get the product with that SKU."""
        return self.show(product_json(self.product(sku=sku)))

    @extend_schema(
        operation_id="put_product_by_sku",
        tags=["products"],
        request=ProductPut,
        responses={200: ProductJson, 201: ProductJson},
        examples=[OpenApiExample("A mug", {"title": "Blue mug", "category": "mug"}, request_only=True)],
    )
    def put(self, request: Request, sku: str) -> Response:
        """Make the product with that SKU (201), or make it as given: what is left out is reset (200)."""
        values = self.parse(ProductPut)
        product, is_new = put_product(self.merchant, sku, values, check=self.unchanged(product_json))
        headers = {"Location": reverse("product", args=[product.public_id])}
        return self.show(product_json(product), status=201 if is_new else 200, headers=headers)


routes = [
    path("products", ProductsView.as_view(), name="products"),
    path("products/by-sku/<path:sku>", ProductBySkuView.as_view(), name="product-by-sku"),
    path("products/<str:id>", ProductView.as_view(), name="product"),
]
