"""/me: who asks, and for whom"""

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.access import Access, SignedIn
from catalog.api.base import View
from catalog.merchants import memberships
from catalog.models import ApiKey, Role


class ShopName(serializers.Serializer[Any]):
    """A shop, shortly."""

    id = serializers.CharField(source="public_id")
    slug = serializers.CharField()
    name = serializers.CharField()


class MembershipJson(serializers.Serializer[Any]):
    """A shop that the person acts for."""

    merchant = ShopName()
    role = serializers.ChoiceField(Role.choices)


class KeyName(serializers.Serializer[ApiKey]):
    """The API key that asks."""

    id = serializers.CharField(source="public_id")
    name = serializers.CharField()
    prefix = serializers.CharField(help_text="how the key begins")
    may_write = serializers.BooleanField()


class PersonJson(serializers.Serializer[Any]):
    """The person who asks."""

    username = serializers.CharField()
    email = serializers.CharField()
    name = serializers.CharField(source="get_full_name")


class MeJson(serializers.Serializer[Any]):
    """Who asks. merchant and role are null for people of no shop, or of several who do not say which they mean."""

    merchant = ShopName(allow_null=True)
    role = serializers.ChoiceField(Role.choices, allow_null=True)
    may_write = serializers.BooleanField()
    key = KeyName(allow_null=True)
    person = PersonJson(allow_null=True)
    memberships = MembershipJson(many=True)


class MeView(View):
    """GET: who I am."""

    permission_classes = (SignedIn,)

    @extend_schema(operation_id="get_me", summary="Who asks", tags=["account"], responses=MeJson)
    def get(self, request: Request) -> Response:
        access = request.auth if isinstance(request.auth, Access) else None
        person = request.user if request.user.is_authenticated else None
        me = {
            "merchant": access and access.merchant,
            "role": access and access.role,
            "may_write": bool(access and access.may_write),
            "key": access and access.key,
            "person": person,
            "memberships": memberships(person) if person else [],
        }
        return self.show(dict(MeJson(me).data))


routes = [path("me", MeView.as_view(), name="me")]
