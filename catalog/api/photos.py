"""/products/{id}/photos, /products/{id}/uploads and /photos: photos by form, by address and straight to the store"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.urls import URLPattern, path
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import photos
from catalog.api.base import Json, View, to_json
from catalog.api.errors import TooLarge
from catalog.api.jobs import NoBody
from catalog.api.parsing import StrictJson
from catalog.fetching import LONGEST_URL
from catalog.image_types import CONTENT_TYPES
from catalog.models import Photo, PhotoState
from catalog.models import View as Side
from catalog.storage import UploadForm

FORM_BYTES = 100_000
"""What a form has beside its file."""


# bodies


@extend_schema_field({"anyOf": [{"type": "string", "enum": Side.values}, {"type": "string", "const": ""}]})
class SideField(serializers.ChoiceField):
    """The side that a photo shows, or nothing."""

    def __init__(self, **options: Any) -> None:
        super().__init__(Side.choices, allow_blank=True, **options)


class PhotoFile(serializers.Serializer[Any]):
    """A photo itself."""

    file = serializers.FileField(allow_empty_file=True, max_length=255)
    view = SideField(default="", help_text="the side of the product that it shows")
    rights = serializers.CharField(max_length=200, allow_blank=True, default="", help_text="your right to use it")


class PhotoAddress(serializers.Serializer[Any]):
    """Where a worker fetches a photo from."""

    url = serializers.CharField(max_length=LONGEST_URL, help_text="http or https, on the internet")
    view = SideField(default="")
    rights = serializers.CharField(max_length=200, allow_blank=True, default="")


class UploadWish(serializers.Serializer[Any]):
    """A photo that a browser is about to send straight to the store."""

    name = serializers.CharField(max_length=200, help_text="of the file")
    content_type = serializers.ChoiceField(sorted(CONTENT_TYPES))
    view = SideField(default="")
    rights = serializers.CharField(max_length=200, allow_blank=True, default="")


class PhotoChange(serializers.Serializer[Any]):
    """What may change."""

    view = SideField()


# answers


class BoxJson(serializers.Serializer[Any]):
    """Part of a photo, as shares of its width and height from the top left, 0 to 1."""

    left = serializers.FloatField()
    top = serializers.FloatField()
    width = serializers.FloatField()
    height = serializers.FloatField()


class AdviceJson(serializers.Serializer[Any]):
    """A remark about a photo. level: note (good to know), usable (better ones exist), retake (it will show)."""

    code = serializers.CharField()
    text = serializers.CharField()
    level = serializers.CharField()
    boxes = BoxJson(many=True, default=list, help_text="where in the photo; none: it is about all of it")


class PhotoJson(serializers.Serializer[Photo]):
    """A photo."""

    id = serializers.CharField(source="public_id")
    product = serializers.CharField(source="product.public_id")
    name = serializers.CharField()
    view = SideField()
    state = serializers.ChoiceField(PhotoState.choices)
    reject_code = serializers.CharField(help_text="stable code of why it will not do")
    advice = AdviceJson(many=True)
    width = serializers.IntegerField(allow_null=True, help_text="pixels")
    height = serializers.IntegerField(allow_null=True, help_text="pixels")
    bytes = serializers.IntegerField(allow_null=True)
    sha256 = serializers.CharField()
    content_type = serializers.CharField()
    rights = serializers.CharField()
    source_url = serializers.CharField()
    created_at = serializers.DateTimeField()


class FormJson(serializers.Serializer[UploadForm]):
    """Send `fields`, then the photo as `file`, to `url` as multipart/form-data; then confirm the photo."""

    url = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="seconds")

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), "fields": serializers.DictField(child=serializers.CharField())}


class UploadJson(serializers.Serializer[Any]):
    """A photo to come, and the form to send it by."""

    photo = PhotoJson()
    upload = FormJson()


photo_json: Callable[[Photo], Json] = to_json(PhotoJson)
"""A photo as the API tells it."""


# views


class PhotosView(View):
    """The photos of a product."""

    parser_classes = (StrictJson, MultiPartParser)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdecimal() and int(length[:18]) > settings.MAX_PHOTO_BYTES + FORM_BYTES:
            raise TooLarge  # before anything of it is read
        super().initial(request, *args, **kwargs)

    @extend_schema(
        operation_id="list_photos", summary="Photos of a product", tags=["photos"], responses=PhotoJson(many=True)
    )
    def get(self, request: Request, id: str) -> Response:
        """Newest first."""
        product = self.find(self.merchant.products, id)
        return self.show_page(product.photos.select_related("product"), photo_json)

    @extend_schema(
        operation_id="add_photo",
        summary="Add a photo",
        tags=["photos"],
        request={"multipart/form-data": PhotoFile, "application/json": PhotoAddress},
        responses={201: PhotoJson, 202: PhotoJson},
    )
    def post(self, request: Request, id: str) -> Response:
        """Send a photo as a form (201), or an address from which a worker fetches it (202).

        The same bytes, or the same address, again are the photo that is there already.
        """
        product = self.find(self.merchant.products, id)
        if request.content_type.startswith("multipart/"):
            form = self.parse(PhotoFile)
            file = form.pop("file")
            return self.show(photo_json(photos.add_photo(product, name=file.name, data=file.file, **form)), status=201)
        return self.show(photo_json(photos.add_photo_from_url(product, **self.parse(PhotoAddress))), status=202)


class UploadsView(View):
    """Photos that go straight to the store."""

    @extend_schema(
        operation_id="start_upload",
        summary="Upload a photo straight to the store",
        tags=["photos"],
        request=UploadWish,
        responses={201: UploadJson},
    )
    def post(self, request: Request, id: str) -> Response:
        """Get a form by which a browser sends the photo to the store; then confirm the photo."""
        product = self.find(self.merchant.products, id)
        photo, form = photos.start_upload(product, **self.parse(UploadWish))
        return self.show(dict(UploadJson({"photo": photo, "upload": form}).data), status=201)


class OnePhoto(View):
    """Views of one photo."""

    def photo(self, id: str) -> Photo:
        """The merchant's photo with that id. Raises Http404."""
        rows = Photo.objects.filter(product__merchant=self.merchant).select_related("product__merchant")
        found: Photo = self.find(rows, id)
        return found


class PhotoView(OnePhoto):
    """One photo."""

    @extend_schema(operation_id="get_photo", summary="A photo", tags=["photos"], responses=PhotoJson)
    def get(self, request: Request, id: str) -> Response:
        """Whether it has been looked at, and what there is to say about it."""
        return self.show(photo_json(self.photo(id)))

    @extend_schema(
        operation_id="change_photo", summary="Change a photo", tags=["photos"], request=PhotoChange, responses=PhotoJson
    )
    def patch(self, request: Request, id: str) -> Response:
        """Say which side of the product it shows."""
        photo = self.photo(id)
        change = self.parse(PhotoChange)
        return self.show(photo_json(photos.change_photo(photo, **change, check=self.unchanged(photo_json))))

    @extend_schema(
        operation_id="delete_photo", summary="Delete a photo", tags=["photos"], request=None, responses={204: None}
    )
    def delete(self, request: Request, id: str) -> Response:
        """Delete it and its bytes for good. Assets made from it stay."""
        photos.delete_photo(self.photo(id), check=self.unchanged(photo_json))
        return Response(status=204)


class ConfirmView(OnePhoto):
    """An upload that is done."""

    @extend_schema(
        operation_id="confirm_photo",
        summary="Confirm an upload",
        tags=["photos"],
        request=NoBody,
        responses=PhotoJson,
    )
    def post(self, request: Request, id: str) -> Response:
        """Say that the file has been sent; a worker looks at it next."""
        photo = self.photo(id)
        self.parse(NoBody)
        return self.show(photo_json(photos.confirm_upload(photo)))


routes: list[URLPattern] = [
    path("products/<str:id>/photos", PhotosView.as_view()),
    path("products/<str:id>/uploads", UploadsView.as_view()),
    path("photos/<str:id>", PhotoView.as_view()),
    path("photos/<str:id>/confirm", ConfirmView.as_view()),
]
