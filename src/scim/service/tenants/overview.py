"""One tenant at a glance: access, last use, users and health, in a constant number of bounded reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from scim.service.identity_providers.detection import detect_provider
from scim.service.model.audit.failure import DailyFailures, add_up
from scim.service.model.audit.log_record import LogRecord, RecordKind
from scim.service.model.tenant import Tenant
from scim.service.model.timestamps import last_days
from scim.service.model.token import TokenUsage, days_until_expiry
from scim.service.ports import AuditLogStore, TenantStore
from scim.service.tenants.health import Activity, Health, HealthState, assess_health, count_for_report, count_for_state

OVERVIEW_S = 6.0
"""How many seconds one tenant of a list may take: two for repeated attempts, and one call that hangs."""
_NEWEST = 50
"""Among how many records of changes and failures the provider is looked for."""
_WORKERS = 8  # as many as Bulk has: within the connections of the store's client
_UNREADABLE = "Could not be read in time. Load the list again, or look at the status of this customer."


@dataclass(frozen=True, slots=True)
class TenantOverview:
    """``users`` and ``active`` are numbers; ``attention`` is what somebody should do, empty for nothing."""

    tenant: Tenant
    use: TokenUsage | None
    users: int
    active: int
    in_grace: bool
    health: Health
    attention: str

    @property
    def id(self) -> str:
        return self.tenant.id

    @property
    def is_readable(self) -> bool:
        return True

    @property
    def state(self) -> str:
        if not self.tenant.is_connected:
            return "disconnected"
        return "revoked" if self.tenant.token.is_revoked else "connected"

    @property
    def is_waiting(self) -> bool:
        """Whether a token was made that nobody has seen."""
        return self.tenant.is_connected and not self.tenant.token.is_revealed

    @property
    def used(self) -> str:
        """Whether the identity provider has the new token yet: ``current`` or ``earlier``; empty if it never called."""
        if self.use is None:
            return ""
        return "current" if self.use.version == self.tenant.token.version else "earlier"


@dataclass(frozen=True, slots=True)
class UnreadableTenant:
    """A tenant of a list whose reads failed or took too long."""

    id: str
    attention: str = _UNREADABLE

    @property
    def is_readable(self) -> bool:
        return False

    @property
    def health_state(self) -> HealthState:
        return HealthState.UNKNOWN


def load_overview(
    tenant: Tenant, store: TenantStore, records: AuditLogStore, now: float, *, is_report: bool = False
) -> TenantOverview:
    """Return the overview of a tenant.

    ``now`` is in seconds since 1970. A report counts as many changes as the warnings and the share need, and looks at
    the newest records to detect the provider; without it, one call counts changes at most.
    """
    users, active = store.count_users(tenant.id)
    use = store.get_last_token_usage(tenant.id)
    health = load_health(tenant, use, records, now, is_report=is_report)
    in_grace = tenant.is_connected and now < tenant.token.grace_ends
    attention = [_of_token(tenant, now), health.advice] if tenant.is_connected else []
    return TenantOverview(tenant, use, users, active, in_grace, health, " ".join(filter(None, attention)))


def load_health(
    tenant: Tenant, use: TokenUsage | None, records: AuditLogStore, now: float, *, is_report: bool
) -> Health:
    """Return the health of a tenant whose token was last used in ``use``, as in :func:`load_overview`."""
    activity = _load_activity(records, now, count_for_report if is_report else count_for_state)
    newest = _read_newest(records) if is_report else ()
    return assess_health(tenant, use, activity, detect_provider(use, activity.failures, newest), now)


def _read_newest(records: AuditLogStore) -> Iterator[LogRecord]:
    """Yield the newest changes and failures."""
    return (
        record for _, record in islice(records.list_records(kinds=(RecordKind.CHANGE, RecordKind.FAILURE)), _NEWEST)
    )


def _load_activity(records: AuditLogStore, now: float, count_limit: Callable[[DailyFailures], int]) -> Activity:
    """Return what happened today and yesterday; ``count_limit`` says up to how many changes are counted."""
    yesterday, today = last_days(now, 2)
    failures = add_up(records.get_daily_failures(yesterday, today).values())
    limit = count_limit(failures)
    changes, has_more = records.count_changes(yesterday, today, limit) if limit else (0, True)
    return Activity(failures, changes, has_more)


def load_overviews(
    load: Callable[[str], TenantOverview | None], tenant_ids: Iterable[str], report: Callable[[str, Exception], None]
) -> Iterator[TenantOverview | UnreadableTenant]:
    """Yield the overviews of many tenants in their order, several at a time, without those that are gone.

    ``report`` is told of each tenant that could not be read, which is shown as such: the others are not held up.
    """

    def attempt(tenant_id: str) -> TenantOverview | UnreadableTenant | None:
        try:
            return load(tenant_id)
        except Exception as fault:  # noqa: BLE001  # whatever it is, it is this tenant's alone
            report(tenant_id, fault)
            return UnreadableTenant(tenant_id)

    with ThreadPoolExecutor(_WORKERS) as pool:
        yield from filter(None, pool.map(attempt, tenant_ids))


def _of_token(tenant: Tenant, now: float) -> str:
    token = tenant.token
    if token.is_revoked:
        return "The token was revoked: make a new one."
    if not token.is_revealed:
        return "The new token has not been shown yet."
    if (days := days_until_expiry(token.expires, now)) is not None:
        if token.expires is not None and token.expires <= now:
            return "The token has expired: make a new one."
        return f"The token expires within {days} {'day' if days == 1 else 'days'}."
    return ""
