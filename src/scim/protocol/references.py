"""References: attribute values that identify another resource of the same type, which may not exist yet.

Two kinds of attributes have references:

- complex attributes with a ``$ref`` to the resource type (RFC 7643 section 2.4), such as ``manager``
- custom attributes in the format ``employee``
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from scim.protocol.resource import Resource
from scim.protocol.schema import Attribute, ResourceType
from scim.protocol.values.unique_value import MAX_UNIQUE_LENGTH

MAX_REFERENCES = 50
"""The maximum number of references in a resource. More values are stored, but not resolved."""

JsonPointer = tuple[str | int, ...]
"""The member names and list indexes of the path to a value in a JSON document: the tokens of an RFC 6901 pointer."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A value that references another resource.

    ``attribute`` is the name of the attribute, with its URN unless it is in the core schema. ``value`` and ``ref`` are
    the value and the ``$ref`` that the client sent. ``pointer`` is the position of the value in the resource.
    ``can_add_ref`` is true if a response may add a ``$ref`` next to the value: the schema has ``$ref``, the client sent
    none, and the client may send back the whole response.
    """

    attribute: str
    value: str
    ref: str | None
    pointer: JsonPointer
    can_add_ref: bool

    def replace_in(self, resource: Resource, replace: Callable[[Resource], Resource]) -> Resource:
        """Return a copy of the resource in which ``replace`` was applied to the complex value of the reference."""
        copy: Resource = _replace_at(resource, self.pointer, replace)
        return copy


def _replace_at(value: Any, pointer: JsonPointer, replace: Callable[[Any], Any]) -> Any:
    """Return a copy of a JSON value in which ``replace`` was applied to the value at ``pointer``."""
    if not pointer:
        return replace(value)
    copy = value.copy()
    copy[pointer[0]] = _replace_at(value[pointer[0]], pointer[1:], replace)
    return copy


def find_references(resource: Resource, resource_type: ResourceType) -> list[Reference]:
    """Return the references in a stored resource that are resolved: the first 50, in the order of the schemas."""
    return list(islice(iterate_references(resource, resource_type), MAX_REFERENCES))


def iterate_references(resource: Resource, resource_type: ResourceType) -> Iterator[Reference]:
    """Yield every reference in a stored resource, in the order of the schemas.

    A value that is longer than a unique value can be is not resolved.

    A stored value that does not have the type of its attribute is ignored, because the schema can have changed.
    """
    for schema, attribute in resource_type.reference_attributes:
        is_core = schema is resource_type.core_schema
        members = resource if is_core else resource.get(schema.id)
        if not isinstance(members, dict) or attribute.name not in members:
            continue
        name = attribute.name if is_core else f"{schema.id}:{attribute.name}"
        attribute_pointer = (attribute.name,) if is_core else (schema.id, attribute.name)
        for pointer, element in _list_elements(attribute, members[attribute.name], attribute_pointer):
            value, ref = (element.get("value"), element.get("$ref")) if isinstance(element, dict) else (element, None)
            if isinstance(value, str) and 0 < len(value.strip()) <= MAX_UNIQUE_LENGTH:
                can_add_ref = _can_write_ref(attribute) and "$ref" not in element
                yield Reference(name, value, ref if isinstance(ref, str) else None, pointer, can_add_ref)


def _list_elements(
    attribute: Attribute, stored: object, pointer: JsonPointer
) -> list[tuple[JsonPointer, str | dict[str, Any]]]:
    """Return the elements of a stored value that have the attribute's type, each with its pointer."""
    if not attribute.is_multi_valued:
        elements = [(pointer, stored)]
    elif isinstance(stored, list):
        elements = [((*pointer, index), element) for index, element in enumerate(stored)]
    else:
        elements = []
    element_class = dict if attribute.is_complex else str
    return [(element_pointer, element) for element_pointer, element in elements if isinstance(element, element_class)]


def _can_write_ref(attribute: Attribute) -> bool:
    """Return whether clients can write a value and its ``$ref``. If not, a response they send back would fail."""
    value, ref = attribute.find_sub_attribute("value"), attribute.find_sub_attribute("$ref")
    if value is None or ref is None or attribute.is_immutable:
        return False
    return not (value.is_read_only or ref.is_read_only or ref.is_immutable)
