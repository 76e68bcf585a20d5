"""BROKER_URL -> dramatiq broker, with what a queue of long, idempotent jobs needs"""

from urllib.parse import urlsplit

from dramatiq import Broker, Middleware
from dramatiq.middleware import AgeLimit, Callbacks, CurrentMessage, Retries, ShutdownNotifications, TimeLimit

HEARTBEAT_MS = 10_000
"""After that long without a sign of life, a worker's messages go back to the queue (Redis and Valkey)."""

MAINTENANCE_CHANCE = 200_000
"""Of a million: how often a poll looks for dead workers. dramatiq's own 1,000 took 86 s to find one, measured."""


def make_broker(url: str) -> Broker:
    """The broker at `redis://…` or `amqp://…`; connects on first use.

    The truth about a job lies in the database and a message is only a hint, so nothing is retried here: what is lost
    is sent again by the reconciler.
    """
    if urlsplit(url).scheme.startswith("amqp"):
        from dramatiq.brokers.rabbitmq import RabbitmqBroker

        return RabbitmqBroker(url=url, confirm_delivery=True, middleware=middleware())
    from dramatiq.brokers.redis import RedisBroker
    from redis import Redis

    return RedisBroker(
        client=Redis.from_url(url, socket_connect_timeout=2, socket_timeout=5),  # RedisBroker itself drops such options
        heartbeat_timeout=HEARTBEAT_MS,
        maintenance_chance=MAINTENANCE_CHANCE,
        middleware=middleware(),
    )


def ping_broker(url: str, *, seconds: float = 2) -> None:
    """Connect and ask for a sign of life. Raises whatever the client library does when there is none."""
    if urlsplit(url).scheme.startswith("amqp"):
        import pika

        parameters = pika.URLParameters(url)
        parameters.socket_timeout = parameters.stack_timeout = parameters.blocked_connection_timeout = seconds
        parameters.connection_attempts = 1
        pika.BlockingConnection(parameters).close()
        return
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    with redis.Redis.from_url(
        url, socket_connect_timeout=seconds, socket_timeout=seconds, retry=Retry(NoBackoff(), 0)
    ) as client:
        client.ping()


def middleware() -> list[Middleware]:
    """dramatiq's, without Prometheus (we count in the database) and Pipelines (each task sends the next by itself)."""
    return [
        AgeLimit(),
        TimeLimit(time_limit=24 * 3_600_000),  # tasks are limited by their own watch, which stops the child process
        ShutdownNotifications(notify_shutdown=True),
        Callbacks(),
        Retries(max_retries=0),
        CurrentMessage(),
    ]
