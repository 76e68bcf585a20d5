"""environment -> Django's settings"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.addresses import read_kept
from infra.env import BadEnvironment, load
from infra.logs import logging_settings
from infra.parse import Database

BASE_DIR = Path(__file__).resolve().parent.parent


def is_set(variable: str) -> bool:
    """Whether somebody set it on purpose."""
    return bool(os.environ.get(variable))


def with_kept_addresses(environ: Mapping[str, str]) -> Mapping[str, str]:
    """In the demo, addresses that `manage.py up` had to choose stand in for variables that nobody set."""
    if environ.get("DEMO") != "true":
        return environ
    kept = read_kept(BASE_DIR / environ.get("DATA_FOLDER", "var")).environ
    return {**kept, **{name: value for name, value in environ.items() if value}}


try:
    ENV = load(with_kept_addresses(os.environ))
except BadEnvironment as error:
    sys.exit(str(error))  # one clear message instead of a traceback, before anything listens

SECRET_KEY = ENV.secret_key.reveal()
DEBUG = ENV.debug
ALLOWED_HOSTS = list(ENV.allowed_hosts)
CSRF_TRUSTED_ORIGINS = list(ENV.csrf_trusted_origins)
TRUSTED_PROXIES = ENV.trusted_proxies

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "catalog",
    "dashboard",
    "infra",
    "django.contrib.admin.apps.SimpleAdminConfig",  # after catalog, whose templates count more
]

MIDDLEWARE = [
    "infra.clients.name_client",
    "infra.requests.accompany",
    "infra.security.harden",
    "django.middleware.security.SecurityMiddleware",
    "infra.static_files.serve_static",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "infra.urls"
WSGI_APPLICATION = "infra.wsgi.application"
ASGI_APPLICATION = "infra.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]


def database_settings(database: Database) -> dict[str, Any]:
    """Django's entry for `database`.

    SQLite: with deferred transactions, two workers that read and then write fail with "database is locked" (measured:
    40 of 400 jobs); IMMEDIATE takes the write lock first and waits for it.
    """
    if database.engine == "sqlite":
        path = BASE_DIR / database.name
        path.parent.mkdir(parents=True, exist_ok=True)
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": path,
            "OPTIONS": {
                "timeout": 20,
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
            },
        }
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": database.name,
        "USER": database.user,
        "PASSWORD": database.password.reveal(),
        "HOST": database.host,
        "PORT": database.port,
        "CONN_HEALTH_CHECKS": True,
        # Every request has its own thread: without a pool each would open a connection. psycopg's own limit of 4 is
        # reached by five requests at a time.
        "OPTIONS": {"pool": {"min_size": 1, "max_size": 20}},
    }


DATABASES = {"default": database_settings(ENV.database)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

PASSWORD_RESET_TIMEOUT = 3600
DEFAULT_FROM_EMAIL = ENV.email_from
"""Empty: no e-mail is sent."""
EMAIL_HOST, EMAIL_PORT = ENV.email_server.host, ENV.email_server.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = ENV.email_server.user, ENV.email_server.password.reveal()
EMAIL_USE_SSL = ENV.email_server.scheme == "smtps"
EMAIL_USE_TLS = ENV.email_server.scheme == "smtp+starttls"
EMAIL_TIMEOUT = 10  # seconds

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "var" / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "infra.vendor.VendorFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

SECURE_SSL_REDIRECT = ENV.https_only
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]  # probes speak plain HTTP to the process itself
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ENV.https_only else None
SECURE_HSTS_SECONDS = 31_536_000 if ENV.https_only else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = ENV.https_only
SECURE_HSTS_PRELOAD = ENV.https_only
SESSION_COOKIE_SECURE = ENV.https_only
CSRF_COOKIE_SECURE = ENV.https_only
X_FRAME_OPTIONS = "DENY"
LOGIN_URL = "dashboard:sign-in"
CSRF_FAILURE_VIEW = "dashboard.errors.expired_form"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "catalog.api.access.ApiKeyAuthentication",
        "catalog.api.access.MemberAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["catalog.api.access.MayUse"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "catalog.api.pages.NewestFirst",
    "DEFAULT_THROTTLE_CLASSES": ["catalog.api.throttling.ReadRate", "catalog.api.throttling.WriteRate"],
    "DEFAULT_THROTTLE_RATES": {
        "read": f"{ENV.api_reads_per_minute}/min",
        "write": f"{ENV.api_writes_per_minute}/min",
    },
    "DEFAULT_SCHEMA_CLASS": "catalog.api.schema.Description",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "EXCEPTION_HANDLER": "catalog.api.errors.handle",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Plinth",
    "DESCRIPTION": "Photos in, AR-ready 3D assets out.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_ADD_EXPLICIT_BLANK_NULL_CHOICE": False,
    "ENUM_NAME_OVERRIDES": {"KindEnum": "catalog.models.Kind.choices"},  # a job's `kind` and its version's `origin`
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "catalog.api.schema.close_requests",
    ],
}

CACHES = {
    "default": {
        "BACKEND": "infra.cache.SharedRedisCache",
        "LOCATION": ENV.cache_url.reveal(),
        "OPTIONS": {"socket_connect_timeout": 0.5, "socket_timeout": 0.5},
    }
    if ENV.cache_url.reveal()
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

BROKER_URL = ENV.broker_url
STORAGE_FACTORY = "infra.storage.open_storage"
"""What catalog calls for its object store: it knows the protocol, not the adapter."""

DATA_FOLDER = BASE_DIR / ENV.data_folder
CDN_BASE_URL = ENV.cdn_base_url
MAX_PHOTO_BYTES = ENV.max_photo_bytes
MAX_MODEL_BYTES = ENV.max_model_bytes
FETCH_ALLOWED_NETWORKS = ENV.fetch_allowed_networks
JOB_TIMEOUT_SECONDS = ENV.job_timeout_seconds
WORKER_MEMORY_BYTES = ENV.worker_memory_bytes
NO_WORKER_HOURS = ENV.no_worker_hours
KEEP_EVENTS_DAYS = ENV.keep_events_days
KEEP_CHECKPOINTS_DAYS = ENV.keep_checkpoints_days
METRICS_TOKEN = ENV.metrics_token
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000  # bytes of a body that is not a file

LOGGING = logging_settings(ENV.log_level, ENV.log_format)
