"""manage.py revoke_key: a key that opens nothing any more"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.merchants import revoke_api_key
from catalog.models import ApiKey


class Command(BaseCommand):
    """Revoke an API key by its id or by the characters that it starts with."""

    help = "Revoke an API key."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("key", help="its id (key_...), or its first characters as lists show them (plk_...)")

    def handle(self, *args: Any, key: str, **options: Any) -> None:
        found = list(ApiKey.objects.filter(public_id=key) or ApiKey.objects.filter(prefix=key, revoked_at=None))
        if len(found) != 1:
            raise CommandError(f"{len(found)} keys are called {key!r}: give the id of one")
        revoke_api_key(found[0])
        self.stdout.write(f"{found[0].public_id} opens nothing any more")
