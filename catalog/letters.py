"""e-mail to people, where the settings name a server that sends it

Sent from a thread of its own: how long a server takes must not tell a stranger whether an address has an account. What
cannot be sent is written to the log; whoever waits asks again.
"""

import logging
import smtplib
import threading

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import EmailMessage

from catalog.models import Invitation

log = logging.getLogger(__name__)


def may_send() -> bool:
    """Whether e-mail is sent at all."""
    return bool(settings.DEFAULT_FROM_EMAIL)


def send_invitation(invitation: Invitation, link: str) -> None:
    """The link that lets somebody into a shop."""
    shop = one_line(invitation.merchant.name)
    _send(
        invitation.email,
        f"Join {shop} on Plinth",
        f"You are invited to {shop} as {invitation.get_role_display()}.\n\nThis link lets you in, once, until "
        f"{invitation.expires_at:%d %B %Y}:\n{link}\n\nIf you did not expect it, there is nothing to do.\n",
    )


def send_password_link(user: User, link: str) -> None:
    """The link under which somebody sets another password."""
    _send(
        user.email,
        "Another password for Plinth",
        f"Under this link you set another password, within an hour:\n{link}\n\nIf you did not ask for it, there is "
        "nothing to do: your password stays as it is.\n",
    )


def one_line(text: str) -> str:
    """Without what would end a header."""
    return " ".join(text.split())


def _send(address: str, subject: str, text: str) -> None:
    if may_send() and address:
        letter = EmailMessage(subject, text, settings.DEFAULT_FROM_EMAIL, [address])
        threading.Thread(target=_deliver, args=(letter,), name="letter", daemon=True).start()


def _deliver(letter: EmailMessage) -> None:
    try:
        letter.send()
    except (OSError, smtplib.SMTPException) as error:
        log.warning("an e-mail could not be sent: %s", error)
