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
USE = TokenUsage(NOW - 3_600, "v1")
BY_OKTA = replace(USE, user_agent="Okta SCIM Client 1.0.0")
REJECTED = "2026-01-31T09:00:00.000Z"


def failures(last_rejection: str = "", provider: IdentityProvider | None = None, **counts: int) -> DailyFailures:
    found = {FailureKind(name): number for name, number in counts.items()}
    return DailyFailures(found, provider, last_rejection)


def health(
    failed: DailyFailures | None = None,
    changes: int = 10,
    *,
    use: TokenUsage | None = USE,
    token: TokenState = TOKEN,
    connected: bool = True,
) -> Health:
    tenant, failed = Tenant("acme", is_connected=connected, token=token), failed or failures()
    return assess_health(tenant, use, RecentActivity(failed, changes), detect_tenant_provider(use, failed), NOW)


def test_healthy_tenant_has_nothing_to_do() -> None:
    found = health()
    assert (found.state, found.advice, found.warnings) == (HealthState.HEALTHY, "", [])


@pytest.mark.parametrize(
    ("failed", "changes", "state"),
    [
        (failures(create=2), 0, HealthState.HEALTHY),
        (failures(create=3), 27, HealthState.HEALTHY),
        (failures(create=3), 26, HealthState.FAILING),
        (failures(create=1, replace=1, patch=1, delete=1), 35, HealthState.FAILING),
        (failures(create=14), 31, HealthState.FAILING),
        (failures(patch=499), 90_000, HealthState.HEALTHY),
        (failures(patch=500), 90_000, HealthState.FAILING),
        (failures(other_requests=3), 0, HealthState.FAILING),
        (failures(other_requests=3), 1, HealthState.HEALTHY),
        (failures(other_requests=2), 0, HealthState.HEALTHY),
        (failures(unsupported=99, no_ops=99), 0, HealthState.HEALTHY),
        (failures(create=14, repeating_failures=1), 31, HealthState.REPEATING_FAILURE),
        (failures(create=5, repeating_failures=1), 90_000, HealthState.REPEATING_FAILURE),
        (failures(REJECTED, rejected_tokens=1, create=14, repeating_failures=3), 31, HealthState.TOKEN_REJECTED),
    ],
)
def test_state_follows_from_the_counts(failed: DailyFailures, changes: int, state: HealthState) -> None:
    assert health(failed, changes).state == state


@pytest.mark.parametrize(
    ("failed", "use", "token", "connected", "state"),
    [
        (failures(), None, TOKEN, True, HealthState.NO_REQUEST_YET),
        (failures(REJECTED, rejected_tokens=1), None, TOKEN, True, HealthState.TOKEN_REJECTED),
        (failures(create=9), USE, TokenState(revoked_version_ids=("v1",)), True, HealthState.NO_VALID_TOKEN),
        (failures(create=9), USE, replace(TOKEN, expires=NOW), True, HealthState.NO_VALID_TOKEN),
        (failures(create=9), USE, TOKEN, False, HealthState.DISCONNECTED),
    ],
)
def test_state_follows_from_the_access(
    failed: DailyFailures, use: TokenUsage | None, token: TokenState, connected: bool, state: HealthState
) -> None:
    assert health(failed, 0, use=use, token=token, connected=connected).state == state


@pytest.mark.parametrize("failed", [failures(create=99, repeating_failures=9), failures(REJECTED, rejected_tokens=1)])
def test_disconnected_tenant_has_no_advice(failed: DailyFailures) -> None:
    found = health(failed, connected=False)
    assert (found.advice, found.warnings) == ("", ())


@pytest.mark.parametrize(
    ("failed", "advice"),
    [
        (failures(create=14), "14 writes failed today and yesterday, 58% of all. See the failures in the audit log."),
        (
            failures(create=9, repeating_failures=2),
            "The identity provider has sent the same failing request at least 5 times since yesterday",
        ),
        (
            failures(create=9, repeating_failures=2, provider=GOOGLE),
            "Google Workspace has sent the same failing request at least 5 times",
        ),
        (
            failures(REJECTED, provider=ENTRA),
            f"A token was rejected at {REJECTED}. Enter a valid token in Micro",
        ),
    ],
)
def test_advice_says_what_to_do(failed: DailyFailures, advice: str) -> None:
    assert advice in health(failed).advice


# A wrong SCIM URL


def wrong_url(create: int = 0) -> DailyFailures:
    return replace(
        failures(wrong_scim_urls=1, other_requests=1, repeating_failures=1, create=create), last_wrong_url=REJECTED
    )


def test_wrong_scim_url_is_a_state_from_the_first_request_on() -> None:
    found = health(wrong_url(), use=replace(BY_OKTA, last_used=NOW - 1_801))
    assert found.state == HealthState.WRONG_SCIM_URL
    assert found.advice.startswith(f"The SCIM URL in Okta is wrong (last request: {REJECTED}). Replace it")


@pytest.mark.parametrize(("used", "now"), [(NOW - 60, NOW), (NOW - 1_801, NOW + 86_400)])
def test_wrong_scim_url_is_over(used: float, now: float) -> None:
    """When another request came since, or after a day."""
    tenant, use = Tenant("acme", token=TOKEN), replace(USE, last_used=used)
    assert assess_health(tenant, use, RecentActivity(wrong_url(), 10), None, now).state == HealthState.REPEATING_FAILURE


def test_days_with_a_wrong_scim_url_add_up() -> None:
    assert sum_days([wrong_url(), failures(create=1)]) == wrong_url(create=1)


# Rejected tokens


def test_rejection_is_over_when_a_valid_token_was_used_since() -> None:
    found = health(failures(REJECTED, rejected_tokens=3), use=replace(USE, last_used=NOW - 60))
    assert found.state == HealthState.HEALTHY
    assert "At least 3 requests were rejected" in found.warnings[0]
    assert "A valid token was used since then" in found.warnings[0]


def test_rejection_is_over_after_a_day() -> None:
    found = health(failures("2026-01-30T09:30:00.000Z", rejected_tokens=3))
    assert (found.state, found.warnings) == (HealthState.HEALTHY, [])


@pytest.mark.parametrize(
    ("use", "provider", "expected", "unexpected"),
    [
        (BY_OKTA, None, "Enter the token in Okta under Provisioning > Integration", "Entra"),
        (USE, OKTA, "Retry Selected", "quarantine"),
        (USE, JUMPCLOUD, "Enter the token in JumpCloud", "Entra"),
        (USE, ENTRA, "Entra ID quarantines the application immediately", "If the customer"),
        (USE, None, "If the customer uses Microsoft Entra ID", "at once: paste"),
    ],
)
def test_rejection_names_the_provider_and_its_rules(
    use: TokenUsage, provider: IdentityProvider | None, expected: str, unexpected: str
) -> None:
    (warning,) = health(failures(REJECTED, provider, rejected_tokens=1), use=use).warnings
    assert expected in warning
    assert unexpected not in warning


# Counting


@pytest.mark.parametrize("writes", [0, 1, 3, 7, 14, 70, 333, 499, 500, 40_000])
def test_state_is_the_same_however_many_more_changes_there_are(writes: int) -> None:
    failed = failures(create=writes)
    limit = compute_change_limit_for_state(failed)
    assert limit <= 4_500
    assert health(failed, limit).state == health(failed, limit + 100_000).state


def test_report_counts_enough_for_the_share_that_is_shown() -> None:
    assert compute_change_limit_for_details(failures()) == 5_000
    assert compute_change_limit_for_details(failures(create=2_500)) == 10_001
    assert max(compute_change_limit_for_details(failures(create=number)) for number in range(0, 50_000, 100)) <= 80_001


def test_counts_of_days_add_up() -> None:
    total = sum_days(
        [
            failures(REJECTED, OKTA, create=1, repeating_failures=1),
            failures(create=2, no_ops=1),
            failures(provider=ENTRA),
        ]
    )
    assert total == failures(REJECTED, ENTRA, create=3, repeating_failures=1, no_ops=1)
    assert sum_days([]) == DailyFailures()


def test_kind_of_an_operation() -> None:
    kinds = [
        classify_failure(*each) for each in [("create", 409), ("GET Users", 400), ("POST Groups", 501), ("no_ops", 400)]
    ]
    assert kinds == [FailureKind.CREATE, FailureKind.OTHER_REQUEST, FailureKind.UNSUPPORTED, FailureKind.OTHER_REQUEST]
