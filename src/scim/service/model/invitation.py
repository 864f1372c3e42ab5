"""An invitation to the console, and its acceptance. All times are in seconds since 1970."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Invitation:
    """A one-time link to the console for one tenant.

    It is valid until ``expires``, as long as the tenant is connected and has the same ``invitation_epoch``. ``secret``
    is the last segment of the link's path. It is known only when the invitation is created: a hash of it is stored.
    """

    tenant_id: str
    expires: float
    invitation_epoch: int
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The acceptance of an invitation.

    ``previous_session_id`` is the browser's session before it, ``session_id`` the session that was opened.
    """

    previous_session_id: str
    session_id: str
    accepted_at: float
