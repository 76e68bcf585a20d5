"""request -> who asks, for which merchant, and whether they may

Two ways in: an API key (`Authorization: Bearer plk_…`) and the session of a person who has signed in. Either way
`request.auth` is an `Access`, and every query starts from its merchant: what belongs to others does not exist.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import AnonymousUser
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from catalog.errors import Forbidden, Invalid
from catalog.merchants import find_api_key, memberships, note_use
from catalog.models import ApiKey, Member, Merchant, Role

if TYPE_CHECKING:  # importing it reads the settings, which name classes of this module
    from rest_framework.views import APIView

MERCHANT_HEADER = "X-Plinth-Merchant"
"""Which shop a person means who acts for several: its id or its slug."""

SCHEME = "Bearer"


@dataclass(frozen=True)
class Access:
    """On whose behalf a request comes. key: None for people; user_id: None for programs."""

    merchant: Merchant
    role: Role
    key: ApiKey | None = None
    user_id: int | None = None

    @property
    def may_write(self) -> bool:
        """Whether it may change things."""
        return self.role in (Role.OWNER, Role.EDITOR)

    @property
    def name(self) -> str:
        """Tells callers apart, for rate limits."""
        return self.key.public_id if self.key else f"user_{self.user_id}"

    def still_holds(self) -> bool:
        """Whether the key or the membership is there as it was, for requests that last."""
        if self.key:
            return ApiKey.objects.filter(pk=self.key.pk, revoked_at=None, merchant__leaving_at=None).exists()
        there = Member.objects.filter(merchant=self.merchant, merchant__leaving_at=None)
        return self.user_id is not None and there.filter(user_id=self.user_id, user__is_active=True).exists()


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer plk_…`; a key that may write acts as an editor, another as a viewer, none as an owner."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, Access] | None:
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != SCHEME.lower():
            return None
        key = find_api_key(text.strip())
        if key is None:
            raise AuthenticationFailed("This API key is unknown or has been revoked.")
        note_use(key)
        return AnonymousUser(), Access(key.merchant, Role.EDITOR if key.may_write else Role.VIEWER, key)

    def authenticate_header(self, request: Request) -> str:
        return SCHEME


class MemberAuthentication(SessionAuthentication):
    """A person who has signed in; changes need Django's CSRF token.

    No Access for those who act for no merchant, or for several and do not say which.
    """

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        found = super().authenticate(request)
        if found is None:
            return None
        members = memberships(found[0], request.headers.get(MERCHANT_HEADER, ""))
        if len(members) != 1:
            return found[0], None
        return found[0], Access(members[0].merchant, Role(members[0].role), user_id=found[0].pk)


class SignedIn(BasePermission):
    """Whoever has a key or a session."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return request.auth is not None or request.user.is_authenticated


class MayUse(BasePermission):
    """Everybody of the shop reads; owners, editors and writing keys change; `owner_only` methods are the owners'."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        access = request.auth
        if not isinstance(access, Access):
            return self.refuse(request)
        if request.method in getattr(view, "owner_only", ()):
            if access.role != Role.OWNER:
                raise Forbidden("owners_only", "Only a signed-in owner of the shop may do this.")
        elif request.method not in SAFE_METHODS and not access.may_write:
            raise Forbidden("read_only", "This key or role may read, but not change anything.")
        return True

    def refuse(self, request: Request) -> bool:
        """False: has to sign in. Raises Forbidden or Invalid for those who have."""
        if not request.user.is_authenticated:
            return False
        if MERCHANT_HEADER in request.headers or not memberships(request.user):
            raise Forbidden("not_a_member", "You are a member of no such shop.")
        raise Invalid("merchant_needed", f"You act for several shops: say which in {MERCHANT_HEADER}.")
