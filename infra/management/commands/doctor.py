"""Says what is wrong with this installation."""

import json
from argparse import ArgumentParser
from collections import Counter
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from infra.doctor import Level, examine


class Command(BaseCommand):
    """`manage.py doctor`: a line for each thing looked at; exit status 1 when something does not work."""

    help = "Look at settings, engines, workers and this machine; say what to fix."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json", help="one JSON array")

    def handle(self, *args: Any, **options: Any) -> None:
        findings = []
        for finding in examine():
            findings.append(finding)
            if not options["as_json"]:
                self.stdout.write(str(finding))
        counts = Counter(finding.level for finding in findings)
        if options["as_json"]:
            self.stdout.write(json.dumps([asdict(finding) for finding in findings], indent=2))
        else:
            self.stdout.write(f"\n{counts[Level.ERROR]} errors, {counts[Level.WARNING]} warnings")
        if counts[Level.ERROR]:
            raise SystemExit(1)
