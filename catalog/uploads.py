"""a model that somebody made by hand -> straight to the store -> a job that makes a version of it

Nothing is read here, least of all the file: a worker does that in a process of its own. An upload has no row: its place
in the store is made from the product and the upload's id, and becomes a job's once it is confirmed. One that nobody
confirms is swept out of the store after a day.
"""

import re
from dataclasses import replace

from django.conf import settings
from django.db import transaction

from catalog.deletion import remove_later
from catalog.errors import Conflict, Invalid
from catalog.jobs import check_recipe, queue_job, refuse_second
from catalog.models import AssetJob, Group, Kind, Product
from catalog.models.ids import ALPHABET, LENGTH, new_id
from catalog.queue import CPU
from catalog.recipe import Recipe
from catalog.storage import FILES, UPLOAD_SECONDS, UPLOADS, UploadForm, storage
from catalog.versions import refuse_archived

CONTENT_TYPE = "model/gltf-binary"
SUFFIX = ".glb"
UPLOADED = "uploaded"
"""Stands for the generator of what nobody generated."""

ID = re.compile(rf"upl_[{ALPHABET}]{{{LENGTH}}}")


def begin_model_upload(product: Product, *, name: str) -> tuple[str, UploadForm]:
    """An id, and the form by which a browser sends its GLB; `confirm_model_upload` comes next.

    Raises Invalid ("not_a_glb") when the file's name is that of something else, Conflict ("product_archived"), or Away.
    """
    refuse_archived(product)
    if not name.lower().endswith(SUFFIX):
        message = "Export the model as binary glTF: one file that ends in .glb."
        raise Invalid("not_a_glb", message, {"name": message})
    upload_id = new_id("upl")
    form = storage().upload_form(
        upload_place(product, upload_id),
        content_type=CONTENT_TYPE,
        max_bytes=settings.MAX_MODEL_BYTES,
        expires_in=UPLOAD_SECONDS,
    )
    return upload_id, form


def confirm_model_upload(product: Product, upload_id: str, recipe: Recipe, *, request_id: str = "") -> AssetJob:
    """Queue a job that makes a version of what was uploaded; a second time it is the same job.

    Of the recipe count quality, profiles, triangles and texture size; somebody looks at the version before it is shown.
    Raises Invalid as `request_asset` and when the file is empty or too large, Conflict ("upload_missing",
    "product_archived", "already_running"), or Away.
    """
    if not ID.fullmatch(upload_id):
        raise _missing()
    source, target = upload_place(product, upload_id), kept_place(product, upload_id)
    if known := product.jobs.filter(source_key=target).first():
        return known
    check_recipe(recipe)
    refuse_archived(product)
    try:
        return _queue_upload(product, source, target, recipe, request_id)
    except Conflict:
        if known := product.jobs.filter(source_key=target).first():  # somebody has confirmed it at the same moment
            return known
        raise


def _queue_upload(product: Product, source: str, target: str, recipe: Recipe, request_id: str) -> AssetJob:
    """Keep the file and queue its job. Raises Invalid, Conflict, or Away."""
    refuse_second(product)
    _keep(source, target)
    with transaction.atomic():
        job = queue_job(
            product,
            replace(recipe, generator="auto", auto_publish=False),
            request_id=request_id,
            kind=Kind.UPLOAD,
            source_key=target,
            group=Group.FINISH,
            queue=CPU,
            generator=UPLOADED,
            generator_why="A model that you uploaded.",
        )
        remove_later([source])
    return job


def upload_place(product: Product, upload_id: str) -> str:
    """Where the browser puts it: out of there, within a day, or it is gone."""
    return f"{UPLOADS}/{product.merchant.public_id}/{product.public_id}-{upload_id}{SUFFIX}"


def kept_place(product: Product, upload_id: str) -> str:
    """Where its job finds it, out of reach of the form."""
    return f"{FILES}/{product.merchant.public_id}/{UPLOADED}/{product.public_id}-{upload_id}{SUFFIX}"


def _keep(source: str, target: str) -> None:
    """Copy it where the form does not reach. Raises Invalid or Conflict."""
    try:
        _check_size(storage().stat(source).bytes)
        storage().copy(source, target, content_type=CONTENT_TYPE, cache_control="")
    except KeyError:
        raise _missing() from None


def _check_size(size: int) -> None:
    """Raises Invalid; the form lets nothing larger in, unless the limit has changed since."""
    if size == 0:
        message = "The file is empty: export or upload the model once more."
        raise Invalid("model_empty", message, {"file": message})
    if size > settings.MAX_MODEL_BYTES:
        message = f"The file has more than {settings.MAX_MODEL_BYTES / 1e6:g} MB: export smaller textures."
        raise Invalid("model_too_large", message, {"file": message})


def _missing() -> Conflict:
    return Conflict("upload_missing", "The file has not arrived: send the form, then confirm.")
