"""The real settings, in the demo's environment unless the caller sets another."""

import os

os.environ.setdefault("DEMO", "true")

from infra.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # seconds matter here, secrecy does not
