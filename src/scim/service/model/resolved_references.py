"""The users to whom the references of a user lead."""

from __future__ import annotations

import json
from dataclasses import dataclass

from scim.service.model.stored_resource import encode_json

IndexEntry = tuple[str, str]
"""The id of a referrer, and the hash of the identifier by which it refers to somebody."""


@dataclass(frozen=True, slots=True)
class ResolvedReference:
    """A reference leads to the user ``id``.

    ``identifier_hash`` is the digest of its value (:func:`scim.service.model.identifiers.identifier_hash`), empty where
    so far only the client says so.

    ``place`` is where its ``$ref`` is to be put in, in characters from the document's beginning; ``None`` where there
    is no room for one, as beside a plain string, or the client has one of its own there.
    """

    attribute: str
    identifier_hash: str
    id: str
    place: int | None


@dataclass(frozen=True, slots=True)
class ResolvedReferences:
    """The links of one version of a user; ``number`` counts how often they changed."""

    number: int = 0
    links: tuple[ResolvedReference, ...] = ()

    @property
    def told(self) -> list[ResolvedReference]:
        """Those that were looked up, and told in an event."""
        return [each for each in self.links if each.identifier_hash]

    @classmethod
    def read(cls, text: str) -> ResolvedReferences:
        """What :attr:`text` gave; nothing for an empty text."""
        if not text:
            return cls()
        number, *links = json.loads(text)
        return cls(number, tuple(ResolvedReference(*link) for link in links))

    @property
    def text(self) -> str:
        """As it is stored; empty where there is nothing to be known."""
        if not (self.number or self.links):
            return ""
        return encode_json(
            [self.number, *([each.attribute, each.identifier_hash, each.id, each.place] for each in self.links)]
        )
