"""request -> who looks at which shop's pages, and whether they may

`@member_page` stands before every view of a shop. A stranger's shop is a 404, as is a row that is not the shop's: all
queries start from `access.merchant`.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, Concatenate, overload

from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render, resolve_url
from django.utils.cache import add_never_cache_headers

from catalog.checks import Check, at_revision
from catalog.errors import Away, CatalogError, LostRace, Refused
from catalog.merchants import memberships
from catalog.models import AssetVersion, Member, Merchant, Product, Role

log = logging.getLogger(__name__)

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Access:
    """Somebody in the pages of a shop that they act for."""

    merchant: Merchant
    role: Role
    user: User

    @property
    def may_write(self) -> bool:
        """Whether they may change things."""
        return self.role in (Role.OWNER, Role.EDITOR)

    @property
    def is_owner(self) -> bool:
        """Whether they decide about people, keys and the shop itself."""
        return self.role == Role.OWNER

    def product(self, product_id: str) -> Product:
        """The shop's product with that public id. Raises Http404."""
        return get_object_or_404(self.merchant.products, public_id=product_id)

    def version(self, product: Product, version_id: str) -> AssetVersion:
        """The product's version with that public id. Raises Http404."""
        return get_object_or_404(product.versions, public_id=version_id)


View = Callable[Concatenate[HttpRequest, Access, ...], HttpResponse]
Page = Callable[..., HttpResponse]


@overload
def member_page(view: View) -> Page: ...


@overload
def member_page(*, writes: bool = False, owners: bool = False) -> Callable[[View], Page]: ...


def member_page(
    view: View | None = None, *, writes: bool = False, owners: bool = False
) -> Page | Callable[[View], Page]:
    """Decorate `view(request, access, ...)`, whose address has the shop's `slug`.

    Every member may read, owners and editors may change. writes: only who may change things sees the page at all;
    owners: only owners do. What the catalogue refuses and the view lets pass becomes a page that says so.
    """

    def decorate(view: View) -> Page:
        @wraps(view)
        def guarded(request: HttpRequest, slug: str, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return sign_in_first(request)
            if any("\0" in str(value) for value in kwargs.values()):  # PostgreSQL would not even compare it
                raise Http404
            access = access_of(request, slug)
            changes = writes or request.method not in SAFE_METHODS
            if (owners and not access.is_owner) or (changes and not access.may_write):
                response = refuse(request, access, owners=owners)
            else:
                response = _answer(view, request, access, kwargs)
            add_never_cache_headers(response)
            return response

        return guarded

    return decorate(view) if view is not None else decorate


def access_of(request: HttpRequest, slug: str) -> Access:
    """The signed-in person's access to that shop. Raises Http404."""
    assert isinstance(request.user, User), "has signed in"
    member = next((each for each in memberships(request.user, slug) if each.merchant.slug == slug), None)
    if member is None:
        raise Http404
    return Access(member.merchant, Role(member.role), request.user)


def access_now(access: Access) -> Access | None:
    """The same person's access as it is by now, for answers that last; None for who is no member any more."""
    there = Member.objects.select_related("merchant").filter(user_id=access.user.pk, user__is_active=True)
    member = there.filter(merchant=access.merchant, merchant__leaving_at=None).first()
    return replace(access, merchant=member.merchant, role=Role(member.role)) if member else None


def sign_in_first(request: HttpRequest) -> HttpResponse:
    """To the sign-in page and back; a part of a page cannot lead there, so the whole page goes."""
    if is_fragment(request):
        return HttpResponse(status=204, headers={"HX-Redirect": resolve_url("dashboard:sign-in")})
    return redirect_to_login(request.get_full_path(), resolve_url("dashboard:sign-in"))


def is_fragment(request: HttpRequest) -> bool:
    """Whether HTMX asks for a part of the page."""
    return request.headers.get("HX-Request") == "true" and "HX-Boosted" not in request.headers


def page(
    request: HttpRequest, access: Access, template: str, context: Mapping[str, Any] | None = None, *, status: int = 200
) -> HttpResponse:
    """Render `template` with `access` and `section`, the part of the shop's pages that it belongs to."""
    section = request.path.split("/")[3] if request.path.count("/") > 2 else ""
    return render(request, template, {"access": access, "section": section, **(context or {})}, status=status)


def problem(request: HttpRequest, access: Access | None, title: str, text: str, *, status: int = 409) -> HttpResponse:
    """A page that says what is wrong and leads on; where HTMX asks, a notice alone."""
    context = {"access": access, "problem_title": title, "problem_text": text}
    name = "dashboard/_problem.html" if is_fragment(request) else "dashboard/problem.html"
    return render(request, name, context, status=status)


def refuse(request: HttpRequest, access: Access, *, owners: bool) -> HttpResponse:
    """403, and who could do it."""
    who = "an owner" if owners else "an owner or an editor"
    text = f"You are {Role(access.role).label} of {access.merchant.name}. Ask {who} of the shop to do this."
    return problem(request, access, "You may look, but not change this", text, status=403)


def said(error: CatalogError) -> str:
    """One sentence about `error` for people. Bugs of ours have none: they are raised again."""
    match error:
        case Refused() | Away():
            return error.message
        case LostRace():
            return "Somebody changed this at the same moment. Look at it again before you go on."
    raise error


def as_drawn(request: HttpRequest) -> Check:
    """The product is still at the revision that the form was drawn from. Raises LostRace where the form says none."""
    sent = request.POST.get("revision", "")
    if not (sent.isascii() and sent.isdigit()):
        raise LostRace("a form without its revision")
    return at_revision(int(sent[:12]))


def _answer(view: View, request: HttpRequest, access: Access, kwargs: dict[str, Any]) -> HttpResponse:
    try:
        return view(request, access, **kwargs)
    except Away as away:
        log.warning("a page could not be shown: %s", away)
        title = "This will work again in a moment"
        return problem(request, access, title, f"{away.message} Nothing is lost; please try again.", status=503)
    except (Refused, LostRace) as error:
        return problem(request, access, "That did not work", said(error), status=409)
