"""Compare the elements of multi-valued attributes, and keep at most one of them primary (RFC 7643 section 2.4).

Elements have no ids. Two elements with the same ``type`` and ``value`` are the same. Elements without a ``value``, such
as addresses, are the same if all their members except ``primary`` are.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from scim.protocol.errors import InvalidValue, Rule
from scim.protocol.normalize import normalize_string
from scim.protocol.schema import Attribute


def merge_duplicates(attribute: Attribute, elements: list[Any]) -> list[Any]:
    """Return the elements, with each duplicate merged into the first of its kind, in place.

    The first one gets the members of later ones that it lacks or that differ. It keeps the case of its other values.
    """
    if len(elements) < 2:
        return elements
    merged: dict[Hashable, Any] = {}
    for identity, element in zip(_identify(attribute, elements), elements, strict=True):
        first = merged.setdefault(identity, element)
        if first is not element and isinstance(first, dict):
            _merge_members(attribute, first, element)
    return list(merged.values())


def _identify(attribute: Attribute, elements: Iterable[Any]) -> Iterator[Hashable]:
    """Yield what identifies each element among those of its attribute."""
    if not attribute.is_complex:
        yield from (_normalize_value(attribute, element) for element in elements)
        return
    value_name, primary_name = _find_name(attribute, "value"), _find_name(attribute, "primary")
    identifying = [member for name, member in attribute.sub_attributes.items() if name in ("type", "value")]
    for element in elements:
        if value_name in element:
            yield tuple([_normalize_value(member, element.get(member.name)) for member in identifying])
        else:
            yield _normalize_members(attribute, {name: element[name] for name in element if name != primary_name})


def _merge_members(attribute: Attribute, target: dict[str, Any], element: Mapping[str, Any]) -> None:
    """Write the members of an element into ``target``, except those that are the same after normalization."""
    for name, value in element.items():
        sub_attribute = attribute.sub_attributes[name.lower()]
        normalized = _normalize_value(sub_attribute, value)
        if name not in target or _normalize_value(sub_attribute, target[name]) != normalized:
            target[name] = value


def check_primary(attribute: Attribute, elements: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether one of the elements is primary. An element without ``primary`` is not.

    Raise :class:`InvalidValue` if several are.
    """
    name = _find_name(attribute, "primary")
    count = sum(element.get(name) is True for element in elements)
    if count > 1:
        raise InvalidValue(
            f"Only one value of {attribute.name} can be primary. Set primary to true on one of them.",
            rule=Rule.PRIMARY,
            attribute=attribute.name,
        )
    return count == 1


def unmark_primary(attribute: Attribute, elements: Iterable[dict[str, Any]]) -> None:
    """Set ``primary`` to false on those elements that are primary, in place."""
    name = _find_name(attribute, "primary")
    for element in elements:
        if element.get(name) is True:
            element[name] = False


def exclude_elements(attribute: Attribute, elements: Sequence[Any], excluded: Iterable[Any]) -> list[Any]:
    """Return the elements, without those that have all members of an element in ``excluded``.

    Each element is compared by hash, because comparing all pairs is slow for large lists.
    """
    if not attribute.is_complex:
        excluded_values = {_normalize_value(attribute, element) for element in excluded}
        return [element for element in elements if _normalize_value(attribute, element) not in excluded_values]
    excluded_members = {_normalize_members(attribute, element) for element in excluded}
    name_sets = {frozenset(name for name, _ in members) for members in excluded_members}
    remaining_elements = []
    for element in elements:
        members = _normalize_members(attribute, element)
        parts = (frozenset(member for member in members if member[0] in names) for names in name_sets)
        if not any(part in excluded_members for part in parts):
            remaining_elements.append(element)
    return remaining_elements


def _normalize_members(attribute: Attribute, element: Mapping[str, Any]) -> frozenset[tuple[str, Any]]:
    """Return the normalized members of a complex element as a set, which can be hashed."""
    sub_attributes = attribute.sub_attributes
    return frozenset((name, _normalize_value(sub_attributes[name.lower()], value)) for name, value in element.items())


def _normalize_value(attribute: Attribute, value: Any) -> Any:
    return normalize_string(value, is_case_exact=attribute.is_case_exact) if isinstance(value, str) else value


def _find_name(attribute: Attribute, name: str) -> str:
    """Return the name of a sub-attribute as the schema spells it. ``name`` is in lower case."""
    sub_attribute = attribute.sub_attributes.get(name)
    return name if sub_attribute is None else sub_attribute.name
