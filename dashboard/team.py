"""Who acts for the shop, and invitations to join them"""

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from catalog.errors import Conflict, Refused
from catalog.invitations import (
    VALID_DAYS,
    accept_as_new,
    accept_invitation,
    find_invitation,
    has_account,
    invite,
    is_proved_by,
    open_invitations,
    proof_of,
    withdraw_invitation,
)
from catalog.letters import may_send, send_invitation
from catalog.merchants import memberships
from catalog.models import Invitation, Role
from catalog.team import change_role, remove_member
from dashboard.access import Access, member_page, page
from dashboard.signing_in import enter

ROLES = {
    Role.OWNER: "Owner: everything, also people, keys and deleting the shop",
    Role.EDITOR: "Editor: products, photos, models and publishing",
    Role.VIEWER: "Viewer: looks at everything, changes nothing",
}


@require_safe
@member_page
def team(request: HttpRequest, access: Access) -> HttpResponse:
    """Everybody sees who is in the shop; owners decide about it."""
    return _team_page(request, access, {})


@require_POST
@member_page(owners=True)
def invite_somebody(request: HttpRequest, access: Access) -> HttpResponse:
    """Invite somebody; the link is shown in this answer alone."""
    typed = {"email": request.POST.get("email", ""), "role": request.POST.get("role", "")}
    if typed["role"] not in ROLES:
        return _team_page(request, access, {"typed": typed, "errors": {"role": "Choose what they may do."}}, status=422)
    try:
        invitation, token = invite(access.merchant, typed["email"], Role(typed["role"]), by=access.user)
    except Refused as error:
        errors = {"email": error.message}
        return _team_page(request, access, {"typed": typed, "errors": errors}, status=422)
    link = request.build_absolute_uri(reverse("dashboard:invitation", args=[token]))
    is_sent = send_invitation(invitation, _with_proof(link, token))
    shown = {"invited": invitation, "link": link, "is_sent": is_sent, "is_proved": may_send()}
    return _team_page(request, access, shown)


@require_POST
@member_page(owners=True)
def withdraw(request: HttpRequest, access: Access, invitation_id: str) -> HttpResponse:
    """Make an invitation's link worthless."""
    invitation = get_object_or_404(access.merchant.invitations, public_id=invitation_id)
    withdraw_invitation(invitation, by=access.user)
    messages.success(request, f"The invitation of {invitation.email} is withdrawn: its link opens nothing now.")
    return redirect("dashboard:team", access.merchant.slug)


@require_POST
@member_page(owners=True)
def change(request: HttpRequest, access: Access, user_id: int) -> HttpResponse:
    """Another role for a member, or none."""
    member = get_object_or_404(access.merchant.members.select_related("user"), user_id=user_id)
    role = request.POST.get("role", "")
    try:
        if role == "none":
            remove_member(member, by=access.user)
            messages.success(request, f"{member.user.get_username()} is no longer a member of {access.merchant.name}.")
        elif role in ROLES:
            change_role(member, Role(role), by=access.user)
            messages.success(request, f"{member.user.get_username()} is {Role(role).label} now.")
    except Conflict as error:
        messages.error(request, error.message)
    if member.user_id == access.user.pk:  # they may not see this page's owner's side any more, or the shop at all
        return redirect("dashboard:home")
    return redirect("dashboard:team", access.merchant.slug)


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Accept an invitation: as who is signed in, or with a new account."""
    found = find_invitation(token)
    if found is None:
        return render(request, "dashboard/invitation_over.html", {"days": VALID_DAYS}, status=404)
    errors: dict[str, str] = {}
    is_proved = not may_send() or is_proved_by(token, request.GET.get("proof", ""))
    if request.method == "POST":
        try:
            if not request.user.is_authenticated and not is_proved:
                return _send_proof(request, found, token)
            return _accept(request, found)
        except Refused as error:
            errors = error.fields or {"": error.message}
    context = {
        "invitation": found,
        "role": ROLES[Role(found.role)],
        "has_account": has_account(found),
        "is_member": request.user.is_authenticated and memberships(request.user, found.merchant.slug),
        "is_proved": is_proved,
        "errors": errors,
        "name": request.POST.get("name", ""),
    }
    return render(request, "dashboard/invitation.html", context, status=422 if errors else 200)


def _accept(request: HttpRequest, found: Invitation) -> HttpResponse:
    onward = reverse("dashboard:products", args=[found.merchant.slug])
    if isinstance(request.user, User):
        accept_invitation(found, request.user)
        return redirect(onward)
    new = accept_as_new(found, name=request.POST.get("name", ""), password=request.POST.get("password", ""))
    return enter(request, new, onward)


def _send_proof(request: HttpRequest, found: Invitation, token: str) -> HttpResponse:
    """Send the link with which the invited person makes an account. Raises Conflict for too many letters."""
    if has_account(found):
        raise Conflict("not_possible_now", "There is an account with this address: sign in, then open the link again.")
    if not send_invitation(found, _with_proof(request.build_absolute_uri(request.path), token)):
        raise Conflict("not_possible_now", "No more letters can be sent to this address now. Try again in an hour.")
    return render(request, "dashboard/invitation_sent.html", {"invitation": found})


def _with_proof(link: str, token: str) -> str:
    return f"{link}?proof={proof_of(token)}"


def _team_page(request: HttpRequest, access: Access, context: dict[str, object], *, status: int = 200) -> HttpResponse:
    members = access.merchant.members.select_related("user").order_by("pk")
    everything = {
        "members": members,
        "roles": ROLES.items(),
        "open_invitations": open_invitations(access.merchant) if access.is_owner else (),
        "days": VALID_DAYS,
        **context,
    }
    return page(request, access, "dashboard/team.html", everything, status=status)
