"""Linking: references are linked when whom they name arrives, and no longer when that person leaves or is renamed.

Whoever refers to somebody is entered as a seeker, under the handle of what the reference says. A change of a user
concerns the user itself and whoever seeks what it is known by, or was. Of each of them the links are made what they
should be now, whatever it was that happened: so changes may come twice and in any order.

Nothing gets lost between two changes that are followed at the same time. A seeker is entered before it is looked for
whom it names, and a change is followed after it is in the table: one of the two sees the other. What was found is
looked up once more after the links were written: whatever changes after that finds them there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import repeat
from typing import Protocol

from scim.protocol.comparison import key
from scim.protocol.references import references
from scim.protocol.schema import ResourceType
from scim.service.links import Links, changed_attributes, made
from scim.service.people import KNOWN_BY, handle, known_by
from scim.service.ports import LINK, Change, VersionConflict
from scim.service.stored import Stored

_WORKERS = 8
"""Side by side: enough to be busy while DynamoDB answers, within the connections of its client."""
# What a reference is tried as, in this order: a userName outweighs an email that somebody else has.
_KINDS = ("id", "userName", "externalId", "email")


@dataclass(frozen=True, slots=True)
class Followed:
    """A change, as far as it says who is concerned.

    ``lost`` are the handles of what the user is no longer known by, ``dropped`` those of whom it refers to no longer.
    """

    id: str
    operation: str
    changed: Sequence[str]
    lost: frozenset[str]
    dropped: frozenset[str]
    request_id: str


class LinkStore(Protocol):
    """The users of one tenant and who of them seeks whom. Every read sees every write that was answered before it."""

    def get(self, resource_id: str) -> Stored | None: ...

    def named(self, value: str) -> Sequence[Stored]:
        """Those who have the value as id, userName, externalId or email, as far as users are found by these."""

    def seek(self, resource_id: str, handles: Collection[str]) -> None:
        """Enter a seeker; where it is entered already, that does nothing."""

    def stop(self, resource_id: str, handles: Collection[str]) -> None: ...

    def seekers(self, handle: str) -> Iterator[str]:
        """The ids of those who seek somebody, read as they are drawn."""

    def link(self, user: Stored, links: Links, change: Change) -> None:
        """Give a user these links, together with the record of it. Raises :class:`VersionConflict`."""


@dataclass(slots=True)
class _Targets:
    """Whom references lead to, each looked up once."""

    look_up: Callable[[str], str | None]
    found: dict[str, str | None] = field(default_factory=dict)

    def __call__(self, _: str, value: str) -> str | None:
        if value not in self.found:
            self.found[value] = self.look_up(value)
        return self.found[value]


@dataclass(frozen=True, slots=True)
class Linking:
    """Follows the changes of one tenant's resources of one type. ``now`` gives the time as RFC 3339 in UTC."""

    store: LinkStore
    resource_type: ResourceType
    now: Callable[[], str]

    def follow(self, changes: Sequence[Followed]) -> int:
        """Link whom the changes concern; how often links changed.

        Raises :class:`scim.protocol.errors.Unavailable` where the time is up: what was done stays, and the same changes
        can be followed again.
        """
        linked = 0
        with ThreadPoolExecutor(_WORKERS) as pool:
            concerned: dict[str, str] = {}
            for change, ids in zip(changes, pool.map(self._concerned, changes), strict=True):
                concerned |= dict.fromkeys(ids, change.request_id)
            while concerned:
                targets = _Targets(self._target)
                written = sum(pool.map(self._settle, concerned, concerned.values(), repeat(targets)))
                linked += written
                if not written or list(pool.map(self._target, targets.found)) == list(targets.found.values()):
                    break
        return linked

    def _concerned(self, change: Followed) -> set[str]:
        """Keep the entries of a user as a seeker, and tell whose links have to be looked at."""
        user = self._entered(change)
        concerned = {change.id} if user and (user.links or references(user.resource, self.resource_type)) else set()
        return concerned.union(*(self.store.seekers(each) for each in self._moved(change, user)))

    def _entered(self, change: Followed) -> Stored | None:
        """The user, entered as a seeker of those whom it refers to, and of nobody else."""
        user, gone = self.store.get(change.id), change.dropped
        if not (gone or change.operation == "create" or self._names_references(change.changed)):
            return user
        while True:
            sought = self._sought(user)
            if gone - sought:
                self.store.stop(change.id, gone - sought)
            if sought:
                self.store.seek(change.id, sought)
            # What another change made of it meanwhile may have been followed before these entries were written.
            before, user = user, self.store.get(change.id)
            if not (gone or sought) or _version(user) == _version(before):
                return user
            gone |= sought

    def _moved(self, change: Followed, user: Stored | None) -> frozenset[str]:
        """The handles that lead to somebody else than before the change."""
        if user is None or not (change.operation == "create" or any(name in KNOWN_BY for name in change.changed)):
            return change.lost
        return change.lost | known_by(user.resource).handles - {handle(user.id)}  # nobody knows an id before it is made

    def _settle(self, user_id: str, request_id: str, targets: _Targets) -> int:
        """Make a user's links what they should be; how often they were written."""
        while (user := self.store.get(user_id)) is not None:
            before = Links.read(user.links)
            links = made(user, self.resource_type, targets)
            if links == before.links:
                return 0
            change = Change(
                at=self.now(),
                operation=LINK,
                changed=changed_attributes(before.links, links),
                participation="unchanged",
                actor="muster",
                request_id=request_id,
                leniencies=(),
                resource_type=self.resource_type.name,
                user_name=user.resource[self.resource_type.unique.name],
                external_id=user.resource.get("externalId"),
                active=user.resource.get("active") is True,
                links=[(each.attribute, each.id) for each in links],
            )
            try:
                self.store.link(user, Links(before.number + 1, links), change)
            except VersionConflict:
                continue
            return 1
        return 0

    def _target(self, value: str) -> str | None:
        """The one user whom a value names; nobody where it could be several."""
        wanted, found = key(value.strip()), self.store.named(value.strip())
        for kind in _KINDS:
            ids = {
                each.id
                for each in found
                for known, identifier in known_by(each.resource).identifiers
                if known == kind and key(identifier.strip()) == wanted
            }
            if ids:
                return ids.pop() if len(ids) == 1 else None
        return None

    def _sought(self, user: Stored | None) -> frozenset[str]:
        found = references(user.resource, self.resource_type) if user else ()
        return frozenset(handle(each.value) for each in found)

    def _names_references(self, names: Sequence[str]) -> bool:
        core = self.resource_type.core
        attributes = {
            attribute.name if schema is core else f"{schema.id}:{attribute.name}"
            for schema, attribute in self.resource_type.references
        }
        return not attributes.isdisjoint(names)


def _version(user: Stored | None) -> int:
    return user.version if user else 0
