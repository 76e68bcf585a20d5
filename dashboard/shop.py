"""A shop's settings, and its end"""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from catalog.deletion import delete_merchant
from catalog.errors import Refused
from catalog.merchants import change_merchant
from catalog.models import Revenue
from dashboard.access import Access, member_page, page

LONGEST_NAME = 120


@require_http_methods(["GET", "HEAD", "POST"])
@member_page(owners=True)
def settings(request: HttpRequest, access: Access) -> HttpResponse:
    """Name, country, revenue."""
    merchant = access.merchant
    typed = {"name": merchant.name, "country": merchant.country, "revenue": merchant.revenue}
    errors: dict[str, str] = {}
    if request.method == "POST":
        typed = {name: request.POST.get(name, "").strip() for name in typed}
        typed["country"] = typed["country"].upper()
        errors = _refusals(typed)
        if not errors:
            try:
                change_merchant(merchant, typed)
                messages.success(request, "Saved.")
                return redirect("dashboard:settings", merchant.slug)
            except Refused as error:
                errors = error.fields
        merchant.refresh_from_db()
    context = {"typed": typed, "errors": errors, "revenues": Revenue.choices}
    return page(request, access, "dashboard/settings.html", context, status=422 if errors else 200)


@require_POST
@member_page(owners=True)
def delete(request: HttpRequest, access: Access) -> HttpResponse:
    """Delete the shop for good, if its name in addresses has been typed."""
    if request.POST.get("confirm", "").strip() != access.merchant.slug:
        messages.error(request, f"Nothing is deleted: to delete the shop, type {access.merchant.slug}.")
        return redirect("dashboard:settings", access.merchant.slug)
    delete_merchant(access.merchant)
    messages.success(request, f"{access.merchant.name} is deleted, with everything in it.")
    return redirect("dashboard:shops")


def _refusals(typed: dict[str, str]) -> dict[str, str]:
    """What no catalogue function would say in words."""
    errors = {}
    if len(typed["name"]) > LONGEST_NAME or not all(c.isprintable() for c in typed["name"]):
        errors["name"] = f"A name is one line of {LONGEST_NAME} characters at most."
    if typed["revenue"] not in Revenue.values:
        errors["revenue"] = "Choose one of these."
    return errors
