"""Check the values of a write against the constraints of custom attributes: ``maxLength``, ``format`` and ``required``.

A tenant can tighten its schemas, and stored values are not checked again. So only values that a write changes are
checked: a client can always send back what it has read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scim.protocol.errors import InvalidValue, Rule
from scim.protocol.normalize import is_date, parse_date_time
from scim.protocol.resource import Resource
from scim.protocol.schema import Attribute, ResourceType, Schema, StringFormat
from scim.protocol.values.conformance import select_writable
from scim.protocol.values.parser import check_required


def check_constraints(before: Resource, after: Resource, resource_type: ResourceType) -> None:
    """Raise :class:`InvalidValue` if a changed value violates a constraint, or if a required value is missing.

    ``before`` is empty for a new resource. A required attribute that a stored extension lacks may stay unassigned.
    """
    for schema in resource_type.extensions:
        old, new = before.get(schema.id), after.get(schema.id)
        if new is not None and new != old:
            _check_members(schema, old, new)


def _check_members(schema: Schema, old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> None:
    required = [attribute for attribute in schema.required_attributes if old is None or attribute.name in old]
    check_required(required, new, f"{schema.id}:")
    for name, value in new.items():
        attribute = schema.attributes[name.lower()]
        old_value = None if old is None else old.get(name)
        if not attribute.is_plain_string and value != old_value:
            _check_elements(attribute, _list_writable(attribute, old_value), _list_writable(attribute, value))


def _check_elements(attribute: Attribute, old: Sequence[Any], new: Sequence[Any]) -> None:
    """Check the elements that are not in ``old``."""
    for element in new:
        if element in old:
            continue
        if attribute.is_complex:
            _check_complex(attribute, old, element)
        else:
            _check_string(attribute, element)


def _check_complex(attribute: Attribute, old: Sequence[Mapping[str, Any]], element: Mapping[str, Any]) -> None:
    """Check a complex value. ``old`` are the stored values: a sub-attribute may keep a value that one of them has."""
    check_required(attribute.required_sub_attributes, element, f"{attribute.name}.")
    for name, value in element.items():
        sub_attribute = attribute.sub_attributes[name.lower()]
        if not sub_attribute.is_plain_string and all(other.get(name) != value for other in old):
            _check_string(sub_attribute, value)


def _check_string(attribute: Attribute, value: Any) -> None:
    """Raise :class:`InvalidValue` for a string that is too long, or that does not have the format of its attribute."""
    if attribute.max_length is not None and len(value) > attribute.max_length:
        raise InvalidValue(
            f"{attribute.name} can have at most {attribute.max_length} characters. Send a shorter value.",
            rule=Rule.FORMAT,
            attribute=attribute.name,
        )
    if attribute.format is StringFormat.DATE and not (is_date(value) or parse_date_time(value)):
        raise InvalidValue(
            f"{attribute.name} is a date. Send a value such as 2026-01-31.", rule=Rule.FORMAT, attribute=attribute.name
        )


def _list_writable(attribute: Attribute, value: Any) -> Sequence[Any]:
    """Return the parts of a value that clients can write, as a list also if the attribute is single-valued."""
    writable = select_writable(attribute, value)
    if writable is None:
        return []
    return writable if isinstance(writable, list) else [writable]
