"""Warn before an identity provider stops provisioning because many writes fail or its token is rejected.

Only Microsoft Entra ID publishes thresholds ("Application provisioning in quarantine status" on learn.microsoft.com).
Those of other identity providers are not known.
"""

from __future__ import annotations

from collections.abc import Iterator

from scim.service.model.identity_provider import IdentityProvider

MIN_FAILURES = 5_000
FAILURE_SHARE = 0.4
"""Entra ID quarantines an application with :data:`MIN_FAILURES` if more than this share of its writes failed."""
FAILURES_AT_ANY_SHARE = 40_000
"""Entra ID always quarantines an application with more failures than this."""
_WARNING_FRACTION = 0.5
"""A warning is given when the numbers reach this fraction of a threshold."""

_LOG_HINT = "The failures in the audit log (for operators also: `muster log --failures`) show what to change"
_OKTA_RETRY = "Okta keeps failed requests under Dashboard > Tasks. After the change, select Retry Selected there."
_RETRY_STEPS = {IdentityProvider.OKTA: _OKTA_RETRY}
"""What to do at an identity provider that does not repeat failed writes by itself."""


def can_be_entra(provider: IdentityProvider | None) -> bool:
    """Return whether the identity provider is Entra ID or unknown, so that Entra ID's thresholds may apply."""
    return provider in (IdentityProvider.ENTRA, None)


def compute_change_limit(failures: int) -> int:
    """Return the maximum number of changes to count for the warnings of :func:`assess_quarantine`.

    ``failures`` is the number of failed writes. Return 0 if it alone decides.
    """
    if failures > FAILURES_AT_ANY_SHARE or failures < _WARNING_FRACTION * MIN_FAILURES:
        return 0
    share = FAILURE_SHARE if failures > _WARNING_FRACTION * FAILURES_AT_ANY_SHARE else _WARNING_FRACTION * FAILURE_SHARE
    return int(failures / share) - failures + 1


def assess_quarantine(failures: int, changes: int, provider: IdentityProvider | None) -> Iterator[str]:
    """Yield a warning if the number of failed writes approaches the identity provider's thresholds.

    ``changes`` is the number of successful writes in the same time.
    """
    share = failures / (failures + changes) if failures else 0.0
    is_near = failures > _WARNING_FRACTION * FAILURES_AT_ANY_SHARE or (
        failures >= _WARNING_FRACTION * MIN_FAILURES and share > _WARNING_FRACTION * FAILURE_SHARE
    )
    if not is_near:
        return
    summary = f"{failures} writes failed today and yesterday, {share:.0%} of all."
    subject = _format_entra_subject(provider)
    if not can_be_entra(provider):
        yield f"{summary} {_LOG_HINT}. {_describe_missing_limit(provider)}"
    elif failures > FAILURES_AT_ANY_SHARE or (failures >= MIN_FAILURES and share > FAILURE_SHARE):
        yield (
            f"{summary} {subject} quarantines the application now, by its published rules. {_LOG_HINT}. Then "
            "restart provisioning."
        )
    else:
        yield (
            f"{summary} {subject} quarantines the application after {MIN_FAILURES:,} failures if more than "
            f"{FAILURE_SHARE:.0%} of its writes fail, and after {FAILURES_AT_ANY_SHARE:,} failures in any case. "
            f"{_LOG_HINT}."
        )


def describe_rejection(provider: IdentityProvider | None) -> str:
    """Return sentences on what the identity provider does after a rejected token, and what to do there."""
    if provider is IdentityProvider.ENTRA:
        return (
            "Enter the token in Entra ID and restart provisioning there. Entra ID quarantines the application "
            "immediately after a rejected token."
        )
    if provider is IdentityProvider.OKTA:
        return f"Enter the token in Okta under Provisioning > Integration, and test it. {_OKTA_RETRY}"
    if provider:
        return f"Enter the token in {provider.display_name}. Until then, no changes arrive."
    return (
        "Enter the token in the identity provider. If the customer uses Microsoft Entra ID, also restart provisioning "
        "there: Entra ID quarantines the application immediately after a rejected token."
    )


def _format_entra_subject(provider: IdentityProvider | None) -> str:
    return "Entra ID" if provider is IdentityProvider.ENTRA else "If the customer uses Microsoft Entra ID, it"


def _describe_missing_limit(provider: IdentityProvider | None) -> str:
    name = provider.display_name if provider else "The identity provider"
    unknown_limit = f"No limit is known at which {name} stops provisioning."
    return _RETRY_STEPS.get(provider, unknown_limit) if provider else unknown_limit
