"""The lines of our logger, compared with those of Powertools' Logger, whose format they have."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from datetime import datetime
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from handlers.http.json_logger import JsonLogger, LogLevel
from tests.endpoint import ENVIRONMENT
from tests.handlers.conftest import redirect_log

FIELDS: list[dict[str, Any]] = [
    {},
    {"request_id": "req-1", "method": "POST", "tenant": "acme", "status": 201, "ms": 4.0, "dynamodb_calls_auth": 0},
    {"leniencies": ["string-boolean"], "held": False, "empty": "", "none": [], "code": None},
    {"detail": 'a "quoted" \\ line\nof Zoë, \u2028 and \x01', "kind": ValueError("an object that is no JSON")},
    {"nested": {"traceback": ["crud.py:1 create"]}, "large": 2**70, "small": 1.5e-9},
]


@pytest.fixture
def output(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", ENVIRONMENT["POWERTOOLS_SERVICE_NAME"])
    stream = io.StringIO()
    with redirect_log(stream):
        yield stream


def read_lines(output: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.getvalue().split("\n")[:-1]]


def write_lines(log: Callable[..., None], ours: Callable[..., None], fields: dict[str, Any]) -> None:
    for write in (log, ours):
        write("request", **fields)


@pytest.mark.parametrize("trace", ["", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"])
@pytest.mark.parametrize("level", ["info", "warning", "error"])
@pytest.mark.parametrize("fields", FIELDS)
def test_line_is_that_of_powertools(
    fields: dict[str, Any], level: str, trace: str, output: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", trace)
    write_lines(getattr(Logger(use_rfc3339=True), level), getattr(JsonLogger(), level), fields)

    theirs, ours = read_lines(output)

    times = [datetime.fromisoformat(line.pop("timestamp")) for line in (theirs, ours)]
    assert ours == theirs
    assert list(ours) == list(theirs)
    assert abs((times[1] - times[0]).total_seconds()) < 60
    assert ours["location"].startswith("write_lines:")


def test_timestamp_is_rfc_3339_with_milliseconds(output: io.StringIO) -> None:
    JsonLogger().info("request")

    (line,) = read_lines(output)
    timestamp = line["timestamp"]

    assert datetime.strptime(timestamp, "%Y-%m-%dT%H:%M:%S.%f%z").utcoffset() is not None
    assert len(timestamp) == len("2026-01-31T09:30:00.000+00:00")


def test_levels_are_those_of_python() -> None:
    assert {level.name: level.value for level in LogLevel} == {
        level.name: getattr(logging, level.name) for level in LogLevel
    }


@pytest.mark.parametrize(
    ("min_level", "expected"),
    [
        ("DEBUG", ["INFO", "WARNING", "ERROR"]),
        ("info", ["INFO", "WARNING", "ERROR"]),
        ("WARNING", ["WARNING", "ERROR"]),
        ("CRITICAL", []),
    ],
)
def test_lines_below_the_log_level_are_omitted(
    min_level: str, expected: list[str], output: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWERTOOLS_LOG_LEVEL", min_level)
    logger = JsonLogger()
    for write in (logger.info, logger.warning, logger.error):
        write("request")

    assert [line["level"] for line in read_lines(output)] == expected


def test_line_that_cannot_be_encoded_does_not_fail_the_request(
    output: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    JsonLogger().info("request", detail="\ud800")

    assert output.getvalue() == ""
    assert "surrogates not allowed" in capfd.readouterr().err


def test_line_goes_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    JsonLogger().info("request", status=200)

    (line,) = capsys.readouterr().out.splitlines()
    assert (json.loads(line)["message"], json.loads(line)["status"]) == ("request", 200)


def test_closed_output_does_not_fail_the_request(capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    stream.close()

    with redirect_stdout(stream):
        JsonLogger().info("request")

    assert "I/O operation on closed file" in capsys.readouterr().err
