"""The record of what somebody did with a tenant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class AuditAction(StrEnum):
    """What an operator or a customer's admin does with a tenant."""

    CONNECT = "connect"
    ROTATE = "rotate"
    SHOW = "show"
    """Display a new token."""
    RESUME = "resume"
    """Finish an interrupted rotation."""
    REVOKE = "revoke"
    DISCONNECT = "disconnect"
    CONFIGURE = "configure"
    INVITE = "invite"
    ACCEPT = "accept"
    """Accept an invitation to the console."""
    REVOKE_INVITATIONS = "withdraw"
    """Revoke the invitations to the console, and end the sessions that they opened."""


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """The record of what somebody did with a tenant. ``at`` is RFC 3339 in UTC; ``details`` never hold a token."""

    id: str
    at: str
    action: AuditAction
    actor: str
    details: Mapping[str, str]
