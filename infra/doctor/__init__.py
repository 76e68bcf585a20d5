"""What is wrong with this installation, and what to do about it; what `manage.py doctor` prints"""

from collections.abc import Iterator

from infra.doctor.finding import Check, Finding, Level, error, ok, warning
from infra.doctor.machine import MACHINE
from infra.doctor.service import SERVICE

CHECKS: tuple[Check, ...] = (*SERVICE, *MACHINE)


def examine(checks: tuple[Check, ...] = CHECKS) -> Iterator[Finding]:
    """Every check's findings, in order; a check that breaks is a finding itself."""
    for check in checks:
        try:
            yield from check()
        except Exception as broken:  # it says so, and the others still run
            yield error(check.__name__.removeprefix("check_"), f"could not be looked at: {broken}", "report this")


__all__ = ["CHECKS", "Finding", "Level", "error", "examine", "ok", "warning"]
