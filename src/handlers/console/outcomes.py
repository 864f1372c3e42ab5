"""The outcomes of actions. After a redirect, the next page says once what was done."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """What an action has done. The value is in a cookie until the next page says it."""

    SIGNED_IN = "signed-in"
    SIGNED_OUT = "signed-out"
    GUEST_SIGNED_OUT = "guest-signed-out"
    INVITATION_ACCEPTED = "invitation-accepted"
    CUSTOMER_ADDED = "customer-added"
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
    PROVIDER_SAVED = "provider-saved"


_MESSAGES = {
    Outcome.SIGNED_IN: "You are signed in.",
    Outcome.SIGNED_OUT: "You are signed out.",
    Outcome.GUEST_SIGNED_OUT: (
        "You are signed out. To come back, open the invitation link again: its page lets you ask for a new link."
    ),
    Outcome.INVITATION_ACCEPTED: (
        "You have opened the invitation. This browser stays signed in for eight hours. The first token is available "
        "during this time. Any further token needs a link that you opened within the last five minutes."
    ),
    Outcome.CUSTOMER_ADDED: "The customer was added. Its first token is ready.",
    Outcome.TOKENS_REVOKED: "All tokens were revoked. Requests are rejected within a minute.",
    Outcome.DISCONNECTED: "The customer was disconnected. Its users are kept.",
    Outcome.STRICT_MODE_ON: "Strict mode is on within a minute.",
    Outcome.STRICT_MODE_OFF: "Strict mode is off within a minute.",
    Outcome.BRAKE_ON: "The brake is on within a minute.",
    Outcome.BRAKE_OFF: "The brake is off within a minute.",
    Outcome.RELEASED: "Deactivations are accepted for 24 hours, within a minute.",
    Outcome.INVITATIONS_REVOKED: "All unused links were revoked, and the IT admins were signed out.",
    Outcome.LINK_REQUESTED: "The operators see your request for a new link.",
    Outcome.SCHEMA_SAVED: "The schema was saved. It takes effect within a minute.",
    Outcome.SCHEMA_REMOVED: "The schema is removed within a minute. Users keep their values.",
    Outcome.SETTINGS_SAVED: "The settings were saved.",
    Outcome.PROVIDER_SAVED: "The identity provider was saved. Guides and advice are for it now.",
}


def describe_outcome(value: str) -> str:
    """Return the sentence about an outcome, empty for a text that is none. Anyone can change a cookie."""
    return next((message for outcome, message in _MESSAGES.items() if outcome == value), "")
