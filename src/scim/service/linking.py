"""Linking: references are linked when whom they name arrives, and no longer when that person leaves or is renamed.

Whoever refers to somebody is entered as a seeker, under the handle of what the reference says. A change of a user
concerns the user itself and whoever seeks what it is known by, or was. Of each of them the links are made what they
should be now, whatever it was that happened: so changes may come twice and in any order.

Nothing gets lost between two changes that are followed at the same time. A seeker is entered before it is looked for
whom it names, and a change is followed after it is in the table: one of the two sees the other. What was found is
looked up once more after the links were written: whatever changes after that finds them there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import repeat
from typing import Protocol

from scim.protocol.references import references
from scim.protocol.schema import ResourceType
from scim.service.links import Link, Links, changed_attributes, made
from scim.service.people import KNOWN_BY, handle, known_by
from scim.service.ports import LINK, Change, VersionConflict
from scim.service.stored import Stored

_WORKERS = 8
"""Side by side: enough to be busy while DynamoDB answers, within the connections of its client."""
_READ_AT_ONCE = 25
_NOBODY: frozenset[str] = frozenset()


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


Seeking = tuple[str, str]
"""The id of a user, and the handle of whom it refers to."""


class LinkStore(Protocol):
    """The users of one tenant and who of them seeks whom. Every read sees every write that was answered before it."""

    def get_all(self, ids: Collection[str]) -> dict[str, Stored]:
        """Those of the users who exist, by id."""

    def named(self, value: str) -> Iterator[Collection[str]]:
        """The ids of those who have the value as id, as userName, as externalId, as email, each for itself.

        Two at most of each, since several are nobody; looked up as they are drawn, and only where there are keys.
        """

    def enter(self, seeking: Collection[Seeking], no_longer: Collection[Seeking]) -> None:
        """Enter seekers and remove others; where that is so already, it does nothing."""

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
        users = self._entered(changes)
        with ThreadPoolExecutor(_WORKERS) as pool:
            concerned = self._concerned(changes, users, pool)
            while concerned:
                targets = _Targets(self._target)
                batches = _batches(list(concerned), _WORKERS)
                written = sum(pool.map(self._settle, batches, repeat(concerned), repeat(targets)))
                linked += written
                if not written or list(pool.map(self._target, targets.found)) == list(targets.found.values()):
                    break
        return linked

    def _entered(self, changes: Sequence[Followed]) -> dict[str, Stored]:
        """The users that changed, entered as seekers of those whom they refer to, and of nobody else."""
        users = self.store.get_all({change.id for change in changes})
        gone: dict[str, frozenset[str]] = {}
        for each in changes:
            gone[each.id] = gone.get(each.id, _NOBODY) | each.dropped
        while gone:
            sought = {user_id: self._sought(users.get(user_id)) for user_id in gone}
            gone = {user_id: handles for user_id, handles in gone.items() if handles or sought[user_id]}
            seeking = {(user_id, each) for user_id, handles in sought.items() for each in handles}
            before = {(user_id, each) for user_id, handles in gone.items() for each in handles}
            self.store.enter(seeking, before - seeking)
            # What other changes made of them meanwhile may have been followed before these entries were written.
            then, now = users, self.store.get_all(gone)
            users = {user_id: user for user_id, user in then.items() if user_id not in gone} | now
            gone = {
                user_id: handles | sought[user_id]
                for user_id, handles in gone.items()
                if _version(now.get(user_id)) != _version(then.get(user_id))
            }
        return users

    def _concerned(
        self, changes: Sequence[Followed], users: Mapping[str, Stored], pool: ThreadPoolExecutor
    ) -> dict[str, str]:
        """Whose links have to be looked at, each with the id of a request that concerns it."""
        moved = {handle: each.request_id for each in changes for handle in self._moved(each, users.get(each.id))}
        concerned = {
            seeker: request_id
            for request_id, seekers in zip(moved.values(), pool.map(self._seekers, moved), strict=True)
            for seeker in seekers
        }
        for each in changes:
            user = users.get(each.id)
            if user and (user.links or references(user.resource, self.resource_type)):
                concerned[each.id] = each.request_id
        return concerned

    def _seekers(self, handle: str) -> list[str]:
        return list(self.store.seekers(handle))

    def _moved(self, change: Followed, user: Stored | None) -> frozenset[str]:
        """The handles that lead to somebody else than before the change."""
        if user is None or not (change.operation == "create" or any(name in KNOWN_BY for name in change.changed)):
            return change.lost
        return change.lost | known_by(user.resource).handles

    def _settle(self, ids: Sequence[str], requests: Mapping[str, str], targets: _Targets) -> int:
        """Make the links of users what they should be; how many of them were written."""
        written = 0
        while ids:
            users = self.store.get_all(ids)
            conflicts = []
            for user_id, user in users.items():
                before = Links.read(user.links)
                links = made(user, self.resource_type, targets)
                if links == before.links:
                    continue
                change = self._change(user, before.told, links, requests[user_id])
                try:
                    self.store.link(user, Links(before.number + 1, links), change)
                    written += 1
                except VersionConflict:
                    conflicts.append(user_id)
            ids = conflicts
        return written

    def _change(self, user: Stored, before: Sequence[Link], after: Sequence[Link], request_id: str) -> Change:
        return Change(
            at=self.now(),
            operation=LINK,
            changed=changed_attributes(before, after),
            participation="unchanged",
            actor="muster",
            request_id=request_id,
            leniencies=(),
            resource_type=self.resource_type.name,
            user_name=user.resource[self.resource_type.unique.name],
            external_id=user.resource.get("externalId"),
            active=user.resource.get("active") is True,
            links=[(each.attribute, each.id) for each in after],
        )

    def _target(self, value: str) -> str | None:
        """The one user whom a value names; nobody where it could be several."""
        for ids in self.store.named(value.strip()):
            if ids:
                return next(iter(ids)) if len(ids) == 1 else None
        return None

    def _sought(self, user: Stored | None) -> frozenset[str]:
        found = references(user.resource, self.resource_type) if user else ()
        return frozenset(handle(each.value) for each in found)


def _version(user: Stored | None) -> int:
    return user.version if user else 0


def _batches(ids: Sequence[str], workers: int) -> list[Sequence[str]]:
    """The ids in as many parts as there are workers, or in more: users may be large."""
    size = min(-(-len(ids) // workers), _READ_AT_ONCE)
    return [ids[first : first + size] for first in range(0, len(ids), size)]
