"""Select the parts of stored values that conform to the current schemas, or that clients can write.

A tenant can change its custom schemas, and stored values are not migrated. A stored value that no longer has the type
of its attribute counts as unassigned. So other code never gets a value of an unexpected type.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scim.protocol.normalize import parse_date_time
from scim.protocol.schema import PYTHON_CLASSES, Attribute, DataType


def select_conforming(attribute: Attribute, value: Any) -> Any:
    """Return the part of a stored value that conforms to its attribute, or ``None`` if no part does."""
    if not attribute.is_multi_valued:
        return select_conforming_element(attribute, value)
    if value.__class__ is not list:
        return None
    elements = (select_conforming_element(attribute, element) for element in value)
    return [element for element in elements if element is not None] or None


def select_conforming_element(attribute: Attribute, value: Any) -> Any:
    """Return the conforming part of a single value or of one element. Return ``None`` if no part conforms."""
    if attribute.is_complex:
        return select_conforming_members(attribute.sub_attributes, value) or None
    return value if _is_value(attribute.type, value) else None


def select_conforming_members(attributes: Mapping[str, Attribute], members: Any) -> dict[str, Any]:
    """Return the conforming members of a stored object. The keys of ``attributes`` are lower-case names."""
    if members.__class__ is not dict:
        return {}
    conforming: dict[str, Any] = {}
    for name, value in members.items():
        attribute = attributes.get(name.lower())
        if attribute is None or attribute.name != name:
            continue
        if value.__class__ is attribute.value_class or (value := select_conforming(attribute, value)) is not None:
            conforming[name] = value
    return conforming


def select_writable(attribute: Attribute, value: Any) -> Any:
    """Return a conforming value without its readOnly sub-attributes, or ``None`` if nothing is left.

    Parsing gives the same result if a client sends the value back.
    """
    if not attribute.has_read_only_sub_attributes or value is None:
        return value
    if not attribute.is_multi_valued:
        return select_writable_members(attribute, value) or None
    elements = (select_writable_members(attribute, element) for element in value)
    return [element for element in elements if element] or None


def select_writable_members(attribute: Attribute, members: Mapping[str, Any]) -> dict[str, Any]:
    """Return a complex value, or one complex element, without its readOnly sub-attributes."""
    sub_attributes = attribute.sub_attributes
    return {name: value for name, value in members.items() if not sub_attributes[name.lower()].is_read_only}


def find_stored_attribute(attributes: Mapping[str, Attribute], name: str) -> Attribute | None:
    """Return the attribute with this name, compared case-sensitively as stored names are, or ``None``."""
    attribute = attributes.get(name.lower())
    return attribute if attribute is not None and attribute.name == name else None


def _is_value(data_type: DataType, value: Any) -> bool:
    """Return whether a stored value is a valid value of ``data_type``, which is not ``complex``."""
    if data_type is DataType.DECIMAL:
        return value.__class__ in (int, float)
    if data_type is DataType.DATE_TIME:
        return value.__class__ is str and parse_date_time(value) is not None
    return value.__class__ is PYTHON_CLASSES[data_type]
