"""How a filter is answered: from keys where some of its comparisons allow it, else by walking the tenant's users."""

from __future__ import annotations

from dataclasses import dataclass

from scim.protocol.filter.tree import And, Comparison, Filter, Operator, Or, ValuePath
from scim.protocol.path import Path

# More keys than a few are looked up no faster than they are walked past.
MAX_POINTS = 20


@dataclass(frozen=True, slots=True)
class Point:
    """All resources with ``value`` at the attribute of this name are found through its key."""

    name: str
    value: str


def points(tree: Filter, names: frozenset[str]) -> frozenset[Point] | None:
    """The points among which everything lies that matches; ``None`` if only a walk can tell.

    ``names`` are the attributes with keys, as paths print themselves. Of an ``and`` one term is enough, of an ``or``
    every term is needed. What is found at the points must still be tried with the whole filter.
    """
    match tree:
        case Comparison(path, Operator.EQ, str(value)):
            name = _name(path, names)
            return frozenset({Point(name, value)}) if name else None
        case ValuePath(path) if path.selection is not None:
            prefix = f"{path.plain}."
            relative = frozenset(name.removeprefix(prefix) for name in names if name.startswith(prefix))
            found = points(path.selection, relative)
            return found and frozenset(Point(prefix + point.name, point.value) for point in found)
        case And(terms):
            known = [found for term in terms if (found := points(term, names)) is not None]
            return min(known, key=len, default=None)
        case Or(terms):
            parts = [points(term, names) for term in terms]
            union = frozenset(point for part in parts if part for point in part)
            return union if None not in parts and len(union) <= MAX_POINTS else None
        case _:
            return None


def _name(path: Path, names: frozenset[str]) -> str | None:
    """The name under which the compared attribute has keys: a complex one is compared by its ``value``."""
    plain = str(path.plain)
    return next((name for name in (plain, f"{plain}.value") if name in names), None)
