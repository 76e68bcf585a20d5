"""A model that somebody made or mended by hand: from the browser to the store, and through a worker to a new version"""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from catalog.recipe import Recipe
from catalog.uploads import begin_model_upload, confirm_model_upload
from dashboard.access import Access, member_page, page
from dashboard.product.photos import as_json


@require_safe
@member_page(writes=True)
def choose(request: HttpRequest, access: Access, product_id: str) -> HttpResponse:
    """The page that takes the file."""
    product = access.product(product_id)
    context = {
        "product": product,
        "most_bytes": settings.MAX_MODEL_BYTES,
        "active": product.jobs.filter(ended_at=None).first(),
    }
    return page(request, access, "dashboard/version_upload.html", context)


@require_POST
@member_page(writes=True)
def begin(request: HttpRequest, access: Access, product_id: str) -> HttpResponse:
    """A place in the store for the model, and the form that the browser sends it there by."""
    product = access.product(product_id)

    def start() -> dict[str, Any]:
        upload_id, form = begin_model_upload(product, name=request.POST.get("name", ""))
        place = [access.merchant.slug, product.public_id, upload_id]
        return {
            "url": form.url,
            "fields": dict(form.fields),
            "confirm": reverse("dashboard:upload-confirm", args=place),
        }

    return as_json(start)


@require_POST
@member_page(writes=True)
def confirm(request: HttpRequest, access: Access, product_id: str, upload_id: str) -> HttpResponse:
    """The model has arrived: a job for it, and where that is watched."""
    product = access.product(product_id)

    def queue() -> dict[str, Any]:
        job = confirm_model_upload(product, upload_id, Recipe())
        place = [access.merchant.slug, product.public_id, job.public_id]
        return {"making": reverse("dashboard:version-making", args=place)}

    return as_json(queue)
