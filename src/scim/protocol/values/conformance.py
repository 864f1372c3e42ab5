"""Which part of a stored value an attribute can hold today.

A tenant's schemas change, and the stored values do not change with them. A value of another type than its attribute has
now counts as unassigned, so no reader meets a value that it does not expect.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scim.protocol.normalize import parse_date_time
from scim.protocol.schema import PYTHON_CLASSES, Attribute, DataType


def conform(attribute: Attribute, value: Any) -> Any:
    """Return the part of a stored value that ``attribute`` can hold, or ``None`` if it can hold nothing of it."""
    if not attribute.multi_valued:
        return conform_element(attribute, value)
    if value.__class__ is not list:
        return None
    elements = (conform_element(attribute, element) for element in value)
    return [element for element in elements if element is not None] or None


def conform_element(attribute: Attribute, value: Any) -> Any:
    """Do the same for a single value, or for one element of a multi-valued attribute."""
    if attribute.is_complex:
        return conform_members(attribute.sub_attributes, value) or None
    return value if _is_value(attribute.type, value) else None


def conform_members(attributes: Mapping[str, Attribute], members: Any) -> dict[str, Any]:
    """Return the members of a stored object that ``attributes``, by lower-case name, can hold."""
    if members.__class__ is not dict:
        return {}
    held: dict[str, Any] = {}
    for name, value in members.items():
        attribute = attributes.get(name.lower())
        if attribute is None or attribute.name != name:
            continue
        if value.__class__ is attribute.value_class or (value := conform(attribute, value)) is not None:
            held[name] = value
    return held


def select_writable(attribute: Attribute, value: Any) -> Any:
    """Return the part of a value that conforms without readOnly sub-attributes, or ``None`` if nothing is left.

    It is what a body that sends back the value is read as.
    """
    if not attribute.has_read_only_sub_attributes or value is None:
        return value
    if not attribute.multi_valued:
        return select_writable_members(attribute, value) or None
    elements = (select_writable_members(attribute, element) for element in value)
    return [element for element in elements if element] or None


def select_writable_members(attribute: Attribute, members: Mapping[str, Any]) -> dict[str, Any]:
    """Do the same for a single complex value, or for one element of a multi-valued attribute."""
    subs = attribute.sub_attributes
    return {name: value for name, value in members.items() if not subs[name.lower()].is_read_only}


def find_stored_attribute(attributes: Mapping[str, Attribute], name: str) -> Attribute | None:
    """Return the attribute whose values are stored under ``name``, in exactly this case."""
    attribute = attributes.get(name.lower())
    return attribute if attribute is not None and attribute.name == name else None


def _is_value(type_: DataType, value: Any) -> bool:
    if type_ is DataType.DECIMAL:
        return value.__class__ in (int, float)
    if type_ is DataType.DATE_TIME:
        return value.__class__ is str and parse_date_time(value) is not None
    return value.__class__ is PYTHON_CLASSES[type_]
