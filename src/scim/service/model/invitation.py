"""An invitation to the console, and its acceptance. All times are in seconds since 1970."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Invitation:
    """A one-time link to the console for one tenant.

    It is valid until ``expires``, while the tenant is connected and in the same ``invitation_epoch``. ``secret`` is the
    end of the link; it is known when the invitation is created, and not stored.
    """

    tenant_id: str
    expires: float
    invitation_epoch: int
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The acceptance of an invitation: the browser's session before, the session that was opened, and when."""

    previous_session_id: str
    session_id: str
    accepted_at: float
