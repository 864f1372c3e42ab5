"""What the use cases need from outside. The adapters in ``store`` and ``access`` provide it, tests provide fakes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from scim.protocol.filter.tree import Filter
from scim.protocol.schema import ResourceType, user_type
from scim.service.stored import Stored


class VersionConflict(Exception):
    """The resource is not at the version that the write was based on, or not there any more."""


class NotUnique(Exception):
    """Another resource has the unique value."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a change record says beside the versions: written in the same transaction as the change itself.

    ``resource_type`` and those after it tell whom it is about, as it stands after the change; before it for a deletion,
    after which nobody is active.
    """

    at: str
    operation: str
    changed: Sequence[str]
    participation: str
    actor: str
    request_id: str
    leniencies: Sequence[str]
    resource_type: str
    user_name: str
    external_id: str | None
    active: bool


@dataclass(frozen=True, slots=True)
class Query:
    """What to find. ``matches`` decides for one resource what ``filter`` says; ``order`` sorts, ascending."""

    start_index: int
    count: int
    filter: Filter | None = None
    matches: Callable[[Stored], bool] | None = None
    order: Callable[[Stored], Any] | None = None
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A page of what matches: how many there are in all, those of the page, and the plan that found them."""

    total: int
    page: Sequence[Stored]
    plan: str


class Store(Protocol):
    """The resources of one type in one tenant. Every read sees every write that was answered before it."""

    def get(self, resource_id: str) -> Stored | None: ...

    def write(self, before: Stored | None, after: Stored | None, change: Change) -> None:
        """Make ``after`` of ``before``; ``None`` before is a creation and after is a deletion.

        Raises :class:`VersionConflict` if what is stored is not ``before``, else :class:`NotUnique`.
        """

    def find(self, query: Query) -> Found:
        """The page that a query asks for. Raises :class:`scim.protocol.errors.TooMany` past the budget of a walk."""


@dataclass(frozen=True)
class Tenant:
    """A customer: its settings as the store has them. ``extensions`` are schema documents of its own."""

    id: str
    strict: bool = False
    extensions: Sequence[Mapping[str, Any]] = field(default_factory=tuple)

    @cached_property
    def resource_types(self) -> tuple[ResourceType, ...]:
        """What is served to this tenant."""
        return (user_type().extended(self.extensions) if self.extensions else user_type(),)


class TenantStore(Protocol):
    def get(self, tenant_id: str) -> Tenant | None: ...

    def create(self, tenant: Tenant) -> bool:
        """Write the settings of a new tenant; false if there are some already."""

    def replace(self, tenant: Tenant) -> bool:
        """Write the settings of a tenant anew; false if there are none."""


class TokenStore(Protocol):
    def issue(self, tenant_id: str) -> str:
        """Make the tenant's first token, and restore what was deleted; returns it. It is shown only here."""
