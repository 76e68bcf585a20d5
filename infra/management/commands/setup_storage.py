"""Makes the bucket of the settings and configures it."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from catalog.errors import Away
from infra.bucket import set_up_bucket
from infra.storage import make_store


class Command(BaseCommand):
    """`manage.py setup_storage`: may be run again at any time."""

    help = "Make the S3 bucket; set who may read it, what browsers may do, and what expires."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        env = settings.ENV
        try:
            for line in set_up_bucket(make_store(env), checkpoint_days=env.keep_checkpoints_days):
                self.stdout.write(line)
        except Away as error:
            raise CommandError(f"{env.s3_endpoint_url or 'Amazon S3'}: {error.message}") from error
