"""Hide nonconforming values in responses and preserve them in writes.

A nonconforming value is a stored value that the current schemas do not allow. There are two causes:

- An execution environment caches a tenant's settings for up to a minute, so it may not know a schema that was added.
- A schema or an attribute was removed, and may be added again.

Clients cannot see these values, so a PUT does not clear them. RFC 7644 section 3.5.1 lets a server consider whether the
client has access to all attributes of a resource.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from scim.protocol.resource import Resource, is_urn, set_schemas
from scim.protocol.schema import Attribute, ResourceType, Schema
from scim.protocol.values.conformance import (
    find_stored_attribute,
    select_conforming,
    select_conforming_element,
    select_conforming_members,
    select_writable,
    select_writable_members,
)

_MAX_COMPARISONS = 100
"""The maximum number of stored elements that a new element is compared with."""


def hide_nonconforming(resource: Resource, resource_type: ResourceType) -> Resource:
    """Return a stored resource without its nonconforming values.

    Only custom schemas can have such values. A resource without custom attributes is returned as it is.
    """
    standard = resource_type.standard_extension_urns
    extensions = [name for name in resource if ":" in name and name not in standard]  # no other name has a colon
    if not extensions:
        return resource
    visible = dict(resource)
    for urn in extensions:
        schema = resource_type.extensions_by_id.get(urn)
        members = _select_conforming_members(schema, resource[urn]) if schema is not None else {}
        if members:
            visible[urn] = members
        else:
            del visible[urn]
    if len(visible) < len(resource):
        core_urn = resource_type.core_schema.id
        visible["schemas"] = [urn for urn in resource["schemas"] if urn in visible or urn == core_urn]
    return visible


def _select_conforming_members(schema: Schema, members: Any) -> Any:
    """Return the conforming members of an extension. If all are simple values of the right type, return ``members``."""
    classes = schema.value_classes
    for name, value in members.items() if members.__class__ is dict else ():
        if value.__class__ is not classes.get(name):
            return select_conforming_members(schema.attributes, members)
    return members if members.__class__ is dict else {}


def preserve_unwritable(stored: Resource, resource: Resource, resource_type: ResourceType) -> Resource:
    """Return ``resource``, the new version, with those stored values added that clients cannot write.

    These are the values that :func:`hide_nonconforming` hides, and those of readOnly attributes and sub-attributes.
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
    """Return the new members of an object, with the stored parts added that clients cannot write."""
    merged = dict(members)
    for name, value in stored.items() if isinstance(stored, dict) else ():
        if value.__class__ is str and members.get(name) == value:
            continue  # most values
        attribute = find_stored_attribute(attributes, name)
        merged_value = value if attribute is None else _merge_value(attribute, value, members.get(name))
        if merged_value is not None:
            merged[name] = merged_value
    return merged


def _merge_value(attribute: Attribute, stored: Any, value: Any) -> Any:
    """Return the new value of an attribute, with the stored parts added that clients cannot write.

    ``None`` means that there is no value.
    """
    visible = select_conforming(attribute, stored)
    if attribute.is_read_only or value == visible or value == select_writable(attribute, visible):
        return stored
    if attribute.is_multi_valued:
        return _merge_elements(attribute, stored, value or []) if isinstance(stored, list) else value
    if attribute.is_complex:
        return _merge_members(attribute.sub_attributes, stored, value or {}) or None
    return value


def _merge_elements(attribute: Attribute, stored: Sequence[Any], elements: Sequence[Any]) -> list[Any] | None:
    """Return the new elements, with the stored parts added that clients cannot write.

    A stored element that clients cannot write at all is preserved at the end of the list.
    """
    writable = [_select_writable(attribute, select_conforming_element(attribute, element)) for element in stored]
    preserved = [element for element, part in zip(stored, writable, strict=True) if not part]
    elements = [element for element in elements if _select_writable(attribute, element)]
    if not any(part and element != part for element, part in zip(stored, writable, strict=True)):
        return [*elements, *preserved] or None
    visible = [
        select_conforming_element(attribute, element) if part else None
        for element, part in zip(stored, writable, strict=True)
    ]
    origins = _find_origins(visible, elements)
    merged = [
        element if origin is None else _merge_members(attribute.sub_attributes, stored[origin], element)
        for element, origin in zip(elements, origins, strict=True)
    ]
    return [*merged, *preserved] or None


def _select_writable(attribute: Attribute, element: Any) -> Any:
    """Return the part of a conforming element that clients can write. Return ``None`` for ``None``."""
    if attribute.has_read_only_sub_attributes and element is not None:
        return select_writable_members(attribute, element)
    return element


def _find_origins(before: Sequence[Mapping[str, Any] | None], after: Sequence[Mapping[str, Any]]) -> list[int | None]:
    """Return, for each element after a write, the index of the stored element that it replaces, or ``None``.

    SCIM elements have no ids, so this is an equal element, or else the most similar one. The values in elements are
    hashable, because no sub-attribute is complex or multi-valued.
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
    return [
        similar.take_most_similar(element) if origin is None else origin
        for element, origin in zip(after, origins, strict=True)
    ]


class _SimilarElements:
    """The stored elements without an equal new element, indexed by each of their members.

    A new element is compared with only a few of them, because comparing all pairs is slow for large lists.
    """

    def __init__(self, candidates: Mapping[int, frozenset[Any]]) -> None:
        self._candidates = candidates
        self._by_member: dict[Any, dict[int, None]] = {}
        for index, members in candidates.items():
            for member in members:
                self._by_member.setdefault(member, {})[index] = None

    def take_most_similar(self, element: Mapping[str, Any]) -> int | None:
        """Remove the most similar element and return its index. Return ``None`` if no element has a common member.

        An element with the same ``value`` is the most similar one. Otherwise the number of common members decides.
        """
        members = frozenset(element.items())

        def measure_similarity(index: int) -> tuple[bool, int, int]:
            common = members & self._candidates[index]
            return any(name == "value" for name, _ in common), len(common), -index

        limit = max(1, _MAX_COMPARISONS // len(element))
        indexes = {index for member in members for index in islice(self._by_member.get(member, ()), limit)}
        most_similar = max(indexes, key=measure_similarity, default=None)
        if most_similar is not None:
            for member in self._candidates[most_similar]:
                del self._by_member[member][most_similar]
        return most_similar
