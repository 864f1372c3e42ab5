"""Write the log lines of users, bulk and discovery, in the format of Powertools' Logger (docs/operate/logs.md).

The Logger of Powertools takes six times as much CPU. All other functions use it
(docs/decisions/start-up/log-lines.md).
"""

from __future__ import annotations

import os
import sys
import traceback
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from pydantic_core import to_json


class LogLevel(IntEnum):
    """The levels of log lines, with the numbers of Python's ``logging``."""

    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40
    CRITICAL = 50


class JsonLogger:
    """Writes each log line as a JSON object to standard output, which Lambda sends to CloudWatch.

    ``POWERTOOLS_SERVICE_NAME`` and ``POWERTOOLS_LOG_LEVEL`` configure it, as they do Powertools' Logger.
    """

    def __init__(self) -> None:
        self._service = os.environ.get("POWERTOOLS_SERVICE_NAME", "service_undefined")
        self._min_level = LogLevel[os.environ.get("POWERTOOLS_LOG_LEVEL", "INFO").upper()]

    def info(self, message: str, **fields: Any) -> None:
        """Write a line with the level INFO. Omit fields that are ``None``."""
        self._write(LogLevel.INFO, message, fields)

    def warning(self, message: str, **fields: Any) -> None:
        """Write a line with the level WARNING. Omit fields that are ``None``."""
        self._write(LogLevel.WARNING, message, fields)

    def error(self, message: str, **fields: Any) -> None:
        """Write a line with the level ERROR. Omit fields that are ``None``."""
        self._write(LogLevel.ERROR, message, fields)

    def _write(self, level: LogLevel, message: str, fields: dict[str, Any]) -> None:
        """Write a line. If that fails, write the error to standard error: no request fails because of its log line."""
        if level < self._min_level:
            return
        caller = sys._getframe(2)  # noqa: SLF001  # logging finds the caller in the same way
        line = {
            "level": level.name,
            "location": f"{caller.f_code.co_name}:{caller.f_lineno}",
            "message": message,
            # Lambda filters by log level only if the timestamp is RFC 3339.
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "service": self._service,
            **fields,
            "xray_trace_id": _get_trace_id(),
        }
        try:
            text = to_json({name: value for name, value in line.items() if value is not None}, fallback=str).decode()
            write_line(text + "\n")
        except (OSError, ValueError):
            traceback.print_exc()


def write_line(line: str) -> None:
    """Write a line to standard output, in one call, so that the lines of several threads are not mixed."""
    sys.stdout.write(line)
    sys.stdout.flush()


def _get_trace_id() -> str | None:
    """Return the id of the invocation's trace in X-Ray, ``None`` if it is not traced."""
    header = os.environ.get("_X_AMZN_TRACE_ID")
    return header.split(";")[0].replace("Root=", "") if header else None
