"""The keys of a shop's programs"""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_POST

from catalog.errors import Refused
from catalog.merchants import issue_api_key, revoke_api_key
from dashboard.access import Access, member_page, page

LONGEST_NAME = 80
SHOWN = 200


@require_http_methods(["GET", "HEAD", "POST"])
@member_page(owners=True)
def keys(request: HttpRequest, access: Access) -> HttpResponse:
    """List keys and issue one, whose text is shown in this answer alone."""
    error, issued, text = "", None, ""
    name = "".join(c for c in request.POST.get("name", "") if c.isprintable()).strip()
    if request.method == "POST":
        if not 0 < len(name) <= LONGEST_NAME:
            error = f"Say what the key is for, in {LONGEST_NAME} characters at most."
        else:
            try:
                issued, text = issue_api_key(access.merchant, name, may_write=request.POST.get("may_write") == "yes")
            except Refused as refused:
                error = refused.message
    rows = access.merchant.api_keys
    live, gone = rows.filter(revoked_at=None).order_by("-pk"), rows.exclude(revoked_at=None).order_by("-pk")
    context = {"live": live, "gone": gone[:SHOWN], "issued": issued, "text": text, "error": error, "name": name}
    return page(request, access, "dashboard/keys.html", context, status=422 if error else 200)


@require_POST
@member_page(owners=True)
def revoke(request: HttpRequest, access: Access, key_id: str) -> HttpResponse:
    """End a key."""
    key = get_object_or_404(access.merchant.api_keys, public_id=key_id)
    revoke_api_key(key)
    messages.success(request, f"The key “{key.name}” is revoked: it opens nothing any more.")
    return redirect("dashboard:keys", access.merchant.slug)
