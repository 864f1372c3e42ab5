"""The warnings before an identity provider quarantines its application."""

import pytest

from scim.service.model.identity_provider import IdentityProvider
from scim.service.tenants.quarantine import assess_quarantine, can_be_entra, compute_change_limit, describe_rejection

ENTRA, OKTA = IdentityProvider.ENTRA, IdentityProvider.OKTA


@pytest.mark.parametrize(
    ("failures", "changes", "warning"),
    [
        (0, 0, None),
        (0, 90_000, None),
        (2_499, 0, None),
        (2_500, 10_000, None),
        (2_500, 9_000, "Entra ID quarantines the application after 5,000 failures if more than 40% of its writes fail"),
        (5_000, 7_500, "Entra ID quarantines the application after 5,000"),
        (5_000, 7_499, "Entra ID quarantines the application now, by its published rules"),
        (20_000, 900_000, None),
        (20_001, 900_000, "after 40,000 failures in any case"),
        (40_001, 900_000, "quarantines the application now"),
    ],
)
def test_warning_precedes_the_quarantine(failures: int, changes: int, warning: str | None) -> None:
    warnings = list(assess_quarantine(failures, changes, ENTRA))
    assert bool(warnings) == bool(warning)
    assert warning is None or warning in warnings[0]


@pytest.mark.parametrize("failures", [0, 2_499, 2_500, 5_000, 20_000, 20_001, 40_000, 40_001, 10**6])
def test_counted_changes_are_enough(failures: int) -> None:
    needed = compute_change_limit(failures)
    kinds = [
        [(text.count("quarantines the application now"), text.count("in any case")) for text in warnings]
        for warnings in (assess_quarantine(failures, needed + more, ENTRA) for more in (0, 1, 1_000_000))
    ]
    assert needed <= 80_001
    assert kinds == [kinds[0]] * 3


@pytest.mark.parametrize("provider", sorted(set(IdentityProvider) - {ENTRA}))
def test_other_providers_have_no_quarantine(provider: IdentityProvider) -> None:
    (warning,) = assess_quarantine(40_001, 0, provider)
    text = warning + describe_rejection(provider)
    assert "quarantine" not in text
    assert "Entra" not in text
    assert provider.display_name in text
    assert not can_be_entra(provider)


def test_unknown_provider_may_quarantine() -> None:
    (warning,) = assess_quarantine(40_001, 0, None)
    assert "If the customer uses Microsoft Entra ID, it quarantines the application now" in warning
    assert "If the customer uses Microsoft Entra ID" in describe_rejection(None)
    assert can_be_entra(None)


def test_okta_can_retry_failed_tasks() -> None:
    (warning,) = assess_quarantine(40_001, 0, OKTA)
    assert "Retry Selected" in warning
    assert "Retry Selected" in describe_rejection(OKTA)
