"""Describe audit events in sentences, for the console and the CLI."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from scim.service.model.audit.audit_event import AuditAction, AuditEvent

ACTION_DESCRIPTIONS = {
    AuditAction.CONNECT: "Connected the tenant",
    AuditAction.ROTATE: "Made a new token",
    AuditAction.REVEAL: "Saw the new token",
    AuditAction.RESUME: "Finished a rotation that had been interrupted",
    AuditAction.REVOKE: "Ended all tokens",
    AuditAction.DISCONNECT: "Disconnected the tenant",
    AuditAction.CONFIGURE: "Changed the settings",
    AuditAction.INVITE: "Made an invitation to the console",
    AuditAction.ACCEPT: "Came by an invitation to the console",
    AuditAction.REVOKE_INVITATIONS: "Withdrew the invitations to the console",
}


def describe_audit_event(event: AuditEvent) -> str:
    """Return an audit event and its details as one sentence."""
    details = "; ".join(_describe_details(event.details))
    return f"{ACTION_DESCRIPTIONS[event.action]}{': ' if details else ''}{details}."


def _describe_details(details: Mapping[str, str]) -> Iterator[str]:
    """Yield a clause for each detail. Omit the version id of the token's secret, which people do not need."""
    if "mode" in details:
        yield f"{details['mode']} mode"
    if "extensions" in details:
        yield f"extensions {details['extensions']}" if details["extensions"] else "no extensions"
    if details.get("token") != "none" and "expires" in details:
        yield "the token has no end" if details["expires"] == "never" else f"the token ends at {details['expires']}"
    if "previous_until" in details:
        until = details["previous_until"]
        yield "no earlier token is valid" if until == "now" else f"the token before is valid until {until}"
    if "until" in details:
        yield f"good until {details['until']}"
