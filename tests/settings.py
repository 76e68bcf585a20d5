"""The real settings, in the demo's environment unless the caller sets another."""

import os
import tempfile

os.environ.setdefault("DEMO", "true")

from infra.settings import *  # noqa: F403
from infra.settings import DATABASES, STORAGES

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # seconds matter here, secrecy does not

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file of this run's own: in memory SQLite has no WAL, and threads that race would not race as they do for real.
    FOLDER = tempfile.TemporaryDirectory(prefix="plinth-tests-")
    DATABASES["default"]["TEST"] = {"NAME": f"{FOLDER.name}/tests.sqlite3"}

STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
"""Pages are drawn without collecting static files first."""
