"""/keys: the keys of a shop's programs; owners only"""

from collections.abc import Callable
from typing import Any

from django.urls import path
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.base import Json, View, to_json
from catalog.api.etags import etag_of
from catalog.merchants import issue_api_key, revoke_api_key
from catalog.models import ApiKey


class KeyWish(serializers.Serializer[Any]):
    """A key to issue."""

    name = serializers.CharField(max_length=80, help_text="what it is for")
    may_write = serializers.BooleanField(default=False, help_text="whether it may change things beside reading them")


class KeyJson(serializers.Serializer[ApiKey]):
    """A key, without its text."""

    id = serializers.CharField(source="public_id")
    name = serializers.CharField()
    prefix = serializers.CharField(help_text="how its text begins")
    may_write = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="to the minute")
    revoked_at = serializers.DateTimeField(allow_null=True)


class NewKeyJson(KeyJson):
    """A key that has just been issued."""

    key = serializers.CharField(
        allow_null=True, help_text="its text, told this once; null when the same request is answered again"
    )


key_json: Callable[[ApiKey], Json] = to_json(KeyJson)
"""A key, as the API shows it."""


class KeysView(View):
    """All keys."""

    owner_only = ("GET", "HEAD", "POST")
    told_once = ("key",)

    @extend_schema(operation_id="list_keys", tags=["account"], responses=KeyJson(many=True))
    def get(self, request: Request) -> Response:
        """List API keys, newest first, revoked ones too."""
        return self.show_page(self.merchant.api_keys, key_json)

    @extend_schema(
        operation_id="create_key",
        tags=["account"],
        request=KeyWish,
        responses={201: NewKeyJson},
        examples=[OpenApiExample("For the shop", {"name": "shop", "may_write": True}, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """Issue an API key. Its text is told in this answer alone."""
        wish = self.parse(KeyWish)
        key, text = issue_api_key(self.merchant, wish["name"], may_write=wish["may_write"])
        return self.show({**key_json(key), "key": text}, status=201, etag=etag_of(key_json(key)))


class KeyView(View):
    """One key."""

    owner_only = ("DELETE",)

    @extend_schema(operation_id="revoke_key", tags=["account"], responses={204: None})
    def delete(self, request: Request, id: str) -> Response:
        """Revoke an API key: it opens nothing any more."""
        key = self.find(self.merchant.api_keys, id)
        revoke_api_key(key, check=self.unchanged(key_json))
        return Response(status=204)


routes = [
    path("keys", KeysView.as_view(), name="keys"),
    path("keys/<str:id>", KeyView.as_view(), name="key"),
]
