"""References: attribute values that name another resource of the same type, which may not exist yet.

Complex attributes with a ``$ref`` to such a resource have them (RFC 7643 section 2.4), such as ``manager`` of the
enterprise schema, and so have custom attributes in the format ``employee``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from scim.protocol.resource import Resource
from scim.protocol.schema import Attribute, ResourceType

_MAX_REFERENCES = 50
"""The maximum number of references in a resource. Further values are stored, but not resolved."""
_MAX_VALUE_LENGTH = 256
"""The maximum length of a value that can name a resource. Longer values are stored, but not resolved."""

JsonPointer = tuple[str | int, ...]
"""The member names and list indexes that lead to a value in a JSON document: the tokens of an RFC 6901 pointer."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A value that references another resource.

    ``attribute`` is the path of the attribute, with its URN unless it is in the core schema. ``value`` is the value and
    ``ref`` the ``$ref`` that the client sent. ``pointer`` leads to the value in the resource. ``can_add_ref`` is true
    if responses can have a ``$ref`` next to the value: the attribute has one, and a client can send it back.
    """

    attribute: str
    value: str
    ref: str | None
    pointer: JsonPointer
    can_add_ref: bool

    def replace_in(self, resource: Resource, replace: Callable[[Resource], Resource]) -> Resource:
        """Return a copy of the resource with the reference's complex value replaced by the result of ``replace``."""
        copy: Resource = _replace_at(resource, self.pointer, replace)
        return copy


def _replace_at(value: Any, pointer: JsonPointer, replace: Callable[[Any], Any]) -> Any:
    """Return a copy of a JSON value in which the value at ``pointer`` is replaced by the result of ``replace``."""
    if not pointer:
        return replace(value)
    copy = value.copy()
    copy[pointer[0]] = _replace_at(value[pointer[0]], pointer[1:], replace)
    return copy


def find_references(resource: Resource, resource_type: ResourceType) -> list[Reference]:
    """Return the references in a stored resource, in the order of the schemas.

    A stored value that does not have the type of its attribute is ignored: the schema may have changed.
    """
    return list(_find_references(resource, resource_type))[:_MAX_REFERENCES]


def _find_references(resource: Resource, resource_type: ResourceType) -> Iterator[Reference]:
    """Yield every reference in a stored resource."""
    for schema, attribute in resource_type.reference_attributes:
        is_core = schema is resource_type.core_schema
        members = resource if is_core else resource.get(schema.id)
        if not isinstance(members, dict) or attribute.name not in members:
            continue
        name = attribute.name if is_core else f"{schema.id}:{attribute.name}"
        attribute_pointer = (attribute.name,) if is_core else (schema.id, attribute.name)
        for pointer, element in _list_elements(attribute, members[attribute.name], attribute_pointer):
            value, ref = (element.get("value"), element.get("$ref")) if isinstance(element, dict) else (element, None)
            if isinstance(value, str) and 0 < len(value.strip()) <= _MAX_VALUE_LENGTH:
                can_add_ref = _can_write_ref(attribute) and "$ref" not in element
                yield Reference(name, value, ref if isinstance(ref, str) else None, pointer, can_add_ref)


def _list_elements(
    attribute: Attribute, stored: object, pointer: JsonPointer
) -> list[tuple[JsonPointer, str | dict[str, Any]]]:
    """Return each element of a stored value that has the attribute's type, with the pointer to it."""
    if not attribute.is_multi_valued:
        elements = [(pointer, stored)]
    elif isinstance(stored, list):
        elements = [((*pointer, index), element) for index, element in enumerate(stored)]
    else:
        elements = []
    element_class = dict if attribute.is_complex else str
    return [(element_pointer, element) for element_pointer, element in elements if isinstance(element, element_class)]


def _can_write_ref(attribute: Attribute) -> bool:
    """Return whether clients can write the ``$ref`` of an attribute, so that they can send back a response."""
    ref = attribute.find_sub_attribute("$ref")
    return ref is not None and not (ref.is_immutable or attribute.is_immutable)
