"""amqp://… -> dramatiq's broker over RabbitMQ, with timeouts and without connections that nobody reads

Imported only where the settings ask for it: pika is an extra (`plinth[rabbitmq]`).
"""

import socket

import pika
import pika.exceptions
from dramatiq import Consumer, Middleware
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.errors import ConnectionClosed
from pika.adapters.utils.connection_workflow import AMQPConnectorException, AMQPConnectorStackTimeout

TIMEOUT_SECONDS = 2.0
HEARTBEAT_SECONDS = 20
"""A server that falls silent in the middle is given up after that, and 5 s of pika's own."""


class NoAnswer(Exception):
    """RabbitMQ is away or refuses us; the message says which."""


class Rabbitmq(RabbitmqBroker):
    """dramatiq's; `close` and the end of `consume` take this thread's connection along."""

    def __init__(self, url: str, *, middleware: list[Middleware]) -> None:
        super().__init__(url=url, confirm_delivery=True, middleware=middleware)
        self.parameters = parameters_of(url)

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> Consumer:
        """The consumer has a connection of its own; the one that declared the queue would miss its heartbeats."""
        try:
            return super().consume(queue_name, prefetch, timeout)
        except (AMQPConnectorException, OSError) as error:  # not among those that dramatiq knows
            raise ConnectionClosed(error) from None
        finally:
            del self.connection

    def close(self) -> None:
        """Close this thread's connection; pika allows nobody to close another thread's."""
        del self.connection


def parameters_of(url: str, *, seconds: float = TIMEOUT_SECONDS) -> pika.URLParameters:
    """The address with `seconds` as the limit of every wait, whatever it says itself; it may name its own heartbeat."""
    parameters = pika.URLParameters(url)
    if parameters.heartbeat is None:
        parameters.heartbeat = HEARTBEAT_SECONDS
    parameters.socket_timeout = parameters.stack_timeout = parameters.blocked_connection_timeout = seconds
    parameters.connection_attempts = 1
    return parameters


def ping(url: str, *, seconds: float = TIMEOUT_SECONDS) -> None:
    """Connect, as the settings' user to the settings' virtual host. Raises NoAnswer."""
    try:
        pika.BlockingConnection(parameters_of(url, seconds=seconds)).close()
    except (pika.exceptions.AMQPError, AMQPConnectorException, OSError) as error:
        raise NoAnswer(_in_words(error)) from error


def _in_words(error: Exception) -> str:
    match error:
        case pika.exceptions.ProbableAuthenticationError():
            return "it refuses this user or password"
        case pika.exceptions.ProbableAccessDeniedError():
            return "this user may not enter this virtual host, or there is none of that name"
        case pika.exceptions.IncompatibleProtocolError():
            return "what answers there does not speak AMQP 0-9-1"
        case AMQPConnectorStackTimeout():
            return "something accepts connections there, and speaks no AMQP within the time"
        case socket.gaierror():
            return "there is no host of that name"
        case pika.exceptions.AMQPConnectionError() if error.args:  # pika wraps the reason in errors that say nothing
            return str(getattr(error.args[0], "exception", error.args[0]))
    return str(error) or repr(error)
