"""Finding resources: a plan, and the source that it leads to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from scim.protocol.filter.ast import Path
from scim.protocol.schema import ResourceType
from scim.service.model.query import IndexPosition, Query, QueryResult
from scim.store import keys
from scim.store.query.bookmarks import Bookmarks
from scim.store.query.paging import Paging
from scim.store.query.plan import (
    MODIFIED,
    FullScan,
    IndexedAttributes,
    IndexLookup,
    OrderedIndex,
    Plan,
    RangeScan,
    plan_query,
)
from scim.store.query.scans import IdScan, IndexScan, LastModifiedScan, ResourceReader, Scan, SortedScan, UniqueKeyScan
from scim.store.table import Table


class QueryEngine:
    """Finds resources of one type in one tenant, for one query. ``now`` gives the seconds since 1970."""

    def __init__(
        self,
        table: Table,
        tenant_id: str,
        resource_type: ResourceType,
        indexed: Mapping[str, Path],
        now: Callable[[], float],
    ) -> None:
        self._table = table
        self._partition = keys.resource_partition(tenant_id)
        self._ledger = Bookmarks(table, keys.paging_partition(tenant_id), now)
        self._type = resource_type
        self._indexed = indexed

    def find(self, query: Query) -> QueryResult:
        found = choose_plan(query, self._type, self._indexed)
        is_sorted = needs_sorting(found, query, self._indexed)
        reader = ResourceReader(self._table, self._partition, self._remedy())
        source = self._source(found, query, reader, light=is_sorted and not query.reads_meta)
        if query.order is not None and is_sorted:
            source = SortedScan(reader, exact=True, source=source, matches=query.matches, order=query.order)
        paging = Paging(query, source, reader, self._ledger, f"{found},sort" if is_sorted else str(found))
        page = paging.by_index(query.start) if isinstance(query.start, IndexPosition) else paging.beside(query.start)
        return replace(page, resources_read=reader.read)

    def _source(self, found: Plan, query: Query, reader: ResourceReader, *, light: bool) -> Scan:
        match found:
            case IndexLookup(points):
                ordered = sorted(points, key=lambda point: (point.name, point.value))
                return IndexScan(reader, found.exact, self._type.unique_attribute, self._indexed, ordered)
            case RangeScan(way, first, last) if way is OrderedIndex.NAMES:
                total = self._ledger.total if first is None and last is None else None
                return UniqueKeyScan(
                    reader,
                    found.exact,
                    self._type.unique_attribute,
                    keys.unique_key_range(first, last),
                    _descends(query),
                    total,
                )
            case RangeScan(_, first, last):
                return LastModifiedScan(reader, found.exact, keys.last_modified_range(first, last), _descends(query))
            case FullScan():
                return IdScan(reader, found.exact, self._ledger, light)

    def _remedy(self) -> str:
        names = ", ".join(("id", self._type.unique_attribute.name, *self._indexed))
        return f"Filter by one of {names} with eq, or by {MODIFIED} with gt."


def choose_plan(query: Query, resource_type: ResourceType, indexed: Mapping[str, Path]) -> Plan:
    """The plan for a query."""
    unique = resource_type.unique_attribute
    order = query.order.path if query.order else None
    return plan_query(query.filter, order, IndexedAttributes(unique.name, unique.case_exact, frozenset(indexed)))


def needs_sorting(found: Plan, query: Query, indexed: Mapping[str, Path]) -> bool:
    """Whether a plan finds what it does in another order than the query's."""
    if query.order is None:
        return False
    match found:
        case IndexLookup(points):
            return len(points) > 1 or any(point.name in indexed for point in points)
        case RangeScan(way):
            leaf = query.order.path.leaf
            in_order = (
                leaf is not None and leaf.unique if way is OrderedIndex.NAMES else str(query.order.path) == MODIFIED
            )
            return not in_order
        case FullScan():
            return True


def _descends(query: Query) -> bool:
    return query.order is not None and query.order.descending
