"""Pages of a source.

By index, a client's place from page to page is kept in a bookmark, so that a page costs a page wherever it lies, and
that what is written meanwhile makes nobody appear twice or be left out. While more follow, the total is the one at the
start of the walk, or as much as has been given and one more; on the last page it is what has been given. So a client
that stops at the total neither stops early nor goes on for ever. Beside an anchor, the client keeps its place itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from scim.protocol.errors import ExpiredCursor
from scim.service.model.query import CursorPosition, IndexPosition, PageBoundary, Query, QueryResult
from scim.service.model.stored_resource import StoredResource
from scim.store.query.bookmarks import Bookmarks, PageStart, digest
from scim.store.query.scans import ResourceReader, Scan

# Lambda answers with 6 MB at most, quotes and backslashes escaped once more on the way out; a page is cut before.
MAX_PAGE_BYTES = 5_500_000
_META_BYTES = 700
# A link has some 100 characters and becomes a location, whose base URL may be long.
_LINK_FACTOR = 4
# Should the last resource of a page be gone when the next page is asked for, those before it lead there too.
_ANCHORS = 5


@dataclass(slots=True)
class _Page:
    """What was taken, with its keys. ``passed`` matched and were skipped; ``more``: something follows."""

    passed: int = 0
    keys: list[str] = field(default_factory=list)
    resources: list[StoredResource] = field(default_factory=list)
    more: bool = False


@dataclass(slots=True)
class _Size:
    """The bytes of a page as Lambda sends it, worked out exactly only once it might be too large."""

    most: int = 0
    exact: int = 0
    known: int = 0

    def add(self, stored: StoredResource) -> None:
        document = stored.document
        self.most += (2 if document.isascii() else 4) * len(document) + _beside(stored)

    def has_room(self, stored: StoredResource, before: Sequence[StoredResource]) -> bool:
        """Whether one more fits behind those that were added."""
        if self.most + 4 * len(stored.document) + _beside(stored) <= MAX_PAGE_BYTES:
            return True
        self.exact += sum(map(_weight, before[self.known :]))
        self.known = len(before)
        return self.exact + _weight(stored) <= MAX_PAGE_BYTES


@dataclass(frozen=True, slots=True)
class Paging:
    """Pages of what a query asks for; ``plan`` is the name of the way there."""

    query: Query
    source: Scan
    reader: ResourceReader
    ledger: Bookmarks
    plan: str

    def by_index(self, start: IndexPosition) -> QueryResult:
        if self.query.count == 0:
            return QueryResult(self._total(), [], self.plan)
        walk = digest(self.query.text, start.client)
        place, located = None, self.source.locate(1)
        if start.index > 1:
            place = self.ledger.read().place(walk, start.index)
            located = (place.after, 0) if place else self.source.locate(start.index)
        if located is None:
            return QueryResult(self._total(), [], self.plan)
        page = self._take(*located)
        end = start.index - 1 + len(page.resources)
        if page.more:
            total = max(place.total if place else self._total(page), end + 1)
        else:
            total = end if page.resources or place or start.index == 1 else self._total(page)
        plan = self.plan
        if page.resources and not (self.source.looks_up and total == 1):
            following = PageStart(end + 1, page.keys[-1], place.total if place else total)
            plan += "" if self.ledger.leave(walk, following, first=start.index == 1) else ",unmarked"
        return QueryResult(total, page.resources, plan)

    def beside(self, start: CursorPosition) -> QueryResult:
        if self.query.count == 0:
            return QueryResult(self._total() if start.total is None else start.total, [], self.plan)
        page = self._take(self._resolved(start.boundaries), 0, backwards=start.backwards)
        total = start.total
        if total is None:
            total = self._total(page) if page.more else len(page.resources)
        ahead = self._anchors(page, () if start.backwards else start.boundaries, last=True)
        behind = self._anchors(page, start.boundaries if start.backwards else (), last=False)
        if start.backwards:
            page.resources.reverse()
            return QueryResult(total, page.resources, self.plan, behind, ahead if page.more else None)
        return QueryResult(
            total, page.resources, self.plan, ahead if page.more else None, behind if start.boundaries else None
        )

    def _take(self, after: str | None, skip: int, *, backwards: bool = False) -> _Page:
        """A page behind a key. Of what matches in any case, what is skipped is not even read."""
        page, size, exact, count = _Page(), _Size(), self.source.exact, self.query.count
        matches, resources = self.query.matches, page.resources
        for entry in self.source.entries(after, backwards=backwards, skip=skip if exact else 0, wanted=count):
            if exact and len(resources) == count:
                page.more = True
                break
            stored = entry.load()
            if stored is None or (matches is not None and not matches(stored)):
                continue
            if not exact and page.passed < skip:
                page.passed += 1
                continue
            if resources and (len(resources) == count or not size.has_room(stored, resources)):
                page.more = True
                break
            size.add(stored)
            page.keys.append(entry.key)
            resources.append(stored)
        return page

    def _total(self, page: _Page | None = None) -> int:
        """How many match in all; ``page`` are the first of them, but for those that it passed."""
        taken = page or _Page(more=True)
        if not taken.more and (taken.resources or not self.source.exact):
            return taken.passed + len(taken.resources)
        if self.source.exact:
            return self.source.count()
        rest = self.source.lightened(self.query).entries(taken.keys[-1] if taken.keys else None)
        matches = self.query.matches
        total = taken.passed + len(taken.keys)
        for entry in rest:
            stored = entry.load()
            if stored is not None and (matches is None or matches(stored)):
                total += 1
        return total

    def _resolved(self, anchors: Sequence[PageBoundary]) -> str | None:
        """The place of the first anchor that still has it. Raises :class:`ExpiredCursor`."""
        if not anchors:
            return None
        if self.source.stable:
            return anchors[0].id
        documents = self.reader.documents(each.id for each in anchors)
        for anchor in anchors:
            stored = documents.get(anchor.id)
            if stored is not None and _digest(key := self.source.key(stored)) == anchor.digest:
                return key
        raise ExpiredCursor("Those at the end of the page have all been changed since: start again without a cursor.")

    def _anchors(self, page: _Page, further: Sequence[PageBoundary], *, last: bool) -> Sequence[PageBoundary] | None:
        """What the page beside this one can be found by, nearest first; a short page is not enough by itself."""
        step = -1 if last else 1
        stable = self.source.stable
        nearest = list(zip(page.resources, page.keys, strict=True))[::step][: 1 if stable else _ANCHORS]
        anchors = [PageBoundary(stored.id, b"" if stable else _digest(key)) for stored, key in nearest]
        return [*anchors, *further][: 1 if stable else _ANCHORS] if anchors else None


def _digest(key: str) -> bytes:
    """Enough to tell whether a resource has its place still; the place itself may be a person's name."""
    return sha256(key.encode()).digest()[:8]


def _weight(stored: StoredResource) -> int:
    document = stored.document
    size = len(document) if document.isascii() else len(document.encode())
    return size + document.count('"') + document.count("\\") + _beside(stored)


def _beside(stored: StoredResource) -> int:
    """At least what is shown of a resource beside its document."""
    return _META_BYTES + _LINK_FACTOR * len(stored.links)
