"""Read the counters of a tenant's users, and read and write the bookmarks of clients that page by index.

Counters and bookmarks are in one small partition, so one call reads them all before a page is read.

A bookmark belongs to a client and a query. For each ``startIndex`` that the client may send next, it says where that
page begins, and it has the total of the first page. It expires an hour after the last page. DynamoDB can take days to
delete expired items, so writing a bookmark deletes those that have expired.

A bookmark contains no names. If the order of the query is by values such as names, it has the ids of the users next to
the beginning of the page, and digests of their keys (docs/decisions/queries/bookmarks-without-names.md).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from scim.aws.errors import AwsError
from scim.service.model.query import PageBoundary
from scim.store import items, keys
from scim.store.query.counters import ResourceCounters
from scim.store.table import Item, Table

BOOKMARK_TTL_S = 3_600
# A bookmark has the starts of several pages, so that a client can repeat a request whose response was lost.
_STARTS_PER_BOOKMARK = 4
_ATTRIBUTES = ("sk", "counts", "starts", "ttl")


@dataclass(frozen=True, slots=True)
class PageStart:
    """The start of the page at ``start_index``: after a key, or between two users.

    Attributes:
        start_index: The ``startIndex`` of the page.
        total: The total that was returned with the first page of the query.
        key: The key after which the page begins, if keys contain no values of users.
        boundaries: Otherwise the last users before the page, the nearest first.
        first: The first user of the page, ``None`` if the page was empty.
    """

    start_index: int
    total: int
    key: str | None = None
    boundaries: Sequence[PageBoundary] = ()
    first: PageBoundary | None = None


@dataclass(frozen=True, slots=True)
class PagingState:
    """The counters, the bookmarks by id, and the sort keys of the expired bookmarks."""

    counters: ResourceCounters
    bookmarks: Mapping[str, Sequence[PageStart]]
    expired_sort_keys: Sequence[str]

    def find_start(self, bookmark_id: str, start_index: int) -> PageStart | None:
        """Return the start of the page with this index in a bookmark."""
        starts = self.bookmarks.get(bookmark_id, ())
        return next((start for start in starts if start.start_index == start_index), None)


_EMPTY_STATE = PagingState(ResourceCounters([]), {}, [])


@dataclass(slots=True)
class PagingStore:
    """The counters and bookmarks of one tenant, for one query. ``now`` returns the time in seconds since 1970."""

    table: Table
    partition_key: str
    now: Callable[[], float]
    _state: PagingState | None = None

    def read_state(self) -> PagingState:
        """Return the counters and bookmarks. They are read only once.

        256 counters are about 14 KB, and a bookmark is usually less than 1 KB, so one call reads them.
        """
        if self._state is not None:
            return self._state
        counters, bookmarks, expired = [], {}, []
        now = self.now()
        for item in self.table.query(self.partition_key, keys.PAGING_RANGE, _ATTRIBUTES):
            sort_key = item["sk"]["S"]
            if sort_key.startswith(keys.COUNTER_PREFIX):
                counters.append((sort_key.removeprefix(keys.COUNTER_PREFIX), items.get_number(item, "counts")))
            elif int(item["ttl"]["N"]) <= now:
                expired.append(sort_key)
            else:
                bookmarks[sort_key.removeprefix(keys.BOOKMARK_PREFIX)] = _decode_starts(item)
        self._state = PagingState(ResourceCounters(counters), bookmarks, expired)
        return self._state

    def count_resources(self) -> int:
        """Return the number of the tenant's users."""
        return self.read_state().counters.total

    def write_bookmark(self, bookmark_id: str, start: PageStart, *, is_first: bool) -> bool:
        """Add the start of the next page to a bookmark. After the first page of a query, replace all others.

        Return whether it was written. Without it, the next page costs more but is still correct.
        """
        state, sort_key = self._state or _EMPTY_STATE, keys.bookmark_key(bookmark_id)
        # Replace the start of the same page, so that a client that repeats a request does not lose the other starts.
        page_starts = state.bookmarks.get(bookmark_id, ())
        other_starts = [other for other in page_starts if other.start_index != start.start_index]
        starts = [start, *([] if is_first else other_starts)][:_STARTS_PER_BOOKMARK]
        item = {
            **keys.primary_key(self.partition_key, sort_key),
            "starts": {"S": json.dumps([_encode_start(start) for start in starts], separators=(",", ":"))},
            "places": {"S": "[]"},  # release 0.2 requires this attribute, and ignores a bookmark without places
            "ttl": {"N": str(int(self.now()) + BOOKMARK_TTL_S)},
        }
        expired = [
            keys.primary_key(self.partition_key, expired_key)
            for expired_key in state.expired_sort_keys
            if expired_key != sort_key
        ]
        try:
            return self.table.put_and_delete_once(item, expired)
        except AwsError:
            return False


def build_bookmark_id(query: str, client: str) -> str:
    """Return the id of the bookmark of a client for a query: a hash of both."""
    return sha256(f"{len(query)}\n{query}\n{client}".encode()).hexdigest()[:32]


def _encode_start(start: PageStart) -> list[Any]:
    first = start.first and _encode_boundary(start.first)
    return [start.start_index, start.total, start.key, list(map(_encode_boundary, start.boundaries)), first]


def _encode_boundary(boundary: PageBoundary) -> str:
    return f"{boundary.id} {boundary.digest.hex()}"


def _decode_starts(item: Item) -> list[PageStart]:
    """Return the starts in a bookmark. A bookmark of an earlier release has none."""
    return [
        PageStart(start_index, total, key, tuple(map(_decode_boundary, boundaries)), first and _decode_boundary(first))
        for start_index, total, key, boundaries, first in json.loads(item["starts"]["S"] if "starts" in item else "[]")
    ]


def _decode_boundary(text: str) -> PageBoundary:
    resource_id, _, digest = text.partition(" ")
    return PageBoundary(resource_id, bytes.fromhex(digest))
