"""The overview of one tenant, and of several."""

import threading
from dataclasses import replace

import pytest

from scim.protocol.errors import Unavailable
from scim.service.model.audit.failure import DailyFailures, FailureKind
from scim.service.model.tenant import Tenant
from scim.service.model.token import TokenState, TokenUsage
from scim.service.tenants.health import HealthState
from scim.service.tenants.overview import TenantOverview, UnreadableTenant, load_overview, load_tenants
from tests.service.audit.test_log import FakeAuditLogStore, count_failures
from tests.service.fakes import MemoryTenants

NOW = 1_769_851_800.0  # 2026-01-31T09:30:00Z
DAY_S = 86_400
TODAY = "2026-01-31"
TOKEN = TokenState("v2", NOW - DAY_S, 2 * DAY_S)


class TenantsWithUsers(MemoryTenants):
    """Tenants with two users, one of them active, and with a request that used the token of a version."""

    version = "v2"

    def get_last_token_usage(self, _: str) -> TokenUsage | None:
        return TokenUsage(NOW, self.version) if self.version else None

    def count_users(self, _: str) -> tuple[int, int]:
        return 2, 1


def build_overview(
    token: TokenState = TOKEN,
    *,
    connected: bool = True,
    purging: bool = False,
    used: str = "v2",
    failures: DailyFailures | None = None,
) -> TenantOverview:
    store = TenantsWithUsers()
    store.version = used
    records = FakeAuditLogStore({TODAY: failures or DailyFailures()})
    tenant = Tenant("acme", is_connected=connected, is_purging=purging, token=token)
    return load_overview(tenant, store, records, NOW)


@pytest.mark.parametrize(
    ("token", "used", "action"),
    [
        (TOKEN, "v2", ""),
        (
            TOKEN,
            "",
            "No request with a valid token has arrived yet. Enter the SCIM URL and the token in the identity provider.",
        ),
        (TokenState(revoked_version_ids=("v1",)), "v2", "All tokens are revoked. Create a new one."),
        (replace(TOKEN, is_revealed=False), "v2", "The new token has not been shown yet."),
        (replace(TOKEN, expires=NOW + DAY_S), "v2", "The token expires within 1 day."),
        (replace(TOKEN, expires=NOW + 6 * DAY_S), "v2", "The token expires within 7 days."),
        (replace(TOKEN, expires=NOW), "v2", "The token has expired. Create a new one."),
    ],
)
def test_action_needed_for_the_token(token: TokenState, used: str, action: str) -> None:
    assert build_overview(token, used=used).action_needed == action
    assert build_overview(token, used=used, connected=False).action_needed == ""


def test_action_needed_has_advice_of_health() -> None:
    failures = count_failures(create=14)
    advice = "14 requests failed since yesterday. See the failures in the audit log."
    assert (build_overview(failures=failures).action_needed, build_overview(failures=failures).health.state) == (
        advice,
        HealthState.FAILING,
    )
    soon = replace(TOKEN, expires=NOW + DAY_S)
    assert build_overview(soon, failures=failures).action_needed == f"The token expires within 1 day. {advice}"
    assert build_overview(connected=False, failures=failures).action_needed == ""


def test_overview() -> None:
    result = build_overview(used="v1")
    assert (
        result.connection_state,
        result.is_in_grace_period,
        result.last_used_token,
        result.user_count,
        result.active_user_count,
    ) == ("connected", True, "previous", 2, 1)
    assert build_overview().last_used_token == "current"
    assert build_overview(used="").last_used_token is None
    assert build_overview(TokenState(revoked_version_ids=("v1",))).connection_state == "revoked"
    disconnected = build_overview(connected=False)
    assert (disconnected.connection_state, disconnected.is_in_grace_period, disconnected.has_unrevealed_token) == (
        "disconnected",
        False,
        False,
    )
    assert build_overview(replace(TOKEN, is_revealed=False)).has_unrevealed_token


def test_overview_during_a_purge() -> None:
    result = build_overview(connected=False, purging=True)
    assert result.connection_state == "purging"
    assert result.action_needed == "A purge has begun. To finish it: muster purge acme"


@pytest.mark.parametrize(("failures", "limits"), [(0, []), (3, [28]), (499, [4_492]), (100_000, [1])])
def test_count_of_changes_is_limited(failures: int, limits: list[int]) -> None:
    records = FakeAuditLogStore({TODAY: DailyFailures({FailureKind.CREATE: failures})})
    load_overview(Tenant("acme", token=TOKEN), TenantsWithUsers(), records, NOW)
    assert records.limits == pytest.approx(limits, abs=1)


def test_tenants_are_read_in_parallel_and_in_order() -> None:
    together = threading.Barrier(4, timeout=10)

    def load(tenant_id: str) -> TenantOverview | None:
        together.wait()
        return None if tenant_id == "gone" else replace(build_overview(), tenant=Tenant(tenant_id))

    overviews = load_tenants(load, ["a", "b", "gone", "c"], lambda *_: pytest.fail("no fault"))
    assert [overview.id for overview in overviews] == ["a", "b", "c"]


@pytest.mark.parametrize("fault", [Unavailable("No time."), KeyError("v"), RuntimeError("x")])
def test_unreadable_tenant_is_unknown(fault: Exception) -> None:
    faults: list[tuple[str, Exception]] = []

    def load(tenant_id: str) -> TenantOverview | None:
        if tenant_id == "unreadable":
            raise fault
        return replace(build_overview(), tenant=Tenant(tenant_id))

    first, unreadable, last = load_tenants(load, ["a", "unreadable", "b"], lambda *fault: faults.append(fault))

    assert (first.id, last.id, faults) == ("a", "b", [("unreadable", fault)])
    assert isinstance(unreadable, UnreadableTenant)
    assert (unreadable.id, unreadable.health_state, unreadable.is_readable) == (
        "unreadable",
        HealthState.UNKNOWN,
        False,
    )
    assert "Could not be read in time" in unreadable.action_needed
