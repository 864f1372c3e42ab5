"""Render stored resources for responses.

The entity tag of a response (RFC 7644 section 3.14) begins with the version of the resource. A response may also depend
on the links of the resource, and on the tenant's custom schemas, which hide values. Neither changes the version. So the
tag of a resource that is not returned exactly as it is stored has a digest of what is returned.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from pydantic_core import from_json

from scim.protocol.schema import ResourceType
from scim.protocol.stored_values.nonconforming import hide_nonconforming
from scim.service.model.links import UserLinks
from scim.service.model.stored_resource import StoredResource, encode_json, format_etag, parse_document
from scim.service.references.ref_insertion import insert_refs

_SCHEMAS_MEMBER = '{"schemas":'
"""The beginning of each document (:meth:`StoredResource.from_resource`)."""
_DIGEST_LENGTH = 12
"""The number of hexadecimal digits of the digest in an entity tag."""


@dataclass(frozen=True, slots=True)
class ResourceRenderer:
    """Renders the resources of one type. ``base_url`` is the SCIM URL, which locations begin with."""

    resource_type: ResourceType
    base_url: str
    _conforming_beginnings: dict[str, bool] = field(default_factory=dict, init=False, repr=False, compare=False)
    """The beginnings of documents that were rendered, and whether such a document has no values that must be hidden."""

    def build_location(self, resource_id: str) -> str:
        """Return the URL of a resource."""
        return f"{self.base_url}{self.resource_type.endpoint}/{resource_id}"

    def build_etag(self, stored: StoredResource) -> str:
        """Return the entity tag of a resource, which is also its ``meta.version``."""
        return self._build_etag(stored, self._render_document(stored))

    def render(self, stored: StoredResource) -> dict[str, Any]:
        """Return a resource with ``meta``, without the values that do not conform to the current schemas."""
        document = self._render_document(stored)
        resource = stored.resource if document == stored.document else parse_document(document, stored.id)
        meta = self._build_meta(stored) | {"version": self._build_etag(stored, document)}
        return {**resource, "meta": meta}

    def render_stored(self, stored: StoredResource) -> dict[str, Any]:
        """Return a resource with all stored values, even if they do not conform to the current schemas.

        It has the ``$ref`` of its links, and ``meta`` without ``version``.
        """
        resource = parse_document(self._insert_refs(stored), stored.id) if stored.links_json else stored.resource
        return {**resource, "meta": self._build_meta(stored)}

    def compile_json_renderer(self) -> Callable[[StoredResource], str]:
        """Return a function that renders a resource as JSON, with the same content as :meth:`render`.

        The function joins strings. It parses a document only if that may have values that must be hidden.
        """
        type_name, location = encode_json(self.resource_type.name), encode_json(self.build_location(""))[:-1]

        def render_json(stored: StoredResource) -> str:
            document = self._render_document(stored)
            version = self._build_etag(stored, document).replace('"', '\\"')
            return (
                f'{document[:-1]},"meta":{{"resourceType":{type_name},"created":"{stored.created}",'
                f'"lastModified":"{stored.modified}","location":{location}{stored.id}","version":"{version}"}}}}'
            )

        return render_json

    def _build_meta(self, stored: StoredResource) -> dict[str, Any]:
        """Return the attribute ``meta`` (RFC 7643 section 3.1) without ``version``."""
        return {
            "resourceType": self.resource_type.name,
            "created": stored.created,
            "lastModified": stored.modified,
            "location": self.build_location(stored.id),
        }

    def _build_etag(self, stored: StoredResource, document: str) -> str:
        """Return the entity tag of a resource whose rendered document is ``document``."""
        if document == stored.document:
            return format_etag(stored.version)
        return format_etag(stored.version, sha256(document.encode()).hexdigest()[:_DIGEST_LENGTH])

    def _render_document(self, stored: StoredResource) -> str:
        """Return the document of a resource with the ``$ref`` of its links, and without the values that must be hidden.

        A document begins with its ``schemas``. There are few different lists of schemas, and each is parsed once.
        """
        document = self._insert_refs(stored) if stored.links_json else stored.document
        beginning = document[: document.find("]") + 1]
        is_conforming = self._conforming_beginnings.get(beginning)
        if is_conforming is None:
            is_conforming = self._conforming_beginnings[beginning] = self._has_no_hidden_values(beginning)
        if is_conforming:
            return document
        return encode_json(hide_nonconforming(parse_document(document, stored.id), self.resource_type))

    def _has_no_hidden_values(self, beginning: str) -> bool:
        """Return whether a document has no values that must be hidden, judging by its ``schemas``.

        ``beginning`` is the JSON up to the end of ``schemas``.
        """
        if not beginning.startswith(_SCHEMAS_MEMBER + "["):
            return False
        schemas = from_json(beginning.removeprefix(_SCHEMAS_MEMBER))
        return self.resource_type.urns_returned_whole.issuperset(schemas)

    def _insert_refs(self, stored: StoredResource) -> str:
        """Return the document of a resource, with the ``$ref`` values of its links."""
        links = UserLinks.parse(stored.links_json).links
        refs = [(link.position, self.build_location(link.user_id)) for link in links if link.position is not None]
        return insert_refs(stored.document, refs)
