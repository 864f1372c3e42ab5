"""Immutable attributes and sub-attributes: once assigned they keep their value (RFC 7643 section 7).

An element of a multi-valued attribute can come and go as a whole. Elements have no identity in SCIM: one that has the
same ``value`` as before counts as the same element.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scim.protocol.errors import MutabilityError, Rule
from scim.protocol.resource import Resource, pair_by_schema
from scim.protocol.schema import Attribute, ResourceType
from scim.protocol.values.conformance import select_writable


def check_immutable(before: Resource, after: Resource, resource_type: ResourceType) -> None:
    """Raise :class:`Mutability` if an immutable attribute or sub-attribute that had a value has another one now."""
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
            raise _refusal(attribute.name)
    if not attribute.multi_valued:
        check_sub_attributes_unchanged(attribute, old, new or {})
    elif "value" in attribute.sub_attributes:
        _check_elements(attribute, old, new or ())


def check_sub_attributes_unchanged(attribute: Attribute, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Raise :class:`MutabilityError` if a write changes or removes an immutable sub-attribute of one complex value."""
    for member in attribute.immutable_sub_attributes:
        if member.name in old and new.get(member.name) != old[member.name]:
            raise _refusal(f"{attribute.name}.{member.name}")


def _check_elements(attribute: Attribute, old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> None:
    """Raise :class:`MutabilityError` for an element that keeps its ``value`` and not its immutable sub-attributes."""
    by_value: dict[Any, _Elements] = {}
    for element in old:
        if "value" in element:
            by_value.setdefault(element["value"], _Elements(attribute, element)).add(element)
    for element in new:
        before = by_value.get(element.get("value"))
        if before is not None and not before.have(element):
            check_sub_attributes_unchanged(attribute, before.first, element)


class _Elements:
    """Elements with the same ``value``; ``first`` is the first of them.

    Comparing each element with each other one would take large lists too long, so they are kept by the immutable
    sub-attributes that they have.
    """

    def __init__(self, attribute: Attribute, first: Mapping[str, Any]) -> None:
        self.first = first
        self._names = [member.name for member in attribute.immutable_sub_attributes]
        self._values: dict[tuple[str, ...], set[tuple[Any, ...]]] = {}

    def add(self, element: Mapping[str, Any]) -> None:
        names = tuple(name for name in self._names if name in element)
        self._values.setdefault(names, set()).add(tuple(element[name] for name in names))

    def have(self, element: Mapping[str, Any]) -> bool:
        """Return whether the element keeps the immutable sub-attributes of one of them."""
        return any(tuple(map(element.get, names)) in values for names, values in self._values.items())


def _refusal(name: str) -> MutabilityError:
    return MutabilityError(
        f"{name} is immutable: once assigned it can't be changed. Map it to a value that stays the same, or remove its "
        "mapping.",
        rule=Rule.IMMUTABLE,
        attribute=name,
    )
