"""Values that are stored and not served: hidden from every answer, and kept by every write.

Such values come about in two ways. An execution environment may have settings that are up to a minute old, and not know
a schema that was added since. And a schema or an attribute may have been removed, and may come back. A client can
neither see nor mean these values, so a PUT does not clear them: RFC 7644 section 3.5.1 lets a service take into account
whether a client has access to all attributes of a resource.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scim.protocol.conformance import conform, conform_element, conform_members, find_attribute
from scim.protocol.resource import Resource, is_urn, list_schemas
from scim.protocol.schema import Attribute, ResourceType


def hide_unserved(resource: Resource, resource_type: ResourceType) -> Resource:
    """Return what of a stored resource the schemas serve; the resource itself where it has no custom extension.

    What an extension holds of another shape than its schema says is left out as well. What the standard defines is
    always served.
    """
    standard = resource_type.standard_urns
    extensions = [name for name in resource if ":" in name and name not in standard]  # no other name has a colon
    if not extensions:
        return resource
    shown = dict(resource)
    for urn in extensions:
        schema = resource_type.extensions_by_id.get(urn)
        members = conform_members(schema.attributes, resource[urn]) if schema is not None else {}
        if members:
            shown[urn] = members
        else:
            del shown[urn]
    if len(shown) < len(resource):
        shown["schemas"] = [each for each in resource["schemas"] if each in shown or each == resource_type.core.id]
    return shown


def keep_unserved(stored: Resource, resource: Resource, resource_type: ResourceType) -> Resource:
    """Return the resource that takes the place of the stored one: with all that a client can not write.

    That is what :func:`hide_unserved` leaves out, and the values of readOnly attributes and sub-attributes.
    """
    extensions = [name for name in stored if is_urn(name)]
    if not extensions:
        return resource
    kept = dict(resource)
    for urn in extensions:
        schema = resource_type.extensions_by_id.get(urn)
        if schema is None:
            kept[urn] = stored[urn]
        elif members := _merge(schema.attributes, stored[urn], resource.get(urn, {})):
            kept[urn] = members
    return list_schemas(kept, resource_type)


def _merge(attributes: Mapping[str, Attribute], stored: Any, members: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members with what of the stored ones no client can write."""
    merged = dict(members)
    for name, value in stored.items() if isinstance(stored, dict) else ():
        attribute = find_attribute(attributes, name)
        kept = value if attribute is None else _keep_value(attribute, value, members.get(name))
        if kept is not None:
            merged[name] = kept
    return merged


def _keep_value(attribute: Attribute, stored: Any, value: Any) -> Any:
    """Return the new value of an attribute, with what of the stored one no client can write; ``None`` for none."""
    if attribute.read_only or value == conform(attribute, stored):
        return stored
    if attribute.multi_valued:
        return _keep_elements(attribute, stored, value or []) if isinstance(stored, list) else value
    if attribute.complex:
        return _merge(attribute.sub_attributes, stored, value or {}) or None
    return value


def _keep_elements(attribute: Attribute, stored: Sequence[Any], elements: Sequence[Any]) -> list[Any] | None:
    """Return the new elements, each merged with the stored element that it comes from, and those nobody can see."""
    seen = [(each, conform_element(attribute, each)) for each in stored]
    unseen = [each for each, shown in seen if shown is None]
    if not attribute.complex:
        return [*elements, *unseen] or None
    origins = _pair([shown for _, shown in seen], elements)
    merged = [
        each if origin is None else _merge(attribute.sub_attributes, stored[origin], each)
        for each, origin in zip(elements, origins, strict=True)
    ]
    return [*merged, *unseen] or None


def _pair(before: Sequence[Mapping[str, Any] | None], after: Sequence[Mapping[str, Any]]) -> list[int | None]:
    """Return for each element the index of the one that it was before: the equal one, else the most similar one.

    Elements have no identity in SCIM. Sub-attributes are never complex or multi-valued, so their values are hashable.
    """
    rest = {index: frozenset(each.items()) for index, each in enumerate(before) if each is not None}
    wanted = [frozenset(each.items()) for each in after]
    equal: dict[frozenset[Any], list[int]] = {}
    for index, members in reversed(rest.items()):
        equal.setdefault(members, []).append(index)
    origins = [equal[each].pop() if equal.get(each) else None for each in wanted]
    for origin in origins:
        rest.pop(-1 if origin is None else origin, None)
    for number, members in enumerate(wanted):
        if origins[number] is None and (similar := _most_similar(members, rest)) is not None:
            origins[number] = similar
            del rest[similar]
    return origins


def _most_similar(members: frozenset[Any], candidates: Mapping[int, frozenset[Any]]) -> int | None:
    """Return the index of the candidate that shares most with an element, its ``value`` above all; ``None`` if none."""

    def similarity(index: int) -> tuple[bool, int]:
        shared = members & candidates[index]
        return any(name == "value" for name, _ in shared), len(shared)

    best = max(candidates, key=similarity, default=None)
    return best if best is not None and similarity(best)[1] else None
