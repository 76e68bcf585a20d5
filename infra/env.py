"""environment variables -> one frozen, typed `Env`, or every mistake at once

Only `infra/settings.py` calls `load`; no other file reads the environment.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

DEMO_SECRET_KEY = "only-for-the-demo-on-loopback-never-for-a-server-that-others-reach"  # noqa: S105
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
SECRET_KEY_CHARACTERS = 50  # Django's own check asks for as many


class BadEnvironment(Exception):
    """Some variables will not do; `problems` has one line for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("Plinth cannot start with this environment:\n" + "\n".join(f"  {line}" for line in problems))
        self.problems = problems


@dataclass(frozen=True, repr=False)
class Secret:
    """A value that no log, traceback or debug page shows."""

    value: str

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def reveal(self) -> str:
        """The value itself, for the one who needs it."""
        return self.value


@dataclass(frozen=True)
class Database:
    """Where the catalogue lives. `engine` is "sqlite" or "postgresql"; `name` is the file or the database."""

    engine: str
    name: str
    host: str = ""
    port: int = 0
    user: str = ""
    password: Secret = Secret("")


@dataclass(frozen=True)
class Env:
    """What the environment says; see `VARIABLES` for the meaning of each."""

    demo: bool
    debug: bool
    secret_key: Secret
    allowed_hosts: tuple[str, ...]
    csrf_trusted_origins: tuple[str, ...]
    https_only: bool
    database: Database
    log_level: str


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


def parse_bool(text: str) -> bool:
    """`true` or `false`, nothing else: a misspelt boolean stops the start."""
    if text not in {"true", "false"}:
        raise ValueError("must be true or false")
    return text == "true"


def parse_secret_key(text: str) -> Secret:
    """A key that nobody guesses."""
    if len(text) < SECRET_KEY_CHARACTERS or len(set(text)) < 5:
        raise ValueError(f"must be at least {SECRET_KEY_CHARACTERS} random characters")
    return Secret(text)


def parse_hosts(text: str) -> tuple[str, ...]:
    """Host names, separated by commas."""
    hosts = tuple(part.strip() for part in text.split(",") if part.strip())
    if any("/" in host for host in hosts):
        raise ValueError("must be host names without scheme and path, separated by commas")
    if "*" in hosts:
        raise ValueError("must name the hosts; * would accept forged ones")
    return hosts


def parse_origins(text: str) -> tuple[str, ...]:
    """Origins (scheme and host), separated by commas."""
    origins = tuple(part.strip() for part in text.split(",") if part.strip())
    for origin in origins:
        parts = urlsplit(origin)
        if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path or parts.query:
            raise ValueError("must be origins such as https://shop.example, separated by commas")
    return origins


def parse_database(text: str) -> Database:
    """`sqlite:path/to/file` or `postgresql://user:password@host:port/name`. Its errors never repeat the password."""
    if text.startswith("sqlite:") and len(text) > len("sqlite:"):
        return Database("sqlite", text.removeprefix("sqlite:"))
    advice = "must be sqlite:PATH or postgresql://USER:PASSWORD@HOST:PORT/NAME"
    parts = urlsplit(text)
    name = unquote(parts.path.removeprefix("/"))
    if parts.scheme not in {"postgresql", "postgres"} or not parts.hostname or not name:
        raise ValueError(advice)
    user, password = unquote(parts.username or ""), Secret(unquote(parts.password or ""))
    return Database("postgresql", name, parts.hostname, _port(parts, advice), user, password)


def _port(parts: SplitResult, advice: str) -> int:
    try:
        return parts.port or 5432
    except ValueError:
        raise ValueError(advice) from None


def parse_log_level(text: str) -> str:
    """One of `LOG_LEVELS`."""
    if text not in LOG_LEVELS:
        raise ValueError("must be one of " + ", ".join(LOG_LEVELS))
    return text


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
        "DATABASE_URL",
        "database",
        parse_database,
        "`sqlite:PATH` or `postgresql://USER:PASSWORD@HOST:PORT/NAME`.",
        "sqlite:var/plinth.sqlite3",
    ),
    Variable("LOG_LEVEL", "log_level", parse_log_level, "DEBUG, INFO, WARNING or ERROR.", "INFO"),
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
    if problems:
        raise BadEnvironment(problems)
    return Env(**values)
