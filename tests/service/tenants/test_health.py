"""The health state of a tenant, and what to do about it."""

from dataclasses import replace

import pytest

from scim.service.identity_providers.detect_by_log import detect_tenant_provider
from scim.service.model.audit.failure import DailyFailures, FailureKind, classify_failure, sum_days
from scim.service.model.identity_provider import IdentityProvider
from scim.service.model.tenant import Tenant
from scim.service.model.token import TokenState, TokenUsage
from scim.service.tenants.health import (
    Health,
    HealthState,
    RecentActivity,
    assess_health,
    compute_change_limit_for_details,
    compute_change_limit_for_state,
)

ENTRA = IdentityProvider.ENTRA
GOOGLE = IdentityProvider.GOOGLE
JUMPCLOUD = IdentityProvider.JUMPCLOUD
OKTA = IdentityProvider.OKTA

NOW = 1_769_851_800.0  # 2026-01-31T09:30:00Z
TOKEN = TokenState("v1", NOW - 86_400)
USAGE = TokenUsage(NOW - 3_600, "v1")
BY_OKTA = replace(USAGE, user_agent="Okta SCIM Client 1.0.0")
REJECTED = "2026-01-31T09:00:00.000Z"


def count_failures(last_rejection: str = "", provider: IdentityProvider | None = None, **counts: int) -> DailyFailures:
    failures = {FailureKind(name): number for name, number in counts.items()}
    return DailyFailures(failures, provider, last_rejection)


def assess(
    failed: DailyFailures | None = None,
    changes: int = 10,
    *,
    usage: TokenUsage | None = USAGE,
    token: TokenState = TOKEN,
    connected: bool = True,
) -> Health:
    tenant, failed = Tenant("acme", is_connected=connected, token=token), failed or count_failures()
    return assess_health(tenant, usage, RecentActivity(failed, changes), detect_tenant_provider(usage, failed), NOW)


class TestState:
    def test_healthy_tenant_has_no_advice(self) -> None:
        health = assess()
        assert (health.state, health.advice, health.warnings) == (HealthState.HEALTHY, "", [])

    @pytest.mark.parametrize(
        ("failed", "changes", "state"),
        [
            (count_failures(create=2), 0, HealthState.HEALTHY),
            (count_failures(create=3), 27, HealthState.HEALTHY),
            (count_failures(create=3), 26, HealthState.FAILING),
            (count_failures(create=1, replace=1, patch=1, delete=1), 35, HealthState.FAILING),
            (count_failures(create=14), 31, HealthState.FAILING),
            (count_failures(patch=499), 90_000, HealthState.HEALTHY),
            (count_failures(patch=500), 90_000, HealthState.FAILING),
            (count_failures(other_requests=3), 0, HealthState.FAILING),
            (count_failures(other_requests=3), 1, HealthState.HEALTHY),
            (count_failures(other_requests=2), 0, HealthState.HEALTHY),
            (count_failures(unsupported=99, no_ops=99), 0, HealthState.HEALTHY),
            (count_failures(create=14, repeating_failures=1), 31, HealthState.REPEATING_FAILURE),
            (count_failures(create=5, repeating_failures=1), 90_000, HealthState.REPEATING_FAILURE),
            (
                count_failures(REJECTED, rejected_tokens=1, create=14, repeating_failures=3),
                31,
                HealthState.TOKEN_REJECTED,
            ),
        ],
    )
    def test_state_depends_on_counts(self, failed: DailyFailures, changes: int, state: HealthState) -> None:
        assert assess(failed, changes).state == state

    @pytest.mark.parametrize(
        ("failed", "usage", "token", "connected", "state"),
        [
            (count_failures(), None, TOKEN, True, HealthState.NO_REQUEST_YET),
            (count_failures(REJECTED, rejected_tokens=1), None, TOKEN, True, HealthState.TOKEN_REJECTED),
            (
                count_failures(create=9),
                USAGE,
                TokenState(revoked_version_ids=("v1",)),
                True,
                HealthState.NO_VALID_TOKEN,
            ),
            (count_failures(create=9), USAGE, replace(TOKEN, expires=NOW), True, HealthState.NO_VALID_TOKEN),
            (count_failures(create=9), USAGE, TOKEN, False, HealthState.DISCONNECTED),
        ],
    )
    def test_state_depends_on_access(
        self, failed: DailyFailures, usage: TokenUsage | None, token: TokenState, connected: bool, state: HealthState
    ) -> None:
        assert assess(failed, 0, usage=usage, token=token, connected=connected).state == state

    @pytest.mark.parametrize(
        "failed", [count_failures(create=99, repeating_failures=9), count_failures(REJECTED, rejected_tokens=1)]
    )
    def test_disconnected_tenant_has_no_advice(self, failed: DailyFailures) -> None:
        health = assess(failed, connected=False)
        assert (health.advice, health.warnings) == ("", ())

    @pytest.mark.parametrize(
        ("failed", "advice"),
        [
            (
                count_failures(create=14),
                "14 writes failed since yesterday, 58% of all. See the failures in the audit log.",
            ),
            (
                count_failures(create=9, repeating_failures=2),
                "The identity provider has sent the same failing request at least 5 times since yesterday",
            ),
            (
                count_failures(create=9, repeating_failures=2, provider=GOOGLE),
                "Google Workspace has sent the same failing request at least 5 times",
            ),
            (
                count_failures(REJECTED, provider=ENTRA),
                f"A token was rejected at {REJECTED}. Enter a valid token in Micro",
            ),
        ],
    )
    def test_advice(self, failed: DailyFailures, advice: str) -> None:
        assert advice in assess(failed).advice


def count_wrong_urls(create: int = 0) -> DailyFailures:
    return replace(
        count_failures(wrong_scim_urls=1, other_requests=1, repeating_failures=1, create=create),
        last_wrong_url=REJECTED,
    )


class TestWrongScimUrl:
    def test_first_wrong_scim_url_is_a_state(self) -> None:
        health = assess(count_wrong_urls(), usage=replace(BY_OKTA, last_used=NOW - 1_801))
        assert health.state == HealthState.WRONG_SCIM_URL
        assert health.advice.startswith(f"The SCIM URL in Okta is wrong (last request with it: {REJECTED}). Replace it")

    @pytest.mark.parametrize(("used", "now"), [(NOW - 60, NOW), (NOW - 1_801, NOW + 86_400)])
    def test_wrong_scim_url_ends(self, used: float, now: float) -> None:
        """After a later request with the right URL, or after a day."""
        tenant, usage = Tenant("acme", token=TOKEN), replace(USAGE, last_used=used)
        assert (
            assess_health(tenant, usage, RecentActivity(count_wrong_urls(), 10), None, now).state
            == HealthState.REPEATING_FAILURE
        )

    def test_sum_of_days_with_wrong_scim_url(self) -> None:
        assert sum_days([count_wrong_urls(), count_failures(create=1)]) == count_wrong_urls(create=1)


class TestRejectedTokens:
    def test_rejection_ends_with_use_of_valid_token(self) -> None:
        health = assess(count_failures(REJECTED, rejected_tokens=3), usage=replace(USAGE, last_used=NOW - 60))
        assert health.state == HealthState.HEALTHY
        assert "At least 3 requests have been rejected" in health.warnings[0]
        assert "A valid token was used since then" in health.warnings[0]

    def test_rejection_ends_after_a_day(self) -> None:
        health = assess(count_failures("2026-01-30T09:30:00.000Z", rejected_tokens=3))
        assert (health.state, health.warnings) == (HealthState.HEALTHY, [])

    @pytest.mark.parametrize(
        ("usage", "provider", "expected", "unexpected"),
        [
            (BY_OKTA, None, "Enter the token in Okta under Provisioning > Integration", "Entra"),
            (USAGE, OKTA, "Retry Selected", "quarantine"),
            (USAGE, JUMPCLOUD, "Enter the token in JumpCloud", "Entra"),
            (USAGE, ENTRA, "Entra ID quarantines the application immediately", "If the customer"),
            (USAGE, None, "If the customer uses Microsoft Entra ID", "at once: paste"),
        ],
    )
    def test_rejection_names_provider_and_its_rules(
        self, usage: TokenUsage, provider: IdentityProvider | None, expected: str, unexpected: str
    ) -> None:
        (warning,) = assess(count_failures(REJECTED, provider, rejected_tokens=1), usage=usage).warnings
        assert expected in warning
        assert unexpected not in warning


class TestCounts:
    @pytest.mark.parametrize("writes", [0, 1, 3, 7, 14, 70, 333, 499, 500, 40_000])
    def test_counted_changes_are_enough_for_the_state(self, writes: int) -> None:
        failed = count_failures(create=writes)
        limit = compute_change_limit_for_state(failed)
        assert limit <= 4_500
        assert assess(failed, limit).state == assess(failed, limit + 100_000).state

    def test_counted_changes_are_enough_for_the_share(self) -> None:
        assert compute_change_limit_for_details(count_failures()) == 5_000
        assert compute_change_limit_for_details(count_failures(create=2_500)) == 10_001
        assert (
            max(compute_change_limit_for_details(count_failures(create=number)) for number in range(0, 50_000, 100))
            <= 80_001
        )

    def test_sum_of_days(self) -> None:
        total = sum_days(
            [
                count_failures(REJECTED, OKTA, create=1, repeating_failures=1),
                count_failures(create=2, no_ops=1),
                count_failures(provider=ENTRA),
            ]
        )
        assert total == count_failures(REJECTED, ENTRA, create=3, repeating_failures=1, no_ops=1)
        assert sum_days([]) == DailyFailures()

    def test_kind_of_operation(self) -> None:
        kinds = [
            classify_failure(operation, status)
            for operation, status in [("create", 409), ("GET Users", 400), ("POST Groups", 501), ("no_ops", 400)]
        ]
        assert kinds == [
            FailureKind.CREATE,
            FailureKind.OTHER_REQUEST,
            FailureKind.UNSUPPORTED,
            FailureKind.OTHER_REQUEST,
        ]
