"""A resource as the store keeps it.

Its JSON is pydantic's core's, which writes it in a quarter of the time that the standard library takes, and reads it in
two thirds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pydantic_core import from_json, to_json


@dataclass(slots=True)
class StoredResource:
    """One version of a resource. ``document`` is its canonical JSON without ``meta``; times are RFC 3339 in UTC.

    ``links`` tell whom its references lead to (:class:`scim.service.model.resolved_references.ResolvedReferences`),
    empty where nobody.
    ``active_since`` is when the user became active or, of one who is not active, inactive.
    """

    id: str
    version: int
    created: str
    modified: str
    document: str
    links: str = ""
    active_since: str = ""
    _resource: dict[str, Any] | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def resource(self) -> dict[str, Any]:
        """The canonical resource, with ``id`` and without ``meta``; read when first asked for. Not to be changed."""
        # By hand, since cached_property takes a lock until Python 3.12: in a walk that is as much as trying a filter.
        # So is making a frozen object.
        if self._resource is None:
            self._resource = from_json(self.document, cache_strings="keys")
        return self._resource

    @classmethod
    def from_resource(
        cls, resource: dict[str, Any], version: int, created: str, modified: str, active_since: str
    ) -> StoredResource:
        """A version that is to be stored. Not to be changed afterwards: neither of the two."""
        stored = cls(resource["id"], version, created, modified, encode_json(resource), active_since=active_since)
        stored._resource = resource
        return stored

    @property
    def etag(self) -> str:
        return etag(self.version)


def etag(version: int) -> str:
    """The entity tag of a version: weak, since the bytes of an answer depend on the projection."""
    return f'W/"{version}"'


def encode_json(value: Any) -> str:
    """JSON as it is stored and sent: short, and with every character as itself."""
    return to_json(value).decode()


class VersionConflict(Exception):
    """The resource is not at the version that the write was based on, or not there any more."""


class NotUnique(Exception):
    """Another resource has the unique value."""
