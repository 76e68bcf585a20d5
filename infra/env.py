"""environment variables -> one frozen, typed `Env`, or every mistake at once

Only `infra/settings.py` calls `load`; no other file reads the environment. How each text is read: `infra/parse.py`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from infra.parse import (
    Database,
    EmailServer,
    Secret,
    parse_base_url,
    parse_bool,
    parse_broker,
    parse_bucket,
    parse_cache,
    parse_database,
    parse_email_server,
    parse_hosts,
    parse_log_format,
    parse_log_level,
    parse_networks,
    parse_origins,
    parse_positive,
    parse_secret,
    parse_secret_key,
)

DEMO_SECRET_KEY = "only-for-the-demo-on-loopback-never-for-a-server-that-others-reach"  # noqa: S105


class BadEnvironment(Exception):
    """Some variables will not do; `problems` has one line for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("Plinth cannot start with this environment:\n" + "\n".join(f"  {line}" for line in problems))
        self.problems = problems


@dataclass(frozen=True)
class Env:
    """What the environment says; see `VARIABLES` for the meaning of each."""

    demo: bool
    debug: bool
    secret_key: Secret
    allowed_hosts: tuple[str, ...]
    csrf_trusted_origins: tuple[str, ...]
    https_only: bool
    trusted_proxies: tuple[str, ...]
    database: Database
    data_folder: str
    log_level: str
    log_format: str
    broker_url: Secret
    cache_url: Secret
    s3_endpoint_url: str
    s3_public_url: str
    s3_bucket: str
    s3_region: str
    s3_access_key_id: Secret
    s3_secret_access_key: Secret
    cdn_base_url: str
    max_photo_bytes: int
    max_model_bytes: int
    fetch_allowed_networks: tuple[str, ...]
    api_reads_per_minute: int
    api_writes_per_minute: int
    job_timeout_seconds: int
    worker_memory_bytes: int
    no_worker_hours: int
    keep_events_days: int
    keep_checkpoints_days: int
    metrics_token: Secret
    email_server: EmailServer
    email_from: str


@dataclass(frozen=True)
class Variable:
    """One environment variable. `default` and `demo_default` are written as in the environment; None: must be set."""

    name: str
    field: str
    parse: Callable[[str], Any]
    meaning: str
    default: str | None
    demo_default: str | None = None

    def default_when(self, *, demo: bool) -> str | None:
        """What counts where the variable is not set."""
        return self.demo_default if demo and self.demo_default is not None else self.default


LOOPBACK = "localhost,127.0.0.1,[::1]"
VARIABLES = (
    Variable("DEMO", "demo", parse_bool, "One machine, loopback only: the demo's secret key, no HTTPS.", "false"),
    Variable("DEBUG", "debug", parse_bool, "Django's debug pages; needs `DEMO`.", "false"),
    Variable(
        "SECRET_KEY",
        "secret_key",
        parse_secret_key,
        "Signs sessions and links. At least 50 random characters.",
        None,
        DEMO_SECRET_KEY,
    ),
    Variable(
        "ALLOWED_HOSTS",
        "allowed_hosts",
        parse_hosts,
        "Host names that this server answers to, by commas.",
        None,
        LOOPBACK,
    ),
    Variable(
        "CSRF_TRUSTED_ORIGINS",
        "csrf_trusted_origins",
        parse_origins,
        "Origins whose forms are accepted besides our own, by commas.",
        "",
    ),
    Variable(
        "HTTPS_ONLY",
        "https_only",
        parse_bool,
        "Redirect to HTTPS, secure cookies, HSTS. The proxy in front sets X-Forwarded-Proto.",
        "true",
        "false",
    ),
    Variable(
        "TRUSTED_PROXIES",
        "trusted_proxies",
        parse_networks,
        "Networks of the proxies in front, by commas (CIDR): what they append to X-Forwarded-For is believed.",
        "",
    ),
    Variable(
        "DATABASE_URL",
        "database",
        parse_database,
        "`sqlite:PATH` or `postgresql://USER:PASSWORD@HOST:PORT/NAME`.",
        "sqlite:var/plinth.sqlite3",
    ),
    Variable("DATA_FOLDER", "data_folder", str, "What `manage.py up` keeps: engines' data, chosen ports.", "var"),
    Variable("LOG_LEVEL", "log_level", parse_log_level, "DEBUG, INFO, WARNING or ERROR.", "INFO"),
    Variable("LOG_FORMAT", "log_format", parse_log_format, "`json` for machines, `text` for people.", "json", "text"),
    Variable(
        "BROKER_URL",
        "broker_url",
        parse_broker,
        "Queue between web and workers: `redis://…` (Redis, Valkey) or `amqp://…` (RabbitMQ).",
        None,
        "redis://127.0.0.1:8379/0",
    ),
    Variable(
        "CACHE_URL",
        "cache_url",
        parse_cache,
        "`redis://…` that all web processes count rate limits in; empty: each counts for itself.",
        "",
        "redis://127.0.0.1:8379/1",
    ),
    Variable(
        "S3_ENDPOINT_URL",
        "s3_endpoint_url",
        parse_base_url,
        "The S3 server; empty: Amazon's.",
        "",
        "http://127.0.0.1:8333",
    ),
    Variable(
        "S3_PUBLIC_URL",
        "s3_public_url",
        parse_base_url,
        "The S3 server as browsers reach it, for presigned links; empty: the same.",
        "",
    ),
    Variable("S3_BUCKET", "s3_bucket", parse_bucket, "The bucket; `manage.py setup_storage` makes it.", None, "plinth"),
    Variable("S3_REGION", "s3_region", str, "The bucket's region.", "us-east-1"),
    Variable(
        "S3_ACCESS_KEY_ID",
        "s3_access_key_id",
        parse_secret,
        "Empty: boto3 looks where it always does (role, profile).",
        "",
        "plinth-demo",
    ),
    Variable(
        "S3_SECRET_ACCESS_KEY", "s3_secret_access_key", parse_secret, "Belongs to the key.", "", "only-for-the-demo"
    ),
    Variable(
        "CDN_BASE_URL",
        "cdn_base_url",
        parse_base_url,
        "Where published files are read from; empty: the bucket itself.",
        "",
    ),
    Variable("MAX_PHOTO_BYTES", "max_photo_bytes", parse_positive, "Bytes of one photo at most.", "64000000"),
    Variable("MAX_MODEL_BYTES", "max_model_bytes", parse_positive, "Bytes of one uploaded model at most.", "100000000"),
    Variable(
        "FETCH_ALLOWED_NETWORKS",
        "fetch_allowed_networks",
        parse_networks,
        "Private networks that photos may be fetched from by address, by commas (CIDR).",
        "",
    ),
    Variable(
        "API_READS_PER_MINUTE", "api_reads_per_minute", parse_positive, "Requests that read, for each key.", "600"
    ),
    Variable(
        "API_WRITES_PER_MINUTE", "api_writes_per_minute", parse_positive, "Requests that write, for each key.", "120"
    ),
    Variable(
        "JOB_TIMEOUT_SECONDS",
        "job_timeout_seconds",
        parse_positive,
        "Seconds that one task of a job may take.",
        "900",
    ),
    Variable(
        "WORKER_MEMORY_BYTES",
        "worker_memory_bytes",
        parse_positive,
        "Resident memory that one task may take.",
        "4000000000",
    ),
    Variable(
        "NO_WORKER_HOURS",
        "no_worker_hours",
        parse_positive,
        "Hours that a job waits for a worker with its generator before it chooses another or fails.",
        "24",
    ),
    Variable("KEEP_EVENTS_DAYS", "keep_events_days", parse_positive, "Days that ended jobs keep their events.", "30"),
    Variable(
        "KEEP_CHECKPOINTS_DAYS",
        "keep_checkpoints_days",
        parse_positive,
        "Days that a job's intermediate results are kept, for cheap retries.",
        "14",
    ),
    Variable(
        "METRICS_TOKEN",
        "metrics_token",
        parse_secret,
        "Bearer token that /metrics asks for; empty: /metrics does not exist, except in the demo.",
        "",
    ),
    Variable(
        "EMAIL_URL",
        "email_server",
        parse_email_server,
        "Server that sends e-mail: `smtp://HOST:25`, `smtp+starttls://USER:PASSWORD@HOST:587` or `smtps://…:465`; "
        "empty: none is sent.",
        "",
    ),
    Variable("EMAIL_FROM", "email_from", str, "Sender of our e-mail; needed with `EMAIL_URL`.", ""),
)


def load(environ: Mapping[str, str]) -> Env:
    """The typed environment. Raises BadEnvironment, which names all bad variables at once."""
    problems: list[str] = []
    demo = environ.get("DEMO", "false") == "true"
    values: dict[str, Any] = {}
    for variable in VARIABLES:
        text = environ.get(variable.name) or variable.default_when(demo=demo)
        if text is None:
            problems.append(f"{variable.name} is missing: {variable.meaning}")
            continue
        try:
            values[variable.field] = variable.parse(text)
        except ValueError as error:
            problems.append(f"{variable.name} {error}")
    if values.get("debug") and not demo:
        problems.append("DEBUG needs DEMO=true: debug pages show settings to strangers")
    if bool(values.get("email_from")) != bool("email_server" in values and values["email_server"].host):
        problems.append("EMAIL_URL and EMAIL_FROM belong together: set both or none")
    if problems:
        raise BadEnvironment(problems)
    return Env(**values)
