"""Settings hold in production as in the demo."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from infra.parse import Database, Secret
from infra.settings import database_settings

PRODUCTION = {
    "SECRET_KEY": "k3yX-aBc9" * 8,
    "ALLOWED_HOSTS": "plinth.example",
    "BROKER_URL": "redis://queue.internal:6379/0",
    "S3_BUCKET": "plinth-assets",
}


def manage(root: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], **variables}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=root, env=environ, capture_output=True, text=True, check=False
    )


def test_djangos_own_deployment_check_finds_nothing(root: Path) -> None:
    result = manage(root, "check", "--deploy", "--fail-level", "INFO", **PRODUCTION)
    assert result.returncode == 0, result.stderr


def test_a_bad_environment_stops_the_start_with_one_message_and_no_traceback(root: Path) -> None:
    result = manage(root, "check", LOG_LEVEL="loud")
    assert result.returncode != 0
    assert "LOG_LEVEL must be one of" in result.stderr
    assert "SECRET_KEY is missing" in result.stderr
    assert "Traceback" not in result.stderr


def test_no_migration_is_missing(root: Path) -> None:
    result = manage(root, "makemigrations", "--check", "--dry-run", DEMO="true")
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.django_db
def test_sqlite_takes_the_write_lock_first_and_writes_ahead(root: Path, tmp_path: Path) -> None:
    script = (
        "import django; django.setup()\n"
        "from django.db import connection\n"
        "with connection.cursor() as c:\n"
        "    print(c.execute('PRAGMA journal_mode').fetchone()[0], c.execute('PRAGMA busy_timeout').fetchone()[0])\n"
        "print(connection.transaction_mode)\n"
    )
    environ = {
        "PATH": os.environ["PATH"],
        "DEMO": "true",
        "DATABASE_URL": f"sqlite:{tmp_path / 'a.sqlite3'}",
        "DJANGO_SETTINGS_MODULE": "infra.settings",
    }
    result = subprocess.run([sys.executable, "-c", script], cwd=root, env=environ, capture_output=True, text=True)
    assert result.stdout.split() == ["wal", "20000", "IMMEDIATE"], result.stderr
    assert connection.vendor == "sqlite"


def test_postgresql_gets_every_part_of_its_url() -> None:
    settings = database_settings(Database("postgresql", "plinth", "db", 6543, "shop", Secret("p@ss")))
    assert settings["PASSWORD"] == "p@ss"
    assert (settings["HOST"], settings["PORT"], settings["NAME"], settings["USER"]) == ("db", 6543, "plinth", "shop")
