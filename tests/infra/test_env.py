"""The environment is read once, typed, and refused with every mistake at once."""

import pytest

from infra.env import VARIABLES, BadEnvironment, load
from infra.parse import Database, EmailServer, Secret, parse_database

KEY = "k3yX-aBc9" * 8
PRODUCTION = {
    "SECRET_KEY": KEY,
    "ALLOWED_HOSTS": "plinth.example",
    "BROKER_URL": "redis://:hunter2@queue.internal:6379/0",
    "S3_BUCKET": "plinth-assets",
}


def problems_of(environ: dict[str, str]) -> str:
    with pytest.raises(BadEnvironment) as caught:
        load(environ)
    return "\n".join(caught.value.problems)


def test_production_needs_a_secret_key_and_hosts_and_says_both_at_once() -> None:
    problems = problems_of({})
    assert "SECRET_KEY is missing" in problems
    assert "ALLOWED_HOSTS is missing" in problems


def test_the_demo_needs_nothing_and_stays_on_loopback() -> None:
    env = load({"DEMO": "true"})
    assert env.allowed_hosts == ("localhost", "127.0.0.1", "[::1]")
    assert not env.https_only
    assert not env.debug


def test_production_is_https_only_unless_told_otherwise() -> None:
    assert load(PRODUCTION).https_only
    assert not load(PRODUCTION | {"HTTPS_ONLY": "false"}).https_only


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEMO", "yes"),
        ("DEBUG", "True"),
        ("HTTPS_ONLY", "1"),
        ("SECRET_KEY", "short"),
        ("SECRET_KEY", "a" * 80),
        ("ALLOWED_HOSTS", "https://plinth.example"),
        ("ALLOWED_HOSTS", "*"),
        ("CSRF_TRUSTED_ORIGINS", "shop.example"),
        ("CSRF_TRUSTED_ORIGINS", "https://shop.example/path"),
        ("DATABASE_URL", "mysql://a:b@c/d"),
        ("DATABASE_URL", "postgresql://host"),
        ("DATABASE_URL", "postgresql://u:p@host:port/name"),
        ("LOG_LEVEL", "info"),
        ("LOG_FORMAT", "xml"),
        ("BROKER_URL", "http://queue.internal"),
        ("BROKER_URL", "redis://"),
        ("CACHE_URL", "memcached://cache.internal"),
        ("S3_ENDPOINT_URL", "s3.internal:9000"),
        ("S3_BUCKET", "ab"),
        ("S3_BUCKET", "Plinth_Assets"),
        ("CDN_BASE_URL", "https://cdn.example/?a=b"),
        ("MAX_PHOTO_BYTES", "64 MB"),
        ("API_READS_PER_MINUTE", "0"),
        ("FETCH_ALLOWED_NETWORKS", "10.1.2.3/8"),
        ("EMAIL_URL", "mail.internal:25"),
        ("EMAIL_URL", "smtp://host:port"),
    ],
)
def test_a_bad_value_is_named(name: str, value: str) -> None:
    assert problems_of(PRODUCTION | {name: value}).startswith(name)


def test_all_bad_values_are_named_together() -> None:
    problems = problems_of({"SECRET_KEY": "x", "DEBUG": "maybe", "LOG_LEVEL": "loud", "DATABASE_URL": "?"})
    assert [
        name for name in ("SECRET_KEY", "ALLOWED_HOSTS", "DEBUG", "LOG_LEVEL", "DATABASE_URL") if name in problems
    ] == [
        "SECRET_KEY",
        "ALLOWED_HOSTS",
        "DEBUG",
        "LOG_LEVEL",
        "DATABASE_URL",
    ]


def test_debug_pages_are_for_the_demo_only() -> None:
    assert "DEBUG needs DEMO" in problems_of(PRODUCTION | {"DEBUG": "true"})
    assert load({"DEMO": "true", "DEBUG": "true"}).debug


def test_secrets_show_in_no_text() -> None:
    env = load(PRODUCTION | {"DATABASE_URL": "postgresql://shop:hunter2@db.internal/plinth"})
    text = f"{env!r} {env} {env.secret_key} {env.database!r} {env.broker_url}"
    assert KEY not in text
    assert "hunter2" not in text
    assert env.secret_key.reveal() == KEY


def test_a_bad_database_url_is_refused_without_repeating_its_password() -> None:
    assert "hunter2" not in problems_of(PRODUCTION | {"DATABASE_URL": "oracle://shop:hunter2@db/plinth"})


def test_database_urls_are_read_as_written() -> None:
    assert parse_database("sqlite:var/a.sqlite3") == Database("sqlite", "var/a.sqlite3")
    assert parse_database("postgresql://shop:p%40ss@db:6543/plinth") == Database(
        "postgresql", "plinth", "db", 6543, "shop", Secret("p@ss")
    )
    assert parse_database("postgresql://shop@db/plinth").port == 5432


def test_lists_are_split_at_commas() -> None:
    env = load(PRODUCTION | {"ALLOWED_HOSTS": "a.example, b.example,", "CSRF_TRUSTED_ORIGINS": "https://a.example"})
    assert env.allowed_hosts == ("a.example", "b.example")
    assert env.csrf_trusted_origins == ("https://a.example",)


def test_addresses_lose_their_closing_slash() -> None:
    assert load(PRODUCTION | {"CDN_BASE_URL": "https://cdn.example/a/"}).cdn_base_url == "https://cdn.example/a"


def test_an_empty_variable_counts_as_not_set() -> None:
    assert load(PRODUCTION | {"LOG_LEVEL": ""}).log_level == "INFO"


def test_every_field_has_one_variable() -> None:
    assert sorted(variable.field for variable in VARIABLES) == sorted(load({"DEMO": "true"}).__dataclass_fields__)


def test_the_server_for_e_mail_is_read_as_written() -> None:
    url = "smtp+starttls://shop%40a.example:p%3Ass@mail.example"
    env = load(PRODUCTION | {"EMAIL_URL": url, "EMAIL_FROM": "plinth@a.example"})
    assert env.email_server == EmailServer("smtp+starttls", "mail.example", 587, "shop@a.example", Secret("p:ss"))
    assert "p:ss" not in repr(env)
    assert load(PRODUCTION).email_server.host == ""


@pytest.mark.parametrize("given", [{"EMAIL_URL": "smtp://mail.example"}, {"EMAIL_FROM": "plinth@a.example"}])
def test_a_server_for_e_mail_needs_a_sender_and_a_sender_a_server(given: dict[str, str]) -> None:
    assert "belong together" in problems_of(PRODUCTION | given)
