"""Taking a product off the shelf: archived and back, or deleted for good"""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from catalog.deletion import delete_product
from catalog.products import change_product
from dashboard.access import Access, member_page


@require_POST
@member_page(writes=True)
def archive(request: HttpRequest, access: Access, product_id: str) -> HttpResponse:
    """Show it no longer; everything stays."""
    product = change_product(access.product(product_id), {"archived": True})
    messages.success(request, "Archived. Your shop no longer shows its model.")
    return redirect("dashboard:product", access.merchant.slug, product.public_id)


@require_POST
@member_page(writes=True)
def restore(request: HttpRequest, access: Access, product_id: str) -> HttpResponse:
    """Back on the shelf."""
    product = change_product(access.product(product_id), {"archived": False})
    messages.success(request, "Restored.")
    return redirect("dashboard:product", access.merchant.slug, product.public_id)


@require_POST
@member_page(writes=True)
def delete(request: HttpRequest, access: Access, product_id: str) -> HttpResponse:
    """Delete it for good, once its SKU has been typed."""
    product = access.product(product_id)
    if request.POST.get("typed", "").strip() != product.sku:
        messages.error(request, "Nothing was deleted: what you typed is not the SKU.")
        return redirect("dashboard:product", access.merchant.slug, product.public_id)
    delete_product(product)
    messages.success(request, f"{product.title} is gone for good.")
    return redirect("dashboard:products", access.merchant.slug)
