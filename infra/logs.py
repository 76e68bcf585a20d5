"""log records -> lines on stderr: JSON for machines, text for people; both name the request and the job"""

import json
import logging
from datetime import UTC, datetime
from typing import Any

from catalog import context

STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message", "taskName"}
"""What every record has; anything else was given as `extra`."""


def logging_settings(level: str, form: str) -> dict[str, Any]:
    """Django's LOGGING: everything goes to stderr, `form` is "json" or "text"."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": JsonLines if form == "json" else TextLines}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # These bring handlers of their own, which would print everything twice or in another form.
            "django": {"handlers": [], "propagate": True},
            "django.server": {"handlers": [], "propagate": True},
            "uvicorn": {"handlers": [], "propagate": True},
            "uvicorn.error": {"handlers": [], "propagate": True},
            # Our own line per request says it already; only tracebacks are news.
            "django.request": {"level": "ERROR"},
            "uvicorn.access": {"handlers": [], "propagate": False},
            # Every request's headers at DEBUG, signatures among them.
            "botocore": {"level": "INFO"},
            "boto3": {"level": "INFO"},
            "urllib3": {"level": "INFO"},
            # It logs with tracebacks what it raises as well.
            "pika": {"level": "CRITICAL"},
        },
    }


class JsonLines(logging.Formatter):
    """One JSON object a line; what was given as `extra` becomes fields of it."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_ids(),
            **{name: value for name, value in vars(record).items() if name not in STANDARD},
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class TextLines(logging.Formatter):
    """`12:34:56 WARNING catalog.queue: what happened [job job_8k2…]`; tracebacks follow on lines of their own."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s", "%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the base class's name
        ids = ", ".join(f"{name.removesuffix('_id')} {value}" for name, value in _ids().items())
        return super().formatMessage(record) + (f" [{ids}]" if ids else "")


def _ids() -> dict[str, str]:
    ids = {"request_id": context.request_id.get(), "job_id": context.job_id.get()}
    return {name: value for name, value in ids.items() if value}
