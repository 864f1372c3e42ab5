"""Reading values: what a client sent becomes the canonical value of an attribute, or an error that says why not.

``None`` is the canonical form of everything unassigned: null, empty lists and objects (RFC 7643 section 2.5), and, as
a leniency, empty strings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from scim.protocol.errors import InvalidSyntax, InvalidValue, Rule
from scim.protocol.leniency import Dialect, Leniency, is_attribute_name
from scim.protocol.normalize import is_date, parse_date_time
from scim.protocol.schema import Attribute, DataType, Format

MAX_ELEMENTS = 500
_BASE64 = re.compile(r"[A-Za-z0-9+/_\-\s]*+={0,2}\s*")  # possessive: white space at the end is tried once


def parse_value(attribute: Attribute, value: Any, dialect: Dialect) -> Any:
    """The canonical form of the whole value of ``attribute``; ``None`` if that is unassigned, or writeOnly.

    Raises :class:`InvalidValue` where the value is not of the attribute's type.
    """
    read = parse_elements if attribute.multi_valued else parse_element
    canonical = read(attribute, value, dialect)
    return None if attribute.is_write_only else canonical


def parse_elements(attribute: Attribute, value: Any, dialect: Dialect) -> list[Any] | None:
    """The canonical form of all elements of a multi-valued attribute."""
    if accept_as_unassigned(value, dialect):
        return None
    if not isinstance(value, list):
        raise InvalidValue(
            f"{attribute.name} has several values: send a list of them.", rule=Rule.TYPE, attribute=attribute.name
        )
    check_element_count(attribute, value)
    elements = [element for each in value if (element := parse_element(attribute, each, dialect)) is not None]
    if sum(element.get("primary") is True for element in elements if isinstance(element, dict)) > 1:
        raise InvalidValue(
            f"Only one of {attribute.name} may be primary: set primary to true on one of them.",
            rule=Rule.PRIMARY,
            attribute=attribute.name,
        )
    return elements or None


def check_element_count(attribute: Attribute, elements: list[Any]) -> None:
    """Raise :class:`InvalidValue` for more elements than every operation and every filter can go through."""
    if len(elements) > MAX_ELEMENTS:
        raise InvalidValue(
            f"{attribute.name} has at most {MAX_ELEMENTS} values: map fewer.",
            rule=Rule.NUMBER,
            attribute=attribute.name,
        )


def parse_element(attribute: Attribute, value: Any, dialect: Dialect) -> Any:
    """The canonical form of a single value, or of one element of a multi-valued attribute."""
    if accept_as_unassigned(value, dialect):
        return None
    if attribute.is_complex:
        return _read_complex(attribute, value, dialect)
    return _READERS[attribute.type](attribute, value, dialect)


def accept_as_unassigned(value: Any, dialect: Dialect) -> bool:
    """Whether what was sent stands for no value: null, or an empty string."""
    return value is None or (value == "" and dialect.tolerate(Leniency.EMPTY_STRING))


def parse_members(
    attributes: Mapping[str, Attribute], members: Mapping[str, Any], dialect: Dialect, prefix: str = ""
) -> dict[str, Any]:
    """The canonical values of an object's members, each under the name of the attribute that its own stands for,
    whatever its case; ``None`` for those that are unassigned.

    Leaves out readOnly attributes, and those that no schema knows unless the tenant is strict. ``prefix`` is what the
    names of sub-attributes begin with where they are told.
    """
    read: dict[str, Any] = {}
    for name, value in members.items():
        attribute = attributes.get(name.lower())
        if attribute is None:
            dialect.record_ignored(prefix + name, value, is_known=is_attribute_name(name))
            if not dialect.tolerate(Leniency.UNKNOWN_ATTRIBUTE):
                raise InvalidValue(
                    f"No schema has the attribute {name[:100]}; remove its mapping.",
                    rule=Rule.UNKNOWN_ATTRIBUTE,
                    attribute=prefix + name[:100],
                )
        elif attribute.is_read_only:
            continue  # RFC 7644 section 3.3: ignored, so that what was read can be sent back
        elif attribute.name in read:
            raise InvalidSyntax(f"{attribute.name} is there twice, in different cases: send it once.")
        elif attribute.is_plain_string and value.__class__ is str and value:
            read[attribute.name] = value  # most values are
        else:
            read[attribute.name] = parse_value(attribute, value, dialect)
    return read


def drop_unassigned(members: dict[str, Any]) -> dict[str, Any]:
    """The members that have a value, which mostly all of them have."""
    if None not in members.values():
        return members
    return {name: value for name, value in members.items() if value is not None}


def _read_complex(attribute: Attribute, value: Any, dialect: Dialect) -> dict[str, Any] | None:
    value = _as_object(attribute, value, dialect)
    read = drop_unassigned(parse_members(attribute.sub_attributes, value, dialect, f"{attribute.name}."))
    if read:
        check_required(attribute.required_sub_attributes, read, f"{attribute.name}.")
    return read or None


def _as_object(attribute: Attribute, value: Any, dialect: Dialect) -> Mapping[str, Any]:
    if isinstance(value, dict):
        return value
    if not attribute.multi_valued and "value" in attribute.sub_attributes:
        if isinstance(value, list) and len(value) == 1 and dialect.tolerate(Leniency.LISTED_VALUE):
            return _as_object(attribute, value[0], dialect)
        if isinstance(value, str) and dialect.tolerate(Leniency.SCALAR_VALUE):
            return {"value": value}
    raise InvalidValue(
        f"{attribute.name} is a complex attribute: send an object with its sub-attributes.",
        rule=Rule.TYPE,
        attribute=attribute.name,
    )


def check_required(required: Iterable[Attribute], values: Mapping[str, Any], prefix: str = "") -> None:
    """Raise :class:`InvalidValue` if one of the required attributes has no value."""
    for attribute in required:
        if values.get(attribute.name) in (None, ""):
            raise InvalidValue(
                f"{prefix}{attribute.name} is required: map it to a value that nobody lacks.",
                rule=Rule.REQUIRED,
                attribute=prefix + attribute.name,
            )


def _read_string(attribute: Attribute, value: Any, dialect: Dialect) -> str:  # noqa: ARG001  # one of _READERS
    if not isinstance(value, str):
        raise InvalidValue(
            f"{attribute.name} is a string: send it in double quotes.", rule=Rule.TYPE, attribute=attribute.name
        )
    if attribute.max_length is not None and len(value) > attribute.max_length:
        raise InvalidValue(
            f"{attribute.name} has at most {attribute.max_length} characters: send a shorter value.",
            rule=Rule.FORMAT,
            attribute=attribute.name,
        )
    if attribute.format is Format.DATE and not (is_date(value) or parse_date_time(value)):
        raise InvalidValue(
            f"{attribute.name} is a date: send one such as 2026-01-31.", rule=Rule.FORMAT, attribute=attribute.name
        )
    return value


def _read_boolean(attribute: Attribute, value: Any, dialect: Dialect) -> bool:
    if isinstance(value, bool):
        return value
    word = value.lower() if isinstance(value, str) else None
    if word in ("true", "false") and dialect.tolerate(Leniency.STRING_BOOLEAN):
        return word == "true"
    raise InvalidValue(f"{attribute.name} is a boolean: send true or false.", rule=Rule.TYPE, attribute=attribute.name)


def _read_integer(attribute: Attribute, value: Any, dialect: Dialect) -> int:  # noqa: ARG001  # one of _READERS
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise InvalidValue(
            f"{attribute.name} is an integer: send a whole number without quotes.",
            rule=Rule.TYPE,
            attribute=attribute.name,
        )
    return int(value)


def _read_decimal(attribute: Attribute, value: Any, dialect: Dialect) -> int | float:  # noqa: ARG001  # one of _READERS
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidValue(
            f"{attribute.name} is a number: send it without quotes.", rule=Rule.TYPE, attribute=attribute.name
        )
    return value


def _read_date_time(attribute: Attribute, value: Any, dialect: Dialect) -> str:
    text = _read_string(attribute, value, dialect)
    if parse_date_time(text) is None:
        raise InvalidValue(
            f"{attribute.name} is a date and time: send one such as 2026-01-31T09:30:00Z.",
            rule=Rule.FORMAT,
            attribute=attribute.name,
        )
    return text


def _read_binary(attribute: Attribute, value: Any, dialect: Dialect) -> str:
    text = _read_string(attribute, value, dialect)
    if not _BASE64.fullmatch(text):
        raise InvalidValue(
            f"{attribute.name} is binary: send it encoded in base64.", rule=Rule.FORMAT, attribute=attribute.name
        )
    return text


_READERS: dict[DataType, Callable[[Attribute, Any, Dialect], Any]] = {
    DataType.STRING: _read_string,
    DataType.REFERENCE: _read_string,
    DataType.BOOLEAN: _read_boolean,
    DataType.INTEGER: _read_integer,
    DataType.DECIMAL: _read_decimal,
    DataType.DATE_TIME: _read_date_time,
    DataType.BINARY: _read_binary,
}
