"""A new version being made from another one, or from an uploaded model: how far it is, and then on to it"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, resolve_url
from django.views.decorators.http import require_safe

from catalog.jobs import seconds_left
from dashboard.access import Access, is_fragment, member_page, page
from dashboard.product.words import stage_words


@require_safe
@member_page
def making(request: HttpRequest, access: Access, product_id: str, job_id: str) -> HttpResponse:
    """The page that waits; asked for by HTMX, what has become of it alone."""
    product = access.product(product_id)
    jobs = product.jobs.select_related("source_version", "version")
    job = get_object_or_404(jobs, public_id=job_id)
    if job.version is not None:
        address = resolve_url("dashboard:version", access.merchant.slug, product.public_id, job.version.public_id)
        if is_fragment(request):
            return HttpResponse(status=204, headers={"HX-Redirect": address})
        return redirect(address)
    context = {"product": product, "job": job, "doing": stage_words(job), "seconds_left": seconds_left(job)}
    if is_fragment(request):
        request.quiet = True  # type: ignore[attr-defined]
        return page(request, access, "dashboard/_making.html", context)
    return page(request, access, "dashboard/version_making.html", context)
