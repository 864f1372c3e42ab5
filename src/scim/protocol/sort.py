"""The order that ``sortBy`` asks for (RFC 7644 section 3.4.2.3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from scim.protocol.errors import InvalidPath, InvalidValue
from scim.protocol.filter.ast import Path
from scim.protocol.filter.evaluator import compile_value_getter
from scim.protocol.filter.parser import parse_path
from scim.protocol.filter.path import UnknownAttribute
from scim.protocol.leniency import Dialect
from scim.protocol.normalize import normalize, parse_date_time
from scim.protocol.schema import Attribute, DataType, ResourceType

SortKey = Callable[[Mapping[str, Any]], tuple[bool, Any]]


@dataclass(frozen=True, slots=True)
class Sorting:
    """What ``sortBy`` names, and the function to sort by, ascending."""

    path: Path
    key: SortKey


def compile_sort(name: str, resource_type: ResourceType, dialect: Dialect) -> Sorting:
    """What to sort resources by: those without a value come last.

    A multi-valued attribute sorts by its primary or else first element, a complex one by its ``value``.
    Raises :class:`InvalidValue` for a name that no schema knows or that has no order.
    """
    try:
        path = parse_path(name, resource_type, dialect)
    except (UnknownAttribute, InvalidPath):
        raise InvalidValue("sortBy names no attribute of a schema; use one that /Schemas lists.") from None
    leaf = _ordered_leaf(path)
    elements = compile_value_getter(Path(path.attribute, None, path.extension, path.selection), dialect)

    def sort_key(resource: Mapping[str, Any]) -> tuple[bool, Any]:
        found = list(elements(resource))
        element = next((each for each in found if isinstance(each, dict) and each.get("primary") is True), None)
        element = element if element is not None else next(iter(found), None)
        value = element.get(leaf.name) if isinstance(element, dict) else element
        return (True, "") if value is None else (False, _order(leaf, value))

    return Sorting(path, sort_key)


def _ordered_leaf(path: Path) -> Attribute:
    leaf = path.leaf
    if leaf is not None and leaf.type is DataType.COMPLEX:
        leaf = leaf.find_sub_attribute("value")
    if leaf is None or leaf.is_write_only:
        raise InvalidValue("sortBy names an attribute without an order of its own: name one of its sub-attributes.")
    return leaf


def _order(attribute: Attribute, value: Any) -> Any:
    if attribute.type is DataType.DATE_TIME:
        return parse_date_time(value)
    return normalize(value, case_exact=attribute.case_exact) if isinstance(value, str) else value
