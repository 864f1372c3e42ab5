"""Run a query: choose a plan, build the scan for the plan, and read a page of the scan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from scim.protocol.filter.ast import AttributePath
from scim.protocol.schema import ResourceType
from scim.service.model.query import ListOrder, ListPage, ListQuery, Query, QueryResult, StartIndexPosition
from scim.store import keys, lookup_keys
from scim.store.query.index_scan import IndexScan
from scim.store.query.list_page import read_list_page
from scim.store.query.paging import Pager
from scim.store.query.paging_store import PagingStore
from scim.store.query.plan import (
    LAST_MODIFIED,
    FullScanPlan,
    IndexedAttributes,
    IndexLookupPlan,
    OrderedIndex,
    Plan,
    RangePlan,
    plan_query,
)
from scim.store.query.reader import ResourceReader
from scim.store.query.scans import IdScan, LastModifiedScan, Scan, UniqueKeyScan
from scim.store.query.sorted_scan import SortedScan
from scim.store.table import Table


class QueryEngine:
    """Finds resources of one type in one tenant, for one query.

    ``indexed`` are the paths of the attributes with index entries, by name. ``now`` returns the current time in seconds
    since 1970.
    """

    def __init__(
        self,
        table: Table,
        tenant_id: str,
        resource_type: ResourceType,
        indexed: Mapping[str, AttributePath],
        now: Callable[[], float],
    ) -> None:
        self._paging_store = PagingStore(table, keys.paging_partition(tenant_id), now)
        self._resource_type = resource_type
        self._indexed = indexed
        self._reader = ResourceReader(table, keys.resource_partition(tenant_id), self._build_narrowing_hint())

    def find(self, query: Query) -> QueryResult:
        """Return a page of the query, with its total, the name of its plan, and the number of resources read.

        Raise :class:`scim.protocol.errors.TooMany` if the query exceeds its budget, and
        :class:`scim.protocol.errors.ExpiredCursor` if the boundaries of a cursor no longer exist.
        """
        self._reader.meter = query.meter
        plan = choose_plan(query, self._resource_type, self._indexed)
        is_sorted = needs_sorting(plan, query, self._indexed)
        scan = self._build_scan(plan, query, is_document_only=is_sorted and not query.needs_item)
        if query.order is not None and is_sorted:
            scan = SortedScan(self._reader, is_exact=True, scan=scan, matches=query.matches, order=query.order)
        pager = Pager(query, scan, self._reader, self._paging_store, f"{plan},sort" if is_sorted else str(plan))
        if isinstance(query.start, StartIndexPosition):
            result = pager.read_by_start_index(query.start)
        else:
            result = pager.read_by_cursor(query.start)
        return replace(result, resources_read=self._reader.resources_read)

    def list_page(self, query: ListQuery) -> ListPage:
        """Return a page of the list of all resources. Raise :class:`InvalidPosition`."""
        reader, unique = self._reader, self._resource_type.unique_attribute
        match query.order:
            case ListOrder.USER_NAME:
                key_range = lookup_keys.unique_key_range(None, None)
                scan: Scan = UniqueKeyScan(reader, True, unique, key_range, query.is_descending, None)
            case ListOrder.LAST_MODIFIED:
                scan = LastModifiedScan(reader, True, keys.last_modified_range(None, None), query.is_descending)
        return read_list_page(scan, query, reader.table.deadline)

    def _build_scan(self, plan: Plan, query: Query, *, is_document_only: bool) -> Scan:
        reader, unique = self._reader, self._resource_type.unique_attribute
        is_descending = query.order is not None and query.order.is_descending
        match plan:
            case IndexLookupPlan(indexed_values):
                ordered = sorted(indexed_values, key=lambda indexed_value: (indexed_value.name, indexed_value.value))
                return IndexScan(reader, plan.is_exact, unique, self._indexed, ordered)
            case RangePlan(OrderedIndex.UNIQUE_KEYS, first, last):
                has_all = first is None and last is None
                count_resources = self._paging_store.count_resources if has_all else None
                key_range = lookup_keys.unique_key_range(first, last)
                return UniqueKeyScan(reader, plan.is_exact, unique, key_range, is_descending, count_resources)
            case RangePlan(_, first, last):
                return LastModifiedScan(reader, plan.is_exact, keys.last_modified_range(first, last), is_descending)
            case FullScanPlan():
                return IdScan(reader, plan.is_exact, self._paging_store, is_document_only)

    def _build_narrowing_hint(self) -> str:
        names = ", ".join(("id", self._resource_type.unique_attribute.name, *self._indexed))
        return f"Filter by one of {names} with eq, or by {LAST_MODIFIED} with gt."


def choose_plan(query: Query, resource_type: ResourceType, indexed: Mapping[str, AttributePath]) -> Plan:
    """Return the plan for a query. ``indexed`` are the paths of the attributes with index entries, by name."""
    unique = resource_type.unique_attribute
    order = query.order.path if query.order else None
    return plan_query(query.filter, order, IndexedAttributes(unique.name, unique.is_case_exact, frozenset(indexed)))


def needs_sorting(plan: Plan, query: Query, indexed: Mapping[str, AttributePath]) -> bool:
    """Return whether the results of a plan must be sorted, because the plan reads them in another order."""
    if query.order is None:
        return False
    match plan:
        case IndexLookupPlan(indexed_values):
            return len(indexed_values) > 1 or any(indexed_value.name in indexed for indexed_value in indexed_values)
        case RangePlan(OrderedIndex.UNIQUE_KEYS):
            leaf = query.order.path.leaf
            return leaf is None or not leaf.is_unique
        case RangePlan():
            return str(query.order.path) != LAST_MODIFIED
        case FullScanPlan():
            return True
