"""What the work at hand belongs to: the request that asked for it and the job that it serves

Whoever starts work says so; whoever writes a log line or stores a job reads it. Threads of asgiref and coroutines
inherit both.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id that answers carry in `X-Request-ID`; empty outside a request and what came of it."""

job_id: ContextVar[str] = ContextVar("job_id", default="")
"""The public id of the job that is worked on; empty where there is none."""


@contextmanager
def working_on(*, request: str = "", job: str = "") -> Iterator[None]:
    """Within the block, logs name that request and that job."""
    tokens = request_id.set(request), job_id.set(job)
    try:
        yield
    finally:
        request_id.reset(tokens[0])
        job_id.reset(tokens[1])
