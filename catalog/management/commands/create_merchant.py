"""manage.py create_merchant: a shop, its owner and a first API key"""

import secrets
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from catalog.errors import Refused
from catalog.merchants import create_merchant, issue_api_key

PASSWORD_BYTES = 12


class Command(BaseCommand):
    """Make a merchant with its owner; what is secret is shown once, on the last lines."""

    help = "Make a merchant with its owner, and an API key for its programs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the shop's name")
        parser.add_argument("--owner", required=True, metavar="EMAIL", help="who signs in; made if there is none yet")
        parser.add_argument(
            "--country", default="", help="ISO 3166 code of two letters: some generators exclude countries"
        )
        parser.add_argument(
            "--key", default="", metavar="NAME", help="also issue an API key of that name that may write"
        )

    @transaction.atomic
    def handle(self, *args: Any, name: str, owner: str, country: str, key: str, **options: Any) -> None:
        users = get_user_model()
        user = users.objects.filter(username=owner).first()
        password = ""
        if user is None:
            password = secrets.token_urlsafe(PASSWORD_BYTES)
            user = users.objects.create_user(owner, email=owner, password=password)
        try:
            merchant = create_merchant(name, user, country=country)
        except Refused as error:
            raise CommandError(error.message) from None
        self.stdout.write(f"merchant {merchant.public_id} {merchant.slug}")
        if password:
            self.stdout.write(f"password of {owner}: {password}")
        if key:
            _, text = issue_api_key(merchant, key, may_write=True)
            self.stdout.write(f"API key {key}: {text}")
