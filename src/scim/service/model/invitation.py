"""An invitation to the console, and its acceptance. All times are in seconds since 1970."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Invitation:
    """A one-time link to the console for one tenant.

    It is valid until ``expires``, as long as the tenant is connected and its ``invitation_epoch`` has not increased.
    ``created`` is 0 if the invitation was stored without it, by a version before 0.3. ``secret`` is the last segment of
    the link's path. It is empty in an invitation from the table, which stores only a hash of it.
    """

    tenant_id: str
    expires: float
    invitation_epoch: int
    created: float
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The acceptance of an invitation.

    ``previous_session_id`` is the session that the browser had before. ``session_id`` is the session that was started.
    """

    previous_session_id: str
    session_id: str
    accepted_at: float
