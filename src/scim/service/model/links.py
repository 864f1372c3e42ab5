"""The links of a user: the users to whom its references lead."""

from __future__ import annotations

import json
from dataclasses import dataclass

from scim.service.model.stored_resource import encode_json

ReferrerEntry = tuple[str, str]
"""An entry of the reference index: the id of a referrer, and the hash of the identifier in its reference."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link: the reference in ``attribute`` leads to the user ``user_id``.

    ``identifier_hash`` is the hash of the reference's value (:func:`scim.service.model.identifiers.identifier_hash`).
    It is empty as long as only the client says to whom the reference leads.

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
    def published(self) -> list[Link]:
        """The links that were looked up, and so published in an event."""
        return [link for link in self.links if link.identifier_hash]

    @classmethod
    def parse(cls, text: str) -> UserLinks:
        """Return the links in a stored text (:attr:`text`)."""
        if not text:
            return cls()
        sequence, *links = json.loads(text)
        return cls(sequence, tuple(Link(*link) for link in links))

    @property
    def text(self) -> str:
        """The links as they are stored: JSON, or an empty text if the user never had links."""
        if not (self.sequence or self.links):
            return ""
        links = ([link.attribute, link.identifier_hash, link.user_id, link.position] for link in self.links)
        return encode_json([self.sequence, *links])
