"""An invitation to the console, and its acceptance."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Invitation:
    """``expires`` in seconds since 1970. ``secret`` is the end of the link, and is shown once.

    It opens a tenant that is connected and still in the ``invitation_epoch`` of when it was made.
    """

    tenant: str
    expires: float
    invitation_epoch: int
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Who accepted an invitation: the session before, the session that it opened, and when (seconds since 1970)."""

    visitor: str
    session: str
    at: float
