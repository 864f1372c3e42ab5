"""What the use cases need from outside. The adapters in ``store`` and ``access`` provide it, tests provide fakes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from scim.protocol.schema import ResourceType, user_type
from scim.service.stored import Stored

if TYPE_CHECKING:
    from scim.protocol.filter.tree import Filter
    from scim.protocol.path import Path


class VersionConflict(Exception):
    """The resource is not at the version that the write was based on, or not there any more."""


class NotUnique(Exception):
    """Another resource has the unique value."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a change record says beside the versions: written in the same transaction as the change itself."""

    at: str
    operation: str
    changed: Sequence[str]
    participation: str
    actor: str
    request_id: str
    leniencies: Sequence[str]
    left_out: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """What to sort by. ``key`` is made of JSON's values and tuples; those of two resources can be compared."""

    path: Path
    key: Callable[[Stored], Any]
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Anchor:
    """A resource at an end of a page, and the digest of the place that it had there."""

    id: str
    digest: bytes = b""


@dataclass(frozen=True, slots=True)
class StartIndex:
    """The page that begins with the resource number ``index``, from 1, for a client on its way through all pages."""

    index: int
    client: str = ""


@dataclass(frozen=True, slots=True)
class Beside:
    """The page behind the first of the anchors that still has its place, or before it; the first page without any.

    ``total`` is how many there were at the first page.
    """

    anchors: Sequence[Anchor] = ()
    backwards: bool = False
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """What to find. ``matches`` decides for one resource what ``filter`` says, ``text`` tells queries apart.

    ``reads_meta``: whether ``matches`` or ``order`` look at more than the document.
    """

    start: StartIndex | Beside
    count: int
    filter: Filter | None = None
    matches: Callable[[Stored], bool] | None = None
    order: Order | None = None
    text: str = ""
    reads_meta: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """A page of what matches: how many there are in all, those of the page, and the plan that found them.

    ``read`` is how many had to be read for it.

    ``after`` and ``before`` are where the next and the previous page can be asked for beside; ``None`` without one.
    """

    total: int
    page: Sequence[Stored]
    plan: str
    after: Sequence[Anchor] | None = None
    before: Sequence[Anchor] | None = None
    read: int = 0


class Store(Protocol):
    """The resources of one type in one tenant. Every read sees every write that was answered before it."""

    def get(self, resource_id: str) -> Stored | None: ...

    def write(self, before: Stored | None, after: Stored | None, change: Change) -> None:
        """Make ``after`` of ``before``; ``None`` before is a creation and after is a deletion.

        Raises :class:`VersionConflict` if what is stored is not ``before``, else :class:`NotUnique`.
        """

    def find(self, query: Query) -> Found:
        """The page that a query asks for.

        Raises :class:`scim.protocol.errors.TooMany` past the budget of a walk, and
        :class:`scim.protocol.errors.ExpiredCursor` where none of the anchors has its place any more.
        """


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


@dataclass(frozen=True, slots=True)
class Opened:
    """What was sealed, and how many seconds ago."""

    content: bytes
    age_s: float


class Seal(Protocol):
    """Sealed text is URL-safe (RFC 3986 section 2.3), and opens for the same tenant only."""

    def seal(self, tenant_id: str, content: bytes) -> str: ...

    def open(self, tenant_id: str, text: str) -> Opened | None:
        """``None`` for what was not sealed here."""


class TokenStore(Protocol):
    def issue(self, tenant_id: str) -> str:
        """Make the tenant's first token, and restore what was deleted; returns it. It is shown only here."""
