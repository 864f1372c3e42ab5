"""How a stored resource is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from scim.protocol.schema import ResourceType
from scim.service.links import linked
from scim.service.stored import Stored, encode


@dataclass(frozen=True, slots=True)
class Presentation:
    """Shows the resources of one type under one base URL."""

    resource_type: ResourceType
    base_url: str

    def location(self, resource_id: str) -> str:
        return f"{self.base_url}{self.resource_type.endpoint}/{resource_id}"

    def meta(self, stored: Stored) -> dict[str, Any]:
        """The attribute ``meta`` (RFC 7643 section 3.1)."""
        return {
            "resourceType": self.resource_type.name,
            "created": stored.created,
            "lastModified": stored.modified,
            "location": self.location(stored.id),
            "version": stored.etag,
        }

    def resource(self, stored: Stored) -> dict[str, Any]:
        """The resource as a client knows it."""
        resource = from_json(self._document(stored)) if stored.links else stored.resource
        return {**resource, "meta": self.meta(stored)}

    def text(self) -> Callable[[Stored], str]:
        """A function that gives the same as JSON, spliced together: a page is shown without reading any of it."""
        kind, location, document = encode(self.resource_type.name), encode(self.location(""))[:-1], self._document
        return lambda stored: (
            f'{document(stored)[:-1]},"meta":{{"resourceType":{kind},"created":"{stored.created}","lastModified":'
            f'"{stored.modified}","location":{location}{stored.id}","version":"W/\\"{stored.version}\\""}}}}'
        )

    def _document(self, stored: Stored) -> str:
        return linked(stored.document, stored.links, self.location) if stored.links else stored.document
