"""Read a page of the list of users.

A list can have a condition that few users meet, such as *inactive*. No key leads to these users, so others are read and
skipped. One page reads at most 5,000 users, and takes at most half of the remaining time. Then it says where the
search stopped, and the person can continue there. So a page costs no more in a large tenant.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from scim.service.deadline import Deadline
from scim.service.model.query import InvalidPosition, ListPage, ListQuery
from scim.service.model.stored_resource import StoredResource
from scim.store.query.reader import BATCH_SIZE, ScanEntry
from scim.store.query.scans import Scan

MAX_USERS_READ = 5_000
"""The maximum number of users that one page reads: about 1,300 read units, if a user has 1 KB."""
_MAX_ENTRIES_AHEAD = 1_000
"""The maximum number of keys that one call reads in advance."""


def read_list_page(scan: Scan, query: ListQuery, deadline: Deadline) -> ListPage:
    """Return a page of the users that ``scan`` reads. Raise :class:`InvalidPosition` if the position is malformed."""
    if query.position and not scan.is_key(query.position):
        raise InvalidPosition
    page: list[tuple[str, StoredResource]] = []
    last_key, users_read, is_incomplete, has_more = "", 0, False, False
    time_limit = deadline.with_share(0.5)
    for entry in _iterate(scan, query):
        if query.matches is None and len(page) == query.count:
            has_more = True
            break
        is_late = users_read % BATCH_SIZE == 0 and users_read > 0 and time_limit.remaining_s() <= 0
        if is_late or users_read == MAX_USERS_READ:
            has_more, is_incomplete = True, len(page) < query.count
            break
        stored = entry.load()
        users_read += 1
        if stored is not None and (query.matches is None or query.matches(stored)):
            if len(page) == query.count:
                has_more = True
                break
            page.append((entry.key, stored))
        last_key = entry.key
    first = page[0][0] if page and query.position else ""
    further = (last_key if is_incomplete else page[-1][0]) if has_more else ""
    users = [stored for _, stored in page]
    if query.is_backwards:
        return ListPage(users[::-1], first, further, users_read, is_incomplete)
    return ListPage(users, further, first, users_read, is_incomplete)


def _iterate(scan: Scan, query: ListQuery) -> Iterator[ScanEntry]:
    """Yield the entries of the scan after the position. The first call reads what a page needs, later ones read more.

    Most pages need only one call. But if few users match, many small calls would take long.
    """
    key, size = query.position or None, query.count
    while True:
        number = 0
        for entry in islice(scan.iterate(key, is_backwards=query.is_backwards, expected=size), size + 1):
            number += 1
            key = entry.key
            yield entry
        if number <= size:
            return
        size = min(size * 2, _MAX_ENTRIES_AHEAD)
