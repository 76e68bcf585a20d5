"""/products/{id}/models: a model made by hand, straight to the store, then through our last stages"""

from typing import Any

from django.urls import URLPattern, path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import context, uploads
from catalog.api.base import View
from catalog.api.jobs import FEWEST_TRIANGLES, MOST_TRIANGLES, JobJson, TextureSize, job_json
from catalog.api.photos import FormJson
from catalog.recipe import Recipe


class ModelUpload(serializers.Serializer[Any]):
    """A GLB that a browser is about to send."""

    name = serializers.CharField(max_length=200, help_text="of the file; ends in .glb")


class ModelWish(serializers.Serializer[Any]):
    """What to make of it; see the recipe of an asset."""

    quality = serializers.CharField(max_length=40, default="standard", help_text="draft, standard or high")
    profiles = serializers.ListField(child=serializers.CharField(max_length=40), max_length=8, default=list)
    triangles = serializers.IntegerField(
        min_value=FEWEST_TRIANGLES, max_value=MOST_TRIANGLES, allow_null=True, default=None
    )
    texture_size = TextureSize(default=None)


class ModelUploadJson(serializers.Serializer[Any]):
    """The upload's id, for confirming it, and where to send the file."""

    upload = serializers.CharField()
    form = FormJson()


class ModelsView(View):
    """Upload a model."""

    @extend_schema(
        operation_id="start_model_upload",
        summary="Upload a model made by hand",
        tags=["versions"],
        request=ModelUpload,
        responses={201: ModelUploadJson},
    )
    def post(self, request: Request, id: str) -> Response:
        """A form for sending one GLB straight to the store, within an hour; confirm the upload after that."""
        product = self.find(self.merchant.products.select_related("merchant"), id)
        upload, form = uploads.begin_model_upload(product, **self.parse(ModelUpload))
        return self.show(dict(ModelUploadJson({"upload": upload, "form": form}).data), status=201)


class ConfirmModelView(View):
    """A model that has been sent."""

    @extend_schema(
        operation_id="confirm_model",
        summary="Make a version of an uploaded model",
        tags=["versions"],
        request=ModelWish,
        responses={202: JobJson},
    )
    def post(self, request: Request, id: str, upload: str) -> Response:
        """Queue a job that checks the model and makes a version of it; nothing of it is shown before you approve."""
        product = self.find(self.merchant.products.select_related("merchant"), id)
        recipe = Recipe.from_json(self.parse(ModelWish))
        job = uploads.confirm_model_upload(product, upload, recipe, request_id=context.request_id.get())
        return self.show(job_json(job), status=202)


routes: list[URLPattern] = [
    path("products/<str:id>/models", ModelsView.as_view()),
    path("products/<str:id>/models/<str:upload>/confirm", ConfirmModelView.as_view()),
]
