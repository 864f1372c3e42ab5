"""Assess the health of a tenant's provisioning: its state, and what to do.

The state is computed from two numbers of today and yesterday (UTC): failures, which are counted when they happen, and
changes, which are counted up to the number that decides the state.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from scim.service.model.audit.failure import REPEATING_THRESHOLD, DailyFailures, FailureKind
from scim.service.model.deactivations.brake import MassDeactivation
from scim.service.model.identity_provider import IdentityProvider
from scim.service.model.tenant import Tenant
from scim.service.model.timestamps import parse_rfc3339
from scim.service.model.token import DAY_S, TokenUsage
from scim.service.tenants import quarantine

FAILING_MIN_FAILURES = 3
"""With fewer failed writes or requests than this, a tenant is never ``FAILING``."""
FAILING_SHARE = 0.1
"""A tenant is ``FAILING`` if more than this share of its writes fails."""
FAILING_AT_ANY_SHARE = 500
"""With this number of failed writes or more, a tenant is always ``FAILING``."""
_MAX_CHANGES_FOR_SHARE = 5_000
"""The maximum number of changes that are counted to display the share: one query of the index."""


class HealthLevel(StrEnum):
    """How good a state is. The values are the classes of the badges in the console."""

    GOOD = "good"
    BAD = "bad"
    """Users are not provisioned as they should be. Alerts are about this level."""
    NEUTRAL = "neutral"
    """Neither: not connected, not used yet, or unknown."""


class HealthState(StrEnum):
    """The state of a tenant's provisioning: the first of these states that applies."""

    UNKNOWN = "unknown"
    """The tenant could not be read in time."""
    DISCONNECTED = "disconnected"
    NO_VALID_TOKEN = "no valid token"  # noqa: S105  # no token
    """The token was revoked or has expired."""
    TOKEN_REJECTED = "token rejected"  # noqa: S105  # no token
    """In the last 24 hours a token was rejected, and no valid token was used since then."""
    NO_REQUEST_YET = "no request yet"
    """No request with a valid token has arrived yet."""
    WRONG_SCIM_URL = "wrong SCIM URL"
    """In the last 24 hours a request failed because of the SCIM URL, and no other request was recorded since then."""
    DEACTIVATIONS_HELD = "deactivations held"
    """The brake refuses deactivations until an operator releases it."""
    MASS_DEACTIVATION = "mass deactivation"
    """In the last 24 hours, an alert about a mass deactivation was raised, and it was not released."""
    REPEATING_FAILURE = "repeating failure"
    """The same request has failed five times or more today and yesterday (UTC)."""
    FAILING = "failing"
    """Too many writes fail, or requests fail and no user changes."""
    HEALTHY = "healthy"

    @property
    def level(self) -> HealthLevel:
        """How good the state is."""
        match self:
            case HealthState.HEALTHY:
                return HealthLevel.GOOD
            case HealthState.UNKNOWN | HealthState.DISCONNECTED | HealthState.NO_REQUEST_YET:
                return HealthLevel.NEUTRAL
            case _:
                return HealthLevel.BAD

    @property
    def is_outage(self) -> bool:
        """Whether no request succeeds, so that no user is provisioned."""
        return self in (HealthState.NO_VALID_TOKEN, HealthState.TOKEN_REJECTED, HealthState.WRONG_SCIM_URL)


@dataclass(frozen=True, slots=True)
class DailyActivity:
    """The numbers of one day in the activity chart. ``day`` is an RFC 3339 full-date in UTC.

    ``changes`` is a lower bound if ``has_more_changes``. ``failures`` is the number of failed requests, including
    rejected tokens. ``failed_writes`` is the number of writes among them.
    """

    day: str
    changes: int
    failures: int
    failed_writes: int
    has_more_changes: bool = False


@dataclass(frozen=True, slots=True)
class RecentActivity:
    """The failures and changes of today and yesterday (UTC). ``changes`` is a lower bound if ``has_more_changes``."""

    failures: DailyFailures
    changes: int = 0
    has_more_changes: bool = False

    @property
    def failure_share(self) -> float:
        """The share of writes that failed (0 to 1).

        It is an upper bound, because successful writes that changed nothing are not counted.
        """
        failed = self.failures.failed_writes
        return failed / (failed + self.changes) if failed else 0.0


@dataclass(frozen=True, slots=True)
class Health:
    """The health of a tenant.

    ``advice`` says in one sentence what to do, and is empty if there is nothing to do. ``warnings`` are more sentences.
    ``provider`` is the identity provider, ``None`` if it was not detected. ``alert`` is the alert about a mass
    deactivation that is shown, ``None`` if there is none.
    """

    state: HealthState
    activity: RecentActivity
    advice: str = ""
    warnings: Sequence[str] = ()
    provider: IdentityProvider | None = None
    alert: MassDeactivation | None = None
    token_usage: TokenUsage | None = None
    """The last use of the token that was considered, ``None`` if none was ever used."""


def compute_change_limit_for_state(failures: DailyFailures) -> int:
    """Return the maximum number of changes to count for the state, 0 if the failures alone decide."""
    writes = failures.failed_writes
    if FAILING_MIN_FAILURES <= writes < FAILING_AT_ANY_SHARE:
        return int(writes / FAILING_SHARE) - writes + 1
    return 1 if failures.failed_requests >= FAILING_MIN_FAILURES else 0


def compute_change_limit_for_details(failures: DailyFailures) -> int:
    """Return the maximum number of changes to count for the state, the warnings and the displayed share."""
    limit_for_warnings = quarantine.compute_change_limit(failures.failed_writes)
    return max(_MAX_CHANGES_FOR_SHARE, compute_change_limit_for_state(failures), limit_for_warnings)


def assess_health(
    tenant: Tenant,
    usage: TokenUsage | None,
    activity: RecentActivity,
    provider: IdentityProvider | None,
    now: float,
    last_alert: MassDeactivation | None = None,
) -> Health:
    """Return the health of a tenant.

    ``usage`` is the last use of its token, ``None`` if none was ever used. ``provider`` is the identity provider,
    ``None`` if it was not detected. ``now`` is in seconds since 1970. ``last_alert`` is the last alert about a mass
    deactivation, ``None`` if there was none.
    """
    alert = last_alert if last_alert is not None and last_alert.is_open(tenant.brake, now) else None
    state = _determine_state(tenant, usage, activity, now, alert)
    if not tenant.is_connected:
        return Health(state, activity, provider=provider, token_usage=usage)
    warnings = [
        *_describe_rejections(usage, activity.failures, provider, now),
        *quarantine.assess_quarantine(activity.failures.failed_writes, activity.changes, provider),
        *_describe_refusals(activity.failures),
    ]
    if alert is not None:
        warnings.insert(0, _describe_alert(alert, is_holding=alert.is_holding(tenant.brake)))
    return Health(state, activity, _advise(state, activity, provider), warnings, provider, alert, usage)


def is_use_in_doubt(usage: TokenUsage | None, failures: DailyFailures, now: float) -> bool:
    """Return whether a valid token may have been used after the last rejection or wrong SCIM URL of the last 24 hours.

    Uses are stored at most once a minute. So a use may be missing that followed soon after a stored one.
    """
    moments = (failures.last_rejection, failures.last_wrong_url)
    return usage is not None and any(
        _is_within_a_day(moment, now) and not _was_used_since(usage, moment) for moment in moments
    )


def count_change_as_use(usage: TokenUsage, changed_at: str) -> TokenUsage:
    """Return the use of a token, with the time of a change (RFC 3339, empty for none) if that is newer."""
    return replace(usage, last_used=max(usage.last_used, parse_rfc3339(changed_at))) if changed_at else usage


def _determine_state(
    tenant: Tenant, usage: TokenUsage | None, activity: RecentActivity, now: float, alert: MassDeactivation | None
) -> HealthState:
    token, failures = tenant.token, activity.failures
    if not tenant.is_connected:
        return HealthState.DISCONNECTED
    if token.is_revoked or (token.expires is not None and token.expires <= now):
        return HealthState.NO_VALID_TOKEN
    if _is_within_a_day(failures.last_rejection, now) and not _was_used_since(usage, failures.last_rejection):
        return HealthState.TOKEN_REJECTED
    if usage is None:
        return HealthState.NO_REQUEST_YET
    if _is_within_a_day(failures.last_wrong_url, now) and not _was_used_since(usage, failures.last_wrong_url):
        return HealthState.WRONG_SCIM_URL
    if alert is not None:
        is_holding = alert.is_holding(tenant.brake)
        return HealthState.DEACTIVATIONS_HELD if is_holding else HealthState.MASS_DEACTIVATION
    if failures.get_count(FailureKind.REPEATING):
        return HealthState.REPEATING_FAILURE
    return HealthState.FAILING if _is_failing(activity) else HealthState.HEALTHY


def _is_failing(activity: RecentActivity) -> bool:
    writes, requests = activity.failures.failed_writes, activity.failures.failed_requests
    if writes >= FAILING_AT_ANY_SHARE or (writes >= FAILING_MIN_FAILURES and activity.failure_share > FAILING_SHARE):
        return True
    return requests >= FAILING_MIN_FAILURES and not activity.changes


def _is_within_a_day(moment: str, now: float) -> bool:
    """Return whether ``moment`` (RFC 3339, empty for never) is less than 24 hours ago."""
    return bool(moment) and now - parse_rfc3339(moment) < DAY_S


def _was_used_since(usage: TokenUsage | None, moment: str) -> bool:
    """Return whether a valid token was used after ``moment`` (RFC 3339)."""
    return usage is not None and usage.last_used > parse_rfc3339(moment)


def _advise(state: HealthState, activity: RecentActivity, provider: IdentityProvider | None) -> str:
    failures, name = activity.failures, provider.display_name if provider else "the identity provider"
    match state:
        case HealthState.TOKEN_REJECTED:
            return f"A token was rejected at {failures.last_rejection}. Enter a valid token in {name}."
        case HealthState.NO_REQUEST_YET:
            return (
                "No request with a valid token has arrived yet. Enter the SCIM URL and the token in the identity "
                "provider."
            )
        case HealthState.WRONG_SCIM_URL:
            return (
                f"The SCIM URL in {name} is wrong (last request with it: {failures.last_wrong_url}). Replace it with "
                "the SCIM URL that Connect shows."
            )
        case HealthState.DEACTIVATIONS_HELD:
            return "Deactivations are held. Check whether they are intended, and release them (Status)."
        case HealthState.MASS_DEACTIVATION:
            return "Many users were deactivated. Check whether that is intended (Status)."
        case HealthState.REPEATING_FAILURE:
            return (
                f"{name[0].upper()}{name[1:]} has sent the same failing request at least {REPEATING_THRESHOLD} times "
                "since yesterday. See the failures in the audit log."
            )
        case HealthState.FAILING:
            return f"{_describe_failures(activity)}. See the failures in the audit log."
        case _:
            return ""


def _describe_alert(alert: MassDeactivation, *, is_holding: bool) -> str:
    happened = f"{alert.summary} ({alert.at})"
    if is_holding:
        return (
            f"{happened}. The brake refuses further deactivations and deletions: these users are still active. If they "
            "are intended, an operator releases them (console: Status, command: `muster release TENANT`). If not, "
            "correct the assignments in the identity provider first."
        )
    return (
        f"{happened}. If that is not intended, pause provisioning in the identity provider, and correct the "
        "assignments there. An operator can refuse more with the brake (console: Settings, command: "
        "`muster brake TENANT on`), or end this alert with `muster release TENANT`."
    )


def _describe_failures(activity: RecentActivity) -> str:
    writes, requests = activity.failures.failed_writes, activity.failures.failed_requests
    if not activity.changes:
        return f"{requests} {'request' if requests == 1 else 'requests'} failed since yesterday"
    share = "" if activity.has_more_changes else f", {activity.failure_share:.0%} of all"
    return f"{writes} writes failed since yesterday{share}"


def _describe_refusals(failures: DailyFailures) -> Iterator[str]:
    """Yield a sentence if requests were refused because of the rate limit. They do not make the tenant ``FAILING``."""
    if number := failures.get_count(FailureKind.RATE_LIMITED):
        yield (
            f"At least {number} {'request was' if number == 1 else 'requests were'} refused since yesterday because "
            "the rate limit was used up. The identity provider sends them again. If this does not stop, provision "
            "fewer people at a time, or raise the limit (for operators: template parameters RateLimit and "
            "RateLimitBurst)."
        )


def _describe_rejections(
    usage: TokenUsage | None, failures: DailyFailures, provider: IdentityProvider | None, now: float
) -> Iterator[str]:
    if not _is_within_a_day(failures.last_rejection, now):
        return
    number = failures.get_count(FailureKind.REJECTED_TOKEN)
    summary = (
        f"At least {number} {'request has' if number == 1 else 'requests have'} been rejected since yesterday because "
        f"of an invalid token, most recently at {failures.last_rejection}."
    )
    if _was_used_since(usage, failures.last_rejection):
        yield f"{summary} A valid token was used since then. No action is needed if only one application is connected."
    else:
        yield (
            f"{summary} If the current token is lost, create a new one (console: Token; for operators also: "
            "`muster rotate`). "
            f"{quarantine.describe_rejection(provider)}"
        )
