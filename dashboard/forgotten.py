"""A forgotten password, where e-mail is sent: a link, then another password"""

from django.contrib import messages
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from catalog.attempts import may_attempt
from catalog.errors import Invalid
from catalog.invitations import check_password_strength
from catalog.letters import may_send, send_password_link
from dashboard.signing_in import LONGEST, TOO_MANY


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def forgotten(request: HttpRequest) -> HttpResponse:
    """Send a link to who has an account; everybody is told the same."""
    if not may_send():
        raise Http404
    account, trouble, sent = request.POST.get("username", "").strip()[:LONGEST], "", False
    if request.method == "POST":
        if may_attempt(f"forgotten {account}", request.META.get("REMOTE_ADDR", ""), ""):
            sent = True
            _send_link(request, account)
        else:
            trouble = TOO_MANY
    context = {"email": account, "trouble": trouble, "sent": sent}
    return render(request, "dashboard/forgotten.html", context, status=429 if trouble else 200)


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def another(request: HttpRequest, person: str, token: str) -> HttpResponse:
    """Set another password; the link works once and for an hour."""
    user = _person(person)
    if user is None or not default_token_generator.check_token(user, token):
        return render(request, "dashboard/forgotten_over.html", status=404)
    error = ""
    if request.method == "POST":
        try:
            check_password_strength(request.POST.get("password", ""), user)
        except Invalid as invalid:
            error = invalid.message
        else:
            user.set_password(request.POST["password"])
            user.save(update_fields=["password"])
            messages.success(request, "Your password is changed. Sign in with it.")
            return redirect("dashboard:sign-in")
    context = {"email": user.username, "error": error}
    return render(request, "dashboard/another_password.html", context, status=422 if error else 200)


def _send_link(request: HttpRequest, account: str) -> None:
    if "\0" in account:
        return
    for user in User.objects.filter(username__iexact=account, is_active=True)[:1]:
        person = urlsafe_base64_encode(str(user.pk).encode())
        path = reverse("dashboard:another-password", args=[person, default_token_generator.make_token(user)])
        send_password_link(user, request.build_absolute_uri(path))


def _person(text: str) -> User | None:
    try:
        number = int(urlsafe_base64_decode(text).decode("ascii"))
    except ValueError:
        return None
    return User.objects.filter(pk=number, is_active=True).first() if 0 < number < 2**63 else None
