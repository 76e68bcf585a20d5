"""Starts and watches everything on one machine."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from catalog.errors import Away
from infra import up
from infra.engines.engine import EngineFailed, EngineMissing
from infra.settings import is_set
from infra.supervisor import Supervisor, stopping_on_signals
from infra.up_state import CannotStart, alone, keep_processes


class Command(BaseCommand):
    """`manage.py up`: engines where they are missing, web, dispatcher and workers; Ctrl-C stops what it started."""

    help = "Start everything on this machine's loopback, watch it, and stop it on Ctrl-C."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=0, help="of the web process (last time's, or 8000)")
        parser.add_argument("--workers", type=int, default=up.default_workers(), help="worker processes (%(default)s)")
        parser.add_argument("--demo", action="store_true", help="with the demo's settings and a sample shop")

    def handle(self, *args: Any, **options: Any) -> None:
        place = up.Place(settings.BASE_DIR, settings.DATA_FOLDER, settings.ENV, is_set)
        wanted = up.Wanted(options["port"], options["workers"], options["demo"])
        if wanted.demo and not place.env.demo:
            raise CommandError("--demo needs DEMO=true, which DEMO contradicts")
        supervisor = Supervisor(up.make_say(sys.stdout), keep_processes(place.data))
        try:
            with alone(place.data), stopping_on_signals(supervisor):
                up.run(supervisor, place, wanted)
        except (CannotStart, EngineMissing, EngineFailed) as error:
            raise CommandError(str(error)) from error
        except Away as error:
            raise CommandError(f"the store: {error.message}") from error
