"""Read the change records of all users next to the users, which are in the same order."""

from __future__ import annotations

from collections.abc import Iterator

from scim.service.maintenance.findings import Finding, FindingKind
from scim.store.maintenance.check.context import CheckContext, CheckResult
from scim.store.maintenance.check.history import History, read_histories


class HistoryStream:
    """The histories in the order of the users' ids, after the id ``after``."""

    def __init__(self, context: CheckContext, after: str) -> None:
        self._partition_key = context.partition_key
        self._unknown: list[str] = []
        self._histories = read_histories(context.table, context.tenant_id, after, context.now())
        self._next = self._read()

    def take_until(self, user_id: str) -> Iterator[History]:
        """Yield the histories of ids before ``user_id``."""
        while self._next is not None and self._next.user_id < user_id:
            history, self._next = self._next, self._read()
            yield history

    def take(self, user_id: str) -> History:
        """Return the history of a user, which can be empty."""
        if self._next is None or self._next.user_id != user_id:
            return History(user_id)
        history, self._next = self._next, self._read()
        return history

    def take_rest(self) -> Iterator[History]:
        """Yield all histories that remain."""
        while self._next is not None:
            history, self._next = self._next, self._read()
            yield history

    def take_unknown(self) -> Iterator[CheckResult]:
        """Yield the items among the change records that are no change records."""
        for sort_key in self._unknown:
            yield CheckResult(Finding(FindingKind.UNKNOWN_ITEM, f"{self._partition_key} {sort_key}"))

    def _read(self) -> History | None:
        for entry in self._histories:
            if isinstance(entry, History):
                return entry
            self._unknown.append(entry["sk"]["S"])
        return None
