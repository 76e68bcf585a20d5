"""attempts to sign in -> how many are too many

Counted for each account and for each network address, a minute at a time, in the cache that all web processes share.
A browser that has been signed in to an account before is counted by itself alone: strangers who try that account's
password all day cannot lock its owner out, nor can those who share the owner's address.
"""

import hashlib
import time

from django.core import signing
from django.utils.crypto import constant_time_compare

from catalog.api.throttling import count_request

PER_ACCOUNT, PER_BROWSER, PER_ADDRESS = 10, 10, 40
"""A minute. Many people may share an address."""

SALT = "catalog.attempts.browser"
BROWSER_SECONDS = 365 * 86_400


def may_attempt(account: str, address: str, browser: str) -> bool:
    """Count one attempt to sign in to `account` from `address`; False: one too many, wait a minute.

    browser: what `known_browser` gave it; empty or worthless: a stranger's.
    """
    now = time.time()
    if knows(browser, account):
        return _within(f"sign-in:browser:{_hash(browser)}", PER_BROWSER, now)
    if not _within(f"sign-in:address:{_hash(address)}", PER_ADDRESS, now):
        return False
    return _within(f"sign-in:account:{_hash(account.lower())}", PER_ACCOUNT, now)


def known_browser(account: str) -> str:
    """What a browser keeps that has signed in to `account`: proves that and nothing else."""
    return signing.dumps(_hash(account.lower()), salt=SALT)


def knows(browser: str, account: str) -> bool:
    """Whether `browser` proves an earlier sign-in to `account`."""
    try:
        found = signing.loads(browser, salt=SALT, max_age=BROWSER_SECONDS)
    except signing.BadSignature:
        return False
    return isinstance(found, str) and constant_time_compare(found, _hash(account.lower()))


def _within(name: str, limit: int, now: float) -> bool:
    count = count_request(name, limit, now)
    return count is None or count.used <= limit


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
