"""Stored values that no schema serves: every response hides them, and every write keeps them.

There are two reasons for such values. An execution environment can have settings that are up to a minute old, and not
know a schema that was added since. Or somebody removed a schema or an attribute, which may come back. A client can not
see these values, so a PUT does not clear them: RFC 7644 section 3.5.1 lets a service take into account whether a client
has access to all attributes of a resource.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from scim.protocol.resource import Resource, is_urn, set_schemas
from scim.protocol.schema import Attribute, ResourceType, Schema
from scim.protocol.values.conformance import (
    conform,
    conform_element,
    conform_members,
    find_stored_attribute,
    select_writable,
    select_writable_members,
)

_MAX_COMPARISONS = 100
"""The number of stored elements with which an element is compared, if there are so many that resemble it."""


def hide_unserved(resource: Resource, resource_type: ResourceType) -> Resource:
    """Return the part of a stored resource that the schemas serve; the resource itself if it has no custom extension.

    The result does not have values of another type than their attribute has. The standard schemas are always served.
    """
    standard = resource_type.standard_urns
    extensions = [name for name in resource if ":" in name and name not in standard]  # no other name has a colon
    if not extensions:
        return resource
    shown = dict(resource)
    for urn in extensions:
        schema = resource_type.extensions_by_id.get(urn)
        members = _conform(schema, resource[urn]) if schema is not None else {}
        if members:
            shown[urn] = members
        else:
            del shown[urn]
    if len(shown) < len(resource):
        shown["schemas"] = [urn for urn in resource["schemas"] if urn in shown or urn == resource_type.core.id]
    return shown


def _conform(schema: Schema, members: Any) -> Any:
    """Return the members that a schema serves; the same object if all of them are simple values of the right type."""
    classes = schema.value_classes
    for name, value in members.items() if members.__class__ is dict else ():
        if value.__class__ is not classes.get(name):
            return conform_members(schema.attributes, members)
    return members if members.__class__ is dict else {}


def keep_unserved(stored: Resource, resource: Resource, resource_type: ResourceType) -> Resource:
    """Return ``resource`` with the values of the ``stored`` one that a client can not write.

    These are the values that :func:`hide_unserved` leaves out, and those of readOnly attributes and sub-attributes.
    """
    extensions = [name for name in stored if is_urn(name)]
    if not extensions:
        return resource
    merged = dict(resource)
    for urn in extensions:
        schema = resource_type.extensions_by_id.get(urn)
        if schema is None:
            merged[urn] = stored[urn]
        elif members := _merge_members(schema.attributes, stored[urn], resource.get(urn, {})):
            merged[urn] = members
    return set_schemas(merged, resource_type)


def _merge_members(attributes: Mapping[str, Attribute], stored: Any, members: Mapping[str, Any]) -> dict[str, Any]:
    """Return the new members of an object, with the parts of the stored ones that a client can not write."""
    merged = dict(members)
    for name, value in stored.items() if isinstance(stored, dict) else ():
        if value.__class__ is str and members.get(name) == value:
            continue  # most values
        attribute = find_stored_attribute(attributes, name)
        kept = value if attribute is None else _merge_value(attribute, value, members.get(name))
        if kept is not None:
            merged[name] = kept
    return merged


def _merge_value(attribute: Attribute, stored: Any, value: Any) -> Any:
    """Do the same for the value of an attribute; ``None`` stands for no value."""
    served = conform(attribute, stored)
    if attribute.is_read_only or value == served or value == select_writable(attribute, served):
        return stored
    if attribute.multi_valued:
        return _merge_elements(attribute, stored, value or []) if isinstance(stored, list) else value
    if attribute.is_complex:
        return _merge_members(attribute.sub_attributes, stored, value or {}) or None
    return value


def _merge_elements(attribute: Attribute, stored: Sequence[Any], elements: Sequence[Any]) -> list[Any] | None:
    """Do the same for the elements of an attribute.

    Stored elements of which a client can write nothing stay, at the end.
    """
    writable = [_select_writable(attribute, conform_element(attribute, element)) for element in stored]
    kept = [element for element, part in zip(stored, writable, strict=True) if not part]
    elements = [element for element in elements if _select_writable(attribute, element)]
    if not any(part and element != part for element, part in zip(stored, writable, strict=True)):
        return [*elements, *kept] or None
    served = [
        conform_element(attribute, element) if part else None for element, part in zip(stored, writable, strict=True)
    ]
    origins = _find_origins(served, elements)
    merged = [
        element if origin is None else _merge_members(attribute.sub_attributes, stored[origin], element)
        for element, origin in zip(elements, origins, strict=True)
    ]
    return [*merged, *kept] or None


def _select_writable(attribute: Attribute, element: Any) -> Any:
    """Return the part of an element that a client can write; nothing of one that does not conform."""
    if attribute.has_read_only_sub_attributes and element is not None:
        return select_writable_members(attribute, element)
    return element


def _find_origins(before: Sequence[Mapping[str, Any] | None], after: Sequence[Mapping[str, Any]]) -> list[int | None]:
    """Return for each element after a write the index of the element that it was before: an equal or a similar one.

    Elements have no identity in SCIM. Their values are hashable: no sub-attribute is complex or multi-valued.
    """
    candidates = {index: frozenset(element.items()) for index, element in enumerate(before) if element is not None}
    indexes: dict[frozenset[Any], list[int]] = {}
    for index, members in reversed(candidates.items()):
        indexes.setdefault(members, []).append(index)
    elements = [frozenset(element.items()) for element in after]
    origins = [indexes[members].pop() if indexes.get(members) else None for members in elements]
    for origin in origins:
        if origin is not None:
            del candidates[origin]
    similar = _SimilarElements(candidates)
    return [similar.take(element) if origin is None else origin for element, origin in zip(after, origins, strict=True)]


class _SimilarElements:
    """The stored elements that no equal element was found for, by each of their members.

    An element is compared with a few of them only: comparing all with all would take large lists too long.
    """

    def __init__(self, candidates: Mapping[int, frozenset[Any]]) -> None:
        self._candidates = candidates
        self._by_member: dict[Any, dict[int, None]] = {}
        for index, members in candidates.items():
            for member in members:
                self._by_member.setdefault(member, {})[index] = None

    def take(self, element: Mapping[str, Any]) -> int | None:
        """Return the index of the one that shares its ``value`` or else most members, ``None`` if none shares any.

        It is returned only once.
        """
        members = frozenset(element.items())

        def similarity(index: int) -> tuple[bool, int, int]:
            shared = members & self._candidates[index]
            return any(name == "value" for name, _ in shared), len(shared), -index

        limit = max(1, _MAX_COMPARISONS // len(element))
        compared = {index for member in members for index in islice(self._by_member.get(member, ()), limit)}
        best = max(compared, key=similarity, default=None)
        if best is not None:
            for member in self._candidates[best]:
                del self._by_member[member][best]
        return best
