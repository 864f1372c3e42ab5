"""Which identity provider is asking, told by its traffic (docs/identity-providers). Nothing but words depends on it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

# What a user agent holds. Those of Okta and Google are recorded in tests/idp; the others carry their name if they say
# anything at all.
_AGENTS = {
    "okta": "okta",
    "google-auto-provisioning": "google",
    "authentik": "authentik",
    "onelogin": "onelogin",
    "jumpcloud": "jumpcloud",
    "sailpoint": "sailpoint",
    "auth0": "auth0",
    "keycloak": "keycloak",
    "ping": "ping",
}
_ENTRA = frozenset({"path-as-key", "dotted-urn", "created-element", "unknown-path"})
"""Leniencies that nobody else was seen to need."""

NAMES = {
    "entra": "Microsoft Entra ID",
    "okta": "Okta",
    "google": "Google Workspace",
    "authentik": "authentik",
    "onelogin": "OneLogin",
    "jumpcloud": "JumpCloud",
    "sailpoint": "SailPoint",
    "auth0": "Auth0",
    "keycloak": "Keycloak",
    "ping": "PingFederate or PingOne",
}


def recognise(agent: str, query: str, leniencies: Collection[str], body: Any) -> str | None:
    """The provider's page in docs/identity-providers, without its ending; ``None`` for one that can't be told."""
    lower = agent.lower()
    if found := next((name for word, name in _AGENTS.items() if word in lower), None):
        return found
    is_entra = "aadoptscim" in query.lower() or not _ENTRA.isdisjoint(leniencies) or _has_capital_operations(body)
    return "entra" if is_entra else None


def _has_capital_operations(body: Any) -> bool:
    """Entra ID writes ``Add``, ``Replace``, ``Remove``."""
    operations = body.get("Operations") if isinstance(body, dict) else None
    if not isinstance(operations, list):
        return False
    return any(isinstance(each, dict) and each.get("op") in ("Add", "Replace", "Remove") for each in operations)
