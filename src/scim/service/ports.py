"""What the use cases need from outside. The adapters in ``store`` and ``access`` provide it, tests provide fakes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from scim.protocol.schema import ResourceType, user_type
from scim.service.expiry import FOREVER
from scim.service.shapes import Shapes, find_partly_served
from scim.service.stored import Stored

if TYPE_CHECKING:
    from scim.protocol.filter.tree import Filter
    from scim.protocol.path import Path


class VersionConflict(Exception):
    """The resource is not at the version that the write was based on, or not there any more."""


class NotUnique(Exception):
    """Another resource has the unique value."""


LINK = "link"
"""The operation of a change record that is no write of a client's: references were linked, or no longer are."""


@dataclass(slots=True)
class Change:
    """What a change record says beside the versions: written in the same transaction as the change itself.

    ``resource_type`` and those after it tell whom it is about, as it stands after the change; before it for a deletion,
    after which nobody is active. ``changed``, ``left_out`` and ``sent`` are names of attributes: whose values changed,
    which were ignored, and which the request has. ``links``, of a :data:`LINK`, are all that there are then: attribute
    and user id.
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
    left_out: Sequence[str] = ()
    links: Sequence[tuple[str, str]] = ()
    sent: Sequence[str] = ()


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


@dataclass(frozen=True, slots=True)
class TokenState:
    """What the settings know of a tenant's token, which itself is in Secrets Manager only. Times in seconds since 1970.

    ``version`` is the version of the secret that was decided to be the current one, from ``since`` on; empty where none
    was. The token before it is valid for ``grace_s`` from then. ``ended`` are versions that open nothing, whatever
    their labels say. A token that was not ``shown`` yet can still be shown. ``lifetime_s`` is for how long a new one
    lives, also where there is none now: :data:`scim.service.expiry.FOREVER`, or seconds. ``asked`` names the request
    that was answered with the token, at ``asked_at``.
    """

    version: str = ""
    since: float = 0.0
    grace_s: float = 0.0
    expires: float | None = None
    shown: bool = True
    ended: tuple[str, ...] = ()
    lifetime_s: float = FOREVER
    asked: str = ""
    asked_at: float = 0.0

    @property
    def grace_ends(self) -> float:
        return self.since + self.grace_s

    @property
    def is_revoked(self) -> bool:
        return bool(self.ended) and not self.version


@dataclass(frozen=True)
class Tenant:
    """A customer: its settings as the store has them. ``extensions`` are schema documents of its own, ``shapes`` those
    of all attributes that it ever had (:mod:`scim.service.shapes`).

    A tenant that is not ``connected`` keeps its users. ``version`` is the settings' own; each write takes the next.
    Invitations of another ``generation`` than this one are over, and so are the sessions that came of them.
    """

    id: str
    strict: bool = False
    extensions: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    shapes: Shapes = field(default_factory=dict)
    connected: bool = True
    token: TokenState = TokenState()
    version: int = 1
    generation: int = 0

    @cached_property
    def resource_types(self) -> tuple[ResourceType, ...]:
        """What is served to this tenant."""
        if not self.extensions:
            return (user_type(),)
        return (user_type().extended(self.extensions, find_partly_served(self.shapes, self.extensions)),)


@dataclass(frozen=True, slots=True)
class Act:
    """The record of what somebody did with a tenant. ``at`` is RFC 3339 in UTC; ``details`` never hold a token."""

    id: str
    at: str
    operation: str
    actor: str
    details: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Use:
    """The use of a token, to a minute: when it was used last, and the version of the secret that it is in.

    ``agent`` is the user agent of the last request, ``is_write`` whether that was a write. ``first_at``,
    ``first_agent`` and ``first_is_write`` are the same of the first request. Times in seconds since 1970.
    """

    at: float
    version: str
    agent: str = ""
    is_write: bool = False
    first_at: float = 0.0
    first_is_write: bool = False
    first_agent: str = ""


class SettingsReader(Protocol):
    """What a request needs of the tenants' settings."""

    def get(self, tenant_id: str) -> Tenant | None: ...


class TenantStore(SettingsReader, Protocol):
    """The tenants, for whoever administers them."""

    def write(self, before: Tenant | None, after: Tenant, act: Act) -> None:
        """Make ``after`` of ``before``, ``None`` for a new tenant, together with the record.

        Raises :class:`VersionConflict` if what is stored is not ``before``.
        """

    def ids(self, after: str = "") -> Iterator[str]:
        """All tenants that were ever connected, in order, behind the id ``after``."""

    def last_use(self, tenant_id: str) -> Use | None:
        """Return the use of the token that was used last; ``None`` if none was ever used."""

    def count(self, tenant_id: str) -> tuple[int, int]:
        """How many users the tenant has, and how many of them are active."""

    def users(self, tenant_id: str, after: str = "") -> Iterator[Stored]:
        """The users in the order of their ids, behind the id ``after``, read as they are drawn."""


CURRENT, PREVIOUS, PENDING = "AWSCURRENT", "AWSPREVIOUS", "AWSPENDING"
"""The labels by which Secrets Manager tells a secret's versions apart."""
EXPIRED, UNKNOWN, MALFORMED = "token-expired", "token", "token-malformed"
"""Why a token is refused: it has expired, it is not one of the tenant's, or this stack did not make it."""


@dataclass(frozen=True, slots=True)
class TokenVersion:
    """A version of a tenant's secret. ``expires`` and ``made`` in seconds since 1970."""

    id: str
    token: str = field(repr=False)
    expires: float | None
    grace_s: float
    made: float


class SecretMissing(Exception):
    """The tenant has no secret, or it awaits its deletion."""


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
    """The tenants' tokens, one secret a tenant. Who adds a version chooses its id, so that adding can be repeated."""

    def open(self, tenant_id: str, version: str, expires: float | None) -> None:
        """Add a new token, in a secret that is made for it, or restored where it awaits its deletion.

        Raises :class:`SecretMissing` where it goes away at the same moment, or is seen late.
        """

    def add(self, tenant_id: str, version: str, expires: float | None, grace_s: float) -> None:
        """Add a new token as the pending one; does nothing if the version is there.

        Raises :class:`SecretMissing`.
        """

    def read(self, tenant_id: str, version: str) -> TokenVersion | None: ...

    def labels(self, tenant_id: str) -> Mapping[str, str]:
        """The id of the version that each label is on; also of a secret that awaits its deletion."""

    def promote(self, tenant_id: str, version: str, current: str | None, *, keep_previous: bool) -> bool:
        """Make a version the current one in place of ``current``; false if that one is not current any more."""

    def drop_pending(self, tenant_id: str, version: str) -> None:
        """Take the label of the pending version away, so that another rotation can begin."""

    def close(self, tenant_id: str) -> None:
        """Have the secret deleted, after some days in which it opens nothing and can be restored."""

    def reopen(self, tenant_id: str) -> None:
        """Restore the secret, if it awaits its deletion."""
