"""The outcomes of actions. After a redirect, the page says what was done."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """What an action has done. The value is in the address of the page that follows it."""

    TOKENS_REVOKED = "tokens-revoked"
    DISCONNECTED = "disconnected"
    STRICT_MODE_ON = "strict-on"
    STRICT_MODE_OFF = "strict-off"
    BRAKE_ON = "brake-on"
    BRAKE_OFF = "brake-off"
    RELEASED = "released"
    INVITATIONS_REVOKED = "invitations-revoked"
    LINK_REQUESTED = "link-requested"
    SCHEMA_SAVED = "schema-saved"
    SCHEMA_REMOVED = "schema-removed"
    SETTINGS_SAVED = "settings-saved"


_MESSAGES = {
    Outcome.TOKENS_REVOKED: "All tokens are revoked. Requests are rejected within a minute.",
    Outcome.DISCONNECTED: "The customer is disconnected. Its users are kept.",
    Outcome.STRICT_MODE_ON: "Strict mode is on within a minute.",
    Outcome.STRICT_MODE_OFF: "Strict mode is off within a minute.",
    Outcome.BRAKE_ON: "The brake is on within a minute.",
    Outcome.BRAKE_OFF: "The brake is off within a minute.",
    Outcome.RELEASED: "Deactivations are accepted for 24 hours, within a minute.",
    Outcome.INVITATIONS_REVOKED: "All unused links are revoked, and the IT admins are signed out.",
    Outcome.LINK_REQUESTED: "Your request was sent. The person who invited you can now send you a new link.",
    Outcome.SCHEMA_SAVED: "The schema is saved. It takes effect within a minute.",
    Outcome.SCHEMA_REMOVED: "The schema is removed within a minute. Users keep their values.",
    Outcome.SETTINGS_SAVED: "The settings are saved.",
}


def describe_outcome(value: str) -> str:
    """Return the sentence about an outcome, empty for a text that is none. Anyone can change an address."""
    return next((message for outcome, message in _MESSAGES.items() if outcome == value), "")
