"""Read the resources of one tenant for one query, within the query's budget of resources and time."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

from scim.protocol.errors import TooMany
from scim.service.deadline import build_out_of_time_error
from scim.service.model.rate_limit.read_meter import ReadMeter
from scim.service.model.stored_resource import StoredResource
from scim.store import items, keys
from scim.store.table import Item, Table

# The budget of a query: how many resources it may read, and how much time must be left for the response.
MAX_RESOURCES_READ = 200_000
MIN_ENTRIES_OF_EXPENSIVE_QUERY = 1_000
"""A query that has read fewer resources and keys is not expensive. If its time is over, DynamoDB was slow."""
_TIME_FOR_RESPONSE_S = 5.0
# The remaining time is checked each time that this many resources were read. A filter of 200 comparisons can take 20 ms
# for a user with 500 values.
_CHECK_INTERVAL = 20
# To skip more keys than this, count them instead of reading them: DynamoDB then returns no items.
_MAX_KEYS_SKIPPED = 1_000
BATCH_SIZE = 100
"""The number of resources that one call reads: the maximum of ``BatchGetItem``."""

KeyedId = tuple[str, str]
"""A key in the order of a scan, and the id of the resource at that key."""


class ScanEntry:
    """A key in the order of a scan, and the resource at that key with its id."""

    __slots__ = ("_stored", "key", "resource_id")

    def __init__(self, key: str, resource_id: str, stored: StoredResource | None) -> None:
        self.key = key
        self.resource_id = resource_id
        self._stored = stored

    def load(self) -> StoredResource | None:
        """Return the resource, or ``None`` if it is no longer at this key."""
        return self._stored


@dataclass(slots=True)
class ResourceReader:
    """Reads resources of one tenant for one query.

    ``narrowing_hint`` is added to the error for a query that reads too much. It says how to narrow the query. ``meter``
    charges for what is read.
    """

    table: Table
    partition_key: str
    narrowing_hint: str
    meter: ReadMeter = field(default_factory=ReadMeter)
    _resources_read: int = field(default=0)
    _resources_metered: int = field(default=0)
    _keys_read: int = field(default=0)

    @property
    def resources_read(self) -> int:
        """Return the number of resources that were read so far."""
        return self._resources_read

    def charge_budget(self, resources: int) -> None:
        """Count resources that are read.

        Raise :class:`TooMany` if too many were read, or if too little time is left and many were read, and
        :class:`scim.protocol.errors.Unavailable` if too little time is left and few were read.
        """
        before = self._resources_read
        self._resources_read += resources
        is_check_due = (
            not resources or not before or self._resources_read // _CHECK_INTERVAL > before // _CHECK_INTERVAL
        )
        is_late = is_check_due and self.table.deadline.remaining_s() < _TIME_FOR_RESPONSE_S
        if is_late and self._resources_read + self._keys_read < MIN_ENTRIES_OF_EXPENSIVE_QUERY:
            raise build_out_of_time_error()
        if is_late or self._resources_read > MAX_RESOURCES_READ:
            raise TooMany(f"The query would read too many users. {self.narrowing_hint}")
        if is_check_due:
            self.meter.add_resources(self._resources_read - self._resources_metered)
            self._resources_metered = self._resources_read

    def query(
        self,
        key_range: keys.KeyRange,
        attributes: Sequence[str],
        *,
        index_name: str | None = None,
        after: Item | None = None,
        is_backwards: bool = False,
        skip: int = 0,
        expected: int | None = None,
        is_reading_ahead: bool = False,
    ) -> Generator[Item]:
        """Yield the items in a range after the primary key ``after``, without the first ``skip`` of them.

        ``expected`` is the approximate number of items that the caller will consume (``None``: all). With
        ``is_reading_ahead``, large calls are made ahead, and the caller must close the generator. The other arguments
        are those of :meth:`scim.store.table.Table.query`. Raise the errors of :meth:`charge_budget`.
        """
        table, partition_key = self.table, self.partition_key
        if skip > _MAX_KEYS_SKIPPED:
            start = after
            for number, last_key in table.query_counts(
                partition_key, key_range, index_name=index_name, after=start, is_backwards=is_backwards, limit=skip
            ):
                self._charge_keys(number)
                after = last_key
            if after is None:
                return
            skip = 0
        limit = None if expected is None else skip + expected + 1
        found_items = table.query(
            partition_key,
            key_range,
            attributes,
            index_name=index_name,
            after=after,
            is_backwards=is_backwards,
            limit=limit,
            charge_unused=self._charge_unused if is_reading_ahead else None,
        )
        with closing(found_items):
            for number, item in enumerate(found_items):
                if number % _CHECK_INTERVAL == 0:
                    self._keys_read += _CHECK_INTERVAL
                    self.charge_budget(0)
                if number >= skip:
                    yield item

    def count(self, key_range: keys.KeyRange, *, index_name: str | None = None) -> int:
        """Return the number of items in a range. Raise the errors of :meth:`charge_budget`."""
        total = 0
        for number, _ in self.table.query_counts(self.partition_key, key_range, index_name=index_name):
            total += number
            self._charge_keys(number)
        return total

    def _charge_unused(self, number: int) -> None:
        """Charge permits for resources that were read ahead and are not needed.

        Without a first permit, the query has failed because the tenant has none left.
        """
        if self.meter.permits:
            self.meter.add_resources(number)

    def _charge_keys(self, number: int) -> None:
        """Count keys that are counted without being read. Raise the errors of :meth:`charge_budget`."""
        self._keys_read += number
        self.meter.add_keys(number)
        self.charge_budget(0)

    def read_resources(self, resource_ids: Iterable[str]) -> dict[str, StoredResource]:
        """Return the resources with these ids that exist, by id."""
        # If a resource's key changes during a scan, its id can occur twice, and DynamoDB rejects duplicate keys.
        ids = list(dict.fromkeys(resource_ids))
        self.charge_budget(len(ids))
        if len(ids) == 1:
            item = self.table.get(self.partition_key, keys.user_key(ids[0]))
            found_items = [item] if item else []
        else:
            sort_keys = [keys.user_key(resource_id) for resource_id in ids]
            found_items = self.table.get_all(self.partition_key, sort_keys, items.RESOURCE_ATTRIBUTES)
        resources = items.decode_resources(found_items, self.table.version_floor)
        return {stored.id: stored for stored in resources}

    def resolve(
        self, keyed_ids: Iterator[KeyedId], expected: int | None, is_current: Callable[[str, StoredResource], bool]
    ) -> Iterator[ScanEntry]:
        """Yield an entry for each key. Read the resources of a batch when the first of them is loaded.

        The first batches together have ``expected`` keys and one more, which shows whether others follow.
        ``is_current`` returns whether a resource is still at its key. If not, its entry loads as ``None``.
        """
        size = BATCH_SIZE if expected is None else expected + 1
        while chunk := list(islice(keyed_ids, size)):
            for first in range(0, len(chunk), BATCH_SIZE):
                pairs = chunk[first : first + BATCH_SIZE]
                batch = _Batch(self, [resource_id for _, resource_id in pairs])
                for key, resource_id in pairs:
                    yield _BatchEntry(key, resource_id, batch, is_current)
            size = BATCH_SIZE


@dataclass
class _Batch:
    """Resources that are read together when the first of them is loaded."""

    reader: ResourceReader
    resource_ids: Sequence[str]

    @cached_property
    def resources(self) -> Mapping[str, StoredResource]:
        """Read the resources, and return those that exist, by id."""
        return self.reader.read_resources(self.resource_ids)


class _BatchEntry(ScanEntry):
    """A key, and a resource that is loaded with its batch."""

    __slots__ = ("_batch", "_is_current")

    def __init__(
        self, key: str, resource_id: str, batch: _Batch, is_current: Callable[[str, StoredResource], bool]
    ) -> None:
        super().__init__(key, resource_id, None)
        self._batch = batch
        self._is_current = is_current

    def load(self) -> StoredResource | None:
        """Return the resource, or ``None`` if it no longer exists or is no longer at this key."""
        stored = self._batch.resources.get(self.resource_id)
        return stored if stored is not None and self._is_current(self.key, stored) else None
