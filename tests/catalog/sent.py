"""What lies in the broker"""

import dramatiq
from dramatiq import Message

from catalog.queue import flush


def sent(broker: dramatiq.Broker, *queues: str) -> list[tuple[str, str, int]]:
    """(queue, actor, id) of every message that waits, the oldest first."""
    assert flush()
    client = broker.client  # type: ignore[attr-defined]
    found = []
    for queue in queues or ("cpu", "gpu", "io"):
        for key in client.lrange(f"dramatiq:{queue}", 0, -1):
            message = Message.decode(client.hget(f"dramatiq:{queue}.msgs", key))
            found.append((message.queue_name, message.actor_name, *message.args))
    return found
