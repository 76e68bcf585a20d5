"""Log lines name the request and the job, for machines and for people."""

import json
import logging

import pytest

from catalog.context import working_on
from infra.logs import JsonLines, TextLines, logging_settings


@pytest.fixture
def record() -> logging.LogRecord:
    return logging.makeLogRecord(
        {"name": "catalog.queue", "levelname": "WARNING", "msg": "%s is away", "args": ("it",)}
    )


def failing() -> logging.LogRecord:
    try:
        raise ValueError("a bug")
    except ValueError as error:
        exc_info = (type(error), error, error.__traceback__)
        return logging.makeLogRecord({"name": "a", "levelname": "ERROR", "msg": "oh\nno", "exc_info": exc_info})


def test_a_json_line_is_one_object_with_its_time_in_utc(record: logging.LogRecord) -> None:
    record.created = 1_700_000_000.5
    assert json.loads(JsonLines().format(record)) == {
        "at": "2023-11-14T22:13:20.500+00:00",
        "level": "WARNING",
        "logger": "catalog.queue",
        "message": "it is away",
    }


def test_json_lines_carry_request_job_and_what_was_given_as_extra(record: logging.LogRecord) -> None:
    record.worker = "w-1"
    with working_on(request="req-12345", job="job_abc"):
        line = json.loads(JsonLines().format(record))
    assert (line["request_id"], line["job_id"], line["worker"]) == ("req-12345", "job_abc", "w-1")
    assert "request_id" not in json.loads(JsonLines().format(record))


def test_a_traceback_stays_within_its_json_line() -> None:
    text = JsonLines().format(failing())
    assert "\n" not in text
    assert "ValueError: a bug" in json.loads(text)["traceback"]


def test_text_lines_end_with_request_and_job(record: logging.LogRecord) -> None:
    assert TextLines().format(record).endswith("WARNING catalog.queue: it is away")
    with working_on(job="job_abc"):
        assert TextLines().format(record).endswith("it is away [job job_abc]")
        assert TextLines().format(failing()).splitlines()[-1] == "ValueError: a bug"


def test_every_logger_ends_in_the_one_handler() -> None:
    settings = logging_settings("INFO", "json")
    assert settings["formatters"]["lines"]["()"] is JsonLines
    assert logging_settings("INFO", "text")["formatters"]["lines"]["()"] is TextLines
    assert all(not logger.get("handlers") for logger in settings["loggers"].values())
