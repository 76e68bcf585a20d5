"""shops, the people who act for them, and the keys of their programs"""

import base64
import hashlib
import itertools
import re
import secrets
from collections.abc import Mapping
from datetime import timedelta

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.text import slugify

from catalog.checks import Check, anything, lock, lock_there
from catalog.errors import Conflict, Invalid
from catalog.models import ApiKey, Member, Merchant, Revenue, Role

KEY_START = "plk_"
"""How every key begins, so that people and scanners for leaked secrets know one."""

KEY_BYTES = 20
PREFIX_CHARACTERS = 12
MOST_KEYS = 100
LONGEST_SLUG = 50
COUNTRY = re.compile(r"[A-Z]{2}")
USE_NOTED_EVERY = timedelta(minutes=1)
"""Writing down each use of a key would make every read a write."""


@transaction.atomic
def create_merchant(name: str, owner: AbstractBaseUser, country: str = "", revenue: str = Revenue.UNKNOWN) -> Merchant:
    """A new shop with its first owner; its slug is made from the name. Raises Invalid."""
    check_facts({"name": name, "country": country})
    merchant = _save_with_free_slug(Merchant(name=name.strip(), country=country, revenue=revenue))
    add_member(merchant, owner, Role.OWNER)
    return merchant


def change_merchant(merchant: Merchant, changes: Mapping[str, str], *, check: Check = anything) -> Merchant:
    """Set name, country or revenue. The slug stays: it is in addresses that others keep. Raises Invalid, LostRace."""
    check_facts(changes)
    with transaction.atomic():
        found = lock_there(Merchant.objects.filter(pk=merchant.pk, leaving_at=None), check)
        for field, value in changes.items():
            setattr(found, field, value)
        found.save(update_fields=list(changes))
    return found


def check_facts(facts: Mapping[str, str]) -> None:
    """Raises Invalid for a name that says nothing or a country that is no code."""
    if not facts.get("name", "x").strip():
        raise Invalid("bad_value", "A shop needs a name.", {"name": "A shop needs a name."})
    if (country := facts.get("country", "")) and not COUNTRY.fullmatch(country):
        message = "A country is two capital letters, as in ISO 3166: DE."
        raise Invalid("bad_value", message, {"country": message})


def add_member(merchant: Merchant, user: AbstractBaseUser, role: Role) -> Member:
    """Let `user` act for the shop. Raises Conflict ("already_member")."""
    try:
        with transaction.atomic():
            return Member.objects.create(merchant=merchant, user_id=user.pk, role=role)
    except IntegrityError:
        raise Conflict("already_member", "They are a member of this shop already.") from None


def memberships(user: AbstractBaseUser, merchant: str = "") -> list[Member]:
    """For whom `user` acts, the first joined first; with the id or slug of a merchant, for that one alone."""
    there = Member.objects.filter(user_id=user.pk, merchant__leaving_at=None)
    members = there.select_related("merchant").order_by("pk")
    return [member for member in members if merchant in ("", member.merchant.public_id, member.merchant.slug)]


def issue_api_key(merchant: Merchant, name: str, *, may_write: bool) -> tuple[ApiKey, str]:
    """A new key and its text, which is told this once and kept nowhere. Raises Conflict ("too_many_keys")."""
    if merchant.api_keys.filter(revoked_at=None).count() >= MOST_KEYS:
        raise Conflict("too_many_keys", f"A shop has {MOST_KEYS} keys at most: revoke one that is not used.")
    text = KEY_START + base64.b32encode(secrets.token_bytes(KEY_BYTES)).decode().lower()
    key = merchant.api_keys.create(
        name=name, prefix=text[:PREFIX_CHARACTERS], sha256=_hash_of(text), may_write=may_write
    )
    return key, text


@transaction.atomic
def revoke_api_key(key: ApiKey, *, check: Check = anything) -> None:
    """From now on the key opens nothing; revoking it again changes nothing."""
    lock(ApiKey.objects.filter(pk=key.pk), check)
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())


def find_api_key(text: str) -> ApiKey | None:
    """The key with that text, its merchant with it, unless it has been revoked or the merchant is leaving."""
    if not text.startswith(KEY_START):
        return None
    good = ApiKey.objects.filter(revoked_at=None, merchant__leaving_at=None)
    return good.select_related("merchant").filter(sha256=_hash_of(text)).first()


def note_use(key: ApiKey) -> None:
    """Remember, to the minute, that the key is in use."""
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at > USE_NOTED_EVERY:
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_NOTED_EVERY)
        ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)


def _hash_of(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _save_with_free_slug(merchant: Merchant) -> Merchant:
    """Save under the first of `name`, `name-2`, `name-3` ... that is free."""
    base = slugify(merchant.name)[:LONGEST_SLUG].strip("-") or "shop"
    for number in itertools.count(1):
        merchant.slug = base if number == 1 else f"{base}-{number}"
        if Merchant.objects.filter(slug=merchant.slug).exists():
            continue
        try:
            with transaction.atomic():
                merchant.save()
                break
        except IntegrityError:  # somebody took it just now
            continue
    return merchant
