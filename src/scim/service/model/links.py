"""Links: the users to whom the references of a user lead."""

from __future__ import annotations

import json
from dataclasses import dataclass

from scim.service.model.stored_resource import encode_json

ReferrerEntry = tuple[str, str]
"""An entry of the reference index: the id of a user who refers to another one, and the hash of the identifier."""


@dataclass(frozen=True, slots=True)
class Link:
    """A resolved reference: the reference in ``attribute`` leads to the user ``user_id``.

    ``identifier_hash`` is the hash of the reference's value (:func:`scim.service.model.identifiers.hash_identifier`).
    It is empty until a link task has resolved the reference. Until then ``user_id`` is from the ``$ref`` of the client.

    ``position`` is where the ``$ref`` is inserted into the document, in characters
    (:mod:`scim.service.references.ref_insertion`). It is ``None`` if none can be inserted: the value is a plain string,
    or has a ``$ref`` of the client's.
    """

    attribute: str
    identifier_hash: str
    user_id: str
    position: int | None


@dataclass(frozen=True, slots=True)
class UserLinks:
    """The links of one version of a user; ``sequence`` counts how often they changed."""

    sequence: int = 0
    links: tuple[Link, ...] = ()

    @property
    def published_links(self) -> list[Link]:
        """The links that a link task has resolved and published in an event."""
        return [link for link in self.links if link.identifier_hash]

    @classmethod
    def parse(cls, links_json: str) -> UserLinks:
        """Return the links as they were stored (:meth:`to_json`)."""
        if not links_json:
            return cls()
        sequence, *links = json.loads(links_json)
        return cls(sequence, tuple(Link(*link) for link in links))

    def to_json(self) -> str:
        """Return the links as they are stored: JSON, or an empty string if the user never had links."""
        if not (self.sequence or self.links):
            return ""
        links = ([link.attribute, link.identifier_hash, link.user_id, link.position] for link in self.links)
        return encode_json([self.sequence, *links])
