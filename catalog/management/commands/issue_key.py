"""manage.py issue_key: an API key for a shop"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.errors import Refused
from catalog.merchants import issue_api_key
from catalog.models import Merchant


class Command(BaseCommand):
    """Issue an API key; its text is shown this once."""

    help = "Issue an API key for a shop; its text is shown once, on the last line."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("shop", help="the shop's slug")
        parser.add_argument("name", help="what the key is for")
        parser.add_argument("--read-only", action="store_true", help="it may read, but change nothing")

    def handle(self, *args: Any, shop: str, name: str, read_only: bool, **options: Any) -> None:
        merchant = Merchant.objects.filter(slug=shop).first()
        if merchant is None:
            raise CommandError(f"there is no shop {shop!r}")
        try:
            key, text = issue_api_key(merchant, name, may_write=not read_only)
        except Refused as error:
            raise CommandError(error.message) from None
        self.stdout.write(f"{key.public_id}: {text}")
