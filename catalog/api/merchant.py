"""/merchant and /members: the shop itself, and who acts for it"""

from collections.abc import Callable
from typing import Any

from django.urls import path
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.base import Json, View, to_json
from catalog.deletion import delete_merchant
from catalog.errors import Invalid
from catalog.merchants import change_merchant
from catalog.models import Member, Merchant, Revenue, Role


class MerchantChange(serializers.Serializer[Any]):
    """What may be changed of a shop."""

    name = serializers.CharField(max_length=120)
    country = serializers.RegexField(
        r"^[A-Z]{2}$", allow_blank=True, help_text="ISO 3166, two capital letters: some generators exclude countries"
    )
    revenue = serializers.ChoiceField(
        Revenue.choices, help_text="a year, in US dollars: some generators' licences end at a figure"
    )


class MerchantJson(serializers.Serializer[Merchant]):
    """A shop."""

    id = serializers.CharField(source="public_id")
    slug = serializers.CharField(help_text="its name in storefront addresses; never changes")
    name = serializers.CharField()
    country = serializers.CharField()
    revenue = serializers.ChoiceField(Revenue.choices)
    created_at = serializers.DateTimeField()


class Farewell(serializers.Serializer[Any]):
    """That the shop really shall be deleted."""

    confirm = serializers.CharField(max_length=60, help_text="the shop's slug")


class MemberJson(serializers.Serializer[Member]):
    """Somebody who acts for the shop."""

    username = serializers.CharField(source="user.username")
    email = serializers.CharField(source="user.email")
    name = serializers.CharField(source="user.get_full_name")
    role = serializers.ChoiceField(Role.choices)
    since = serializers.DateTimeField(source="created_at")


merchant_json: Callable[[Merchant], Json] = to_json(MerchantJson)
"""A shop, as the API shows it."""


member_json: Callable[[Member], Json] = to_json(MemberJson)
"""A member, as the API shows them."""


class MerchantView(View):
    """The shop that the caller acts for."""

    owner_only = ("PATCH", "DELETE")
    delete_has_body = True

    @extend_schema(operation_id="get_merchant", tags=["account"], responses=MerchantJson)
    def get(self, request: Request) -> Response:
        """Get the shop."""
        return self.show(merchant_json(self.merchant))

    @extend_schema(
        operation_id="change_merchant",
        tags=["account"],
        request=MerchantChange,
        responses=MerchantJson,
        examples=[OpenApiExample("Where it is", {"country": "DE"}, request_only=True)],
    )
    def patch(self, request: Request) -> Response:
        """Change what is given; the rest stays."""
        changes = self.parse(MerchantChange, partial=True)
        changed = change_merchant(self.merchant, changes, check=self.unchanged(merchant_json))
        return self.show(merchant_json(changed))

    @extend_schema(
        operation_id="delete_merchant",
        tags=["account"],
        request=Farewell,
        responses={204: None},
        examples=[OpenApiExample("Farewell", {"confirm": "sample-shop"}, request_only=True)],
    )
    def delete(self, request: Request) -> Response:
        """Delete the shop and everything of it for good; people keep their accounts.

        Nothing of it is shown, and nobody gets in, from the moment of the answer. Rows and files are erased after
        it: a small catalogue's within minutes, a hundred thousand products' within hours.
        """
        confirmed = self.parse(Farewell)["confirm"]
        if confirmed != self.merchant.slug:
            message = "To delete the shop for good, give its slug."
            raise Invalid("not_confirmed", message, {"confirm": message})
        delete_merchant(self.merchant, check=self.unchanged(merchant_json))
        return Response(status=204)


class MembersView(View):
    """Who acts for the shop."""

    @extend_schema(operation_id="list_members", tags=["account"], responses=MemberJson(many=True))
    def get(self, request: Request) -> Response:
        """List the people who act for the shop, newest first."""
        return self.show_page(self.merchant.members.select_related("user"), member_json)


routes = [
    path("merchant", MerchantView.as_view(), name="merchant"),
    path("members", MembersView.as_view(), name="members"),
]
