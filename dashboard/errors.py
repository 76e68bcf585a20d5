"""Pages for addresses that lead nowhere and forms that came without their token"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from dashboard.access import is_fragment, problem


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404."""
    if is_fragment(request):
        return problem(request, None, "This is gone", "Somebody has removed it meanwhile. Reload the page.", status=404)
    return render(request, "dashboard/not_found.html", status=404)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's handler403."""
    return problem(request, None, "You may not do this", "Ask an owner of the shop.", status=403)


def expired_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Instead of Django's page for a form without its CSRF token: mostly it lay open while somebody signed out."""
    text = "The form lay open for too long, or you have signed in or out meanwhile. Go back, reload and send it again."
    return problem(request, None, "Please send that once more", text, status=403)
