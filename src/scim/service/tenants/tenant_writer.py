"""Write the settings of tenants. Each change is one transaction with its audit event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from scim.service.model.audit.audit_event import AuditAction, AuditEvent
from scim.service.model.stored_resource import VersionConflict
from scim.service.model.tenant import Tenant
from scim.service.model.timestamps import format_rfc3339
from scim.service.ports import TenantReader, TenantStore
from scim.service.tenants.errors import ConcurrentChange, TenantPurging, UnknownTenant

DETECTED = "detected"
"""The value in audit events of the identity provider that is not chosen by hand. No identity provider has this name."""
_MAX_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class TenantWriter:
    """Writes the settings of tenants. ``actor`` is the actor in the audit events.

    ``now`` returns the seconds since 1970. ``new_id`` returns a random lower-case UUID.
    """

    tenant_store: TenantStore
    actor: str
    now: Callable[[], float]
    new_id: Callable[[], str]

    def change(self, tenant_id: str, action: AuditAction, revise: Callable[[Tenant], Tenant]) -> Tenant:
        """Write the settings that ``revise`` returns, and return them. Write nothing if they are unchanged.

        If the settings have changed since they were read, ``revise`` is called again with the new ones.
        Raise :class:`UnknownTenant`, :class:`TenantPurging`, and :class:`ConcurrentChange` if the settings change again
        at every attempt.
        """
        for _ in range(_MAX_ATTEMPTS):
            before = self.tenant_store.get(tenant_id)
            if before is None:
                raise UnknownTenant(f"There is no tenant {tenant_id}.")
            after = revise(before)
            if after == before:
                return before
            check_not_purging(before)
            try:
                return self.write(before, after, action)
            except VersionConflict:
                continue
        raise ConcurrentChange(f"The settings of {tenant_id} were changed by others at the same time. Try again.")

    def write(self, before: Tenant | None, after: Tenant, action: AuditAction) -> Tenant:
        """Replace the settings ``before`` by ``after``, and return the written settings with their new version.

        ``before`` is ``None`` for a new tenant. Raise :class:`VersionConflict` if the stored settings are not
        ``before``.
        """
        written = replace(after, version=before.version + 1 if before else 1)
        details = _describe_changes(before, written)
        event = AuditEvent(self.new_id(), format_rfc3339(self.now()), action, self.actor, details)
        self.tenant_store.write(before, written, event)
        return written


def check_not_purging(tenant: Tenant | None) -> None:
    """Raise :class:`TenantPurging` if a purge of the tenant has begun."""
    if tenant is not None and tenant.is_purging:
        raise TenantPurging(f"{tenant.id} is being purged. To finish this: muster purge {tenant.id}")


def get_connected_tenant(tenants: TenantReader, tenant_id: str) -> Tenant:
    """Return a tenant. Raise :class:`UnknownTenant` if it does not exist or is not connected."""
    tenant = tenants.get(tenant_id)
    if tenant is None or not tenant.is_connected:
        raise UnknownTenant(f"{tenant_id} is not connected. Connect it first.")
    return tenant


def _describe_changes(before: Tenant | None, after: Tenant) -> dict[str, str]:
    """Return the new values of the settings that differ, as texts for the audit event, by name."""
    old = _describe_settings(before) if before else {"provider": DETECTED}
    new = _describe_settings(after)
    return {name: value for name, value in new.items() if old.get(name) != value}


def _describe_settings(tenant: Tenant) -> dict[str, str]:
    token = tenant.token
    return {
        "strict": "on" if tenant.is_strict else "off",
        "extensions": " ".join(document["id"] for document in tenant.custom_schemas),
        "token": token.version_id or "none",
        "expires": "never" if token.expires is None else format_rfc3339(token.expires),
        "previous_until": format_rfc3339(token.grace_ends) if token.grace_s else "now",
        "brake": "on" if tenant.brake.is_on else "off",
        "provider": tenant.provider or DETECTED,
        "released_until": format_rfc3339(tenant.brake.released_until) if tenant.brake.released_until else "",
    }
