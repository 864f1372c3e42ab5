"""Observe which unique values the operations of a bulk request free, and which they need."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field

from scim.protocol.errors import Unavailable
from scim.protocol.normalize import normalize_string
from scim.protocol.schema import ResourceType
from scim.service.model.change_record import ChangeRecord
from scim.service.model.query import Query, QueryResult
from scim.service.model.stored_resource import NotUnique, StoredResource
from scim.service.ports import ResourceStore


def normalize_unique_value(value: str, resource_type: ResourceType) -> str:
    """Return a value of the unique attribute in a form that is equal for equal values of the same resource type."""
    is_case_exact = resource_type.unique_attribute.is_case_exact
    return f"{resource_type.name}:{normalize_string(value, is_case_exact=is_case_exact)}"


@dataclass(slots=True)
class UniqueValueChanges:
    """The unique values in one attempt of an operation.

    Attributes:
        freed: The values that the operation has freed.
        conflicting: The values that the operation needs and other resources have.
        awaited: The values that the operation must not free yet.
    """

    freed: set[str] = field(default_factory=set)
    conflicting: set[str] = field(default_factory=set)
    awaited: set[str] = field(default_factory=set)


class Postponed(Exception):
    """An operation would free a unique value too early (:mod:`scim.service.resources.bulk.schedule`)."""


@dataclass(frozen=True, slots=True)
class UniqueValueObserver:
    """A store that records in ``changes`` which unique values its writes change.

    ``is_awaited`` returns whether values must not be freed yet. Then :meth:`write` raises :class:`Postponed`.
    """

    store: ResourceStore
    resource_type: ResourceType
    changes: UniqueValueChanges
    is_awaited: Callable[[Set[str]], bool]

    def get(self, resource_id: str) -> StoredResource | None:
        """Return a resource, as :meth:`ResourceStore.get` does."""
        return self.store.get(resource_id)

    def find(self, query: Query) -> QueryResult:
        """Return a page of resources, as :meth:`ResourceStore.find` does."""
        return self.store.find(query)

    def create_all(self, creations: Sequence[tuple[StoredResource, ChangeRecord]]) -> None:
        """Create resources, as :meth:`ResourceStore.create_all` does."""
        self.store.create_all(creations)

    def write(self, before: StoredResource | None, after: StoredResource | None, change: ChangeRecord) -> None:
        """Write a change, as :meth:`ResourceStore.write` does."""
        freed_values = self._list_values(before) - self._list_values(after)
        if freed_values and self.is_awaited(freed_values):
            self.changes.awaited |= freed_values
            raise Postponed
        try:
            self.store.write(before, after, change)
        except NotUnique:
            self.changes.conflicting |= self._list_values(after)
            raise
        except Unavailable:  # the change may have been stored
            self.changes.freed |= freed_values
            raise
        self.changes.freed |= freed_values

    def _list_values(self, stored: StoredResource | None) -> set[str]:
        name = self.resource_type.unique_attribute.name
        return {normalize_unique_value(stored.resource[name], self.resource_type)} if stored else set()
