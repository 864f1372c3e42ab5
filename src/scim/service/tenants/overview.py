"""Load the overview of a tenant: access, last request, users and health.

The number of reads is constant, and each has a limit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import TypeVar

from scim.service.identity_providers.detect_by_log import detect_tenant_provider
from scim.service.model.audit.failure import DailyFailures, sum_days
from scim.service.model.audit.log_record import LogRecord, RecordKind
from scim.service.model.tenant import Tenant
from scim.service.model.timestamps import list_last_days
from scim.service.model.token import TokenUsage, find_warning_days
from scim.service.ports import AuditLogStore, TenantStore
from scim.service.tenants.health import (
    Health,
    HealthState,
    RecentActivity,
    assess_health,
    compute_change_limit_for_details,
    compute_change_limit_for_state,
    count_change_as_use,
    is_use_in_doubt,
)

OVERVIEW_TIMEOUT_S = 6.0
"""The time to load one tenant of a list: two seconds for retries, and the time of one call that times out."""
_NEWEST_RECORD_COUNT = 50
"""The number of newest changes and failures from which the identity provider is detected."""
Loaded = TypeVar("Loaded")
"""What is loaded of a tenant in a list."""
_WORKERS = 8  # as for bulk requests: it fits into the connections of the DynamoDB client
_UNREADABLE = "Could not be read in time. Reload the list, or open the status of this customer."


class ConnectionState(StrEnum):
    """Whether a tenant's identity provider has access."""

    CONNECTED = "connected"
    REVOKED = "revoked"
    """Connected, but all tokens were revoked."""
    DISCONNECTED = "disconnected"
    PURGING = "purging"
    """Disconnected, and a purge has begun, so that it cannot be connected again."""


class LastUsedToken(StrEnum):
    """The token that the identity provider used last."""

    CURRENT = "current"
    PREVIOUS = "previous"


@dataclass(frozen=True, slots=True)
class TenantOverview:
    """The overview of a tenant.

    ``token_usage`` is the last use of its token, ``None`` if none was ever used. ``is_in_grace_period`` says whether
    the previous token is still valid. ``action_needed`` says in sentences what to do. It is empty if there is nothing
    to do.
    """

    tenant: Tenant
    token_usage: TokenUsage | None
    user_count: int
    active_user_count: int
    is_in_grace_period: bool
    health: Health
    action_needed: str

    @property
    def id(self) -> str:
        """The id of the tenant."""
        return self.tenant.id

    @property
    def is_readable(self) -> bool:
        """Whether the tenant could be read: always true here, see :class:`UnreadableTenant`."""
        return True

    @property
    def connection_state(self) -> ConnectionState:
        """Whether the identity provider has access."""
        if self.tenant.is_purging:
            return ConnectionState.PURGING
        if not self.tenant.is_connected:
            return ConnectionState.DISCONNECTED
        return ConnectionState.REVOKED if self.tenant.token.is_revoked else ConnectionState.CONNECTED

    @property
    def health_state(self) -> HealthState:
        """The state of the tenant's provisioning."""
        return self.health.state

    @property
    def has_unrevealed_token(self) -> bool:
        """Whether the current token has not been shown yet."""
        return self.tenant.is_connected and not self.tenant.token.is_revealed

    @property
    def last_used_token(self) -> LastUsedToken | None:
        """Which token was used last, ``None`` if none was ever used."""
        if self.token_usage is None:
            return None
        is_current = self.token_usage.version_id == self.tenant.token.version_id
        return LastUsedToken.CURRENT if is_current else LastUsedToken.PREVIOUS


@dataclass(frozen=True, slots=True)
class UnreadableTenant:
    """A tenant in a list that could not be read in time."""

    id: str
    action_needed: str = _UNREADABLE

    @property
    def is_readable(self) -> bool:
        """Whether the tenant could be read: always false here."""
        return False

    @property
    def health_state(self) -> HealthState:
        """The state of the tenant's provisioning, which is unknown."""
        return HealthState.UNKNOWN


def load_overview(
    tenant: Tenant, tenant_store: TenantStore, audit_log_store: AuditLogStore, now: float, *, is_detailed: bool = False
) -> TenantOverview:
    """Return the overview of a tenant. ``now`` is in seconds since 1970.

    If ``is_detailed``, count enough changes for the warnings and the displayed share, and read the newest records to
    detect the identity provider. Otherwise at most one query counts changes.
    """
    user_count, active_user_count = tenant_store.count_users(tenant.id)
    token_usage = tenant_store.get_last_token_usage(tenant.id)
    health = load_health(tenant, token_usage, audit_log_store, now, is_detailed=is_detailed)
    is_in_grace_period = tenant.is_connected and now < tenant.token.grace_ends
    actions = [_describe_token_action(tenant, now), health.advice] if tenant.is_connected else [_describe_purge(tenant)]
    action_needed = " ".join(filter(None, actions))
    return TenantOverview(tenant, token_usage, user_count, active_user_count, is_in_grace_period, health, action_needed)


def load_health(
    tenant: Tenant, token_usage: TokenUsage | None, audit_log_store: AuditLogStore, now: float, *, is_detailed: bool
) -> Health:
    """Return the health of a tenant. ``token_usage`` is the last use of its token.

    ``now`` and ``is_detailed`` are as in :func:`load_overview`.
    """
    activity = _load_activity(
        audit_log_store, now, compute_change_limit_for_details if is_detailed else compute_change_limit_for_state
    )
    if token_usage is not None and is_use_in_doubt(token_usage, activity.failures, now):
        token_usage = count_change_as_use(token_usage, read_newest_change_time(audit_log_store))
    newest_records = _read_newest_records(audit_log_store) if is_detailed else ()
    provider = tenant.provider or detect_tenant_provider(token_usage, activity.failures, newest_records)
    return assess_health(tenant, token_usage, activity, provider, now, audit_log_store.get_last_mass_deactivation())


def read_newest_change_time(audit_log_store: AuditLogStore) -> str:
    """Return when a client changed a user last (RFC 3339 in UTC), empty for never."""
    return next((position.at for position, _ in audit_log_store.list_records(kinds=(RecordKind.CHANGE,))), "")


def _read_newest_records(audit_log_store: AuditLogStore) -> Iterator[LogRecord]:
    """Yield the newest changes and failures."""
    records = audit_log_store.list_records(kinds=(RecordKind.CHANGE, RecordKind.FAILURE))
    return (record for _, record in islice(records, _NEWEST_RECORD_COUNT))


def _load_activity(
    audit_log_store: AuditLogStore, now: float, compute_limit: Callable[[DailyFailures], int]
) -> RecentActivity:
    """Return the activity of today and yesterday (UTC).

    ``compute_limit`` returns the maximum number of changes to count.
    """
    yesterday, today = list_last_days(now, 2)
    failures = sum_days(audit_log_store.get_daily_failures(yesterday, today).values())
    limit = compute_limit(failures)
    changes, has_more = audit_log_store.count_changes(yesterday, today, limit) if limit else (0, True)
    return RecentActivity(failures, changes, has_more)


def load_tenants(
    load: Callable[[str], Loaded | None],
    tenant_ids: Iterable[str],
    report_fault: Callable[[str, Exception], None],
) -> Iterator[Loaded | UnreadableTenant]:
    """Yield what ``load`` returns for tenants, in the order of ``tenant_ids``. Several are loaded in parallel.

    ``load`` returns ``None`` for a tenant that does not exist, which is omitted. A tenant that cannot be read is an
    :class:`UnreadableTenant`, and ``report_fault`` receives its id and the error.
    """

    def load_or_report(tenant_id: str) -> Loaded | UnreadableTenant | None:
        try:
            return load(tenant_id)
        except Exception as fault:  # noqa: BLE001  # a fault of one tenant must not fail the list
            report_fault(tenant_id, fault)
            return UnreadableTenant(tenant_id)

    with ThreadPoolExecutor(_WORKERS) as pool:
        yield from filter(None, pool.map(load_or_report, tenant_ids))


def _describe_purge(tenant: Tenant) -> str:
    """Return how to finish a purge that has begun, empty if there is none."""
    return f"A purge has begun. To finish it: muster purge {tenant.id}" if tenant.is_purging else ""


def _describe_token_action(tenant: Tenant, now: float) -> str:
    """Return a sentence on what to do about the tenant's token, empty if there is nothing to do."""
    token = tenant.token
    if token.is_revoked:
        return "All tokens are revoked. Create a new one."
    if not token.is_revealed:
        return "The new token has not been shown yet."
    if (days := find_warning_days(token.expires, now)) is not None:
        if token.expires is not None and token.expires <= now:
            return "The token has expired. Create a new one."
        return f"The token expires within {days} {'day' if days == 1 else 'days'}."
    return ""
