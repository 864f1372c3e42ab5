"""Who a request is about: what its path, its body or its filter names a person by."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from scim.protocol.comparison import key

_LONGEST = 256
_MOST = 20
_COMPARED = re.compile(r'\beq\s+"((?:[^"\\]|\\.){1,256})"', re.IGNORECASE)

Identifier = tuple[str, str]
"""What it is, ``userName``, ``externalId``, ``email``, ``id`` or ``filter``, and its value."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody as a request names them, who need not exist. The first identifier is the one that is kept as it is."""

    identifiers: tuple[Identifier, ...] = ()

    @property
    def identifier(self) -> Identifier:
        return self.identifiers[0] if self.identifiers else ("", "")

    @property
    def handles(self) -> frozenset[str]:
        """By which the person is found again, whichever of the identifiers is looked for."""
        return frozenset(handle(value) for _, value in self.identifiers)


KNOWN_BY = ("userName", "externalId", "emails", "id")
"""The attributes by whose values people are looked for."""


def handle(identifier: str) -> str:
    """A digest of an identifier: equal where the identifiers are, whatever their case, and not to be read."""
    return sha256(key(identifier.strip()).encode()).hexdigest()[:24]


def meant(resource_id: str | None, body: Any, query: str = "") -> Person:
    """Who is meant by the id in a path, a body of any form, and a filter."""
    found: Iterator[Identifier] = (each for source in _sources(resource_id, body, query) for each in source)
    unique = dict.fromkeys((kind, value[:_LONGEST]) for kind, value in found if value.strip())
    return Person(tuple(unique)[:_MOST])


def known_by(resource: Mapping[str, Any]) -> Person:
    """Whom a canonical resource is: all that it can be looked for by."""
    return Person(tuple(dict.fromkeys([*_named(resource), *_texts("id", resource.get("id"))])))


def _sources(resource_id: str | None, body: Any, query: str) -> Iterator[Iterable[Identifier]]:
    members = _lowered(body)
    yield _named(members)
    yield [("id", resource_id)] if resource_id else []
    operations = members.get("operations")
    for operation in map(_lowered, operations if isinstance(operations, list) else []):
        path = operation.get("path")
        value = operation.get("value")
        yield _named(_lowered({path: value} if isinstance(path, str) else value))
    yield (("filter", re.sub(r"\\(.)", r"\1", value)) for value in _COMPARED.findall(query))


def _named(resource: Mapping[str, Any]) -> Iterator[Identifier]:
    members = _lowered(resource)
    yield from _texts("userName", members.get("username"))
    yield from _texts("externalId", members.get("externalid"))
    emails = members.get("emails")
    for email in emails if isinstance(emails, list) else []:
        yield from _texts("email", _lowered(email).get("value"))


def _texts(kind: str, value: Any) -> Iterator[Identifier]:
    if isinstance(value, str):
        yield kind, value


def _lowered(value: Any) -> dict[str, Any]:
    return {str(name).lower(): member for name, member in value.items()} if isinstance(value, Mapping) else {}
