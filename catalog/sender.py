"""messages laid down by any thread -> the broker, from one thread of this process

dramatiq keeps RabbitMQ's connection for each thread, and a web process answers each request in another: sent from
there, every message would leave a connection behind, and a broker that hangs would hold the request.
"""

import atexit
import logging
import os
import threading
import time
from typing import NamedTuple

import dramatiq

log = logging.getLogger(__name__)

ROOM = 10_000
"""Messages that may wait here; what comes on top is dropped, and the reconciler sends it again."""

PAUSE_SECONDS = 3.0
"""After a failed send, nothing is tried for that long."""

KEEP_SECONDS = 30.0
"""What could not be sent for that long is dropped: by then the reconciler has looked, and knows what is still true."""

IDLE_SECONDS = 10.0
"""After that long without a message the connection is closed: the broker's heartbeats would go unanswered."""

EXIT_SECONDS = 2.0
"""How long a process that ends waits for its last messages."""


class Message(NamedTuple):
    """What a worker is told: which actor, read from which queue, about which row."""

    actor: str
    queue: str
    pk: int

    def __str__(self) -> str:
        return f"{self.actor}({self.pk})"


class Sender:
    """Sends in the order in which messages came, from a thread that starts when there is something to send.

    A message that waits already is not laid down twice.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: dict[Message, float] = {}  # -> when it came
        self._thread: threading.Thread | None = None
        self._sending = False
        self._ending = False
        self._away_until = 0.0
        self._generation = 0
        self._dropped = 0
        self._silent_until = 0.0

    def put(self, message: Message) -> None:
        """Lay `message` down and return at once; without room for it, say so in the log."""
        with self._changed:
            if message not in self._waiting and len(self._waiting) >= ROOM:
                self._drop(message)
                return
            self._waiting.setdefault(message, time.monotonic())
            self._start()
            self._changed.notify_all()

    def flush(self, seconds: float) -> bool:
        """Whether everything has been sent within `seconds`; False at once while the broker is known to be away."""
        with self._changed:
            self._changed.wait_for(lambda: self._all_sent() or self._away(), seconds)
            return self._all_sent()

    def forget(self) -> None:
        """Drop what waits, and think nothing ill of the broker."""
        with self._changed:
            self._waiting.clear()
            self._away_until = 0.0
            self._generation += 1
            self._changed.notify_all()

    def finish(self, seconds: float = EXIT_SECONDS) -> None:
        """Send what waits and close the connection, within `seconds`; then it may be used again."""
        end = time.monotonic() + seconds
        self.flush(seconds)
        with self._changed:
            thread, self._ending = self._thread, True
            self._changed.notify_all()
        if thread is not None:
            thread.join(max(0.0, end - time.monotonic()))

    def _drop(self, message: Message) -> None:
        """One line says it for all that come within the next seconds."""
        self._dropped += 1
        if time.monotonic() >= self._silent_until:
            log.warning("%d not sent, %d messages wait already; the last: %s", self._dropped, ROOM, message)
            self._silent_until, self._dropped = time.monotonic() + PAUSE_SECONDS, 0

    def _all_sent(self) -> bool:
        return not self._waiting and not self._sending

    def _away(self) -> bool:
        return time.monotonic() < self._away_until

    def _start(self) -> None:
        self._ending = False
        if self._thread is not None:
            return
        thread = threading.Thread(target=self._send_for_a_while, name="sender", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # no more threads, or the interpreter ends
            log.warning("messages wait: %s", error)
        else:
            self._thread = thread

    def _send_for_a_while(self) -> None:
        """Until nothing has come for IDLE_SECONDS, or `finish`."""
        try:
            while taken := self._take():
                self._send(*taken)
        finally:
            dramatiq.get_broker().close()  # this thread's connection, where the broker keeps one for each

    def _take(self) -> tuple[Message, float, int] | None:
        """The next message, when it came and in which generation; None: this thread is over."""
        with self._changed:
            self._sending = False
            self._changed.notify_all()
            idle_at = time.monotonic() + IDLE_SECONDS
            while True:
                now = time.monotonic()
                if self._ending and (self._away() or not self._waiting):
                    break
                if self._away():
                    self._changed.wait(self._away_until - now)
                elif self._waiting:
                    message = next(iter(self._waiting))
                    self._sending = True
                    return message, self._waiting.pop(message), self._generation
                elif now >= idle_at:
                    break
                else:
                    self._changed.wait(idle_at - now)
            self._thread = None
            return None

    def _send(self, message: Message, came: float, generation: int) -> None:
        """Send, or have it wait for a later try."""
        try:
            broker = dramatiq.get_broker()
            broker.declare_queue(message.queue)
            broker.enqueue(
                dramatiq.Message(
                    queue_name=message.queue, actor_name=message.actor, args=(message.pk,), kwargs={}, options={}
                )
            )
        except Exception as error:  # each broker's client has its own; whatever it is, there is one thing to do
            with self._changed:
                if generation == self._generation:
                    self._put_off(message, came, error)

    def _put_off(self, message: Message, came: float, error: Exception) -> None:
        reason = str(error) or repr(error)
        self._away_until = time.monotonic() + PAUSE_SECONDS
        if time.monotonic() - came < KEEP_SECONDS:
            log.warning("not sent yet, the broker is away: %s: %s", message, reason)
            self._waiting.setdefault(message, came)  # behind the others: one queue's trouble must not hold them
        else:
            log.warning("not sent, the broker is away: %s: %s", message, reason)


_sender = Sender()


def sender() -> Sender:
    """The one of this process."""
    return _sender


def _start_afresh() -> None:
    """In a forked process: threads do not come along, and what waits is the parent's to send."""
    global _sender
    _sender = Sender()


def _finish() -> None:
    _sender.finish()  # looked up at the end: it may be a forked process


os.register_at_fork(after_in_child=_start_afresh)
atexit.register(_finish)
