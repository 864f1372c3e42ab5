"""References: values that name another resource of the same type, who need not have arrived yet.

Which attributes hold them stands in the schema: complex ones whose ``$ref`` leads to such a resource (RFC 7643 section
2.4), as ``manager`` of the enterprise schema, and those of a tenant's own that name an employee.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from scim.protocol.resource import Resource
from scim.protocol.schema import Attribute, ResourceType

_MOST = 50
"""Of one resource; what it has beyond is kept and names nobody."""
_LONGEST = 256


@dataclass(frozen=True, slots=True)
class Reference:
    """A value that names another resource.

    ``attribute`` is written as paths are, ``value`` as the client sent it. ``ref`` is a ``$ref`` that the client sent.
    ``steps`` lead to the value in the resource. ``has_room`` is true if a ``$ref`` can be shown beside the value: a
    client that sends back what it has read is understood then.
    """

    attribute: str
    value: str
    ref: str | None
    steps: tuple[str | int, ...]
    has_room: bool

    def revised(self, resource: Resource, revise: Callable[[Resource], Resource]) -> Resource:
        """The resource with its complex value as ``revise`` makes it; the resource itself stays as it is."""

        def changed(value: Any, steps: tuple[str | int, ...]) -> Any:
            if not steps:
                return revise(value)
            copy = value.copy()
            copy[steps[0]] = changed(value[steps[0]], steps[1:])
            return copy

        found: Resource = changed(resource, self.steps)
        return found


def find_references(resource: Resource, resource_type: ResourceType) -> list[Reference]:
    """Return the references in a stored resource, in the order of the schemas.

    A stored value of another shape than the schema says counts as unassigned: the schema may have changed since.
    """
    return list(_find_references(resource, resource_type))[:_MOST]


def _find_references(resource: Resource, resource_type: ResourceType) -> Iterator[Reference]:
    for schema, attribute in resource_type.references:
        is_core = schema is resource_type.core
        members = resource if is_core else resource.get(schema.id)
        if not isinstance(members, dict) or attribute.name not in members:
            continue
        name = attribute.name if is_core else f"{schema.id}:{attribute.name}"
        steps = (attribute.name,) if is_core else (schema.id, attribute.name)
        for place, element in _elements(attribute, members[attribute.name], steps):
            value, own = (element.get("value"), element.get("$ref")) if isinstance(element, dict) else (element, None)
            if isinstance(value, str) and 0 < len(value.strip()) <= _LONGEST:
                has_room = _takes_ref(attribute) and "$ref" not in element
                yield Reference(name, value, own if isinstance(own, str) else None, place, has_room)


def _elements(
    attribute: Attribute, held: object, steps: tuple[str | int, ...]
) -> list[tuple[tuple[str | int, ...], str | dict[str, Any]]]:
    """Return each element that has the shape of the attribute, with the steps that lead to it."""
    if attribute.multi_valued:
        placed = [((*steps, index), each) for index, each in enumerate(held)] if isinstance(held, list) else []
    else:
        placed = [(steps, held)]
    shape = dict if attribute.is_complex else str
    return [(place, each) for place, each in placed if isinstance(each, shape)]


def _takes_ref(attribute: Attribute) -> bool:
    """Return whether a client that sends a ``$ref`` back is understood."""
    ref = attribute.find_sub_attribute("$ref")
    return ref is not None and not (ref.is_immutable or attribute.is_immutable)
