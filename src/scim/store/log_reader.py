"""Read the audit log of a tenant by time.

The records are in five partitions: changes, failures, audit events, first uses of tokens, and alerts. Reading the log
by time merges them. The index orders changes and failures by time. The other records are ordered by their keys.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice

from scim.service.model.audit.log_record import LogPosition, LogRecord, RecordKind
from scim.service.model.identity_provider import IdentityProvider
from scim.service.model.timestamps import format_rfc3339
from scim.store import items, keys, log_codec
from scim.store.deactivations.deactivation_store import read_alerts
from scim.store.keys import KeyRange
from scim.store.table import TIME_ATTRIBUTE, TIME_INDEX, Table

_BATCH_SIZE = 100


@dataclass(frozen=True, slots=True)
class LogReader:
    """Reads the records of a tenant after a position, the newest first or the oldest first.

    ``start`` is the position before the first record; ``None`` means the end of the log. ``now`` returns the current
    time in seconds since 1970. ``provider`` is as in :func:`scim.store.log_codec.decode_failure`.
    """

    table: Table
    tenant_id: str
    now: Callable[[], float]
    start: LogPosition | None = None
    oldest_first: bool = False
    provider: IdentityProvider | None = None

    def read(
        self, kinds: Collection[RecordKind], user_ids: Collection[str] = ()
    ) -> Iterator[tuple[LogPosition, LogRecord]]:
        """Yield the records of these kinds, each with its position. Read them in batches.

        ``user_ids`` restricts the changes to those of these users, which are then found by their keys.
        """
        first_uses = self._read_first_uses() if RecordKind.FIRST_USE in kinds else {}
        alerts = self._read_alerts() if RecordKind.ALERT in kinds else {}
        other_records = first_uses | alerts
        failures = self._list_positions_by_time(keys.failure_partition(self.tenant_id), keys.FAILURE_PREFIX)
        positions: dict[RecordKind, Iterator[LogPosition]] = {
            RecordKind.FAILURE: failures,
            RecordKind.AUDIT_EVENT: self._list_audit_event_positions(),
            RecordKind.FIRST_USE: iter(self._sort(first_uses)),
            RecordKind.ALERT: iter(self._sort(alerts)),
            RecordKind.CHANGE: self._list_change_positions(user_ids),
        }
        merged = self._merge(*(positions[kind] for kind in kinds))
        while batch := list(islice(merged, _BATCH_SIZE)):
            records = self._read_records([position for position in batch if position not in other_records])
            if not self.oldest_first and _have_failures_expired(batch, records, self.tenant_id):
                failures.close()
            for position in batch:
                record = other_records.get(position) or records.get(position.key)
                if record is not None:
                    yield position, record

    def _merge(self, *positions: Iterator[LogPosition]) -> Iterator[LogPosition]:
        return heapq.merge(*positions, reverse=not self.oldest_first)

    def _is_after_start(self, position: LogPosition) -> bool:
        if self.start is None:
            return True
        return position > self.start if self.oldest_first else position < self.start

    def _sort(self, positions: Iterable[LogPosition]) -> list[LogPosition]:
        """Return the positions after the start, in the order of reading."""
        return sorted(filter(self._is_after_start, positions), reverse=not self.oldest_first)

    def _limit_to_start(self, key_range: KeyRange, start_key: str) -> KeyRange:
        """Return the part of a range that is not before the key of the start."""
        if self.start is None:
            return key_range
        return KeyRange(start_key, key_range.last) if self.oldest_first else KeyRange(key_range.first, start_key)

    def _list_positions_by_time(self, partition: str, prefix: str) -> Generator[LogPosition, None, None]:
        """Yield the positions of all changes or of all failures.

        The index does not order records with the same time, so they are sorted here.
        """
        whole = KeyRange(prefix, f"{prefix}:")
        stored_items = self.table.query(
            partition,
            self._limit_to_start(whole, keys.time_key(prefix, self.start.at if self.start else "")),
            ("pk", "sk", TIME_ATTRIBUTE),
            index_name=TIME_INDEX,
            is_backwards=not self.oldest_first,
            limit=_BATCH_SIZE,
        )
        for time, simultaneous in groupby(stored_items, lambda item: item[TIME_ATTRIBUTE]["S"]):
            at = time.removeprefix(prefix)
            yield from self._sort(LogPosition(at, partition, item["sk"]["S"]) for item in simultaneous)

    def _list_change_positions(self, user_ids: Collection[str]) -> Iterator[LogPosition]:
        """Yield the positions of the changes of some users, or of all changes if there are no ids."""
        if not user_ids:
            return self._list_positions_by_time(keys.resource_partition(self.tenant_id), keys.CHANGE_PREFIX)
        return self._merge(*map(self._list_changes_of_user, user_ids))

    def _list_changes_of_user(self, user_id: str) -> Iterator[LogPosition]:
        """Yield the positions of the changes of a user. Their keys are in the order of time.

        If the start is not a change of this user, the changes before it are read and skipped.
        """
        partition, key_range = keys.resource_partition(self.tenant_id), keys.change_range(user_id)
        if self.start and self.start.partition == partition and key_range.first <= self.start.sort <= key_range.last:
            key_range = self._limit_to_start(key_range, self.start.sort)
        for item in self.table.query(
            partition, key_range, ("pk", "sk", "at"), is_backwards=not self.oldest_first, limit=_BATCH_SIZE
        ):
            position = LogPosition(item["at"]["S"], partition, item["sk"]["S"])
            if self._is_after_start(position):
                yield position

    def _list_audit_event_positions(self) -> Iterator[LogPosition]:
        """Yield the positions of the audit events. Their keys are in the order of time."""
        partition = keys.settings_partition(self.tenant_id)
        at = self.start.at if self.start else ""
        key_range = keys.audit_event_range(since=at) if self.oldest_first else keys.audit_event_range(until=at)
        for item in self.table.query(
            partition, key_range, ("pk", "sk"), is_backwards=not self.oldest_first, limit=_BATCH_SIZE
        ):
            sort_key = item["sk"]["S"]
            position = LogPosition(keys.parse_audit_event_time(sort_key), partition, sort_key)
            if self._is_after_start(position):
                yield position

    def _read_first_uses(self) -> dict[LogPosition, LogRecord]:
        """Return the first use of each token of the tenant. A tenant has few tokens, so all are read."""
        partition = keys.token_usage_partition(self.tenant_id)
        usages = map(items.decode_token_usage, self.table.query(partition, keys.TOKEN_USAGE_RANGE))
        return {
            LogPosition(format_rfc3339(use.first_used), partition, keys.token_usage_key(use.version_id)): use
            for use in usages
        }

    def _read_alerts(self) -> dict[LogPosition, LogRecord]:
        """Return the alerts that have not expired. There is at most one an hour, so all are read."""
        partition = keys.paging_partition(self.tenant_id)
        alerts = read_alerts(self.table, self.tenant_id, self.now())
        return {LogPosition(alert.at, partition, alert.at): alert for alert in alerts}

    def _read_records(self, positions: Sequence[LogPosition]) -> dict[tuple[str, str], LogRecord]:
        """Return the records at up to 100 positions by their keys, with one call. Leave out expired records."""
        stored_items = self.table.get_by_keys([keys.primary_key(*position.key) for position in positions])
        return {
            (item["pk"]["S"], item["sk"]["S"]): log_codec.decode_record(item, self.provider)
            for item in stored_items
            if not items.has_expired(item, self.now())
        }


def _have_failures_expired(
    batch: Sequence[LogPosition], records: Mapping[tuple[str, str], LogRecord], tenant_id: str
) -> bool:
    """Return whether all failures of a batch have expired. If so, all older ones have expired, too."""
    failures = [position for position in batch if position.partition == keys.failure_partition(tenant_id)]
    return bool(failures) and not any(position.key in records for position in failures)
