"""Finding resources: a plan, and the source that it leads to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from scim.protocol.path import Path
from scim.protocol.schema import ResourceType
from scim.service.ports import Found, Query, StartIndex
from scim.store import keys
from scim.store.dynamo import Dynamo
from scim.store.ledger import Ledger
from scim.store.paging import Paging
from scim.store.plan import MODIFIED, Between, Everything, Indexes, Ordered, Plan, Points, plan
from scim.store.sources import ById, ByName, ByPoints, ByTime, Reader, Sorted, Source


class Finder:
    """Finds resources of one type in one tenant, for one query. ``now`` gives the seconds since 1970."""

    def __init__(
        self,
        dynamo: Dynamo,
        tenant_id: str,
        resource_type: ResourceType,
        indexed: Mapping[str, Path],
        now: Callable[[], float],
    ) -> None:
        self._dynamo = dynamo
        self._partition = keys.tenant(tenant_id)
        self._ledger = Ledger(dynamo, keys.ledger(tenant_id), now)
        self._type = resource_type
        self._indexed = indexed

    def find(self, query: Query) -> Found:
        found = choose(query, self._type, self._indexed)
        is_sorted = needs_sorting(found, query, self._indexed)
        reader = Reader(self._dynamo, self._partition, self._remedy())
        source = self._source(found, query, reader, light=is_sorted and not query.reads_meta)
        if query.order is not None and is_sorted:
            source = Sorted(reader, exact=True, source=source, matches=query.matches, order=query.order)
        paging = Paging(query, source, reader, self._ledger, f"{found},sort" if is_sorted else str(found))
        page = paging.by_index(query.start) if isinstance(query.start, StartIndex) else paging.beside(query.start)
        return replace(page, read=reader.read)

    def _source(self, found: Plan, query: Query, reader: Reader, *, light: bool) -> Source:
        match found:
            case Points(points):
                ordered = sorted(points, key=lambda point: (point.name, point.value))
                return ByPoints(reader, found.exact, self._type.unique, self._indexed, ordered)
            case Between(way, first, last) if way is Ordered.NAMES:
                total = self._ledger.total if first is None and last is None else None
                return ByName(reader, found.exact, self._type.unique, keys.names(first, last), _descends(query), total)
            case Between(_, first, last):
                return ByTime(reader, found.exact, keys.times(first, last), _descends(query))
            case Everything():
                return ById(reader, found.exact, self._ledger, light)

    def _remedy(self) -> str:
        names = ", ".join(("id", self._type.unique.name, *self._indexed))
        return f"Filter by one of {names} with eq, or by {MODIFIED} with gt."


def choose(query: Query, resource_type: ResourceType, indexed: Mapping[str, Path]) -> Plan:
    """The plan for a query."""
    unique = resource_type.unique
    order = query.order.path if query.order else None
    return plan(query.filter, order, Indexes(unique.name, unique.case_exact, frozenset(indexed)))


def needs_sorting(found: Plan, query: Query, indexed: Mapping[str, Path]) -> bool:
    """Whether a plan finds what it does in another order than the query's."""
    if query.order is None:
        return False
    match found:
        case Points(points):
            return len(points) > 1 or any(point.name in indexed for point in points)
        case Between(way):
            leaf = query.order.path.leaf
            in_order = leaf is not None and leaf.unique if way is Ordered.NAMES else str(query.order.path) == MODIFIED
            return not in_order
        case Everything():
            return True


def _descends(query: Query) -> bool:
    return query.order is not None and query.order.descending
