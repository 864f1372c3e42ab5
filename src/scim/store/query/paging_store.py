"""What paging keeps of a tenant: the counters of its users, and a bookmark for each client that reads pages by index.

Both are in one small partition, so that one call reads all that a page needs to know beforehand.

A bookmark belongs to a query of a client. For each ``startIndex`` that may come next, it has the key after which that
page begins and the total of the first page. It expires an hour after the last page. The next write that sees expired
bookmarks removes them, since DynamoDB may leave them for days.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from botocore.exceptions import BotoCoreError, ClientError

from scim.store import keys
from scim.store.query.counters import ResourceCounters
from scim.store.table import Item, Table

BOOKMARK_TTL_S = 3_600
# A bookmark has the starts of several pages, so that a page can be requested again if its response was lost.
_STARTS_PER_BOOKMARK = 4
_ATTRIBUTES = ("sk", "counts", "places", "ttl")


@dataclass(frozen=True, slots=True)
class PageStart:
    """The page that begins with resource number ``start_index`` begins after the key ``after``.

    ``total`` is the total of the first page.
    """

    start_index: int
    after: str
    total: int


@dataclass(frozen=True, slots=True)
class PagingState:
    """What was read. ``bookmarks`` are by id, ``expired`` are the sort keys of bookmarks that have expired."""

    counters: ResourceCounters
    bookmarks: Mapping[str, Sequence[PageStart]]
    expired: Sequence[str]

    def find_start(self, bookmark_id: str, start_index: int) -> PageStart | None:
        starts = self.bookmarks.get(bookmark_id, ())
        return next((start for start in starts if start.start_index == start_index), None)


_EMPTY_STATE = PagingState(ResourceCounters([]), {}, [])


@dataclass(slots=True)
class PagingStore:
    """The counters and bookmarks of one tenant, for one query. ``now`` returns the seconds since 1970."""

    table: Table
    partition_key: str
    now: Callable[[], float]
    _state: PagingState | None = None

    def read_state(self) -> PagingState:
        """Return the state, which one call reads: 256 counters have about 14 KB, a bookmark less than one."""
        if self._state is not None:
            return self._state
        counters, bookmarks, expired = [], {}, []
        now = self.now()
        for item in self.table.query(self.partition_key, keys.PAGING_RANGE, _ATTRIBUTES):
            sort_key = item["sk"]["S"]
            if sort_key.startswith(keys.COUNTER_PREFIX):
                counters.append((sort_key.removeprefix(keys.COUNTER_PREFIX), int(item["counts"]["N"])))
            elif int(item["ttl"]["N"]) <= now:
                expired.append(sort_key)
            else:
                bookmarks[sort_key.removeprefix(keys.BOOKMARK_PREFIX)] = _decode_starts(item)
        self._state = PagingState(ResourceCounters(counters), bookmarks, expired)
        return self._state

    def count_resources(self) -> int:
        return self.read_state().counters.total

    def write_bookmark(self, bookmark_id: str, start: PageStart, *, is_first: bool) -> bool:
        """Add the start of the next page to a bookmark, which begins anew after the first page.

        Return whether it was written. A failure is no error: the next page then costs more.
        """
        state, sort_key = self._state or _EMPTY_STATE, keys.bookmark_key(bookmark_id)
        # Starts of the same page are replaced, so that requesting a page again and again keeps its own start.
        others = [other for other in state.bookmarks.get(bookmark_id, ()) if other.start_index != start.start_index]
        starts = [start, *([] if is_first else others)][:_STARTS_PER_BOOKMARK]
        item = {
            **keys.primary_key(self.partition_key, sort_key),
            "places": {"S": json.dumps([[start.start_index, start.after, start.total] for start in starts])},
            "ttl": {"N": str(int(self.now()) + BOOKMARK_TTL_S)},
        }
        expired = [keys.primary_key(self.partition_key, other) for other in state.expired if other != sort_key]
        try:
            return self.table.put_and_delete_once(item, expired)
        except (ClientError, BotoCoreError):
            return False


def build_bookmark_id(query: str, client: str) -> str:
    """Return the id of a client's bookmark for a query."""
    return sha256(f"{len(query)}\n{query}\n{client}".encode()).hexdigest()[:32]


def _decode_starts(item: Item) -> list[PageStart]:
    return [PageStart(*members) for members in json.loads(item["places"]["S"])]
