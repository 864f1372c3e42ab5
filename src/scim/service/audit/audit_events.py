"""What was done with a tenant, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from scim.service.model.audit.audit_event import AuditAction, AuditEvent

DESCRIPTIONS = {
    AuditAction.CONNECT: "Connected the tenant",
    AuditAction.ROTATE: "Made a new token",
    AuditAction.SHOW: "Saw the new token",
    AuditAction.RESUME: "Finished a rotation that had been interrupted",
    AuditAction.REVOKE: "Ended all tokens",
    AuditAction.DISCONNECT: "Disconnected the tenant",
    AuditAction.CONFIGURE: "Changed the settings",
    AuditAction.INVITE: "Made an invitation to the console",
    AuditAction.ACCEPT: "Came by an invitation to the console",
    AuditAction.REVOKE_INVITATIONS: "Withdrew the invitations to the console",
}


def describe_event(act: AuditEvent) -> str:
    """An act and its details, as one sentence."""
    details = "; ".join(_details(act.details))
    return f"{DESCRIPTIONS[act.action]}{': ' if details else ''}{details}."


def _details(details: Mapping[str, str]) -> Iterator[str]:
    """The id of a token's version, which says nothing to a person, is left out."""
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
