"""Brokers and SeaweedFS for tests: real servers on free ports of the loopback address, ended by their process ids."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import dramatiq
import psutil
import pytest
import redis
from botocore.config import Config

from assets_pipeline.errors import Unavailable
from assets_pipeline.stores.s3 import S3Store
from catalog import queue
from catalog import storage as catalog_storage
from catalog.errors import Away
from catalog.sender import sender
from infra.broker import make_broker
from infra.bucket import set_up_bucket
from infra.engines import seaweedfs as seaweedfs_engine
from infra.engines import valkey as valkey_engine
from infra.engines.engine import Engine
from infra.parse import Secret
from infra.storage import make_store
from tests.servers import Server, server

ACCESS_KEY, SECRET_KEY = Secret("plinth-tests"), Secret("a-secret-for-tests")


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A Valkey of this test run; `url` has no database number."""
    engine = valkey_engine.start(tmp_path_factory.mktemp("valkey"))
    yield engine
    engine.stop()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Debian's Redis, for this test run."""
    with server("redis", tmp_path_factory.mktemp("redis")) as started:
        yield started


@pytest.fixture(scope="session")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Debian's RabbitMQ, for this test run. It takes seconds to start: whoever asks for it is slow."""
    with server("rabbitmq", tmp_path_factory.mktemp("rabbitmq")) as started:
        yield started


@pytest.fixture(scope="session")
def seaweedfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An S3 server of this test run."""
    engine = start_seaweedfs(tmp_path_factory.mktemp("seaweedfs"))
    yield engine
    engine.kill()  # nobody reads its data again


def start_seaweedfs(folder: Path, **options: Any) -> Engine:
    """An S3 server with the tests' key pair and, for many buckets, many small volumes."""
    options.setdefault("room", seaweedfs_engine.Room(volumes=3000, volume_bytes=64 * 1_048_576))
    return seaweedfs_engine.start(folder, access_key=ACCESS_KEY, secret_key=SECRET_KEY, **options)


def s3_client(engine: Engine) -> Any:
    """A plain boto3 client, for what tests do behind the store's back."""
    return boto3.client(
        "s3",
        endpoint_url=engine.url,
        region_name="us-east-1",
        aws_access_key_id=ACCESS_KEY.reveal(),
        aws_secret_access_key=SECRET_KEY.reveal(),
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )


def s3_store(engine: Engine, bucket: str, **options: Any) -> S3Store:
    """The pipeline's store over a bucket there."""
    keys = {"access_key": ACCESS_KEY.reveal(), "secret_key": SECRET_KEY.reveal()}
    return S3Store(**{"bucket": bucket, "endpoint_url": engine.url, **keys, **options})


def fill_up(store: S3Store | catalog_storage.Storage) -> None:
    """Store until the server refuses, so that whatever comes next finds no room."""
    refused = 0
    while refused < 3:  # it goes on for a moment while it counts
        try:
            store.put(f"filler/{secrets.token_hex(8)}", secrets.token_bytes(400_000), content_type="image/png")
            refused = 0
        except (Unavailable, Away):
            refused += 1
        time.sleep(0.3)


def listeners(pid: int) -> set[tuple[str, int]]:
    """Every TCP address that a process listens on."""
    found = psutil.Process(pid).net_connections(kind="tcp")
    return {(each.laddr.ip, each.laddr.port) for each in found if each.status == psutil.CONN_LISTEN}


@pytest.fixture(scope="session")
def one_bucket(seaweedfs: Engine) -> str:
    """The bucket of this test run: the first object of a new one would cost every test 0.2 s."""
    name = f"test-{secrets.token_hex(6)}"
    s3_client(seaweedfs).create_bucket(Bucket=name)
    return name


@pytest.fixture
def bucket(seaweedfs: Engine, one_bucket: str) -> str:
    """The name of an empty bucket, which may keep the settings of earlier tests."""
    store = s3_store(seaweedfs, one_bucket)
    store.delete(store.list(""))
    return one_bucket


@pytest.fixture
def storage(seaweedfs: Engine, bucket: str, settings: Any) -> Iterator[catalog_storage.Storage]:
    """The catalogue's store over an empty bucket, as `manage.py setup_storage` makes it; the settings point at it."""
    point_at(settings, seaweedfs, bucket)
    yield catalog_storage.storage()
    catalog_storage.storage.cache_clear()


@pytest.fixture
def small_storage(tmp_path: Path, settings: Any) -> Iterator[Engine]:
    """A server of this test alone, with 2 MB of room, behind the settings and `storage()`: fill it up, or kill it."""
    engine = start_seaweedfs(tmp_path / "small", room=seaweedfs_engine.Room(2, 1_048_576))
    point_at(settings, engine, "small")
    yield engine
    catalog_storage.storage.cache_clear()
    engine.kill()


def point_at(settings: Any, engine: Engine, bucket: str) -> None:
    """Make `storage()` the store of that server's bucket, set up."""
    settings.ENV = replace(
        settings.ENV,
        s3_endpoint_url=engine.url,
        s3_public_url="",
        s3_bucket=bucket,
        s3_region="us-east-1",
        s3_access_key_id=ACCESS_KEY,
        s3_secret_access_key=SECRET_KEY,
    )
    list(set_up_bucket(make_store(settings.ENV), checkpoint_days=14))
    catalog_storage.storage.cache_clear()


@pytest.fixture
def broker(valkey: Engine, settings: Any) -> Iterator[dramatiq.Broker]:
    """dramatiq's broker over an empty Valkey; the settings point at it."""
    with redis.Redis.from_url(valkey.url) as client:
        client.flushall()
    settings.ENV = replace(settings.ENV, cache_url=Secret(f"{valkey.url}/1"))
    with broker_at(f"{valkey.url}/0", settings) as connected:
        yield connected


@contextmanager
def broker_at(url: str, settings: Any) -> Iterator[dramatiq.Broker]:
    """Have this process send to the broker at `url`, what it sends from now on."""
    before = dramatiq.get_broker()
    settings.ENV = replace(settings.ENV, broker_url=Secret(url))
    settings.BROKER_URL = settings.ENV.broker_url
    broker = make_broker(url)
    dramatiq.set_broker(broker)
    queue.forget_failures()
    try:
        yield broker
    finally:
        queue.forget_failures()
        sender().finish()
        broker.close()
        dramatiq.set_broker(before)


@pytest.fixture
def service_environ(storage: catalog_storage.Storage, broker: dramatiq.Broker, settings: Any) -> dict[str, str]:
    """Environment variables that point another process at the same store and broker; add a DATABASE_URL."""
    env = settings.ENV
    return {
        "DEMO": "true",
        "BROKER_URL": env.broker_url.reveal(),
        "CACHE_URL": env.cache_url.reveal(),
        "S3_ENDPOINT_URL": env.s3_endpoint_url,
        "S3_BUCKET": env.s3_bucket,
        "S3_ACCESS_KEY_ID": env.s3_access_key_id.reveal(),
        "S3_SECRET_ACCESS_KEY": env.s3_secret_access_key.reveal(),
    }
