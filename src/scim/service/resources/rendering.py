"""How a stored resource is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from scim.protocol.schema import ResourceType
from scim.protocol.stored_values.unserved import hide_unserved
from scim.service.model.resolved_references import ResolvedReferences
from scim.service.model.stored_resource import StoredResource, encode_json
from scim.service.references.ref_splicing import insert_refs

_BEGINNING = '{"schemas":['


@dataclass(frozen=True, slots=True)
class ResourceRenderer:
    """Shows the resources of one type under one base URL."""

    resource_type: ResourceType
    base_url: str

    def location(self, resource_id: str) -> str:
        return f"{self.base_url}{self.resource_type.endpoint}/{resource_id}"

    def meta(self, stored: StoredResource) -> dict[str, Any]:
        """The attribute ``meta`` (RFC 7643 section 3.1)."""
        return {
            "resourceType": self.resource_type.name,
            "created": stored.created,
            "lastModified": stored.modified,
            "location": self.location(stored.id),
            "version": stored.etag,
        }

    def resource(self, stored: StoredResource) -> dict[str, Any]:
        """Return the resource as a client knows it: without the values that are not served."""
        return hide_unserved(self.with_meta(stored), self.resource_type)

    def with_meta(self, stored: StoredResource) -> dict[str, Any]:
        """Return everything that is stored of the resource, with ``meta``."""
        resource = from_json(self._insert_refs(stored)) if stored.links else stored.resource
        return {**resource, "meta": self.meta(stored)}

    def text(self) -> Callable[[StoredResource], str]:
        """Return a function that gives the same as JSON.

        It splices text together, and parses a document only if it may hold values that are not served.
        """
        kind, location, document = (
            encode_json(self.resource_type.name),
            encode_json(self.location(""))[:-1],
            self._served(),
        )
        return lambda stored: (
            f'{document(stored)[:-1]},"meta":{{"resourceType":{kind},"created":"{stored.created}","lastModified":'
            f'"{stored.modified}","location":{location}{stored.id}","version":"W/\\"{stored.version}\\""}}}}'
        )

    def _served(self) -> Callable[[StoredResource], str]:
        """Return a function that gives the document of a resource without the values that are not served.

        A document begins with its ``schemas``. Few different lists occur, and the function checks each of them once.
        """
        is_whole: dict[str, bool] = {}

        def document(stored: StoredResource) -> str:
            text = self._insert_refs(stored) if stored.links else stored.document
            beginning = text[: text.find("]") + 1]
            whole = is_whole.get(beginning)
            if whole is None:
                whole = is_whole[beginning] = self._is_fully_served(beginning)
            return text if whole else encode_json(hide_unserved(from_json(text), self.resource_type))

        return document

    def _is_fully_served(self, beginning: str) -> bool:
        """Return whether every value that a document with this beginning can hold is served."""
        if not beginning.startswith(_BEGINNING):
            return False
        return self.resource_type.fully_served_urns.issuperset(from_json(beginning[len(_BEGINNING) - 1 :]))

    def _insert_refs(self, stored: StoredResource) -> str:
        """Return the document of a resource with the ``$ref`` of each of its links."""
        links = ResolvedReferences.parse(stored.links).links
        refs = [(link.position, self.location(link.user_id)) for link in links if link.position is not None]
        return insert_refs(stored.document, refs)
