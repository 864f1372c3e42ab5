"""Make repairs, on the condition that nothing has changed since the problem was confirmed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from scim.service.model.audit.audit_event import AuditEvent
from scim.service.references.link_task import LinkTask
from scim.service.references.reference_resolver import ReferenceResolver
from scim.store import items, keys
from scim.store.maintenance.check.context import CheckContext, CheckResult, Repair
from scim.store.maintenance.check.records import REPAIR_REQUEST_ID
from scim.store.transactions import ConditionFailed, commit


@dataclass(frozen=True, slots=True)
class Repairer:
    """Makes the repairs of one tenant."""

    context: CheckContext

    def prepare(self, result: CheckResult) -> Callable[[], bool] | None:
        """Return the function that repairs a problem, ``None`` if it cannot be repaired."""
        return partial(self.repair, result.repair) if result.repair else None

    def repair(self, repair: Repair) -> bool:
        """Make a repair. Return false if the items have changed in the meantime, so that nothing was written."""
        if repair.resolved_user_id:
            self._resolve(repair.resolved_user_id)
            return True
        new_id = self.context.config.new_id
        token = repair.record["change"]["S"] if repair.record else new_id()
        try:
            commit(self.context.table, repair.actions, repair.record, token, new_id)
        except ConditionFailed:
            return False
        return True

    def _resolve(self, user_id: str) -> None:
        """Compute the reference entries and the links of a user again, as a link task does."""
        context = self.context
        task = LinkTask(
            tenant_id=context.tenant_id,
            user_id=user_id,
            sequence=0,
            has_new_identifiers=False,
            former_identifier_hashes=frozenset(),
            removed_reference_hashes=frozenset(),
            request_id=REPAIR_REQUEST_ID,
        )
        ReferenceResolver(context.link_store, context.resource_type, context.now).run(task)

    def record(self, event: AuditEvent) -> None:
        """Add an audit event."""
        partition_key = keys.settings_partition(self.context.tenant_id)
        item = items.encode_audit_event(partition_key, keys.audit_event_key(event.at, event.id), event)
        commit(self.context.table, [], item, event.id, self.context.config.new_id)
