"""The ledger of a tenant: how many resources there are, where they lie, and where clients are in them.

Whatever a page has to know beforehand is in one small partition, and read by one call.

A bookmark is a client's place in the pages of a query: for each ``startIndex`` that may come next, the key behind which
that page begins and the total at the start of the walk. It lives for an hour after the last page. Those whose time is
over are removed by the next write that sees them, since DynamoDB may leave them for days.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from botocore.exceptions import BotoCoreError, ClientError

from scim.store import items, keys
from scim.store.query.counters import ResourceCounters
from scim.store.table import Item, Table

BOOKMARK_S = 3_600
# A page that is asked for again, because its answer was lost, has its place still.
_PLACES = 4
_ATTRIBUTES = ("sk", "counts", "places", "ttl")


@dataclass(frozen=True, slots=True)
class PageStart:
    """Where the page that begins at ``start_index`` begins, and how many there were when the walk began."""

    start_index: int
    after: str
    total: int


@dataclass(frozen=True, slots=True)
class PagingState:
    """What a ledger said at one time. ``bookmarks`` are by digest; ``expired`` are the keys of those that are over."""

    counters: ResourceCounters
    bookmarks: Mapping[str, Sequence[PageStart]]
    expired: Sequence[str]

    def place(self, digest: str, start_index: int) -> PageStart | None:
        return next((each for each in self.bookmarks.get(digest, ()) if each.start_index == start_index), None)


_NOTHING_READ = PagingState(ResourceCounters([]), {}, [])


@dataclass(slots=True)
class Bookmarks:
    """A tenant's ledger for one query. ``now`` gives the seconds since 1970."""

    table: Table
    partition: str
    now: Callable[[], float]
    _reading: PagingState | None = None

    def read(self) -> PagingState:
        """One call: 256 counters have about 14 KB, a bookmark less than one."""
        if self._reading is not None:
            return self._reading
        counters, bookmarks, expired = [], {}, []
        now = self.now()
        for item in self.table.query(self.partition, keys.PAGING_RANGE, _ATTRIBUTES):
            sort = item["sk"]["S"]
            if sort.startswith(keys.COUNTER_PREFIX):
                counters.append((sort.removeprefix(keys.COUNTER_PREFIX), int(item["counts"]["N"])))
            elif int(item["ttl"]["N"]) <= now:
                expired.append(sort)
            else:
                bookmarks[sort.removeprefix(keys.BOOKMARK_PREFIX)] = _places(item)
        self._reading = PagingState(ResourceCounters(counters), bookmarks, expired)
        return self._reading

    def total(self) -> int:
        return self.read().counters.total

    def leave(self, digest: str, place: PageStart, *, first: bool) -> bool:
        """Leave a bookmark behind the ``first`` page or another one; whether it was written.

        It is a help for the next page, and never fails this one.
        """
        known, own = self._reading or _NOTHING_READ, keys.bookmark_key(digest)
        # A page that is asked for again and again must not push out its own place by what follows it.
        others = [each for each in known.bookmarks.get(digest, ()) if each.start_index != place.start_index]
        places = [place, *([] if first else others)][:_PLACES]
        item = {
            **items.primary_key(self.partition, own),
            "places": {"S": json.dumps([[each.start_index, each.after, each.total] for each in places])},
            "ttl": {"N": str(int(self.now()) + BOOKMARK_S)},
        }
        expired = [items.primary_key(self.partition, each) for each in known.expired if each != own]
        try:
            return self.table.put_nontransactional(item, expired)
        except (ClientError, BotoCoreError):
            return False


def digest(query: str, client: str) -> str:
    """What a client's walk through a query is known by."""
    return sha256(f"{len(query)}\n{query}\n{client}".encode()).hexdigest()[:32]


def _places(item: Item) -> list[PageStart]:
    return [PageStart(*each) for each in json.loads(item["places"]["S"])]
