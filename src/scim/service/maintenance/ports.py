"""The interfaces that the long work of operators needs. Adapters in ``scim.store.maintenance`` implement the stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from scim.service.model.audit.audit_event import AuditEvent
    from scim.service.model.change_record import ChangeRecord
    from scim.service.model.maintenance.certificate import PurgeCertificate
    from scim.service.model.maintenance.erasure import UserTrace
    from scim.service.model.maintenance_task import Task, TaskKind
    from scim.service.model.tenant import Tenant


class PurgeStore(Protocol):
    """The items of a tenant, for a purge, and the certificates of all purges."""

    def count_items(self, tenant_id: str) -> int:
        """Return the number of items that :meth:`delete_data` would delete, without invitations."""

    def delete_data(self, tenant_id: str) -> Iterator[Mapping[str, int]]:
        """Delete all items of a tenant, except its settings, its audit events and its entry in the list of tenants.

        Yield the number of deleted items of each kind, page by page. An interrupted deletion can be repeated.
        """

    def delete_tenant(self, tenant: Tenant, certificate: PurgeCertificate) -> Mapping[str, int]:
        """Delete the audit events and the settings, and store the certificate with the number of all deleted items.

        Return the number of items of each kind that this call has deleted. Raise :class:`VersionConflict` if the
        settings have changed.
        """

    def list_certificates(self, tenant_id: str = "") -> Iterator[PurgeCertificate]:
        """Yield the certificates of a tenant, or of all tenants, by tenant and time."""


class ErasureStore(Protocol):
    """The records of one tenant that can name a person. Hashes are those of identifiers."""

    def find_user_ids(self, person: str) -> Sequence[str]:
        """Return the ids of the users who have change records, and this id, or had this identifier."""

    def read_trace(self, user_id: str) -> UserTrace:
        """Return what the change records say about a user. There is at least one."""

    def list_referrers(self, hashes: Collection[str]) -> Sequence[str]:
        """Return the ids of the users who refer to an identifier with one of the hashes, at most 1,000 for each."""

    def delete_failures(self, hashes: Collection[str], is_about_user: Callable[[str], bool]) -> int:
        """Delete the failure records of requests that contain an identifier with one of the hashes. Return how many.

        A record stays if ``is_about_user`` returns true for the identifier under which it is stored.
        """

    def delete_bookmarks(self, user_ids: Collection[str]) -> int:
        """Delete the bookmarks that contain one of the ids. Return how many."""

    def delete_references(self, user_id: str, identifier_hashes: Collection[str]) -> int:
        """Delete the entries of the reference index for the references of a deleted user. Return how many."""

    def write_erasure(self, user_id: str, sequence: int, change: ChangeRecord, event: AuditEvent) -> None:
        """Add the last change record of a deleted user and an audit event, in one transaction."""

    def write_audit_event(self, event: AuditEvent) -> None:
        """Add an audit event."""

    def delete_change_records(self, user_id: str) -> int:
        """Delete the change records of a user, except that of the erasure. Return how many."""


class TaskStore(Protocol):
    """The records of long work on tenants."""

    def get(self, kind: TaskKind, tenant_id: str) -> Task | None:
        """Return the record of a task, ``None`` if it never ran."""

    def write(self, before: Task | None, after: Task) -> None:
        """Replace ``before`` by ``after``. ``before`` is ``None`` for a new record.

        Raise :class:`VersionConflict` if another run than that of ``before`` has written the record.
        """


class ProgressReporter(Protocol):
    """Shows the progress of long work."""

    def start_step(self, label: str, total: int | None = None) -> None:
        """Start a step of the work. ``total`` is the number of values, ``None`` if it is unknown."""

    def advance(self, count: int) -> None:
        """Add a number of values that were processed."""
