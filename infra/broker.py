"""BROKER_URL -> dramatiq broker, with what a queue of long, idempotent jobs needs"""

from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from dramatiq import Broker, Middleware, Worker
from dramatiq.middleware import AgeLimit, Callbacks, CurrentMessage, Retries, ShutdownNotifications, TimeLimit

from catalog.sender import sender

HEARTBEAT_MS = 10_000
"""After that long without a sign of life, a worker's messages go back to the queue (Redis and Valkey)."""

MAINTENANCE_CHANCE = 200_000
"""Of a million: how often a poll looks for dead workers. dramatiq's own 1,000 took 86 s to find one, measured."""


def make_broker(url: str) -> Broker:
    """The broker at `redis://…` or `amqp://…`; connects on first use.

    The truth about a job lies in the database and a message is only a hint, so nothing is retried here: what is lost
    is sent again by the reconciler.
    """
    if _is_rabbitmq(url):
        try:
            from infra.rabbitmq import Rabbitmq
        except ModuleNotFoundError as error:
            raise ImproperlyConfigured('BROKER_URL names RabbitMQ: pip install "plinth[rabbitmq]"') from error

        return Rabbitmq(url, middleware=middleware())
    from dramatiq.brokers.redis import RedisBroker
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    once_more = Retry(NoBackoff(), 1)  # for connections that the server has closed meanwhile
    return RedisBroker(  # which itself would drop such options
        client=Redis.from_url(url, socket_connect_timeout=2, socket_timeout=5, retry=once_more),
        heartbeat_timeout=HEARTBEAT_MS,
        maintenance_chance=MAINTENANCE_CHANCE,
        middleware=middleware(),
    )


def ping_broker(url: str, *, seconds: float = 2) -> None:
    """Connect and ask for a sign of life. Raises whatever the client library does when there is none."""
    if _is_rabbitmq(url):
        from infra.rabbitmq import ping

        ping(url, seconds=seconds)
        return
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    with redis.Redis.from_url(
        url, socket_connect_timeout=seconds, socket_timeout=seconds, retry=Retry(NoBackoff(), 0)
    ) as client:
        client.ping()


class FlushLastMessages(Middleware):
    """A worker that ends has told others what comes next: that must leave, too."""

    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        sender().finish()


def middleware() -> list[Middleware]:
    """dramatiq's, without Prometheus (we count in the database) and Pipelines (each task sends the next by itself)."""
    return [
        AgeLimit(),
        TimeLimit(time_limit=24 * 3_600_000),  # tasks are limited by their own watch, which stops the child process
        ShutdownNotifications(notify_shutdown=True),
        Callbacks(),
        Retries(max_retries=0),
        CurrentMessage(),
        FlushLastMessages(),
    ]


def _is_rabbitmq(url: str) -> bool:
    return urlsplit(url).scheme.startswith("amqp")
