"""Describe audit events in sentences, for the console and the CLI."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from scim.service.model.audit.audit_event import AuditAction, AuditEvent
from scim.service.model.identity_provider import parse_identity_provider

ACTION_DESCRIPTIONS = {
    AuditAction.CONNECT: "Connected the customer",
    AuditAction.ROTATE: "Created a new token",
    AuditAction.REVEAL: "Showed the new token",
    AuditAction.RESUME: "Completed an interrupted token rotation",
    AuditAction.REVOKE: "Revoked all tokens",
    AuditAction.DISCONNECT: "Disconnected the customer",
    AuditAction.CONFIGURE: "Changed the settings",
    AuditAction.RELEASE: "Released the deactivations",
    AuditAction.INVITE: "Created an invitation to the console",
    AuditAction.ACCEPT: "Accepted an invitation to the console",
    AuditAction.REQUEST_LINK: "Asked for a new invitation to the console",
    AuditAction.REVOKE_INVITATIONS: "Revoked all invitations to the console",
    AuditAction.PURGE: "Began to purge the customer",
    AuditAction.ERASE: "Erased the traces of a deleted person",
    AuditAction.REPAIR: "Repaired stored data",
}


def describe_audit_event(event: AuditEvent) -> str:
    """Return an audit event and its details as one sentence."""
    details = "; ".join(_describe_details(event.details))
    return f"{ACTION_DESCRIPTIONS[event.action]}{': ' if details else ''}{details}."


def _describe_details(details: Mapping[str, str]) -> Iterator[str]:
    """Yield a clause for each detail."""
    if "strict" in details:
        yield f"strict mode {details['strict']}"
    if "extensions" in details:
        yield f"custom schemas {details['extensions']}" if details["extensions"] else "no custom schemas"
    yield from _describe_token(details)
    if "user" in details:
        yield f"the user had the id {details['user']}"
    if "brake" in details:
        yield f"brake {details['brake']}"
    if "provider" in details:
        yield _describe_provider(details["provider"])
    if details.get("released_until"):
        yield f"all deactivations are accepted until {details['released_until']}"
    if "repaired" in details:
        yield details["repaired"]
    if "until" in details:
        yield f"valid until {details['until']}"


def _describe_token(details: Mapping[str, str]) -> Iterator[str]:
    """Yield the clauses about the token. Omit the version id of its secret, which people do not need."""
    if details.get("token") != "none" and "expires" in details:
        yield (
            "the token never expires" if details["expires"] == "never" else f"the token expires at {details['expires']}"
        )
    if "previous_until" in details:
        until = details["previous_until"]
        yield "no previous token is valid" if until == "now" else f"the previous token is valid until {until}"


def _describe_provider(name: str) -> str:
    provider = parse_identity_provider(name)
    return (
        f"identity provider {provider.display_name}" if provider else "the identity provider is detected automatically"
    )
