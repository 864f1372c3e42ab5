"""The overview of a tenant, and of many."""

import threading
from dataclasses import replace

import pytest

from scim.protocol.errors import Unavailable
from scim.service.model.audit.failure import DailyFailures, FailureKind
from scim.service.model.tenant import Tenant
from scim.service.model.token import TokenState, TokenUsage
from scim.service.tenants.health import HealthState
from scim.service.tenants.overview import TenantOverview, UnreadableTenant, load_overview, load_overviews
from tests.service.audit.test_log import Records, failed
from tests.service.fakes import MemoryTenants

NOW = 1_769_851_800.0  # 2026-01-31T09:30:00Z
DAY_S = 86_400
TODAY = "2026-01-31"
TOKEN = TokenState("v2", NOW - DAY_S, 2 * DAY_S)


class Used(MemoryTenants):
    """Has two users, one of whom is active, and was called with the token of a version."""

    version = "v2"

    def get_last_token_usage(self, _: str) -> TokenUsage | None:
        return TokenUsage(NOW, self.version) if self.version else None

    def count_users(self, _: str) -> tuple[int, int]:
        return 2, 1


def overview(
    token: TokenState = TOKEN, *, connected: bool = True, used: str = "v2", failures: DailyFailures | None = None
) -> TenantOverview:
    store = Used()
    store.version = used
    records = Records({TODAY: failures or DailyFailures()})
    return load_overview(Tenant("acme", is_connected=connected, token=token), store, records, NOW)


@pytest.mark.parametrize(
    ("token", "used", "attention"),
    [
        (TOKEN, "v2", ""),
        (TOKEN, "", "No request with a valid token has arrived yet."),
        (TokenState(revoked_version_ids=("v1",)), "v2", "All tokens are revoked. Create a new one."),
        (replace(TOKEN, is_revealed=False), "v2", "The new token has not been displayed yet."),
        (replace(TOKEN, expires=NOW + DAY_S), "v2", "The token expires within 1 day."),
        (replace(TOKEN, expires=NOW + 6 * DAY_S), "v2", "The token expires within 7 days."),
        (replace(TOKEN, expires=NOW), "v2", "The token has expired. Create a new one."),
    ],
)
def test_attention_is_what_to_do_about_the_token(token: TokenState, used: str, attention: str) -> None:
    assert overview(token, used=used).action_needed == attention
    assert overview(token, used=used, connected=False).action_needed == ""


def test_attention_has_the_advice_of_the_health() -> None:
    ill = failed(create=14)
    told = "14 requests failed today and yesterday. See the failures in the audit log."
    assert (overview(failures=ill).action_needed, overview(failures=ill).health.state) == (told, HealthState.FAILING)
    soon = replace(TOKEN, expires=NOW + DAY_S)
    assert overview(soon, failures=ill).action_needed == f"The token expires within 1 day. {told}"
    assert overview(connected=False, failures=ill).action_needed == ""


def test_overview_has_state_grace_use_and_numbers() -> None:
    shown = overview(used="v1")
    assert (
        shown.connection_state,
        shown.is_in_grace_period,
        shown.last_used_token,
        shown.user_count,
        shown.active_user_count,
    ) == ("connected", True, "previous", 2, 1)
    assert overview().last_used_token == "current"
    assert overview(used="").last_used_token is None
    assert overview(TokenState(revoked_version_ids=("v1",))).connection_state == "revoked"
    gone = overview(connected=False)
    assert (gone.connection_state, gone.is_in_grace_period, gone.has_unrevealed_token) == ("disconnected", False, False)
    assert overview(replace(TOKEN, is_revealed=False)).has_unrevealed_token


@pytest.mark.parametrize(("failures", "limits"), [(0, []), (3, [28]), (499, [4_492]), (100_000, [1])])
def test_changes_are_counted_as_far_as_the_state_needs(failures: int, limits: list[int]) -> None:
    records = Records({TODAY: DailyFailures({FailureKind.CREATE: failures})})
    load_overview(Tenant("acme", token=TOKEN), Used(), records, NOW)
    assert records.limits == pytest.approx(limits, abs=1)


def test_tenants_are_read_side_by_side_and_told_in_their_order() -> None:
    together = threading.Barrier(4, timeout=10)

    def load(tenant_id: str) -> TenantOverview | None:
        together.wait()
        return None if tenant_id == "gone" else replace(overview(), tenant=Tenant(tenant_id))

    found = load_overviews(load, ["a", "b", "gone", "c"], lambda *_: pytest.fail("no fault"))
    assert [each.id for each in found] == ["a", "b", "c"]


@pytest.mark.parametrize("fault", [Unavailable("No time."), KeyError("v"), RuntimeError("x")])
def test_tenant_that_can_not_be_read_is_unknown_and_the_others_are_shown(fault: Exception) -> None:
    told: list[tuple[str, Exception]] = []

    def load(tenant_id: str) -> TenantOverview | None:
        if tenant_id == "ill":
            raise fault
        return replace(overview(), tenant=Tenant(tenant_id))

    before, ill, after = load_overviews(load, ["a", "ill", "b"], lambda *each: told.append(each))

    assert (before.id, after.id, told) == ("a", "b", [("ill", fault)])
    assert isinstance(ill, UnreadableTenant)
    assert (ill.id, ill.health_state, ill.is_readable) == ("ill", HealthState.UNKNOWN, False)
    assert "Could not be read in time" in ill.action_needed
