"""the people of a shop: what they may do, and who leaves; there is always an owner

Who did what to whom is written to the log; people go by their numbers there, not by their addresses.
"""

import logging

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from catalog.errors import Conflict, LostRace
from catalog.models import Member, Merchant, Role

log = logging.getLogger(__name__)


@transaction.atomic
def change_role(member: Member, role: Role, *, by: AbstractBaseUser) -> Member:
    """Let the member do what `role` may. Raises Conflict for the last owner, LostRace when they have just left."""
    member = _locked(member)
    if role != member.role:
        if member.role == Role.OWNER:
            _refuse_last_owner(member)
        log.info("user %s makes user %s %s of %s", by.pk, member.user_id, role, member.merchant.public_id)
        member.role = role
        member.save(update_fields=["role"])
    return member


@transaction.atomic
def remove_member(member: Member, *, by: AbstractBaseUser) -> None:
    """End the membership; the account stays. Raises Conflict for the last owner, LostRace when they have just left."""
    member = _locked(member)
    if member.role == Role.OWNER:
        _refuse_last_owner(member)
    log.info("user %s removes user %s from %s", by.pk, member.user_id, member.merchant.public_id)
    member.delete()


def _locked(member: Member) -> Member:
    """The member as it is now. The shop's row is locked too: two owners who remove each other take turns."""
    Merchant.objects.select_for_update().get(pk=member.merchant_id)
    found = Member.objects.select_for_update(of=("self",)).select_related("merchant").filter(pk=member.pk).first()
    if found is None:
        raise LostRace("the member has left")
    return found


def _refuse_last_owner(member: Member) -> None:
    others = Member.objects.filter(merchant_id=member.merchant_id, role=Role.OWNER).exclude(pk=member.pk)
    if not others.exists():
        raise Conflict("not_possible_now", "A shop needs an owner: make somebody else an owner first.")
