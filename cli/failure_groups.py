"""Group the failures of a tenant by their cause, and name the next command."""

import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from scim.service.audit.log_entries import LogEntry
from scim.service.tenants.health import HealthState

MAX_ENTRIES = 200
"""The number of newest failures that are grouped."""
_COMMANDS = {
    HealthState.DISCONNECTED: "muster connect {tenant}",
    HealthState.NO_VALID_TOKEN: "muster rotate {tenant}",
    HealthState.TOKEN_REJECTED: "muster log {tenant} --failures",
    HealthState.NO_REQUEST_YET: "muster why {tenant}",
    HealthState.WRONG_SCIM_URL: "muster log {tenant} --failures",
    HealthState.DEACTIVATIONS_HELD: "muster release {tenant}",
    HealthState.MASS_DEACTIVATION: "muster log {tenant} --since 24h",
}
"""The command that continues from a state of health, which is more important than single failures."""


@dataclass
class FailureGroup:
    """Failures with the same cause: the same operation, status and explanation.

    ``newest`` is the newest of them. ``count`` is the number of requests. ``users`` are the identifiers of the people
    in the requests, the newest first. Requests that identify no person add nothing to them.
    """

    newest: LogEntry
    count: int = 0
    users: list[str] = field(default_factory=list)

    def add(self, entry: LogEntry) -> None:
        """Add an older failure with the same cause."""
        self.count += entry.count
        if entry.user and entry.user not in self.users:
            self.users.append(entry.user)

    def build_document(self) -> dict[str, Any]:
        """Return the group as JSON."""
        return {
            "kind": self.newest.kind,
            "operation": self.newest.operation,
            "status": self.newest.status,
            "rule": self.newest.rule,
            "summary": self.newest.summary,
            "remediation": self.newest.remediation,
            "requests": self.count,
            "people": len(self.users),
            "users": self.users,
            "last_at": self.newest.at,
        }


def group_failures(failures: Iterable[LogEntry], since: str) -> list[FailureGroup]:
    """Return the groups of the newest failures, most requests first.

    ``failures`` are in the order of the audit log, newest first. Those before ``since`` (RFC 3339 in UTC) are left out.
    """
    groups: dict[tuple[Any, ...], FailureGroup] = {}
    for entry in islice(failures, MAX_ENTRIES):
        if entry.at < since:
            break
        cause = (entry.operation, entry.status, entry.rule, entry.summary, entry.remediation)
        groups.setdefault(cause, FailureGroup(entry)).add(entry)
    return sorted(groups.values(), key=lambda group: -group.count)


def suggest_command(tenant_id: str, state: HealthState, groups: Iterable[FailureGroup]) -> str:
    """Return the command to continue with, empty if nothing is wrong."""
    if state in _COMMANDS:
        return _COMMANDS[state].format(tenant=tenant_id)
    for group in groups:
        if group.users:
            return f"muster why {tenant_id} {shlex.quote(group.users[0])}"
        return f"muster log {tenant_id} --failures"
    return ""
