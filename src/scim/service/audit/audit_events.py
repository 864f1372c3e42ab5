"""What was done with a tenant, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from scim.service.model.log_record import AuditEvent

_DONE = {
    "connect": "Connected the tenant",
    "rotate": "Made a new token",
    "show": "Saw the new token",
    "resume": "Finished a rotation that had been interrupted",
    "revoke": "Ended all tokens",
    "disconnect": "Disconnected the tenant",
    "configure": "Changed the settings",
    "invite": "Made an invitation to the console",
    "accept": "Came by an invitation to the console",
}


def describe_event(act: AuditEvent) -> str:
    """An act and its details, as one sentence."""
    details = "; ".join(_details(act.details))
    return f"{_DONE.get(act.operation, act.operation)}{': ' if details else ''}{details}."


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
