"""An append-only file of JSON lines that survives kill -9."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local.errors import LocalRunError


class Journal:
    """Entries in the order in which they were appended. Only one process at a time may open it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("a+b")
        self._truncate_incomplete_line()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield the entries; raise ``LocalRunError`` at a damaged line."""
        self._file.seek(0)
        for number, line in enumerate(self._file, 1):
            try:
                entry: dict[str, Any] = json.loads(line)
            except ValueError as error:
                raise LocalRunError(f"{self._path}, line {number} is damaged") from error
            yield entry

    def append(self, entry: dict[str, Any]) -> None:
        """Append an entry and wait until it is on disk."""
        self._file.write(json.dumps(entry).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _truncate_incomplete_line(self) -> None:
        """Remove an incomplete last line. Its ``append`` did not return, so no response was sent for it."""
        self._file.seek(0)
        size = sum(len(line) for line in self._file if line.endswith(b"\n"))
        self._file.truncate(size)
