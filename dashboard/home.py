"""Where people arrive: their shop's products, or a choice among their shops"""

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from catalog.merchants import memberships
from catalog.models import Member
from dashboard.access import sign_in_first


@never_cache
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """To the products of the one shop, or to the choice."""
    if not request.user.is_authenticated:
        return sign_in_first(request)
    members = _memberships(request)
    if len(members) == 1:
        return redirect("dashboard:products", members[0].merchant.slug)
    return redirect("dashboard:shops")


@never_cache
@require_safe
def shops(request: HttpRequest) -> HttpResponse:
    """The shops that somebody acts for."""
    if not request.user.is_authenticated:
        return sign_in_first(request)
    return render(request, "dashboard/shops.html", {"members": _memberships(request)})


def _memberships(request: HttpRequest) -> list[Member]:
    assert isinstance(request.user, User), "has signed in"
    return memberships(request.user)
