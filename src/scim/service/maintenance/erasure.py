"""Erase the traces of a person who is not provisioned any more: records in which the table still names the person.

A deletion by the identity provider removes the user with its unique key and index entries. Change records, failure
records and bookmarks expire later. An erasure deletes them now. It writes a last change record of the user, which has
no name and becomes the event ``UserErased``, and an audit event with the id of the user.

The change records are deleted last. So an interrupted erasure can be repeated: they still lead to the other traces.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from scim.protocol.filter.ast import ComparisonOperator
from scim.service.limits import MAX_RESULTS
from scim.service.maintenance.ports import ErasureStore
from scim.service.model.audit.audit_event import AuditAction, AuditEvent
from scim.service.model.change_record import ChangeRecord, Operation, Participation
from scim.service.model.identifiers import hash_identifier
from scim.service.model.maintenance.erasure import Erasure, PersonTraces
from scim.service.model.stored_resource import StoredResource
from scim.service.model.tenant import Tenant
from scim.service.model.timestamps import format_rfc3339
from scim.service.ports import ResourceStore
from scim.service.resources.search import build_search


class PersonProvisioned(Exception):
    """The person is a user. The identity provider must delete the user before the traces can be erased."""


class UserLost(Exception):
    """The item of a user is missing, and no deletion is recorded. Keys and index entries may still name the person."""


@dataclass(frozen=True, slots=True)
class PersonEraser:
    """Erases people of one tenant. ``actor`` is the actor in the audit events.

    ``now`` returns the seconds since 1970, and ``new_id`` a random lower-case UUID.
    """

    tenant: Tenant
    user_store: ResourceStore
    store: ErasureStore
    actor: str
    now: Callable[[], float]
    new_id: Callable[[], str]

    def find(self, person: str) -> PersonTraces:
        """Return the traces of a person by the id, userName, externalId or email address of the deleted user.

        Identifiers that another user has now are left out if ``person`` is an id, because the records under them may be
        about that user. Raise :class:`PersonProvisioned` if a user has the identifier, or had it before, and
        :class:`UserLost`.
        """
        if users := self._find_users(person):
            raise PersonProvisioned(_describe_provisioned(person, users))
        traces = [self.store.read_trace(user_id) for user_id in self.store.find_user_ids(person)]
        for trace in traces:
            if (user := self.user_store.get(trace.user_id)) is not None:
                raise PersonProvisioned(_describe_provisioned(person, [user]))
            if not trace.is_deleted:
                raise UserLost(_describe_lost(trace.user_id, self.tenant.id))
        hashes = frozenset({hash_identifier(person)}.union(*(trace.hashes for trace in traces)))
        reused = {
            hash_identifier(identifier)
            for identifier in frozenset().union(*(trace.identifiers for trace in traces))
            if self._find_users(identifier)
        }
        return PersonTraces(traces, hashes - reused, self.store.list_referrers(hashes - reused))

    def erase(self, traces: PersonTraces) -> Erasure:
        """Delete the traces, and return what was deleted. A repetition deletes nothing more, and sends no event.

        Failure records under an identifier of a present user stay: the user may only share an email address with the
        person.
        """
        user_ids = [trace.user_id for trace in traces.users]
        deleted = {
            "failure_records": self.store.delete_failures(traces.hashes, cache(self._has_user)),
            "bookmarks": self.store.delete_bookmarks(user_ids),
            "reference_index_entries": sum(
                self.store.delete_references(trace.user_id, trace.removed_reference_hashes) for trace in traces.users
            ),
        }
        at = format_rfc3339(self.now())
        for trace in traces.users:
            if not trace.is_erased:
                change, event = self._build_change(at), self._build_event(at, trace.user_id)
                self.store.write_erasure(trace.user_id, trace.last_sequence + 1, change, event)
        if not user_ids and any(deleted.values()):
            self.store.write_audit_event(self._build_event(at, ""))
        deleted["change_records"] = sum(map(self.store.delete_change_records, user_ids))
        return Erasure(user_ids, deleted, traces.referrer_ids)

    def _has_user(self, identifier: str) -> bool:
        return bool(self._find_users(identifier))

    def _find_users(self, identifier: str) -> Sequence[StoredResource]:
        """Return the users who have the identifier as userName, externalId, email or id."""
        resource_type = self.tenant.resource_types[0]
        names = (resource_type.unique_attribute.name, "externalId", "emails.value", "id")
        search = build_search(names, ComparisonOperator.EQ, identifier, resource_type, MAX_RESULTS)
        return self.user_store.find(search).page

    def _build_change(self, at: str) -> ChangeRecord:
        return ChangeRecord(
            at=at,
            operation=Operation.ERASE,
            attributes_changed=(),
            participation=Participation.UNCHANGED,
            actor="muster",
            request_id=self.new_id(),
            leniencies=(),
            resource_type=self.tenant.resource_types[0].name,
            user_name="",
            external_id=None,
            active=False,
        )

    def _build_event(self, at: str, user_id: str) -> AuditEvent:
        details = {"user": user_id} if user_id else {}
        return AuditEvent(self.new_id(), at, AuditAction.ERASE, self.actor, details)


def _describe_provisioned(person: str, users: Sequence[StoredResource]) -> str:
    ids = ", ".join(user.id for user in users)
    return (
        f"{person} is still provisioned, or is a former name of a user who is (id {ids}). Delete the user in the "
        "identity provider first, then repeat the command. To erase a deleted user whose name another user has now, "
        "pass the id of the deleted user."
    )


def _describe_lost(user_id: str, tenant_id: str) -> str:
    return (
        f"The item of the user {user_id} is missing, and no deletion is recorded. Its unique key and index entries may "
        f"still name the person. To delete them: muster check {tenant_id} --repair --deprovision-lost. Then repeat the "
        "command."
    )
