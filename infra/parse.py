"""text of one environment variable -> typed value; each function raises ValueError with what the text must be"""

import ipaddress
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
LOG_FORMATS = ("json", "text")
EMAIL_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
SECRET_KEY_CHARACTERS = 50  # Django's own check asks for as many


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
class EmailServer:
    """Who sends our e-mail. scheme: of EMAIL_PORTS, which says how it is encrypted; empty: nobody does."""

    scheme: str
    host: str
    port: int
    user: str = ""
    password: Secret = Secret("")


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


def parse_log_format(text: str) -> str:
    """One of `LOG_FORMATS`."""
    if text not in LOG_FORMATS:
        raise ValueError("must be one of " + ", ".join(LOG_FORMATS))
    return text


def parse_positive(text: str) -> int:
    """A whole number above zero."""
    if not (text.isascii() and text.isdecimal()) or int(text) == 0:
        raise ValueError("must be a whole number above 0")
    return int(text)


def parse_broker(text: str) -> Secret:
    """`redis://…` (Redis, Valkey) or `amqp://…` (RabbitMQ); it may hold a password."""
    return _url(
        text, {"redis", "rediss", "amqp", "amqps"}, "must be redis://HOST:PORT/NUMBER or amqp://USER:PASSWORD@HOST"
    )


def parse_cache(text: str) -> Secret:
    """`redis://…`, or empty: each process counts for itself."""
    return _url(text, {"redis", "rediss"}, "must be redis://HOST:PORT/NUMBER") if text else Secret("")


def _url(text: str, schemes: set[str], advice: str) -> Secret:
    parts = urlsplit(text)
    if parts.scheme not in schemes or not parts.hostname:
        raise ValueError(advice)
    return Secret(text)


def parse_email_server(text: str) -> EmailServer:
    """`smtp://…`, `smtp+starttls://…` or `smtps://…`, or empty: there is none. Its errors never repeat the password."""
    advice = "must be smtp://HOST:PORT, smtp+starttls://USER:PASSWORD@HOST:PORT or smtps://USER:PASSWORD@HOST:PORT"
    parts = urlsplit(text)
    if not text:
        return EmailServer("", "", 0)
    if parts.scheme not in EMAIL_PORTS or not parts.hostname:
        raise ValueError(advice)
    try:
        port = parts.port or EMAIL_PORTS[parts.scheme]
    except ValueError:
        raise ValueError(advice) from None
    return EmailServer(
        parts.scheme, parts.hostname, port, unquote(parts.username or ""), Secret(unquote(parts.password or ""))
    )


def parse_base_url(text: str) -> str:
    """An address to which paths are appended, without its closing slash; may be empty."""
    parts = urlsplit(text)
    if text and (parts.scheme not in {"http", "https"} or not parts.netloc or parts.query or parts.fragment):
        raise ValueError("must be an address such as https://cdn.example/assets")
    return text.rstrip("/")


def parse_bucket(text: str) -> str:
    """An S3 bucket's name."""
    if not 3 <= len(text) <= 63 or not all(c.isascii() and (c.islower() or c.isdigit() or c in "-.") for c in text):
        raise ValueError("must be a bucket's name: 3 to 63 lower-case letters, digits and hyphens")
    return text


def parse_secret(text: str) -> Secret:
    """Any text that must stay hidden; may be empty."""
    return Secret(text)


def parse_networks(text: str) -> tuple[str, ...]:
    """Networks in CIDR notation, separated by commas."""
    networks = tuple(part.strip() for part in text.split(",") if part.strip())
    try:
        for network in networks:
            ipaddress.ip_network(network)
    except ValueError:
        raise ValueError("must be networks such as 10.1.0.0/16, separated by commas") from None
    return networks
