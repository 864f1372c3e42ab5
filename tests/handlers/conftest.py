"""Read what the handlers write: log lines and items of the table."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from operator import itemgetter
from typing import Any
from unittest.mock import patch

import pytest
from aws_lambda_powertools import Logger
from botocore.client import BaseClient

from tests.endpoint import ENVIRONMENT


@contextmanager
def redirect_log(stream: io.StringIO) -> Iterator[None]:
    """Write the log lines of all functions to ``stream``."""
    handler = Logger(ENVIRONMENT["POWERTOOLS_SERVICE_NAME"], use_rfc3339=True).registered_handler
    assert isinstance(handler, logging.StreamHandler)
    before = handler.setStream(stream)
    with patch("handlers.http.json_logger.write_line", stream.write):  # pytest itself replaces the standard output
        yield
    handler.setStream(before)


class Log:
    """The log lines of the handlers during a test."""

    def __init__(self) -> None:
        self._stream = io.StringIO()

    def redirect(self) -> AbstractContextManager[None]:
        return redirect_log(self._stream)

    @property
    def text(self) -> str:
        return self._stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    @property
    def last(self) -> dict[str, Any]:
        """Return the log line of the last request."""
        line = self.lines[-1]
        assert line["message"] == "request"
        return line


@pytest.fixture
def log(aws: None) -> Iterator[Log]:
    log = Log()
    with log.redirect():
        yield log


@pytest.fixture
def items(table: Any) -> Callable[[], list[dict[str, Any]]]:
    """Read all items of the table except token usage, failures and permits."""

    def items() -> list[dict[str, Any]]:
        all_items = table.scan(ConsistentRead=True)["Items"]
        return sorted(
            (item for item in all_items if not item["pk"].startswith(("F#", "Q#", "R#"))), key=itemgetter("pk", "sk")
        )

    return items


@pytest.fixture
def failures(table: Any) -> Callable[[], list[dict[str, Any]]]:
    """Read the records of failures, without the daily counts and those of failed requests."""

    def failures() -> list[dict[str, Any]]:
        records = [item for item in _read_failures(table) if not item["sk"].startswith(("D#", "R#"))]
        return [item | json.loads(item.get("failure", "{}")) for item in records]

    return failures


@pytest.fixture
def daily_failures(table: Any) -> Callable[[], list[dict[str, Any]]]:
    """Read the daily counts of failures, without keys and expiry."""

    def daily_failures() -> list[dict[str, Any]]:
        days = [item for item in _read_failures(table) if item["sk"].startswith("D#")]
        return [{name: value for name, value in day.items() if name not in ("pk", "sk", "ttl")} for day in days]

    return daily_failures


def _read_failures(table: Any) -> list[dict[str, Any]]:
    items = [item for item in table.scan(ConsistentRead=True)["Items"] if item["pk"].startswith("F#")]
    return sorted(items, key=itemgetter("sk"))


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the AWS operations that are called during the test."""
    called: list[str] = []
    call = vars(BaseClient)["_make_api_call"]

    def record(client: BaseClient, operation: str, arguments: dict[str, Any]) -> Any:
        called.append(operation)
        return call(client, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", record)
    return called
