"""Warn when an identity provider is about to stop provisioning, since many writes fail or its token is rejected.

Only Microsoft Entra ID publishes thresholds ("Application provisioning in quarantine status" on learn.microsoft.com).
Of the other providers no limit is known.
"""

from __future__ import annotations

from collections.abc import Iterator

from scim.service.model.identity_provider import IdentityProvider

MIN_FAILURES = 5_000
FAILURE_SHARE = 0.4
"""Entra ID quarantines an application from so many failures on, if they are more than this share of the writes."""
FAILURES_AT_ANY_SHARE = 40_000
"""Entra ID quarantines an application from so many failures on, whatever their share."""
_WARN_AT = 0.5
"""The fraction of a threshold at which a warning begins."""

_LOG = "The log of failures (console: Log; or `muster log --failures`) says what to change"
_AT_OKTA = "Okta keeps failed requests under Dashboard > Tasks: after the change select Retry Selected there."
_RETRIES = {IdentityProvider.OKTA: _AT_OKTA}
"""What to do at a provider that does not repeat failed writes by itself."""


def can_be_entra(provider: IdentityProvider | None) -> bool:
    """Return whether Entra ID's rules may hold: for Entra ID, and while no provider was detected."""
    return provider in (IdentityProvider.ENTRA, None)


def compute_change_limit(failures: int) -> int:
    """Return up to how many changes have to be counted to decide on the warnings of :func:`assess_quarantine`.

    Zero where the number of failures alone decides.
    """
    if failures > FAILURES_AT_ANY_SHARE or failures < _WARN_AT * MIN_FAILURES:
        return 0
    share = FAILURE_SHARE if failures > _WARN_AT * FAILURES_AT_ANY_SHARE else _WARN_AT * FAILURE_SHARE
    return int(failures / share) - failures + 1


def assess_quarantine(failures: int, changes: int, provider: IdentityProvider | None) -> Iterator[str]:
    """Yield a warning if so many failed writes, among so many changes, come near the provider's limits."""
    share = failures / (failures + changes) if failures else 0.0
    is_near = failures > _WARN_AT * FAILURES_AT_ANY_SHARE or (
        failures >= _WARN_AT * MIN_FAILURES and share > _WARN_AT * FAILURE_SHARE
    )
    if not is_near:
        return
    summary = f"{failures} writes failed today and yesterday, {share:.0%} of all."
    if not can_be_entra(provider):
        yield f"{summary} {_LOG}. {_describe_other(provider)}"
    elif failures > FAILURES_AT_ANY_SHARE or (failures >= MIN_FAILURES and share > FAILURE_SHARE):
        yield (
            f"{summary} {_if_entra(provider)}by its published rules Entra ID quarantines the application now. {_LOG}; "
            "then restart provisioning."
        )
    else:
        yield (
            f"{summary} {_if_entra(provider)}Entra ID quarantines the application from {MIN_FAILURES} failures on if "
            f"more than {FAILURE_SHARE:.0%} fail, and from {FAILURES_AT_ANY_SHARE} on in any case. {_LOG}."
        )


def describe_rejection(provider: IdentityProvider | None) -> str:
    """Return what follows from a rejected token at the provider, and what to do there."""
    if provider is IdentityProvider.ENTRA:
        return "Entra ID quarantines the application for that at once: paste the token there and restart provisioning."
    if provider is IdentityProvider.OKTA:
        return f"Paste the token into Okta, under Provisioning > Integration, and test it. {_AT_OKTA}"
    if provider:
        return f"Paste the token into {provider.display_name}: until then no change arrives."
    return (
        "Paste the token into the identity provider. If the customer uses Microsoft Entra ID: it quarantines the "
        "application for that at once, so restart provisioning there."
    )


def _if_entra(provider: IdentityProvider | None) -> str:
    return "" if provider is IdentityProvider.ENTRA else "If the customer uses Microsoft Entra ID: "


def _describe_other(provider: IdentityProvider | None) -> str:
    name = provider.display_name if provider else "The identity provider"
    unknown_limit = f"No limit of {name} is known from which on it stops provisioning."
    return _RETRIES.get(provider, unknown_limit) if provider else unknown_limit
