"""Parse values from clients into the canonical values of their attributes.

The canonical form of an unassigned value is ``None``. Unassigned values are null, an empty list or object (RFC 7643
section 2.5) and, as a leniency, an empty string.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from scim.protocol.errors import InvalidSyntax, InvalidValue, Rule
from scim.protocol.leniency import Leniency, LeniencyTracker, is_attribute_name
from scim.protocol.normalize import parse_date_time
from scim.protocol.schema import Attribute, DataType

MAX_ELEMENTS = 500
"""The maximum number of elements of a multi-valued attribute."""
_BASE64 = re.compile(r"[A-Za-z0-9+/_\-\s]*+={0,2}\s*")  # possessive (*+), so that it never backtracks


def parse_value(attribute: Attribute, value: Any, leniencies: LeniencyTracker) -> Any:
    """Parse the whole value of an attribute. Return ``None`` if it is unassigned or writeOnly.

    Raise :class:`InvalidValue` for a value that does not have the attribute's type. The constraints of custom
    attributes are checked later (:mod:`scim.protocol.stored_values.constraints`).
    """
    parse = parse_elements if attribute.is_multi_valued else parse_element
    canonical = parse(attribute, value, leniencies)
    return None if attribute.is_write_only else canonical


def parse_elements(attribute: Attribute, value: Any, leniencies: LeniencyTracker) -> list[Any] | None:
    """Parse the elements of a multi-valued attribute. Return ``None`` if there are none.

    Raise :class:`InvalidValue` for too many elements, or an element of a wrong type.
    """
    if accept_as_unassigned(value, leniencies):
        return None
    if not isinstance(value, list):
        raise InvalidValue(
            f"{attribute.name} is multi-valued. Send a list of values.", rule=Rule.TYPE, attribute=attribute.name
        )
    check_element_count(attribute, value)
    elements = [element for item in value if (element := parse_element(attribute, item, leniencies)) is not None]
    return elements or None


def check_element_count(attribute: Attribute, elements: list[Any]) -> None:
    """Raise :class:`InvalidValue` for too many elements. PATCH operations and filters read all of them."""
    if len(elements) > MAX_ELEMENTS:
        raise InvalidValue(
            f"{attribute.name} can have at most {MAX_ELEMENTS:,} values. Map fewer values.",
            rule=Rule.ELEMENT_COUNT,
            attribute=attribute.name,
        )


def parse_element(attribute: Attribute, value: Any, leniencies: LeniencyTracker) -> Any:
    """Parse a single value, or one element of a multi-valued attribute. Return ``None`` if it is unassigned.

    Raise :class:`InvalidValue` for a value that does not fit the attribute.
    """
    if accept_as_unassigned(value, leniencies):
        return None
    if attribute.is_complex:
        return _parse_complex(attribute, value, leniencies)
    return _PARSERS[attribute.type](attribute, value, leniencies)


def accept_as_unassigned(value: Any, leniencies: LeniencyTracker) -> bool:
    """Return whether a value means "unassigned": null, or an empty string, which is recorded as a leniency."""
    return value is None or (value == "" and leniencies.tolerate(Leniency.EMPTY_STRING))


def parse_members(
    attributes: Mapping[str, Attribute], members: Mapping[str, Any], leniencies: LeniencyTracker, prefix: str = ""
) -> dict[str, Any]:
    """Parse the members of an object into canonical values by attribute name. Unassigned values are ``None``.

    Names are case-insensitive, and the keys of ``attributes`` are lower-case names. ReadOnly attributes are ignored,
    and so are unknown ones unless the tenant is in strict mode. ``prefix``, such as ``name.`` for the sub-attributes of
    ``name``, is added to the recorded names of ignored attributes.

    Raise :class:`InvalidValue`, or :class:`InvalidSyntax` if the object has an attribute twice.
    """
    canonical: dict[str, Any] = {}
    for name, value in members.items():
        attribute = attributes.get(name.lower())
        if attribute is None:
            leniencies.record_ignored(prefix + name, value, is_known=is_attribute_name(name))
            if not leniencies.tolerate(Leniency.UNKNOWN_ATTRIBUTE):
                raise InvalidValue(
                    f"No schema has the attribute {name[:100]}. Remove its mapping.",
                    rule=Rule.UNKNOWN_ATTRIBUTE,
                    attribute=prefix + name[:100],
                )
        elif attribute.is_read_only:
            continue  # RFC 7644 section 3.3: ignored, so that clients can send back a whole resource
        elif attribute.name in canonical:
            raise InvalidSyntax(f"{attribute.name} occurs twice, in different cases. Send it once.")
        elif attribute.is_plain_string and value.__class__ is str and value:
            canonical[attribute.name] = value  # most values
        else:
            canonical[attribute.name] = parse_value(attribute, value, leniencies)
    return canonical


def drop_unassigned(members: dict[str, Any]) -> dict[str, Any]:
    """Return the members that are not ``None``."""
    if None not in members.values():  # true for most objects, which then need no copy
        return members
    return {name: value for name, value in members.items() if value is not None}


def _parse_complex(attribute: Attribute, value: Any, leniencies: LeniencyTracker) -> dict[str, Any] | None:
    """Parse a complex value. Return ``None`` if all its sub-attributes are unassigned."""
    value = _convert_to_object(attribute, value, leniencies)
    return drop_unassigned(parse_members(attribute.sub_attributes, value, leniencies, f"{attribute.name}.")) or None


def _convert_to_object(attribute: Attribute, value: Any, leniencies: LeniencyTracker) -> Mapping[str, Any]:
    """Return the value of a complex attribute as an object. As leniencies, convert a string or a one-element list."""
    if isinstance(value, dict):
        return value
    if not attribute.is_multi_valued and "value" in attribute.sub_attributes:
        if isinstance(value, list) and len(value) == 1 and leniencies.tolerate(Leniency.LISTED_VALUE):
            return _convert_to_object(attribute, value[0], leniencies)
        if isinstance(value, str) and leniencies.tolerate(Leniency.SCALAR_VALUE):
            return {"value": value}
    raise InvalidValue(
        f"{attribute.name} is a complex attribute. Send an object with its sub-attributes.",
        rule=Rule.TYPE,
        attribute=attribute.name,
    )


def check_required(required: Iterable[Attribute], values: Mapping[str, Any], prefix: str = "") -> None:
    """Raise :class:`InvalidValue` if a required attribute has no value. The error adds ``prefix`` to its name."""
    for attribute in required:
        if values.get(attribute.name) in (None, ""):
            raise InvalidValue(
                f"{prefix}{attribute.name} is required. Map it to an attribute that every user has.",
                rule=Rule.REQUIRED,
                attribute=prefix + attribute.name,
            )


def _parse_string(attribute: Attribute, value: Any, leniencies: LeniencyTracker) -> str:  # noqa: ARG001  # one of _PARSERS
    if not isinstance(value, str):
        remedy = "one string, not a list or an object" if isinstance(value, list | dict) else "it in double quotes"
        raise InvalidValue(f"{attribute.name} is a string. Send {remedy}.", rule=Rule.TYPE, attribute=attribute.name)
    return value


def _parse_boolean(attribute: Attribute, value: Any, leniencies: LeniencyTracker) -> bool:
    if isinstance(value, bool):
        return value
    word = value.lower() if isinstance(value, str) else None
    if word in ("true", "false") and leniencies.tolerate(Leniency.STRING_BOOLEAN):
        return word == "true"
    raise InvalidValue(f"{attribute.name} is a boolean. Send true or false.", rule=Rule.TYPE, attribute=attribute.name)


def _parse_integer(attribute: Attribute, value: Any, leniencies: LeniencyTracker) -> int:  # noqa: ARG001  # one of _PARSERS
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise InvalidValue(
            f"{attribute.name} is an integer. Send it without quotes and without a fraction.",
            rule=Rule.TYPE,
            attribute=attribute.name,
        )
    return int(value)


def _parse_decimal(attribute: Attribute, value: Any, leniencies: LeniencyTracker) -> int | float:  # noqa: ARG001  # one of _PARSERS
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidValue(
            f"{attribute.name} is a number. Send it without quotes.", rule=Rule.TYPE, attribute=attribute.name
        )
    return value


def _parse_date_time(attribute: Attribute, value: Any, leniencies: LeniencyTracker) -> str:
    text = _parse_string(attribute, value, leniencies)
    if parse_date_time(text) is None:
        raise InvalidValue(
            f"{attribute.name} is a date and time. Send a value such as 2026-01-31T09:30:00Z.",
            rule=Rule.FORMAT,
            attribute=attribute.name,
        )
    return text


def _parse_binary(attribute: Attribute, value: Any, leniencies: LeniencyTracker) -> str:
    text = _parse_string(attribute, value, leniencies)
    if not _BASE64.fullmatch(text):
        raise InvalidValue(
            f"{attribute.name} is binary. Send it in base64.", rule=Rule.FORMAT, attribute=attribute.name
        )
    return text


_PARSERS: dict[DataType, Callable[[Attribute, Any, LeniencyTracker], Any]] = {
    DataType.STRING: _parse_string,
    DataType.REFERENCE: _parse_string,
    DataType.BOOLEAN: _parse_boolean,
    DataType.INTEGER: _parse_integer,
    DataType.DECIMAL: _parse_decimal,
    DataType.DATE_TIME: _parse_date_time,
    DataType.BINARY: _parse_binary,
}
