"""`manage.py setup_storage` makes a bucket as we need it, and `check_storage` tells whether it is one."""

import io
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
import requests
from django.core.management import call_command
from django.core.management.base import CommandError

from assets_pipeline.stores.s3 import S3Store
from catalog import storage as catalog_storage
from catalog.errors import Away
from catalog.storage import Storage
from infra.bucket_checks import CHECKS
from infra.engines.engine import LOOPBACK, Engine, free_ports
from infra.parse import Secret
from infra.storage import make_store
from tests.engines import fill_up, s3_client


def lines(command: str) -> list[str]:
    output = io.StringIO()
    try:
        call_command(command, stdout=output)
    except CommandError as error:
        output.write(f"{error}\n")
    return output.getvalue().splitlines()


@pytest.fixture
def fresh(storage: Storage, seaweedfs: Engine, settings: Any) -> Iterator[S3Store]:
    """The settings name a bucket that nobody has made."""
    settings.ENV = replace(settings.ENV, s3_bucket=f"fresh-{secrets.token_hex(6)}")
    yield make_store(settings.ENV)
    s3_client(seaweedfs).delete_bucket(Bucket=settings.ENV.s3_bucket)


def rules(store: S3Store) -> tuple[Any, Any, Any]:
    """The bucket's policy, CORS and lifecycle."""
    client, bucket = store.client(), store.bucket
    return (
        json.loads(client.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"],
        client.get_bucket_cors(Bucket=bucket)["CORSRules"],
        client.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"],
    )


def test_the_settings_store_is_one_for_the_whole_process(storage: Storage) -> None:
    assert catalog_storage.storage() is storage
    storage.check()


def test_a_fresh_bucket_is_made_and_a_second_run_changes_nothing(fresh: S3Store) -> None:
    assert [line.split(":")[0] for line in lines("setup_storage")] == ["made", "set", "set", "set"]
    before = rules(fresh)
    assert [line.split(":")[0] for line in lines("setup_storage")] == ["found"] * 4
    assert rules(fresh) == before


def test_only_the_published_prefix_is_public(fresh: S3Store) -> None:
    lines("setup_storage")
    for key in ("m/a", "photos/a", "files/m/a"):
        fresh.put(key, b"data", content_type="image/jpeg")
    statuses = {key: requests.get(f"{fresh.bucket_url()}/{key}").status_code for key in fresh.list("")}
    assert statuses == {"m/a": 200, "photos/a": 403, "files/m/a": 403}


def test_uploads_and_checkpoints_expire_as_the_settings_say(fresh: S3Store, settings: Any) -> None:
    lines("setup_storage")
    settings.ENV = replace(settings.ENV, keep_checkpoints_days=3)
    assert [line.split(":")[0] for line in lines("setup_storage")] == ["found", "found", "found", "set"]
    expiring = {rule["Filter"]["Prefix"]: rule for rule in rules(fresh)[2]}
    assert {prefix: rule["Expiration"]["Days"] for prefix, rule in expiring.items() if "Expiration" in rule} == {
        "uploads/": 1,
        "checkpoints/": 3,
    }
    assert expiring[""]["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] == 1


def test_rules_of_others_in_the_same_bucket_stay(fresh: S3Store) -> None:
    client, bucket = fresh.client(), fresh.bucket
    client.create_bucket(Bucket=bucket)
    logs = {"ID": "logs", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 7}}
    client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [logs]})  # type: ignore[typeddict-item]
    statement = {
        "Sid": "Theirs",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/theirs/*",
    }
    client.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    for _ in range(2):
        lines("setup_storage")
        policy, _, lifecycle = rules(fresh)
        assert [each["Sid"] for each in policy] == ["Theirs", "Plinth"]
        assert [each["ID"] for each in lifecycle].count("logs") == 1
        assert len(lifecycle) == 4


@pytest.mark.parametrize("command", ["setup_storage", "check_storage"])
def test_a_server_that_is_away_or_refuses_us_is_told_in_one_line(command: str, storage: Storage, settings: Any) -> None:
    right = settings.ENV
    url = f"http://{LOOPBACK}:{free_ports(1)[0]}"
    settings.ENV = replace(right, s3_endpoint_url=url)
    assert lines(command) == [f"{url}: The file store does not answer."]
    settings.ENV = replace(right, s3_secret_access_key=Secret("wrong"))
    assert lines(command) == [f"{right.s3_endpoint_url}: The file store refuses our key."]


@contextmanager
def simple_server() -> Iterator[tuple[str, list[str]]]:
    """An S3 server that has every bucket and knows nothing of policies, CORS and lifecycles; and what it was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.respond(200, b"")

        def do_GET(self) -> None:
            self.respond(501, b"<Error><Code>NotImplemented</Code><Message>no</Message></Error>")

        def do_PUT(self) -> None:
            self.do_GET()

        def respond(self, status: int, body: bytes) -> None:
            asked.append(f"{self.command} {self.path}")
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://{LOOPBACK}:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def test_what_a_server_does_not_know_is_told_with_what_to_do(settings: Any) -> None:
    with simple_server() as (url, asked):
        settings.ENV = replace(settings.ENV, s3_endpoint_url=url)
        told = lines("setup_storage")
    assert [line.split(",")[0] for line in told] == ["found: the bucket plinth", *["NOT SET"] * 3]
    assert "CDN_BASE_URL" in told[1]
    assert {request.split("?")[-1] for request in asked if "?" in request} == {"policy", "cors", "lifecycle"}


def test_our_own_server_does_everything_we_need(storage: Storage) -> None:
    told = lines("check_storage")
    assert [line[:8] for line in told] == ["ok      "] * len(CHECKS), told
    assert list(storage.list("")) == []


def test_a_bucket_that_is_not_set_up_is_told_line_by_line(fresh: S3Store) -> None:
    fresh.client().create_bucket(Bucket=fresh.bucket)
    told = lines("check_storage")
    failed = [line for line in told if line.startswith("FAILED")]
    assert len(failed) == 2
    assert all("published" in line or "Range" in line for line in failed)
    assert told[-1].startswith("2 of the things we need do not work")
    assert list(fresh.list("")) == []


def test_a_bucket_that_is_open_to_all_is_told(fresh: S3Store) -> None:
    lines("setup_storage")
    everything = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{fresh.bucket}/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
    fresh.client().put_bucket_policy(Bucket=fresh.bucket, Policy=policy)
    failed = [line for line in lines("check_storage") if line.startswith("FAILED")]
    assert any("reading a private object" in line for line in failed)


def test_a_full_store_says_so_to_the_catalogue_and_still_serves(small_storage: Engine) -> None:
    store = catalog_storage.storage()
    store.put("m/a", b"kept", content_type="image/jpeg")
    fill_up(store)
    with pytest.raises(Away, match="may be full"):
        store.put("m/b", bytes(100_000), content_type="image/jpeg")
    assert requests.get(store.public_url("m/a")).content == b"kept"
    small_storage.kill()
    with pytest.raises(Away, match="does not answer"):
        store.check()
