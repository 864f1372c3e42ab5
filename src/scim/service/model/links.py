"""Links: the resolved references from a user to other users."""

from __future__ import annotations

import json
from dataclasses import dataclass

from scim.service.model.stored_resource import UnreadableResource, encode_json

ReferrerEntry = tuple[str, str]
"""An entry of the reference index: the id of the referrer, and the hash of the identifier that it refers to."""


@dataclass(frozen=True, slots=True)
class Link:
    """A resolved reference to another user.

    Attributes:
        attribute: The name of the attribute that has the reference, such as ``manager``.
        identifier_hash: The hash of the reference's value (:func:`scim.service.model.identifiers.hash_identifier`). It
            is empty until a link task has resolved the reference. Until then ``user_id`` is from a client's ``$ref``.
        user_id: The id of the user that the reference identifies.
        position: The position in the document at which the ``$ref`` is inserted, in characters
            (:mod:`scim.service.references.ref_insertion`). It is ``None`` if no ``$ref`` can be inserted: the value is
            a plain string, or already has a ``$ref`` of the client.
    """

    attribute: str
    identifier_hash: str
    user_id: str
    position: int | None


@dataclass(frozen=True, slots=True)
class UserLinks:
    """The links of one version of a user. ``sequence`` is the number of times that they changed."""

    sequence: int = 0
    links: tuple[Link, ...] = ()

    @property
    def published_links(self) -> list[Link]:
        """The links that a link task has resolved, so that an event has published them."""
        return [link for link in self.links if link.identifier_hash]

    @classmethod
    def parse(cls, links_json: str) -> UserLinks:
        """Parse the stored text of links (:meth:`to_json`). Raise :class:`UnreadableResource` if it is malformed."""
        if not links_json:
            return cls()
        try:
            sequence, *links = json.loads(links_json)
            return cls(sequence, tuple(Link(*link) for link in links))
        except (ValueError, TypeError) as error:
            raise UnreadableResource from error

    def to_json(self) -> str:
        """Return the links as text to store: JSON, or an empty string if the user never had links."""
        if not (self.sequence or self.links):
            return ""
        links = ([link.attribute, link.identifier_hash, link.user_id, link.position] for link in self.links)
        return encode_json([self.sequence, *links])
