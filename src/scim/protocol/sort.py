"""Sort resources by an attribute: ``sortBy`` (RFC 7644 section 3.4.2.3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scim.protocol.errors import InvalidParameter, InvalidPath
from scim.protocol.filter.ast import AttributePath
from scim.protocol.filter.evaluator import compile_value_getter
from scim.protocol.filter.parser import parse_attribute_name
from scim.protocol.filter.path import UnknownAttribute
from scim.protocol.leniency import LeniencyTracker
from scim.protocol.normalize import normalize_string, parse_date_time
from scim.protocol.schema import Attribute, DataType, ResourceType

SortKeyFunction = Callable[[Mapping[str, Any]], tuple[bool, Any]]
"""Returns the sort key of a resource: whether the value is absent, and the normalized value."""


@dataclass(frozen=True, slots=True)
class CompiledSort:
    """The path of the attribute in ``sortBy``, and the key function that sorts resources in ascending order."""

    path: AttributePath
    key: SortKeyFunction


def compile_sort(name: str, resource_type: ResourceType, leniencies: LeniencyTracker) -> CompiledSort:
    """Compile ``sortBy`` into a function that returns the sort key of a resource.

    Resources without a value come last. A multi-valued attribute sorts by its primary element, or else its first. A
    complex one sorts by its ``value``. Raise :class:`InvalidParameter` for an unknown attribute, for a writeOnly one,
    and for a complex one without ``value``.
    """
    try:
        path = parse_attribute_name(name, resource_type, leniencies)
    except UnknownAttribute:
        raise InvalidParameter(
            "sortBy names an attribute that no schema has. Use an attribute that /Schemas lists."
        ) from None
    except InvalidPath as error:
        raise InvalidParameter(f"sortBy has a malformed attribute name. {error.detail}") from None
    leaf = _find_sortable_leaf(path)
    get_elements = compile_value_getter(
        AttributePath(path.attribute, None, path.extension, path.value_filter), leniencies
    )

    def sort_key(resource: Mapping[str, Any]) -> tuple[bool, Any]:
        element = _select_element(get_elements(resource))
        value = element.get(leaf.name, leaf.absent_value) if isinstance(element, dict) else element
        return (True, "") if value is None else (False, _normalize_value(leaf, value))

    return CompiledSort(path, sort_key)


def _select_element(elements: Sequence[Any]) -> Any:
    """Return the primary element, else the first one, else ``None``."""
    for element in elements:
        if isinstance(element, dict) and element.get("primary") is True:
            return element
    return elements[0] if elements else None


def _find_sortable_leaf(path: AttributePath) -> Attribute:
    """Return the attribute whose values are compared. A complex attribute is compared by its ``value``."""
    leaf = path.leaf
    if leaf is not None and leaf.type is DataType.COMPLEX:
        leaf = leaf.find_sub_attribute("value")
    if leaf is None or leaf.is_write_only:
        raise InvalidParameter("sortBy names a complex attribute. Sort by one of its sub-attributes.")
    return leaf


def _normalize_value(attribute: Attribute, value: Any) -> Any:
    """Return a value in a form that Python sorts in the order of the attribute's type."""
    if attribute.type is DataType.DATE_TIME:
        return parse_date_time(value)
    return normalize_string(value, is_case_exact=attribute.is_case_exact) if isinstance(value, str) else value
