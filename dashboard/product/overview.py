"""A product with its photos and its latest job"""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from dashboard.access import Access, member_page, page


@require_safe
@member_page
def overview(request: HttpRequest, access: Access, product_id: str) -> HttpResponse:
    """One product."""
    product = access.product(product_id)
    job = product.jobs.order_by("-pk").first()
    versions = product.versions.order_by("-number")
    return page(request, access, "dashboard/product.html", {"product": product, "job": job, "versions": versions})
