"""A version of a product's model, to judge"""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from dashboard.access import Access, member_page, page


@require_safe
@member_page
def overview(request: HttpRequest, access: Access, product_id: str, version_id: str) -> HttpResponse:
    """One version."""
    product = access.product(product_id)
    version = access.version(product, version_id)
    return page(request, access, "dashboard/version.html", {"product": product, "version": version})
