"""How a query is answered: from keys where some of its comparisons allow it, else by walking the tenant's users.

A plan is worked out without asking the table anything. What it finds must still be tried with the whole filter, unless
it is ``exact``: then whatever lies there matches, and is counted without being read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import Enum
from functools import reduce
from operator import and_

from scim.protocol.filter.ast import And, Comparison, Filter, Operator, Or, Path, ValuePath
from scim.protocol.normalize import Instant, normalize, parse_date_time
from scim.store.keys import is_searchable

# More keys than a few are looked up no faster than they are walked past.
MAX_INDEX_KEYS = 20
MODIFIED = "meta.lastModified"
_ORDERED = (Operator.GT, Operator.GE, Operator.LT, Operator.LE)
_LAST_CHARACTER = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class IndexedAttributes:
    """The attributes with keys, as paths print themselves: ``unique`` ordered, ``others`` for equality only."""

    unique: str
    case_exact: bool
    others: frozenset[str]

    @property
    def names(self) -> frozenset[str]:
        return self.others | {"id", self.unique}


@dataclass(frozen=True, slots=True)
class IndexKey:
    """All resources with ``value`` at the attribute of this name are found through its key."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class IndexLookup:
    """The union of what lies at some points, in the order of ids."""

    points: frozenset[IndexKey]
    exact: bool

    def __str__(self) -> str:
        return "points:" + ",".join(sorted({point.name for point in self.points}))


class OrderedIndex(Enum):
    """The keys that have an order of their own."""

    NAMES = "names"
    TIMES = "times"


@dataclass(frozen=True, slots=True)
class RangeScan:
    """What lies from ``first`` to ``last``, both included, in the order of its keys: those of the unique attribute, or
    the times of the last change as they are stored, which an index has."""

    keys: OrderedIndex
    first: str | None = None
    last: str | None = None
    exact: bool = True

    def __str__(self) -> str:
        return self.keys.value

    def __and__(self, other: RangeScan) -> RangeScan:
        firsts = [each.first for each in (self, other) if each.first is not None]
        lasts = [each.last for each in (self, other) if each.last is not None]
        exact = self.exact and other.exact
        return RangeScan(self.keys, max(firsts, default=None), min(lasts, default=None), exact)


@dataclass(frozen=True, slots=True)
class FullScan:
    """All resources in the order of ids."""

    exact: bool

    def __str__(self) -> str:
        return "ids" if self.exact else "walk"


Plan = IndexLookup | RangeScan | FullScan


def plan_query(tree: Filter | None, order: Path | None, indexes: IndexedAttributes) -> Plan:
    """The way to what a filter asks for, preferably in the order of ``order``."""
    if tree is None:
        by_name = order is not None and str(order) == indexes.unique
        return RangeScan(OrderedIndex.NAMES) if by_name else FullScan(exact=order is None)
    terms = tree.terms if isinstance(tree, And) else (tree,)
    found = find_index_keys(tree, indexes.names)
    if found is not None:
        # Nothing tells whether there is a user with an id before it is read.
        is_known = all(point.name != "id" for point in found)
        return IndexLookup(found, exact=is_known and len(terms) == 1 and _is_exact(tree))
    for ranges in (_names(terms, indexes), _times(terms)):
        if ranges:
            met = reduce(and_, ranges)
            return replace(met, exact=met.exact and len(ranges) == len(terms))
    return FullScan(exact=False)


def find_index_keys(tree: Filter, names: frozenset[str]) -> frozenset[IndexKey] | None:
    """The points among which everything lies that matches; ``None`` if there are none, or too many.

    Of an ``and`` one term is enough, of an ``or`` every term is needed.
    """
    match tree:
        case Comparison(path, Operator.EQ, str(value)):
            name = _name(path, names)
            return frozenset({IndexKey(name, value)}) if name else None
        case ValuePath(path) if path.selection is not None:
            prefix = f"{path.without_selection}."
            relative = frozenset(name.removeprefix(prefix) for name in names if name.startswith(prefix))
            found = find_index_keys(path.selection, relative)
            return found and frozenset(IndexKey(prefix + point.name, point.value) for point in found)
        case And(terms):
            known = [found for term in terms if (found := find_index_keys(term, names)) is not None]
            return min(known, key=len, default=None)
        case Or(terms):
            parts = [find_index_keys(term, names) for term in terms]
            union = frozenset(point for part in parts if part for point in part)
            return union if None not in parts and len(union) <= MAX_INDEX_KEYS else None
        case _:
            return None


def _name(path: Path, names: frozenset[str]) -> str | None:
    """The name under which the compared attribute has keys: a complex one is compared by its ``value``."""
    plain = str(path.without_selection)
    return next((name for name in (plain, f"{plain}.value") if name in names), None)


def _is_exact(tree: Filter) -> bool:
    """Whether whatever lies at the points of a filter matches it."""
    match tree:
        case Comparison(path):
            return path.selection is None
        case ValuePath(path):
            return isinstance(path.selection, Comparison)
        case Or(terms):
            return all(map(_is_exact, terms))
        case _:
            return False


def _names(terms: Iterable[Filter], indexes: IndexedAttributes) -> list[RangeScan]:
    found = []
    for term in terms:
        match term:
            case Comparison(path, operator, str(value)) if str(path) == indexes.unique:
                bound = normalize(value, case_exact=indexes.case_exact)
                if is_searchable(bound) and (names := _name_range(operator, bound)):
                    found.append(names)
    return found


def _name_range(operator: Operator, bound: str) -> RangeScan | None:
    match operator:
        case Operator.SW:
            return RangeScan(OrderedIndex.NAMES, bound, bound + _LAST_CHARACTER)
        case Operator.GE:
            return RangeScan(OrderedIndex.NAMES, first=bound)
        case Operator.GT:
            return RangeScan(OrderedIndex.NAMES, first=bound + "\0")
        case Operator.LE:
            return RangeScan(OrderedIndex.NAMES, last=bound)
        case Operator.LT:
            return RangeScan(OrderedIndex.NAMES, last=bound, exact=False)
        case _:
            return None


def _times(terms: Iterable[Filter]) -> list[RangeScan]:
    """An upper bound alone is no way: a walk is as short, and misses nobody who has just been changed."""
    found = []
    for term in terms:
        match term:
            case Comparison(path, operator, str(value)) if str(path) == MODIFIED and operator in _ORDERED:
                if (point := parse_date_time(value)) is not None:
                    found.append(_time_range(operator, point))
    return found if any(times.first is not None for times in found) else []


def _time_range(operator: Operator, point: Instant) -> RangeScan:
    """What is stored has whole milliseconds, so every bound can be included."""
    seconds, fraction = point
    milliseconds = seconds * 1_000 + int(fraction[:3].ljust(3, "0"))
    is_whole = len(fraction) <= 3
    match operator:
        case Operator.GE:
            return RangeScan(OrderedIndex.TIMES, first=_stored_time(milliseconds + (not is_whole)))
        case Operator.GT:
            return RangeScan(OrderedIndex.TIMES, first=_stored_time(milliseconds + 1))
        case Operator.LE:
            return RangeScan(OrderedIndex.TIMES, last=_stored_time(milliseconds))
        case _:
            return RangeScan(OrderedIndex.TIMES, last=_stored_time(milliseconds - is_whole))


def _stored_time(milliseconds: int) -> str:
    """A time as it is stored, within the years that have four digits."""
    days, rest = divmod(milliseconds, 86_400_000)
    if days < date.min.toordinal():
        return "0001-01-01T00:00:00.000Z"
    if days > date.max.toordinal():
        return "9999-12-31T23:59:59.999Z"
    seconds, millisecond = divmod(rest, 1_000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{date.fromordinal(days)}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z"
