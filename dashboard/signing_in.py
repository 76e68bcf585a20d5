"""In and out, and another password"""

from django.contrib import messages
from django.contrib.auth import authenticate, login, logout, update_session_auth_hash
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from catalog.attempts import BROWSER_SECONDS, known_browser, may_attempt
from catalog.errors import Invalid
from catalog.invitations import check_password_strength
from catalog.letters import may_send
from dashboard.access import sign_in_first

MISMATCH = "That e-mail address and password do not belong together."
TOO_MANY = "That was tried too often. Wait a minute, then try again."
BROWSER_COOKIE = "plinth_browser"
LONGEST = 254


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask who it is, and go on to where they wanted to be."""
    onward = safe_target(request)
    if request.user.is_authenticated:
        return redirect(onward)
    trouble, status, account = "", 200, request.POST.get("username", "").strip()[:LONGEST]
    if request.method == "POST":
        if not may_attempt(account, request.META.get("REMOTE_ADDR", ""), request.COOKIES.get(BROWSER_COOKIE, "")):
            trouble, status = TOO_MANY, 429
        elif (user := find_user(request, account, request.POST.get("password", ""))) is not None:
            return enter(request, user, onward)
        else:
            trouble, status = MISMATCH, 422
    context = {"onward": onward, "email": account, "trouble": trouble, "may_reset": may_send()}
    return render(request, "dashboard/sign_in.html", context, status=status)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    logout(request)
    return redirect("dashboard:sign-in")


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    """Another password; other browsers that are signed in are out then."""
    if not isinstance(request.user, User):
        return sign_in_first(request)
    errors: dict[str, str] = {}
    if request.method == "POST":
        errors = _change_password(request, request.user)
        if not errors:
            messages.success(request, "Your password is changed. Other browsers have to sign in again.")
            return redirect("dashboard:home")
    return render(request, "dashboard/password.html", {"errors": errors}, status=422 if errors else 200)


def find_user(request: HttpRequest, account: str, password: str) -> User | None:
    """Who that is; addresses are the same in capitals or not."""
    if "\0" in account + password:  # PostgreSQL would not even compare it
        return None
    named = User.objects.filter(username__iexact=account).values_list("username", flat=True)[:2]
    name = named[0] if len(named) == 1 else account
    found = authenticate(request, username=name, password=password)
    return found if isinstance(found, User) else None


def enter(request: HttpRequest, user: User, onward: str) -> HttpResponse:
    """Sign `user` in, remember the browser, and go on."""
    login(request, user)
    response = redirect(onward)
    response.set_cookie(
        BROWSER_COOKIE,
        known_browser(user.get_username()),
        max_age=BROWSER_SECONDS,
        path="/sign-in",
        secure=request.is_secure(),
        httponly=True,
        samesite="Strict",
    )
    return response


def safe_target(request: HttpRequest) -> str:
    """Where `next` leads, if that is one of our own pages; home otherwise."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    ours = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if ours and target.startswith("/") else "/"


def _change_password(request: HttpRequest, user: User) -> dict[str, str]:
    """What is wrong with each field; nothing: it is changed."""
    old, new = request.POST.get("old", ""), request.POST.get("password", "")
    if not may_attempt(user.get_username(), request.META.get("REMOTE_ADDR", ""), ""):
        return {"old": TOO_MANY}
    if not user.check_password(old):
        return {"old": "That is not your password now."}
    try:
        check_password_strength(new, user)
    except Invalid as error:
        return error.fields
    user.set_password(new)
    user.save(update_fields=["password"])
    update_session_auth_hash(request, user)
    return {}
