"""Resolve references: keep the links of users up to date.

A user may refer to a person who is not a user yet. The reference index has an entry for each reference: the hash of its
value (:func:`scim.service.model.identifiers.hash_identifier`), and the id of the user that has it, the *referrer*. When
a user is created, deleted or renamed, the index returns its referrers by its former and new identifiers.

A link task updates the links that one change may affect: those of the changed user, and page by page those of its
referrers. It resolves all references of each of these users, and compares the result with the stored links. So a task
may run twice, late, and in any order.

This is why no link is lost when tasks run at the same time. R is a referrer, and P is the user that it refers to.

1. Every task runs after its change is in the table, and every read is strongly consistent.
2. R's task writes R's index entry before it looks up P. P's task reads the index after P's change is in the table. If
   P's task sees R's entry, it updates R. If it does not, R's entry was written later. Then R's task looks up P even
   later, and sees P's change. So one of the two tasks always sees the other's change.
3. P may change after a task has looked it up and before the task writes the link. So after its writes the task looks
   up all users of the page again, and repeats the page if one differs. A change of P after that has its own task, which
   finds the written link.
4. A write of links has a condition on the user's version and links. If it fails, the user is read and compared again.
   A client's write of a user has a condition on the links too. Otherwise it could overwrite a link that was created
   after it read the user. The removal of that link would then have no change record and no event.

The order of the pages does not matter. A page that is processed late looks up users later.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import repeat

from scim.protocol.schema import ResourceType
from scim.service.model.change_record import ChangeRecord, Operation, Participation
from scim.service.model.identifiers import identify_user
from scim.service.model.links import Link, UserLinks
from scim.service.model.stored_resource import StoredResource, VersionConflict
from scim.service.model.timestamps import format_rfc3339
from scim.service.ports import LinkStore
from scim.service.references.link_task import LinkResult, LinkTask, ReferrerPosition
from scim.service.references.links import find_reference_hashes, list_changed_link_attributes, resolve_links

REFERRERS_PER_TASK = 100
"""The maximum number of referrers in a task. It takes a few seconds, so that other tenants do not wait."""
QUERIES_PER_TASK = 40
"""The maximum number of queries for referrers in a task."""
_WORKERS = 8
"""The number of parallel calls to DynamoDB. It fits into the connections of the client."""
_USERS_PER_READ = 25


@dataclass(slots=True)
class _TargetCache:
    """Looks up the users that references identify, once for each value."""

    look_up: Callable[[str], str | None]
    user_ids: dict[str, str | None] = field(default_factory=dict)

    def find_user_id(self, _: str, value: str) -> str | None:
        """Return the id of the user that a reference with this value identifies, ``None`` if there is none."""
        if value not in self.user_ids:
            self.user_ids[value] = self.look_up(value)
        return self.user_ids[value]


@dataclass(frozen=True, slots=True)
class ReferenceResolver:
    """Updates the links of one tenant's resources of one type. ``now`` returns the seconds since 1970."""

    store: LinkStore
    resource_type: ResourceType
    now: Callable[[], float]

    def run(self, task: LinkTask) -> LinkResult:
        """Update the links of the changed user and of one page of its referrers.

        Raise :class:`scim.protocol.errors.Unavailable` if the deadline passes. Links that were written stay written,
        and the task can be repeated.
        """
        with ThreadPoolExecutor(_WORKERS) as pool:
            affected: set[str] = set()
            position = task.position
            if position is None:
                user = self._update_reference_index(task)
                position = ReferrerPosition(tuple(sorted(self._find_affected_hashes(task, user))))
                if user and (user.links_json or find_reference_hashes(user, self.resource_type)):
                    affected.add(user.id)
            referrers, next_position = self._read_page(position, pool)
            links_written = self._update_links(affected | referrers, task.request_id, pool)
        return LinkResult(links_written, replace(task, position=next_position) if next_position else None)

    def _update_reference_index(self, task: LinkTask) -> StoredResource | None:
        """Update the index entries of the changed user, and return the user, ``None`` if it is deleted."""
        user, stale = self._get_user(task.user_id), task.removed_reference_hashes
        while True:
            current = find_reference_hashes(user, self.resource_type)
            if not (current or stale):
                return user
            self.store.update_reference_index(
                add=[(task.user_id, identifier_hash) for identifier_hash in sorted(current)],
                remove=[(task.user_id, identifier_hash) for identifier_hash in sorted(stale - current)],
            )
            before, user = user, self._get_user(task.user_id)
            # A task of another change may have read the index before these entries were written.
            if _get_version(user) == _get_version(before):
                return user
            stale |= current

    def _find_affected_hashes(self, task: LinkTask, user: StoredResource | None) -> frozenset[str]:
        """Return the hashes of the identifiers that may identify another user than before the change."""
        if user is None or not task.has_new_identifiers:
            return task.former_identifier_hashes
        return task.former_identifier_hashes | identify_user(user.resource).hashes

    def _read_page(
        self, position: ReferrerPosition, pool: ThreadPoolExecutor
    ) -> tuple[set[str], ReferrerPosition | None]:
        """Return the ids of the next referrers, and the position after them, ``None`` after the last referrer."""
        referrers: set[str] = set()
        queries = 0
        while position.identifier_hashes and queries < QUERIES_PER_TASK:
            hashes = position.identifier_hashes[:_WORKERS]
            afters = [position.after, *repeat("", len(hashes) - 1)]
            queries += len(hashes)
            pages = pool.map(self.store.list_referrers, hashes, afters, repeat(REFERRERS_PER_TASK))
            for page in pages:
                remaining = REFERRERS_PER_TASK - len(referrers)
                referrers.update(page[:remaining])
                if len(page) >= remaining:
                    return referrers, ReferrerPosition(position.identifier_hashes, page[remaining - 1])
                position = ReferrerPosition(position.identifier_hashes[1:])
        return referrers, position if position.identifier_hashes else None

    def _update_links(self, ids: Collection[str], request_id: str, pool: ThreadPoolExecutor) -> int:
        """Update the links of users, and return the number of writes."""
        links_written = 0
        while ids:
            targets = _TargetCache(self.look_up_user_id)
            written = sum(
                pool.map(self._update_batch, _split_for_workers(sorted(ids)), repeat(request_id), repeat(targets))
            )
            links_written += written
            if not written or list(pool.map(self.look_up_user_id, targets.user_ids)) == list(targets.user_ids.values()):
                break
        return links_written

    def _update_batch(self, ids: Sequence[str], request_id: str, targets: _TargetCache) -> int:
        """Update the links of users, and return the number of writes. Repeat this for users with a write conflict."""
        links_written = 0
        while ids:
            conflicts = []
            for user in self.store.get_all(ids).values():
                before = UserLinks.parse(user.links_json)
                links = resolve_links(user.resource, self.resource_type, targets.find_user_id)
                if links == before.links:
                    continue
                change = self._build_change(user, before.published_links, links, request_id)
                try:
                    self.store.write_links(user, UserLinks(before.sequence + 1, links), change)
                    links_written += 1
                except VersionConflict:
                    conflicts.append(user.id)
            ids = conflicts
        return links_written

    def _build_change(
        self,
        user: StoredResource,
        before: Iterable[Link],
        after: Iterable[Link],
        request_id: str,
    ) -> ChangeRecord:
        return ChangeRecord(
            at=format_rfc3339(self.now()),
            operation=Operation.LINK,
            attributes_changed=list_changed_link_attributes(before, after),
            participation=Participation.UNCHANGED,
            actor="muster",
            request_id=request_id,
            leniencies=(),
            resource_type=self.resource_type.name,
            user_name=user.resource[self.resource_type.unique_attribute.name],
            external_id=user.resource.get("externalId"),
            active=user.resource.get("active") is True,
            links=[(link.attribute, link.user_id) for link in after],
        )

    def look_up_user_id(self, value: str) -> str | None:
        """Return the id of the only user that matches a value, ``None`` if no user or several users match."""
        for ids in self.store.find_matching_user_ids(value.strip()):
            if ids:
                return next(iter(ids)) if len(ids) == 1 else None
        return None

    def _get_user(self, user_id: str) -> StoredResource | None:
        return self.store.get_all([user_id]).get(user_id)


def _get_version(user: StoredResource | None) -> int:
    return user.version if user else 0


def _split_for_workers(ids: Sequence[str]) -> list[Sequence[str]]:
    """Split ids into one part for each worker, or into more parts of at most :data:`_USERS_PER_READ` ids."""
    size = min(-(-len(ids) // _WORKERS), _USERS_PER_READ)
    return [ids[first : first + size] for first in range(0, len(ids), size)]
