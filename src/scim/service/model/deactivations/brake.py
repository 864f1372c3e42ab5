"""The limit of deactivations, the alert about a mass deactivation, and the brake that refuses more of them.

A *deactivation* is a change that makes an active user inactive, or that deletes an active user.
"""

from __future__ import annotations

from dataclasses import dataclass

from scim.service.model.timestamps import parse_rfc3339

ALERT_DISPLAY_S = 86_400.0
"""How long an alert is shown if it has no hold that must be released, in seconds."""


@dataclass(frozen=True, slots=True)
class DeactivationLimit:
    """How many deactivations within an hour are a mass deactivation.

    It is one if more than ``percent`` of the active users are deactivated, and at least ``minimum`` users.
    """

    percent: int
    minimum: int

    def compute_accepted(self, active_before: int) -> int:
        """Return the highest number of deactivations that is no mass deactivation.

        ``active_before`` is the number of users who were active at the beginning of the hour.
        """
        return max(active_before * self.percent // 100, self.minimum - 1)


@dataclass(frozen=True, slots=True)
class BrakeSettings:
    """The brake of a tenant. Times are in seconds since 1970.

    Attributes:
        is_on: Whether deactivations are refused after a mass deactivation.
        reset_at: When an operator released the deactivations, or turned the brake on or off. Earlier alerts are over.
        released_until: Until when deactivations are neither counted nor refused. After that, the count starts at zero.
    """

    is_on: bool = False
    reset_at: float = 0.0
    released_until: float = 0.0


@dataclass(frozen=True, slots=True)
class MassDeactivation:
    """The alert about a mass deactivation.

    Attributes:
        at: When it was detected (RFC 3339 in UTC).
        deactivated: How many users were deactivated or deleted within an hour.
        active_before: How many users were active at the beginning of the hour.
        is_held: Whether the brake refuses further deactivations.
        request_id: The id of the request that exceeded the limit.
    """

    at: str
    deactivated: int
    active_before: int
    is_held: bool
    request_id: str

    @property
    def summary(self) -> str:
        """What happened, as a clause without a period."""
        return f"{self.deactivated} of {self.active_before} active users were deactivated or deleted within an hour"

    def is_after_reset(self, brake: BrakeSettings) -> bool:
        """Return whether no operator has released the deactivations, or changed the brake, since then."""
        return parse_rfc3339(self.at) > brake.reset_at

    def is_holding(self, brake: BrakeSettings) -> bool:
        """Return whether further deactivations are refused because of this alert."""
        return brake.is_on and self.is_held and self.is_after_reset(brake)

    def is_open(self, brake: BrakeSettings, now: float) -> bool:
        """Return whether the alert is shown: until a release, or for 24 hours if nothing is held."""
        is_recent = now - parse_rfc3339(self.at) < ALERT_DISPLAY_S
        return self.is_holding(brake) or (self.is_after_reset(brake) and is_recent)
