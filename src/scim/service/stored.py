"""A resource as the store keeps it, and how it is shown."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from scim.protocol.schema import ResourceType


@dataclass(frozen=True)
class Stored:
    """One version of a resource. ``document`` is its canonical JSON without ``meta``; times are RFC 3339 in UTC."""

    id: str
    version: int
    created: str
    modified: str
    document: str

    @cached_property
    def resource(self) -> dict[str, Any]:
        """The canonical resource, with ``id`` and without ``meta``. Not to be changed."""
        resource: dict[str, Any] = json.loads(self.document)
        return resource

    @property
    def etag(self) -> str:
        return etag(self.version)


def etag(version: int) -> str:
    """The entity tag of a version: weak, since the bytes of an answer depend on the projection."""
    return f'W/"{version}"'


def encode(value: Any) -> str:
    """JSON as it is stored and sent: short, and with every character as itself."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


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
        return {**stored.resource, "meta": self.meta(stored)}

    def text(self, stored: Stored) -> str:
        """The same as JSON, spliced together: a page of users is shown without reading any of them."""
        return f'{stored.document[:-1]},"meta":{encode(self.meta(stored))}}}'
