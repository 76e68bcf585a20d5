"""Tries out whether the S3 server of the settings does what we need."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from catalog.errors import Away
from infra.bucket_checks import check_bucket
from infra.storage import make_store


class Command(BaseCommand):
    """`manage.py check_storage`: a line for each thing that an S3 server must do."""

    help = "Try out what the S3 server must do, with small files that are deleted again."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        store = make_store(settings.ENV)
        failed = 0
        try:
            store.check()
            for what, problem in check_bucket(store):
                self.stdout.write(f"FAILED  {what}: {problem}" if problem else f"ok      {what}")
                failed += bool(problem)
        except Away as error:
            raise CommandError(f"{store.endpoint_url or 'Amazon S3'}: {error.message}") from error
        if failed:
            raise CommandError(
                f"{failed} of the things we need do not work: run setup_storage first, or use another server"
            )
