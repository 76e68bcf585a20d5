"""A product with everything about it on one page"""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from catalog.embed.code import element_code, frame_code
from dashboard.access import Access, member_page, page
from dashboard.product.facts import facts_context
from dashboard.product.history import history_context
from dashboard.product.live import panel_context
from dashboard.product.making import make_context
from dashboard.product.photos import gallery_context


@require_safe
@member_page
def overview(request: HttpRequest, access: Access, product_id: str) -> HttpResponse:
    """One product."""
    product = access.product(product_id)
    panel = panel_context(access, product)
    made = panel["job"] if panel["job"] and panel.get("from_photos") else None
    origin = request.build_absolute_uri("/").rstrip("/")
    context = {
        **facts_context(product),
        **gallery_context(product),
        **make_context(access, product, made),
        **history_context(product),
        **panel,
        "errors": {},
        "element_code": element_code(product, origin),
        "frame_code": frame_code(product, origin),
        "address": reverse("dashboard:product", args=[access.merchant.slug, product.public_id]),
    }
    return page(request, access, "dashboard/product.html", context)
