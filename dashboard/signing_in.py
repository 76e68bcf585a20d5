"""In and out"""

from django.contrib.auth import login, logout
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

MISMATCH = "That e-mail address and password do not belong together. Both are case-sensitive."


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask who it is, and go on to where they wanted to be."""
    onward = safe_target(request)
    if request.user.is_authenticated:
        return redirect(onward)
    form = AuthenticationForm(request, request.POST or None)
    if request.method == "POST" and form.is_valid():
        login(request, form.get_user())
        return redirect(onward)
    failed = request.method == "POST"
    context = {"onward": onward, "email": request.POST.get("username", ""), "mismatch": MISMATCH if failed else ""}
    return render(request, "dashboard/sign_in.html", context, status=422 if failed else 200)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    logout(request)
    return redirect("dashboard:sign-in")


def safe_target(request: HttpRequest) -> str:
    """Where `next` leads, if that is one of our own pages; home otherwise."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    ours = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if ours and target.startswith("/") else "/"
