"""Plan a query. Planning does not read the table.

The plan is one of these, the first that the filter allows:

1. look up values of indexed attributes
2. read a range of ordered keys
3. scan all resources

If a plan is *exact*, all resources that it reads match, and they can be counted without being read. Otherwise the whole
filter is evaluated on each resource.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import reduce
from operator import and_
from os.path import commonprefix

from scim.protocol.filter.ast import And, AttributePath, Comparison, ComparisonOperator, Filter, Or, ValuePath
from scim.protocol.normalize import Instant, list_substring_forms, normalize_string, parse_date_time
from scim.store.lookup_keys import truncate_bound

MAX_LOOKUP_VALUES = 20
"""The maximum number of values to look up. Looking up more is no faster than a scan."""
LAST_MODIFIED = "meta.lastModified"
_ORDERED = (ComparisonOperator.GT, ComparisonOperator.GE, ComparisonOperator.LT, ComparisonOperator.LE)
LAST_CHARACTER = "\U0010ffff"
"""The highest code point. A prefix followed by it is the upper bound of all keys with this prefix."""


@dataclass(frozen=True, slots=True)
class IndexedAttributes:
    """The paths of the attributes that have lookup items.

    ``unique`` has unique keys, which are ordered, so they serve equality and ranges. ``is_case_exact`` belongs to it.
    ``others`` have index entries, which serve only equality.
    """

    unique: str
    is_case_exact: bool
    others: frozenset[str]

    @property
    def names(self) -> frozenset[str]:
        """Return the paths of all attributes that can be looked up by value, including ``id``."""
        return self.others | {"id", self.unique}


@dataclass(frozen=True, slots=True)
class IndexedValue:
    """A value of an indexed attribute, by which resources can be looked up."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class IndexLookupPlan:
    """Read the resources that have at least one of the indexed values, in the order of their ids."""

    indexed_values: frozenset[IndexedValue]
    is_exact: bool

    def __str__(self) -> str:
        return "index:" + ",".join(sorted({indexed_value.name for indexed_value in self.indexed_values}))


class OrderedIndex(StrEnum):
    """The kinds of ordered keys. The log shows these values as the name of the plan."""

    UNIQUE_KEYS = "names"
    LAST_MODIFIED = "times"


@dataclass(frozen=True, slots=True)
class RangePlan:
    """Read the resources from key ``first`` to ``last``, inclusive, in the order of the keys.

    The keys are normalized values of the unique attribute, or stored values of ``meta.lastModified``. ``None`` means
    unbounded.
    """

    index: OrderedIndex
    first: str | None = None
    last: str | None = None
    is_exact: bool = True

    def __str__(self) -> str:
        return str(self.index)

    def __and__(self, other: RangePlan) -> RangePlan:
        """Return the intersection of two ranges of the same index."""
        firsts = [plan.first for plan in (self, other) if plan.first is not None]
        lasts = [plan.last for plan in (self, other) if plan.last is not None]
        is_exact = self.is_exact and other.is_exact
        return RangePlan(self.index, max(firsts, default=None), min(lasts, default=None), is_exact)


@dataclass(frozen=True, slots=True)
class FullScanPlan:
    """Read all resources in the order of their ids."""

    is_exact: bool

    def __str__(self) -> str:
        return "ids" if self.is_exact else "scan"


Plan = IndexLookupPlan | RangePlan | FullScanPlan


def plan_query(tree: Filter | None, order: AttributePath | None, indexes: IndexedAttributes) -> Plan:
    """Return the plan for a filter. Without a filter, prefer a plan that reads in the order of ``order``."""
    if tree is None:
        is_by_unique = order is not None and str(order) == indexes.unique
        return RangePlan(OrderedIndex.UNIQUE_KEYS) if is_by_unique else FullScanPlan(is_exact=order is None)
    terms = tree.operands if isinstance(tree, And) else (tree,)
    indexed_values = find_indexed_values(tree, indexes.names)
    if indexed_values is not None:
        # An id in the filter may not exist. Only reading the user shows that.
        has_id = any(indexed_value.name == "id" for indexed_value in indexed_values)
        return IndexLookupPlan(indexed_values, is_exact=not has_id and len(terms) == 1 and _is_exact(tree))
    for ranges in (_find_unique_key_ranges(terms, indexes), _find_last_modified_ranges(terms)):
        if ranges:
            intersection = reduce(and_, ranges)
            return replace(intersection, is_exact=intersection.is_exact and len(ranges) == len(terms))
    return FullScanPlan(is_exact=False)


def find_indexed_values(tree: Filter, names: frozenset[str]) -> frozenset[IndexedValue] | None:
    """Return indexed values such that every resource that matches the filter has at least one of them.

    For ``and``, the values of one term are enough. For ``or``, the values of all terms are needed. Return ``None`` if
    there are no such values, or more than 20. ``names`` are the paths of the indexed attributes.
    """
    match tree:
        case Comparison(path, ComparisonOperator.EQ, str(value)):
            name = _find_name(path, names)
            return frozenset({IndexedValue(name, value)}) if name else None
        case ValuePath(path) if path.value_filter is not None:
            prefix = f"{path.without_value_filter}."
            relative = frozenset(name.removeprefix(prefix) for name in names if name.startswith(prefix))
            indexed_values = find_indexed_values(path.value_filter, relative)
            return indexed_values and frozenset(
                IndexedValue(prefix + inner.name, inner.value) for inner in indexed_values
            )
        case And(terms):
            by_term = [values for term in terms if (values := find_indexed_values(term, names)) is not None]
            return min(by_term, key=len, default=None)
        case Or(terms):
            by_term_or_none = [find_indexed_values(term, names) for term in terms]
            union = frozenset(value for values in by_term_or_none if values for value in values)
            return union if None not in by_term_or_none and len(union) <= MAX_LOOKUP_VALUES else None
        case _:
            return None


def _find_name(path: AttributePath, names: frozenset[str]) -> str | None:
    """Return the indexed path of the compared attribute, or ``None``. Compare complex attributes by their ``value``."""
    plain = str(path.without_value_filter)
    return next((name for name in (plain, f"{plain}.value") if name in names), None)


def _is_exact(tree: Filter) -> bool:
    """Return whether every resource with one of the filter's indexed values matches the filter."""
    match tree:
        case Comparison(path):
            return path.value_filter is None
        case ValuePath(path):
            return isinstance(path.value_filter, Comparison)
        case Or(terms):
            return all(map(_is_exact, terms))
        case _:
            return False


def _find_unique_key_ranges(terms: Iterable[Filter], indexes: IndexedAttributes) -> list[RangePlan]:
    """Return a range for each term that limits the unique attribute."""
    ranges = []
    for term in terms:
        match term:
            case Comparison(path, operator, str(value)) if str(path) == indexes.unique:
                if plan := _plan_unique_key_range(operator, value, is_case_exact=indexes.is_case_exact):
                    ranges.append(plan)
    return ranges


def _plan_unique_key_range(operator: ComparisonOperator, value: str, *, is_case_exact: bool) -> RangePlan | None:
    """Return the range for a comparison with a value. Return ``None`` if the order of the keys does not help."""
    if operator is ComparisonOperator.SW:
        return _plan_prefix_range(list_substring_forms(value, is_case_exact=is_case_exact))
    normalized = normalize_string(value, is_case_exact=is_case_exact)
    bound = truncate_bound(normalized)
    if bound != normalized:
        return _plan_truncated_range(operator, bound)
    match operator:
        case ComparisonOperator.GE:
            return RangePlan(OrderedIndex.UNIQUE_KEYS, first=bound)
        case ComparisonOperator.GT:
            return RangePlan(OrderedIndex.UNIQUE_KEYS, first=bound + "\0")
        case ComparisonOperator.LE:
            return RangePlan(OrderedIndex.UNIQUE_KEYS, last=bound)
        case ComparisonOperator.LT:
            return RangePlan(OrderedIndex.UNIQUE_KEYS, last=bound, is_exact=False)
        case _:
            return None


def _plan_prefix_range(forms: Collection[str]) -> RangePlan | None:
    """Return the range of the values that begin with one of the forms, and possibly other values."""
    prefix = truncate_bound(commonprefix(list(forms)))  # noqa: RUF071  # these are no paths
    if not prefix and len(forms) > 1:
        return None
    return RangePlan(OrderedIndex.UNIQUE_KEYS, prefix, prefix + LAST_CHARACTER, is_exact=forms == {prefix})


def _plan_truncated_range(operator: ComparisonOperator, bound: str) -> RangePlan | None:
    """Return the range for a comparison with a long value that begins with ``bound``. It can include other keys."""
    match operator:
        case ComparisonOperator.GE | ComparisonOperator.GT:
            return RangePlan(OrderedIndex.UNIQUE_KEYS, first=bound, is_exact=False)
        case ComparisonOperator.LE | ComparisonOperator.LT:
            return RangePlan(OrderedIndex.UNIQUE_KEYS, last=bound + LAST_CHARACTER, is_exact=False)
        case _:
            return None


def _find_last_modified_ranges(terms: Iterable[Filter]) -> list[RangePlan]:
    """Return a range for each term that limits ``meta.lastModified``. Return none if there is only an upper bound.

    With only an upper bound, a full scan reads about as much, and it does not miss resources that have just changed.
    """
    ranges = []
    for term in terms:
        match term:
            case Comparison(path, operator, str(value)) if str(path) == LAST_MODIFIED and operator in _ORDERED:
                if (instant := parse_date_time(value)) is not None:
                    ranges.append(_plan_last_modified_range(operator, instant))
    return ranges if any(plan.first is not None for plan in ranges) else []


def _plan_last_modified_range(operator: ComparisonOperator, instant: Instant) -> RangePlan:
    """Return the inclusive range for a comparison. Stored times are whole milliseconds, so every bound has one."""
    seconds, fraction = instant
    milliseconds = seconds * 1_000 + int(fraction[:3].ljust(3, "0"))
    is_whole = len(fraction) <= 3
    match operator:
        case ComparisonOperator.GE:
            return RangePlan(OrderedIndex.LAST_MODIFIED, first=_format_time(milliseconds + (not is_whole)))
        case ComparisonOperator.GT:
            return RangePlan(OrderedIndex.LAST_MODIFIED, first=_format_time(milliseconds + 1))
        case ComparisonOperator.LE:
            return RangePlan(OrderedIndex.LAST_MODIFIED, last=_format_time(milliseconds))
        case _:
            return RangePlan(OrderedIndex.LAST_MODIFIED, last=_format_time(milliseconds - is_whole))


def _format_time(milliseconds: int) -> str:
    """Return a time in the format of stored times. A year outside 0001 to 9999 becomes the nearest stored time.

    ``milliseconds`` count from the same origin as :data:`scim.protocol.normalize.Instant`.
    """
    days, rest = divmod(milliseconds, 86_400_000)
    if days < date.min.toordinal():
        return "0001-01-01T00:00:00.000Z"
    if days > date.max.toordinal():
        return "9999-12-31T23:59:59.999Z"
    seconds, millisecond = divmod(rest, 1_000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{date.fromordinal(days)}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z"
