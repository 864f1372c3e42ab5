"""Identifiers of users, and detection of the person that a request is about."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any, TypeGuard

from scim.protocol.filter.quotes import QUOTED_VALUE
from scim.protocol.json_body import lower_member_names
from scim.protocol.normalize import normalize_string
from scim.protocol.values.unique_value import MAX_UNIQUE_LENGTH

MAX_IDENTIFIER_LENGTH = MAX_UNIQUE_LENGTH
"""The maximum number of characters of an identifier in a record. Longer ones are truncated, but hashed as a whole."""
_MAX_IDENTIFIERS = 20
_EQUALITY_OPERATOR = re.compile(r"\beq\s+", re.IGNORECASE)
_QUOTED_STRING = re.compile(rf'"(?:[^"\\]|\\.)*"|{QUOTED_VALUE.pattern}', re.DOTALL)
_MAX_QUOTED_LENGTH = MAX_IDENTIFIER_LENGTH + 2
"""The maximum number of characters of a value in a filter, with its quotes. Longer ones are ignored."""


class IdentifierKind(StrEnum):
    """The source of an identifier: an attribute, or a comparison in a filter."""

    USER_NAME = "userName"
    EXTERNAL_ID = "externalId"
    EMAIL = "email"
    ID = "id"
    FILTER = "filter"


Identifier = tuple[str, str]
"""The kind of an identifier (:class:`IdentifierKind`) and its value. Both are empty if there is no identifier."""

IDENTIFYING_ATTRIBUTES = ("userName", "externalId", "emails", "id")
"""The attributes whose values are identifiers."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The identifiers and names of a user, or of the person that a request is about, who may not be a user.

    ``names`` are the full name and each word in it. They need not be unique.
    """

    identifiers: tuple[Identifier, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def identifier(self) -> Identifier:
        """The first identifier, as records contain it: truncated if it is long. Two empty strings if there is none."""
        kind, value = self.identifiers[0] if self.identifiers else ("", "")
        return kind, value[:MAX_IDENTIFIER_LENGTH]

    @property
    def hashes(self) -> frozenset[str]:
        """The hashes of all identifiers and names. They serve to find the records about a person."""
        return frozenset([*(hash_identifier(value) for _, value in self.identifiers), *map(hash_name, self.names)])


def hash_identifier(identifier: str) -> str:
    """Return a hash of an identifier, in 24 hex digits. It does not depend on case, or on whitespace at the ends."""
    return sha256(normalize_string(identifier.strip()).encode()).hexdigest()[:24]


def hash_name(name: str) -> str:
    """Return a hash of a name. It does not depend on case or whitespace, and no identifier has the same hash."""
    return hash_identifier(f"name\n{' '.join(name.split())}")


def identify_subject(resource_id: str | None, body: Any, query: str = "") -> Subject:
    """Return the identifiers and names in a request: in its path, its body (any JSON value) and its filter."""
    members, *operations = _list_member_sets(body)
    identifiers: list[Identifier] = [
        *_find_identifiers(members),
        *_yield_identifier(IdentifierKind.ID, resource_id),
        *(identifier for operation in operations for identifier in _find_identifiers(operation)),
        *((IdentifierKind.FILTER, value) for value in _find_filter_values(query)),
    ]
    unique = dict.fromkeys((kind, value) for kind, value in identifiers if value.strip())
    names = dict.fromkeys(name for member_set in (members, *operations) for name in _find_names(member_set))
    return Subject(tuple(unique)[:_MAX_IDENTIFIERS], tuple(names)[:_MAX_IDENTIFIERS])


def _find_filter_values(query: str) -> Iterator[str]:
    """Yield the values in quotation marks that a filter compares with ``eq``. The filter need not be valid."""
    for operator in _EQUALITY_OPERATOR.finditer(query):
        start = operator.end()
        if match := _QUOTED_STRING.match(query, start, start + _MAX_QUOTED_LENGTH):
            yield re.sub(r"\\(.)", r"\1", match.group()[1:-1])


def identify_user(resource: Mapping[str, Any]) -> Subject:
    """Return the identifiers of a stored user, without names."""
    own_id = _yield_identifier(IdentifierKind.ID, resource.get("id"))
    return Subject(tuple(dict.fromkeys([*_find_identifiers(resource), *own_id])))


def _list_member_sets(body: Any) -> Iterator[dict[str, Any]]:
    """Yield the members of a body, then the members that each PATCH operation in it writes, with lower-case names."""
    members = lower_member_names(body)
    yield members
    operations = members.get("operations")
    for operation in map(lower_member_names, operations if isinstance(operations, list) else []):
        path, value = operation.get("path"), operation.get("value")
        yield lower_member_names({path: value} if isinstance(path, str) else value)


def _find_identifiers(resource: Mapping[str, Any]) -> Iterator[Identifier]:
    members = lower_member_names(resource)
    yield from _yield_identifier(IdentifierKind.USER_NAME, members.get("username"))
    yield from _yield_identifier(IdentifierKind.EXTERNAL_ID, members.get("externalid"))
    emails = members.get("emails")
    for email in emails if isinstance(emails, list) else []:
        yield from _yield_identifier(IdentifierKind.EMAIL, lower_member_names(email).get("value"))


def _yield_identifier(kind: IdentifierKind, value: Any) -> Iterator[Identifier]:
    """Yield an identifier if its value is a string."""
    if isinstance(value, str):
        yield kind, value


def _find_names(members: Mapping[str, Any]) -> Iterator[str]:
    """Yield each form of the full name, and each word of it."""
    name = lower_member_names(members.get("name"))
    parts = (name.get("givenname"), name.get("familyname"))
    full_names = (members.get("displayname"), name.get("formatted"), " ".join(filter(_is_text, parts)))
    for full_name in full_names:
        if _is_text(full_name):
            yield full_name
            yield from full_name.split()


def _is_text(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and bool(value.strip())
