"""Who a request is about: what its path, its body or its filter names a person by."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeGuard

from scim.protocol.json_body import lower_member_names
from scim.protocol.normalize import normalize

_LONGEST = 256
_MOST = 20
_COMPARED = re.compile(r'\beq\s+"((?:[^"\\]|\\.){1,256})"', re.IGNORECASE)

Identifier = tuple[str, str]
"""What it is, ``userName``, ``externalId``, ``email``, ``id`` or ``filter``, and its value."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Somebody as a request names them, who need not exist. The first identifier is the one that is kept as it is.

    ``names`` are what the person is called, in full and in parts: others may be called the same.
    """

    identifiers: tuple[Identifier, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def identifier(self) -> Identifier:
        return self.identifiers[0] if self.identifiers else ("", "")

    @property
    def hashes(self) -> frozenset[str]:
        """Return the hash of each identifier and of each name. Records are found by them."""
        return frozenset([*(identifier_hash(value) for _, value in self.identifiers), *map(name_hash, self.names)])


IDENTIFYING_ATTRIBUTES = ("userName", "externalId", "emails", "id")
"""The attributes by whose values people are looked for."""


def identifier_hash(identifier: str) -> str:
    """A digest of an identifier: equal where the identifiers are, whatever their case, and not to be read."""
    return sha256(normalize(identifier.strip()).encode()).hexdigest()[:24]


def name_hash(name: str) -> str:
    """The same of a name, whatever its spaces. It is never that of an identifier: a name does not tell who it is."""
    return identifier_hash(f"name\n{' '.join(name.split())}")


def identify_subject(resource_id: str | None, body: Any, query: str = "") -> Subject:
    """Who is meant by the id in a path, a body of any form, and a filter."""
    members, *operations = _members(body)
    identifiers: list[Identifier] = [
        *_named(members),
        *_texts("id", resource_id),
        *(each for operation in operations for each in _named(operation)),
        *(("filter", re.sub(r"\\(.)", r"\1", value)) for value in _COMPARED.findall(query)),
    ]
    unique = dict.fromkeys((kind, value[:_LONGEST]) for kind, value in identifiers if value.strip())
    names = dict.fromkeys(name[:_LONGEST] for each in (members, *operations) for name in _names(each))
    return Subject(tuple(unique)[:_MOST], tuple(names)[:_MOST])


def identifiers_of(resource: Mapping[str, Any]) -> Subject:
    """Whom a canonical resource is: all that identifies it."""
    return Subject(tuple(dict.fromkeys([*_named(resource), *_texts("id", resource.get("id"))])))


def _members(body: Any) -> Iterator[dict[str, Any]]:
    """The members of a body, and of what each operation of a PATCH sets."""
    members = lower_member_names(body)
    yield members
    operations = members.get("operations")
    for operation in map(lower_member_names, operations if isinstance(operations, list) else []):
        path, value = operation.get("path"), operation.get("value")
        yield lower_member_names({path: value} if isinstance(path, str) else value)


def _named(resource: Mapping[str, Any]) -> Iterator[Identifier]:
    members = lower_member_names(resource)
    yield from _texts("userName", members.get("username"))
    yield from _texts("externalId", members.get("externalid"))
    emails = members.get("emails")
    for email in emails if isinstance(emails, list) else []:
        yield from _texts("email", lower_member_names(email).get("value"))


def _names(members: Mapping[str, Any]) -> Iterator[str]:
    """What somebody is called in full, and each word of it."""
    name = lower_member_names(members.get("name"))
    both = (name.get("givenname"), name.get("familyname"))
    for whole in (members.get("displayname"), name.get("formatted"), " ".join(each for each in both if _is_text(each))):
        if _is_text(whole):
            yield whole
            yield from whole.split()


def _is_text(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and bool(value.strip())


def _texts(kind: str, value: Any) -> Iterator[Identifier]:
    if isinstance(value, str):
        yield kind, value
