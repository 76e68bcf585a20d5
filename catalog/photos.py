"""photos of a product: received, uploaded straight to the store, or fetched from an address; then looked at by a worker

Nothing is decoded here. A photo is `awaited` until its bytes lie in the private store, `checking` until a worker has
looked at it, then `ready` or `rejected`. Every change of state is one conditional update, so that people who press
twice do no harm. When workers get to it: `photo_turns`. What they do: `photo_leases`.
"""

from collections.abc import Mapping
from hashlib import sha256 as new_sha256
from pathlib import PurePosixPath
from typing import IO, Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction

from catalog.checks import Check, anything, lock, lock_there
from catalog.deletion import remove_later
from catalog.errors import Conflict, Invalid, LostRace
from catalog.fetching import read_address
from catalog.image_types import CONTENT_TYPES, HEAD_BYTES, image_type
from catalog.models import Photo, PhotoState, Product, View
from catalog.photo_turns import release_photos_after_commit
from catalog.storage import PHOTOS, UPLOAD_SECONDS, UPLOADS, StoredObject, UploadForm, storage

MAX_PHOTOS = 100
"""Of one product: as many as the best walk-around has."""

NAME_LENGTH = 200
PIECE = 1 << 20


# how photos come in


def add_photo(product: Product, *, name: str, data: IO[bytes], view: str = "", rights: str = "") -> Photo:
    """Keep a photo that was sent to us; the same bytes again are the same photo. Raises Invalid, Conflict, Away."""
    photo = new_photo(product, name=name, view=view, rights=rights)
    photo.sha256, photo.bytes, photo.content_type = look_at(data)
    known = product.photos.filter(sha256=photo.sha256).first()
    if known is not None:
        return known
    check_room(product)
    photo.key = photo_key(photo)
    storage().put(photo.key, data, content_type=photo.content_type)
    try:
        with transaction.atomic():
            photo.save()
            release_photos_after_commit()
    except IntegrityError:  # the same bytes came twice at once, or the product has just been deleted
        remove_later([photo.key])
        known = product.photos.filter(sha256=photo.sha256).first()
        if known is None:
            raise LostRace(f"product {product.public_id} is gone") from None
        return known
    return photo


def add_photo_from_url(product: Product, url: str, view: str = "", rights: str = "") -> Photo:
    """Have a worker fetch the photo at `url`; while one from there is on its way or of use, it is that one."""
    address = read_address(url)
    known = product.photos.filter(source_url=url).exclude(state=PhotoState.REJECTED).first()
    if known is not None:
        return known
    check_room(product)
    name = PurePosixPath(unquote(urlsplit(url).path)).name or address.host
    photo = new_photo(product, name=name, view=view, rights=rights)
    photo.state, photo.source_url, photo.key = PhotoState.AWAITED, url, photo_key(photo)
    with transaction.atomic():
        photo.save()
        release_photos_after_commit()
    return photo


def start_upload(
    product: Product, *, name: str, content_type: str, view: str = "", rights: str = ""
) -> tuple[Photo, UploadForm]:
    """A place for a photo, and the form by which a browser puts it there; `confirm_upload` comes next."""
    check_type(content_type, "content_type")
    check_room(product)
    photo = new_photo(product, name=name, view=view, rights=rights)
    photo.state, photo.content_type = PhotoState.AWAITED, content_type
    photo.key = f"{UPLOADS}/{product.merchant.public_id}/{photo.public_id}"
    form = storage().upload_form(
        photo.key, content_type=content_type, max_bytes=settings.MAX_PHOTO_BYTES, expires_in=UPLOAD_SECONDS
    )
    photo.save()
    return photo, form


def confirm_upload(photo: Photo) -> Photo:
    """Take over what lies at the upload's place, out of reach of its form; a second time changes nothing.

    Raises Conflict when nothing lies there, Invalid when it is too large or no photo.
    """
    if photo.source_url:
        raise Conflict("not_an_upload", "This photo comes from an address: a worker fetches it, nothing to confirm.")
    if photo.state != PhotoState.AWAITED:
        return photo
    source, target = photo.key, photo_key(photo)
    try:
        found = uploaded(source)
        storage().copy(source, target, content_type=found.content_type, cache_control="")
    except KeyError:
        photo.refresh_from_db()
        if photo.state != PhotoState.AWAITED:  # confirmed at the same moment by somebody else
            return photo
        raise Conflict("upload_missing", "The file has not arrived: send the form, then confirm.") from None
    with transaction.atomic():
        here = {"key": target, "bytes": found.bytes, "content_type": found.content_type}
        waiting = Photo.objects.filter(pk=photo.pk, state=PhotoState.AWAITED)
        if waiting.update(state=PhotoState.CHECKING, **here):
            remove_later([source])
            release_photos_after_commit()
    photo.refresh_from_db()
    return photo


def uploaded(key: str) -> StoredObject:
    """What lies at an upload's place, if it may be a photo. Raises KeyError or Invalid."""
    found = storage().stat(key)
    check_size(found.bytes)
    check_type(found.content_type, "file")
    return found


# what becomes of them


def change_photo(photo: Photo, view: str, *, check: Check = anything) -> Photo:
    """Say which side the photo shows; empty: not told. Raises Invalid, LostRace."""
    check_view(view)
    with transaction.atomic():
        found = lock_there(Photo.objects.filter(pk=photo.pk), check)
        found.view = view
        found.save(update_fields=["view"])
    return found


def delete_photo(photo: Photo, *, check: Check = anything) -> None:
    """Delete the photo and its bytes for good."""
    with transaction.atomic():
        found = lock(Photo.objects.filter(pk=photo.pk), check)
        if found is not None:
            remove_later([found.key])
            found.delete()


def blame_photo(product: Product, key: str, remark: Mapping[str, Any]) -> None:
    """Add what a job was rejected for to what is known of the photo under `key`; a second time replaces the first."""
    with transaction.atomic():
        photo = product.photos.select_for_update().filter(key=key).first()
        if photo is not None:
            others = [known for known in photo.advice if known["code"] != remark["code"]]
            photo.advice = [dict(remark), *others]
            photo.save(update_fields=["advice"])


# what is checked


def new_photo(product: Product, *, name: str, view: str, rights: str) -> Photo:
    """A row that is not saved yet. The name loses its folders and what cannot be shown."""
    check_view(view)
    shown = "".join(c for c in name.replace("\\", "/").rpartition("/")[2] if c.isprintable()).strip()
    named = shown[:NAME_LENGTH] or "photo"
    return Photo(product=product, merchant_id=product.merchant_id, name=named, view=view, rights=rights)


def photo_key(photo: Photo) -> str:
    """Where the bytes lie: a place of this photo alone, so that deleting it never takes another's."""
    return f"{PHOTOS}/{photo.product.merchant.public_id}/{photo.public_id}"


def look_at(data: IO[bytes]) -> tuple[str, int, str]:
    """(sha256, bytes, content type) of a file, which is left at its start. Raises Invalid."""
    data.seek(0)
    head = data.read(HEAD_BYTES)
    digest, size = new_sha256(head), len(head)
    while piece := data.read(PIECE):
        digest.update(piece)
        size += len(piece)
        check_size(size)
    check_size(size)
    data.seek(0)
    content_type = image_type(head)
    check_type(content_type, "file")
    return digest.hexdigest(), size, content_type


def check_size(size: int) -> None:
    """Raises Invalid when a photo is empty or too large."""
    if size == 0:
        message = "The file is empty: copy or upload the photo once more."
        raise Invalid("photo_empty", message, {"file": message})
    if size > settings.MAX_PHOTO_BYTES:
        message = f"The file has more than {settings.MAX_PHOTO_BYTES / 1e6:g} MB: save the photo as a smaller JPEG."
        raise Invalid("photo_too_large", message, {"file": message})


def check_type(content_type: str, field: str) -> None:
    """Raises Invalid when it is none of a photo."""
    if content_type not in CONTENT_TYPES:
        message = "This is no photo that we can read: send a JPEG, PNG, WebP, AVIF, HEIC, TIFF or BMP."
        raise Invalid("not_an_image", message, {field: message})


def check_view(view: str) -> None:
    """Raises Invalid when no side has that name; empty is fine."""
    if view and view not in View.values:
        message = f"A view is one of {', '.join(View.values)}."
        raise Invalid("unknown_view", message, {"view": message})


def check_room(product: Product) -> None:
    """Raises Conflict when the product has as many photos as it may."""
    if product.photos.count() >= MAX_PHOTOS:
        raise Conflict("too_many_photos", f"A product has at most {MAX_PHOTOS} photos: delete one first.")
