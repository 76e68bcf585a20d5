"""e-mail to people, where the settings name a server that sends it

Sent from a thread of its own: how long a server takes must not tell a stranger whether an address has an account. What
cannot be sent is written to the log; whoever waits asks again. So many letters an hour go to one address, and for one
shop: nobody is flooded by our hand.
"""

import hashlib
import logging
import smtplib
import threading
import time
from queue import Full, Queue

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import EmailMessage

from catalog.api.throttling import count_request
from catalog.models import Invitation

log = logging.getLogger(__name__)

PER_ADDRESS, PER_SHOP = 5, 60
"""An hour."""

HOUR_SECONDS = 3600

waiting: Queue[EmailMessage] = Queue(100)
"""What `_deliver` takes one by one; a server that is slow or away must not fill the memory."""

_starting = threading.Lock()
_sender: threading.Thread | None = None


def may_send() -> bool:
    """Whether e-mail is sent at all."""
    return bool(settings.DEFAULT_FROM_EMAIL)


def send_invitation(invitation: Invitation, link: str) -> bool:
    """The link that lets somebody into a shop. False: none is sent, for one of the reasons that `_send` has."""
    shop = one_line(invitation.merchant.name)
    if may_send() and not _within(f"shop:{invitation.merchant_id}", PER_SHOP):
        log.warning("no letter: %s has sent its share of this hour", invitation.merchant.public_id)
        return False
    return _send(
        invitation.email,
        f"Join {shop} on Plinth",
        f"You are invited to {shop} as {invitation.get_role_display()}.\n\nThis link lets you in, once, until "
        f"{invitation.expires_at:%d %B %Y}:\n{link}\n\nIf you did not expect it, there is nothing to do.\n",
    )


def send_password_link(user: User, link: str) -> bool:
    """The link under which somebody sets another password. False: none is sent."""
    return _send(
        user.email,
        "Another password for Plinth",
        f"Under this link you set another password, within an hour:\n{link}\n\nIf you did not ask for it, there is "
        "nothing to do: your password stays as it is.\n",
    )


def one_line(text: str) -> str:
    """Without what would end a header."""
    return " ".join(text.split())


def _send(address: str, subject: str, text: str) -> bool:
    """Whether it is on its way. Not where none is sent, to one who has had their share, or while too many wait."""
    if not may_send() or not address:
        return False
    if not _within(f"to:{hashlib.sha256(address.lower().encode()).hexdigest()[:32]}", PER_ADDRESS):
        log.warning("no letter: its address has had its share of this hour")
        return False
    try:
        waiting.put_nowait(EmailMessage(subject, text, settings.DEFAULT_FROM_EMAIL, [address]))
    except Full:
        log.warning("no letter: too many wait for the server already")
        return False
    _have_sender()
    return True


def _within(name: str, limit: int) -> bool:
    count = count_request(f"letters:{name}", limit, time.time(), HOUR_SECONDS)
    return count is None or count.used <= limit


def _have_sender() -> None:
    """Start the one thread that sends, where there is none: in a new process, or a forked one."""
    global _sender
    with _starting:
        if _sender is None or not _sender.is_alive():
            _sender = threading.Thread(target=_deliver, name="letters", daemon=True)
            _sender.start()


def _deliver() -> None:
    while True:
        letter = waiting.get()
        try:
            letter.send()
        except (OSError, smtplib.SMTPException) as error:
            log.warning("an e-mail could not be sent: %s", error)
        except Exception:  # a bug of ours must not end the thread that all letters wait for
            log.exception("an e-mail could not be sent")
