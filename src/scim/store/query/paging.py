"""Read the pages of a scan, by index or by cursor.

**Index paging** (RFC 7644 section 3.4.2.4): a bookmark stores where the next page of a client begins. So every page
costs the same, and no resource is skipped or repeated while others are written. The exception is an order by values,
if the last five resources of a page and the first of the next page have all moved or been deleted before the client
reads the next page. That page is then found by counting.

Many clients stop when they have as many resources as ``totalResults``. So the total depends on the page:

- While more pages follow, it is the total of the first page, but at least one more than the number of resources
  returned so far. So the client does not stop early.
- On the last page, it is the number of resources returned so far. So the client does not continue without end.

**Cursor paging** (RFC 9865): the cursor contains the boundaries of the page, so nothing is stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from scim.protocol.errors import ExpiredCursor
from scim.service.model.query import CursorPosition, PageBoundary, Query, QueryResult, StartIndexPosition
from scim.service.model.stored_resource import StoredResource
from scim.store.query.paging_store import PageStart, PagingStore, build_bookmark_id
from scim.store.query.reader import ResourceReader, ScanEntry
from scim.store.query.scans import Scan

# Lambda limits a response to 6 MB, after it has escaped quotes and backslashes again. A page ends before that.
MAX_PAGE_BYTES = 5_500_000
# The maximum number of bytes that ``meta`` and ``id`` add to a resource in a response.
_MAX_META_BYTES = 700
# A stored link has about 100 characters. In a response it becomes a URL, and the base URL can be long.
_URL_BYTES_PER_LINK_BYTE = 4
# A cursor has several boundaries. If the key of the last resource has changed, an earlier one is the boundary.
_MAX_BOUNDARIES = 5


@dataclass(slots=True)
class _Page:
    """The resources of a page with their keys.

    ``skipped_count`` is the number of matches that were read and skipped before the page. ``next_entry`` is the next
    match, ``None`` if no other matches follow.
    """

    skipped_count: int = 0
    keys: list[str] = field(default_factory=list)
    resources: list[StoredResource] = field(default_factory=list)
    next_entry: ScanEntry | None = None

    @property
    def has_more(self) -> bool:
        """Whether other matches follow."""
        return self.next_entry is not None


@dataclass(slots=True)
class _PageSize:
    """The size of a page in Lambda's response. It is computed exactly only if its upper bound is too large.

    ``exact_bytes`` is the size of the first ``exact_count`` resources.
    """

    upper_bound_bytes: int = 0
    exact_bytes: int = 0
    exact_count: int = 0

    def add(self, stored: StoredResource) -> None:
        """Add the upper bound of a resource's size."""
        document = stored.document
        self.upper_bound_bytes += (2 if document.isascii() else 4) * len(document) + _estimate_metadata_bytes(stored)

    def has_room(self, stored: StoredResource, resources: Sequence[StoredResource]) -> bool:
        """Return whether one more resource fits. ``resources`` are those that were added."""
        if self.upper_bound_bytes + 4 * len(stored.document) + _estimate_metadata_bytes(stored) <= MAX_PAGE_BYTES:
            return True
        self.exact_bytes += sum(map(_count_response_bytes, resources[self.exact_count :]))
        self.exact_count = len(resources)
        return self.exact_bytes + _count_response_bytes(stored) <= MAX_PAGE_BYTES


@dataclass(frozen=True, slots=True)
class Pager:
    """Reads a page of a query's results with ``scan``. ``plan_name`` is reported in the result."""

    query: Query
    scan: Scan
    reader: ResourceReader
    paging_store: PagingStore
    plan_name: str

    def read_by_start_index(self, start: StartIndexPosition) -> QueryResult:
        """Return the page that begins at an index, and write the bookmark for the next page."""
        if self.query.count == 0:
            return QueryResult(self._count_matches(), [], self.plan_name)
        own_id = build_bookmark_id(self.query.canonical_text, start.client_id)
        bookmark, position = None, self.scan.locate(1)
        if start.index > 1:
            bookmark = self.paging_store.read_state().find_start(own_id, start.index)
            position = (bookmark and self._find_start(bookmark)) or self.scan.locate(start.index)
        if position is None:
            return QueryResult(self._count_matches(), [], self.plan_name)
        page = self._read_page(*position)
        end = start.index - 1 + len(page.resources)
        if page.has_more:
            total = max(bookmark.total if bookmark else self._count_matches(page), end + 1)
        else:
            total = end if page.resources or bookmark or start.index == 1 else self._count_matches(page)
        plan_name = self.plan_name
        if page.resources and not (self.scan.is_lookup and total == 1):
            next_start = self._build_next_start(page, end + 1, bookmark.total if bookmark else total, bookmark)
            is_written = self.paging_store.write_bookmark(own_id, next_start, is_first=start.index == 1)
            plan_name += "" if is_written else ",no-bookmark"
        return QueryResult(total, page.resources, plan_name)

    def read_by_cursor(self, start: CursorPosition) -> QueryResult:
        """Return the page at a cursor, with the boundaries for the cursors of the previous and the next page.

        Raise :class:`ExpiredCursor` if the keys of all boundaries have changed.
        """
        if self.query.count == 0:
            return QueryResult(self._count_matches() if start.total is None else start.total, [], self.plan_name)
        page = self._read_page(self._find_boundary_key(start.boundaries), 0, is_backwards=start.is_backwards)
        total = start.total
        if total is None:
            total = self._count_matches(page) if page.has_more else len(page.resources)
        last = self._collect_boundaries(page, () if start.is_backwards else start.boundaries, is_at_end=True)
        first = self._collect_boundaries(page, start.boundaries if start.is_backwards else (), is_at_end=False)
        if start.is_backwards:
            page.resources.reverse()
            return QueryResult(total, page.resources, self.plan_name, first, last if page.has_more else None)
        return QueryResult(
            total, page.resources, self.plan_name, last if page.has_more else None, first if start.boundaries else None
        )

    def _read_page(self, after: str | None, skip: int, *, is_backwards: bool = False) -> _Page:
        """Return the page that begins ``skip`` matches after a key. An exact scan does not read skipped resources."""
        page, size, is_exact, count = _Page(), _PageSize(), self.scan.is_exact, self.query.count
        matches, resources = self.query.matches, page.resources
        for entry in self.scan.iterate(after, is_backwards=is_backwards, skip=skip if is_exact else 0, expected=count):
            if is_exact and len(resources) == count:
                page.next_entry = entry
                break
            stored = entry.load()
            if stored is None or (matches is not None and not matches(stored)):
                continue
            if not is_exact and page.skipped_count < skip:
                page.skipped_count += 1
                continue
            if resources and (len(resources) == count or not size.has_room(stored, resources)):
                page.next_entry = entry
                break
            size.add(stored)
            page.keys.append(entry.key)
            resources.append(stored)
        return page

    def _count_matches(self, first: _Page | None = None) -> int:
        """Return the number of matches. ``first`` is the page that was already read; the count continues after it."""
        page = first or _Page()
        if first and not first.has_more and (first.resources or not self.scan.is_exact):
            return first.skipped_count + len(first.resources)
        if self.scan.is_exact:
            return self.scan.count()
        rest = self.scan.restrict_reads(self.query).iterate(page.keys[-1] if page.keys else None)
        matches = self.query.matches
        total = page.skipped_count + len(page.keys)
        for entry in rest:
            stored = entry.load()
            if stored is not None and (matches is None or matches(stored)):
                total += 1
        return total

    def _build_next_start(self, page: _Page, index: int, total: int, bookmark: PageStart | None) -> PageStart:
        """Return the start of the page after ``page``. ``bookmark`` is the start of ``page``."""
        if not self.scan.has_personal_keys:
            return PageStart(index, total, page.keys[-1])
        boundaries = self._collect_boundaries(page, bookmark.boundaries if bookmark else (), is_at_end=True)
        following = page.next_entry
        first = PageBoundary(following.resource_id, _hash_key(following.key)) if following else None
        return PageStart(index, total, None, boundaries or (), first)

    def _find_start(self, start: PageStart) -> tuple[str | None, int] | None:
        """Return the key after which a page begins, and the number 0 of entries to skip.

        Return ``None`` if no key is known any more, because all users next to the start have moved or been deleted.
        """
        if start.key is not None:
            return start.key, 0
        adjacent = [*start.boundaries, *([start.first] if start.first else [])]
        boundary, key = self._find_unchanged(adjacent)
        if boundary is None:
            return None
        if boundary not in start.boundaries:  # the page begins at this user, so the entry before it is needed
            key = next((entry.key for entry in self.scan.iterate(key, is_backwards=True, expected=1)), None)
        return key, 0

    def _find_boundary_key(self, boundaries: Sequence[PageBoundary]) -> str | None:
        """Return the key of the first boundary whose key has not changed, or ``None`` if there are no boundaries.

        Raise :class:`ExpiredCursor` if the keys of all boundaries have changed.
        """
        if not boundaries:
            return None
        if self.scan.has_stable_keys:
            return boundaries[0].id
        boundary, key = self._find_unchanged(boundaries)
        if boundary is None:
            raise ExpiredCursor(
                "The users next to the cursor have all been deleted or moved in the sort order. Start again with an "
                "empty cursor."
            )
        return key

    def _find_unchanged(self, boundaries: Sequence[PageBoundary]) -> tuple[PageBoundary | None, str | None]:
        """Return the first boundary whose key has not changed, and the key. Return twice ``None`` if all have."""
        resources = self.reader.read_resources(boundary.id for boundary in boundaries)
        for boundary in boundaries:
            stored = resources.get(boundary.id)
            if stored is not None and _hash_key(key := self.scan.get_key(stored)) == boundary.digest:
                return boundary, key
        return None, None

    def _collect_boundaries(
        self, page: _Page, fallback_boundaries: Sequence[PageBoundary], *, is_at_end: bool
    ) -> Sequence[PageBoundary] | None:
        """Return the boundaries between ``page`` and the next or previous one, nearest first.

        ``fallback_boundaries`` are added if the page has too few resources. Return ``None`` if the page is empty.
        """
        step = -1 if is_at_end else 1
        is_stable = self.scan.has_stable_keys
        max_boundaries = 1 if is_stable else _MAX_BOUNDARIES
        nearest = list(zip(page.resources, page.keys, strict=True))[::step][:max_boundaries]
        boundaries = [PageBoundary(stored.id, b"" if is_stable else _hash_key(key)) for stored, key in nearest]
        return [*boundaries, *fallback_boundaries][:max_boundaries] if boundaries else None


def _hash_key(key: str) -> bytes:
    """Return a hash that shows whether a key has changed. The key itself can contain personal data."""
    return sha256(key.encode()).digest()[:8]


def _count_response_bytes(stored: StoredResource) -> int:
    document = stored.document
    size = len(document) if document.isascii() else len(document.encode())
    return size + document.count('"') + document.count("\\") + _estimate_metadata_bytes(stored)


def _estimate_metadata_bytes(stored: StoredResource) -> int:
    """Return an upper bound of the bytes that a response adds to the document of a resource."""
    return _MAX_META_BYTES + _URL_BYTES_PER_LINK_BYTE * len(stored.links_json)
