"""What the handlers write: log lines, and items of the table."""

import importlib
import io
import json
import logging
from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import Any

import pytest

from tests.endpoint import ENVIRONMENT


class Log:
    """What the handlers have logged during a test."""

    def __init__(self) -> None:
        self._stream = io.StringIO()

    def redirect(self) -> Iterator[None]:
        (handler,) = logging.getLogger(ENVIRONMENT["POWERTOOLS_SERVICE_NAME"]).handlers
        assert isinstance(handler, logging.StreamHandler)
        before = handler.setStream(self._stream)
        yield
        handler.setStream(before)

    @property
    def text(self) -> str:
        return self._stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    @property
    def last(self) -> dict[str, Any]:
        """The line about the last request."""
        line = self.lines[-1]
        assert line["message"] == "request"
        return line


@pytest.fixture
def log(aws: None) -> Iterator[Log]:
    importlib.import_module("handlers.users")  # its logger takes its name from the environment
    log = Log()
    redirected = log.redirect()
    next(redirected)
    yield log
    next(redirected, None)


@pytest.fixture
def items(table: Any) -> Callable[[], list[dict[str, Any]]]:
    """Reads all that the table holds but when tokens were last used and the records of failures."""

    def items() -> list[dict[str, Any]]:
        found = [item for item in table.scan(ConsistentRead=True)["Items"] if not item["pk"].startswith(("F#", "R#"))]
        return sorted(found, key=itemgetter("pk", "sk"))

    return items


@pytest.fixture
def failures(table: Any) -> Callable[[], list[dict[str, Any]]]:
    """Reads the records of failures, without the counts of days."""

    def failures() -> list[dict[str, Any]]:
        found = [item for item in _failed(table) if not item["sk"].startswith("D#")]
        return [item | json.loads(item.get("failure", "{}")) for item in found]

    return failures


@pytest.fixture
def daily_failures(table: Any) -> Callable[[], list[dict[str, Any]]]:
    """Reads the counts of failures, an item a day, without its keys and its end."""

    def daily_failures() -> list[dict[str, Any]]:
        days = [item for item in _failed(table) if item["sk"].startswith("D#")]
        return [{name: value for name, value in day.items() if name not in ("pk", "sk", "ttl")} for day in days]

    return daily_failures


def _failed(table: Any) -> list[dict[str, Any]]:
    found = [item for item in table.scan(ConsistentRead=True)["Items"] if item["pk"].startswith("F#")]
    return sorted(found, key=itemgetter("sk"))
