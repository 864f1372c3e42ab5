"""Stored values and the schemas of today: which part of a stored value an attribute can hold.

A tenant's schemas change, and the values that its users have do not change with them. A value of another type than the
attribute has now counts as unassigned, so that no reader meets a value that it does not expect.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scim.protocol.comparison import instant
from scim.protocol.schema import CLASSES, Attribute, Type


def conform(attribute: Attribute, value: Any) -> Any:
    """Return the part of a stored value that ``attribute`` can hold; ``None`` if that is nothing."""
    if not attribute.multi_valued:
        return conform_element(attribute, value)
    if value.__class__ is not list:
        return None
    elements = [element for each in value if (element := conform_element(attribute, each)) is not None]
    return elements or None


def conform_element(attribute: Attribute, value: Any) -> Any:
    """Return the same for a single value, or for one element of a multi-valued attribute."""
    if attribute.complex:
        return conform_members(attribute.sub_attributes, value) or None
    return value if _is_value(attribute.type, value) else None


def conform_members(attributes: Mapping[str, Attribute], members: Any) -> dict[str, Any]:
    """Return those members of a stored object that ``attributes`` (by lower-case name) can hold.

    A member counts only under the spelling that its attribute has: this is how every reader looks it up.
    """
    if members.__class__ is not dict:
        return {}
    found: dict[str, Any] = {}
    for name, value in members.items():
        attribute = find_attribute(attributes, name)
        if attribute is None:
            continue
        if value.__class__ is attribute.value_class or (value := conform(attribute, value)) is not None:
            found[name] = value
    return found


def find_attribute(attributes: Mapping[str, Attribute], name: str) -> Attribute | None:
    """Return the attribute whose values are stored under ``name``."""
    attribute = attributes.get(name.lower())
    return attribute if attribute is not None and attribute.name == name else None


def _is_value(type_: Type, value: Any) -> bool:
    if type_ is Type.DECIMAL:
        return value.__class__ in (int, float)
    if type_ is Type.DATE_TIME:
        return value.__class__ is str and instant(value) is not None
    return value.__class__ is CLASSES[type_]
