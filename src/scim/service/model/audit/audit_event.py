"""Audit events: the actions of operators and IT admins on a tenant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class AuditAction(StrEnum):
    """The actions of an operator, or of a customer's IT admin, on a tenant. The values are stored."""

    CONNECT = "connect"
    ROTATE = "rotate"
    REVEAL = "show"
    """Display a new token."""
    RESUME = "resume"
    """Finish an interrupted rotation."""
    REVOKE = "revoke"
    DISCONNECT = "disconnect"
    CONFIGURE = "configure"
    RELEASE = "release"
    """Release the deactivations that the brake holds."""
    INVITE = "invite"
    ACCEPT = "accept"
    """Accept an invitation to the console."""
    REQUEST_LINK = "request"
    """Ask the operators for a new invitation."""
    REVOKE_INVITATIONS = "withdraw"
    """Revoke the invitations to the console, and end the sessions of the IT admins who accepted one."""
    PURGE = "purge"
    """Begin to delete everything of the tenant."""
    ERASE = "erase"
    """Erase the traces of a deleted user."""
    REPAIR = "repair"
    """Repair the items of the tenant (``muster check --repair``)."""


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """The record of an action on a tenant.

    ``at`` is RFC 3339 in UTC. ``actor`` names the operator or the IT admin. ``details`` say more about the
    action, such as the new values of settings. They never contain a token.
    """

    id: str
    at: str
    action: AuditAction
    actor: str
    details: Mapping[str, str]
