"""Immutable attributes and sub-attributes: a write must not change a value that is stored (RFC 7643 section 7).

Elements of a multi-valued attribute can be added and removed as a whole. Elements have no identity in SCIM: an element
with the same ``value`` as a stored one counts as the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scim.protocol.errors import MutabilityError, Rule
from scim.protocol.resource import Resource, pair_by_schema
from scim.protocol.schema import Attribute, ResourceType
from scim.protocol.values.conformance import select_writable


def check_immutable(before: Resource, after: Resource, resource_type: ResourceType) -> None:
    """Raise :class:`MutabilityError` if an immutable attribute or sub-attribute had another value before the write."""
    for schema, old, new in pair_by_schema(before, after, resource_type):
        for attribute in schema.immutable_attributes:
            if attribute.name in old:
                check_attribute_unchanged(attribute, old[attribute.name], new.get(attribute.name))


def check_attribute_unchanged(attribute: Attribute, old: Any, new: Any) -> None:
    """Raise :class:`MutabilityError` if a write changes or removes something immutable.

    ``old`` and ``new`` are the whole value of the attribute before and after; ``None`` as the new value is a removal.
    """
    if attribute.is_immutable and new != old:
        assigned = select_writable(attribute, old)
        if assigned is not None and select_writable(attribute, new) != assigned:
            raise _create_error(attribute.name)
    if not attribute.is_multi_valued:
        check_sub_attributes_unchanged(attribute, old, new or {})
    elif "value" in attribute.sub_attributes:
        _check_elements(attribute, old, new or ())


def check_sub_attributes_unchanged(attribute: Attribute, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Raise :class:`MutabilityError` if a write changes or removes an immutable sub-attribute of one complex value."""
    for sub_attribute in attribute.immutable_sub_attributes:
        name = sub_attribute.name
        if name in old and new.get(name) != old[name]:
            raise _create_error(f"{attribute.name}.{name}")


def _check_elements(attribute: Attribute, old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> None:
    """Raise :class:`MutabilityError` for an element with the ``value`` of a stored one, but other immutable members."""
    by_value: dict[Any, _SameValueElements] = {}
    for element in old:
        if "value" in element:
            by_value.setdefault(element["value"], _SameValueElements(attribute, element)).add(element)
    for element in new:
        stored = by_value.get(element.get("value"))
        if stored is not None and not stored.matches_immutables(element):
            check_sub_attributes_unchanged(attribute, stored.first, element)


class _SameValueElements:
    """Stored elements with the same ``value``; ``first`` is the first of them.

    They are indexed by their immutable sub-attributes, because comparing all with all is slow for large lists.
    """

    def __init__(self, attribute: Attribute, first: Mapping[str, Any]) -> None:
        self.first = first
        self._names = [sub_attribute.name for sub_attribute in attribute.immutable_sub_attributes]
        self._values: dict[tuple[str, ...], set[tuple[Any, ...]]] = {}

    def add(self, element: Mapping[str, Any]) -> None:
        names = tuple(name for name in self._names if name in element)
        self._values.setdefault(names, set()).add(tuple(element[name] for name in names))

    def matches_immutables(self, element: Mapping[str, Any]) -> bool:
        """Return whether the element has all immutable sub-attributes of one of these elements."""
        return any(tuple(map(element.get, names)) in values for names, values in self._values.items())


def _create_error(name: str) -> MutabilityError:
    return MutabilityError(
        f"{name} is immutable: once assigned it can't be changed. Map it to a value that stays the same, or remove its "
        "mapping.",
        rule=Rule.IMMUTABLE,
        attribute=name,
    )
