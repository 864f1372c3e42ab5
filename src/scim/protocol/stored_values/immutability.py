"""Check that a write does not change stored values of immutable attributes or sub-attributes (RFC 7643 section 7).

Clients may add and remove whole elements of a multi-valued attribute. SCIM elements have no ids, so an element with the
same ``value`` as a stored one counts as the same element.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scim.protocol.errors import MutabilityError, Rule
from scim.protocol.resource import Resource, pair_by_schema
from scim.protocol.schema import Attribute, ResourceType
from scim.protocol.values.conformance import select_writable


def check_immutable(before: Resource, after: Resource, resource_type: ResourceType) -> None:
    """Raise :class:`MutabilityError` if a write changes or removes an immutable value."""
    for schema, old_members, new_members in pair_by_schema(before, after, resource_type):
        for attribute in schema.immutable_attributes:
            if attribute.name in old_members:
                check_attribute_unchanged(attribute, old_members[attribute.name], new_members.get(attribute.name))


def check_attribute_unchanged(attribute: Attribute, old: Any, new: Any) -> None:
    """Raise :class:`MutabilityError` if a write changes or removes an immutable part of an attribute's value.

    ``old`` and ``new`` are the whole value before and after the write. ``new`` is ``None`` if the value is removed.
    """
    if attribute.is_immutable and new != old:
        old_writable = select_writable(attribute, old)
        if old_writable is not None and select_writable(attribute, new) != old_writable:
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
    """Raise :class:`MutabilityError` if an element with the ``value`` of a stored one has other immutable members."""
    by_value: dict[Any, _SameValueElements] = {}
    for element in old:
        if "value" in element:
            by_value.setdefault(element["value"], _SameValueElements(attribute, element)).add(element)
    for element in new:
        old_elements = by_value.get(element.get("value"))
        if old_elements is not None and not old_elements.has_match_for(element):
            check_sub_attributes_unchanged(attribute, old_elements.first, element)


class _SameValueElements:
    """The stored elements with one ``value``. ``first`` is the first of them.

    They are indexed by their immutable sub-attributes, because comparing all pairs is slow for large lists.
    """

    def __init__(self, attribute: Attribute, first: Mapping[str, Any]) -> None:
        self.first = first
        self._names = [sub_attribute.name for sub_attribute in attribute.immutable_sub_attributes]
        self._values: dict[tuple[str, ...], set[tuple[Any, ...]]] = {}

    def add(self, element: Mapping[str, Any]) -> None:
        """Add an element to the index."""
        names = tuple(name for name in self._names if name in element)
        self._values.setdefault(names, set()).add(tuple(element[name] for name in names))

    def has_match_for(self, element: Mapping[str, Any]) -> bool:
        """Return whether ``element`` has all immutable sub-attributes of at least one stored element."""
        return any(tuple(map(element.get, names)) in values for names, values in self._values.items())


def _create_error(name: str) -> MutabilityError:
    """Return the error for an attribute, or for a sub-attribute such as ``emails.type``."""
    return MutabilityError(
        f"{name} is immutable: it cannot be changed once it has a value. Map it to an attribute that never changes, or "
        "remove its mapping.",
        rule=Rule.IMMUTABLE,
        attribute=name,
    )
