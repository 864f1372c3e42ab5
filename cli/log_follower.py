"""Find the entries of an audit log that are new since the last time that it was read."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from scim.service.audit.log_entries import LogEntry
from scim.service.model.timestamps import format_rfc3339, parse_rfc3339

_LAG_S = 60.0
"""An entry may become visible later than a newer one, because the index lags. It usually takes about a second."""


class LogFollower:
    """Reads an audit log again and again.

    ``read`` returns the entries, newest first, and reads pages when they are needed. The first time, only the newest
    ``number`` entries are returned.
    """

    def __init__(self, read: Callable[[], Iterator[LogEntry]], number: int) -> None:
        self._read = read
        self._number: int | None = number
        self._seen: dict[tuple[Any, ...], str] = {}
        self._oldest = ""

    def poll(self) -> list[LogEntry]:
        """Return the entries that are new since the last call, the oldest first.

        A failure that occurs again is new: its count and its time have changed.
        """
        entries = []
        for entry in islice(self._read(), self._number):
            if entry.at < self._oldest:
                break
            if _identify(entry) not in self._seen:
                self._seen[_identify(entry)] = entry.at
                entries.append(entry)
        self._number = None
        if entries:
            newest = max(self._seen.values())
            self._oldest = max(self._oldest or entries[-1].at, format_rfc3339(parse_rfc3339(newest) - _LAG_S))
            self._seen = {key: at for key, at in self._seen.items() if at >= self._oldest}
        entries.reverse()
        return entries


def _identify(entry: LogEntry) -> tuple[Any, ...]:
    """Return what distinguishes an entry from all others, and from an earlier state of the same failure."""
    return entry.kind, entry.at, entry.operation, entry.user, entry.request_id, entry.summary, entry.count
