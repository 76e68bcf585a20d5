"""Fills a sample shop."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from catalog.errors import Away, Refused
from infra.addresses import read_kept
from infra.demo import Demo


class Command(BaseCommand):
    """`manage.py seed_demo`: a shop with products, photos and jobs; what is there is left alone."""

    help = "Make a sample shop with a login, an API key, products, photos and jobs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--quality", default="standard", help="of its assets (%(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.ENV.demo:
            raise CommandError("a sample shop is for the demo: DEMO=true")
        data = settings.DATA_FOLDER
        data.mkdir(parents=True, exist_ok=True)
        address = f"http://127.0.0.1:{read_kept(data).port or 8000}"
        demo = Demo(data, settings.BASE_DIR / "samples", address, quality=options["quality"])
        try:
            for line in demo.set_up():
                self.stdout.write(line)
        except (Away, Refused) as error:
            raise CommandError(error.message) from error
