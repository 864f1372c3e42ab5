"""References: values that name another resource of the same type, who need not have arrived yet.

Which attributes hold them stands in the schema: complex ones whose ``$ref`` leads to such a resource (RFC 7643 section
2.4), as ``manager`` of the enterprise schema, and those of a tenant's own that name an employee.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from scim.protocol.resource import Resource
from scim.protocol.schema import ResourceType

_MOST = 50
"""Of one resource; what it has beyond is kept and names nobody."""
_LONGEST = 256


@dataclass(frozen=True, slots=True)
class Reference:
    """``attribute`` is written as paths are, ``value`` as the client sent it.

    ``ref`` is a ``$ref`` that the client sent along. ``steps`` lead to the value in the resource. ``has_room`` if a
    ``$ref`` could stand beside it: where a client that sends back what it has read is understood.
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


def references(resource: Resource, resource_type: ResourceType) -> list[Reference]:
    """The references in a canonical resource, in the order of the schemas."""
    return list(_found(resource, resource_type))[:_MOST]


def _found(resource: Resource, resource_type: ResourceType) -> Iterator[Reference]:
    for schema, attribute in resource_type.references:
        is_core = schema is resource_type.core
        members = resource if is_core else resource.get(schema.id, {})
        if (held := members.get(attribute.name)) is None:
            continue
        name = attribute.name if is_core else f"{schema.id}:{attribute.name}"
        steps = (attribute.name,) if is_core else (schema.id, attribute.name)
        ref = attribute.sub_attribute("$ref")
        has_room = ref is not None and not (ref.immutable or attribute.immutable)
        elements = [((*steps, index), each) for index, each in enumerate(held)] if isinstance(held, list) else None
        for place, element in elements or [(steps, held)]:
            sub_attributes = element if isinstance(element, dict) else {"value": element}
            value, own = sub_attributes.get("value"), sub_attributes.get("$ref")
            if isinstance(value, str) and 0 < len(value.strip()) <= _LONGEST:
                yield Reference(name, value, own, place, has_room and own is None)
