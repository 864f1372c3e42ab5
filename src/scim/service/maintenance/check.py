"""Repair the problems that a check of a tenant finds, and record that in the audit log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from scim.service.maintenance.findings import Finding, FindingKind
from scim.service.model.audit.audit_event import AuditAction, AuditEvent
from scim.service.model.timestamps import format_rfc3339

Repairable = tuple[Finding, Callable[[], bool] | None]
"""A finding, and the function that repairs it, ``None`` if it cannot be repaired.

The function returns false if the items have changed in the meantime, so that nothing was written.
"""


@dataclass(frozen=True, slots=True)
class RepairLog:
    """Records repairs as audit events of ``actor``. ``write`` stores an event."""

    write: Callable[[AuditEvent], None]
    actor: str
    now: Callable[[], float]
    new_id: Callable[[], str]

    def repair_all(self, problems: Iterable[Repairable]) -> Iterator[Finding]:
        """Repair each problem that can be repaired, and yield all findings.

        The audit event has the number of repairs of each kind. It is also written if the work is interrupted.
        """
        repairs: Counter[FindingKind] = Counter()
        try:
            for finding, repair in problems:
                is_repaired = repair is not None and repair()
                repairs[finding.kind] += is_repaired
                yield replace(finding, is_repaired=is_repaired)
        finally:
            if details := ", ".join(f"{count} {kind}" for kind, count in sorted(repairs.items()) if count):
                at = format_rfc3339(self.now())
                self.write(AuditEvent(self.new_id(), at, AuditAction.REPAIR, self.actor, {"repaired": details}))
