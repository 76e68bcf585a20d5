"""ways into a shop for people who are no members yet

An owner gets a token, once, and hands it on as a link. Only its hash is kept. Whoever has the link may use it: that is
what it says to the owner who hands it on. An account under the invited address is another matter: where e-mail is sent
it takes the proof that went to that address alone, or an owner could claim a stranger's address.
"""

import hashlib
import logging
import secrets
from datetime import timedelta

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.signing import Signer
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from catalog.errors import Conflict, Invalid
from catalog.merchants import add_member
from catalog.models import Invitation, Member, Merchant, Role

log = logging.getLogger(__name__)

PROOF = Signer(salt="catalog.invitations.proof")
VALID_DAYS = 7
TOKEN_BYTES = 24
MOST_OPEN = 100


@transaction.atomic
def invite(merchant: Merchant, email: str, role: Role, *, by: User) -> tuple[Invitation, str]:
    """An invitation and its token, which is told this once. Raises Invalid, or Conflict: a member, or invited already.

    An invitation that has run out does not count: a new one takes its place.
    """
    email = read_email(email)
    now = timezone.now()
    if merchant.members.filter(Q(user__username__iexact=email) | Q(user__email__iexact=email)).exists():
        raise Conflict("already_member", "They are a member of this shop already.", {"email": "is a member already"})
    open_ones(merchant).filter(expires_at__lte=now).update(withdrawn_at=now)
    if open_ones(merchant).count() >= MOST_OPEN:
        raise Conflict("not_possible_now", f"A shop has at most {MOST_OPEN} open invitations: withdraw some first.")
    token = secrets.token_urlsafe(TOKEN_BYTES)
    try:
        with transaction.atomic():
            invitation = merchant.invitations.create(
                email=email,
                role=role,
                sha256=_hash_of(token),
                invited_by_id=by.pk,
                expires_at=now + timedelta(days=VALID_DAYS),
            )
    except IntegrityError:
        text = "They have been invited already. Withdraw that invitation to make a new link."
        raise Conflict("not_possible_now", text, {"email": text}) from None
    log.info("user %s invites somebody to %s as %s: %s", by.pk, merchant.public_id, role, invitation.public_id)
    return invitation, token


def open_invitations(merchant: Merchant) -> list[Invitation]:
    """Those that can still be accepted, the newest first."""
    return list(open_ones(merchant).filter(expires_at__gt=timezone.now()).select_related("invited_by").order_by("-pk"))


def open_ones(merchant: Merchant) -> QuerySet[Invitation]:
    """Neither accepted nor withdrawn; they may have run out."""
    return merchant.invitations.filter(accepted_at=None, withdrawn_at=None)


def find_invitation(token: str) -> Invitation | None:
    """The open invitation with that token, its shop with it."""
    found = Invitation.objects.select_related("merchant").filter(sha256=_hash_of(token), accepted_at=None)
    return found.filter(withdrawn_at=None, expires_at__gt=timezone.now(), merchant__leaving_at=None).first()


def proof_of(token: str) -> str:
    """What only the letter to the invited address tells: who has it reads that address's letters."""
    return PROOF.signature(token)


def is_proved_by(token: str, proof: str) -> bool:
    """Whether `proof` is what the letter with `token` tells."""
    return constant_time_compare(proof.encode("utf-8", "replace"), proof_of(token).encode())


def has_account(invitation: Invitation) -> bool:
    """Whether somebody with the invited address can sign in already."""
    return User.objects.filter(username__iexact=invitation.email).exists()


@transaction.atomic
def accept_invitation(invitation: Invitation, user: User) -> Member:
    """Let `user` in; the link is used up. Raises Conflict: it has ended meanwhile, or they are a member already."""
    now = timezone.now()
    usable = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, withdrawn_at=None, expires_at__gt=now)
    if not usable.update(accepted_at=now):
        raise Conflict("not_possible_now", "This invitation has been used or withdrawn. Ask for a new one.")
    member = add_member(invitation.merchant, user, Role(invitation.role))
    log.info("user %s accepts %s of %s", user.pk, invitation.public_id, invitation.merchant.public_id)
    return member


@transaction.atomic
def accept_as_new(invitation: Invitation, *, name: str, password: str) -> User:
    """Make an account for the invited address and let it in. Raises Invalid for the password, or Conflict.

    The caller has seen that the address is theirs, if that can be seen at all.
    """
    if has_account(invitation):
        raise Conflict("not_possible_now", "There is an account with this address: sign in, then open the link again.")
    new = User(username=invitation.email, email=invitation.email, first_name=name.strip()[:150])
    check_password_strength(password, new)
    new.set_password(password)
    try:
        with transaction.atomic():
            new.save()
    except IntegrityError:
        raise Conflict("not_possible_now", "Somebody has just made this account: sign in instead.") from None
    accept_invitation(invitation, new)
    return new


def withdraw_invitation(invitation: Invitation, *, by: User) -> None:
    """From now on its link opens nothing; withdrawing it again changes nothing."""
    if Invitation.objects.filter(pk=invitation.pk, accepted_at=None, withdrawn_at=None).update(
        withdrawn_at=timezone.now()
    ):
        log.info("user %s withdraws %s", by.pk, invitation.public_id)


def check_password_strength(password: str, user: User) -> None:
    """Raises Invalid that says what a better one has."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        text = " ".join(error.messages)
        raise Invalid("bad_value", text, {"password": text}) from None


def read_email(text: str) -> str:
    """The address in small letters. Raises Invalid."""
    email = text.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        text = "This is no e-mail address."
        raise Invalid("bad_value", text, {"email": text}) from None
    if len(email) > 150:  # as long as an account's name may be
        text = "This e-mail address is too long."
        raise Invalid("bad_value", text, {"email": text})
    return email


def _hash_of(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
