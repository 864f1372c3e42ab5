"""Which identity provider is asking, told by its traffic (docs/identity-providers). Nothing but words depends on it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

# The names of products in user agents (RFC 9110 section 10.1.5), also followed by a hyphen and more. Those of Okta and
# Google are recorded in tests/idp, and authentik's is in its code (authentik/lib/utils/http.py). No user agent of the
# others is documented. "ping" alone is not in the list, since monitoring tools use it.
_PRODUCTS = {
    "okta": "okta",
    "google-auto-provisioning": "google",
    "authentik": "authentik",
    "onelogin": "onelogin",
    "jumpcloud": "jumpcloud",
    "sailpoint": "sailpoint",
    "auth0": "auth0",
    "keycloak": "keycloak",
    "pingfederate": "ping",
    "pingone": "ping",
    "pingidentity": "ping",
}
_NAME_PARTS = re.compile(r"[-_.]")
_NAME_END = re.compile(r"[/@]")  # authentik writes authentik@<version>
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


def recognize_provider(agent: str, query: str, leniencies: Collection[str], body: Any) -> str | None:
    """The provider's page in docs/identity-providers, without its ending; ``None`` for one that can't be told."""
    for product in _products(agent):
        if found := _PRODUCTS.get(product) or _PRODUCTS.get(_NAME_PARTS.split(product, maxsplit=1)[0]):
            return found
    is_entra = "aadoptscim" in query.lower() or not _ENTRA.isdisjoint(leniencies) or _has_capital_operations(body)
    return "entra" if is_entra else None


def _products(agent: str) -> Iterator[str]:
    """Yield the names of the products in a user agent in lower case, without their versions and without comments."""
    for word in _without_comments(agent).lower().split():
        yield _NAME_END.split(word, maxsplit=1)[0]


def _without_comments(agent: str) -> str:
    """Return a user agent without its comments, which are in round brackets and nest (RFC 9110 section 5.6.5)."""
    kept: list[str] = []
    depth = 0
    for character in agent:
        if character == "(":
            depth += 1
        elif character == ")":
            depth = max(depth - 1, 0)
        elif not depth:
            kept.append(character)
    return "".join(kept)


def _has_capital_operations(body: Any) -> bool:
    """Entra ID writes ``Add``, ``Replace``, ``Remove``."""
    operations = body.get("Operations") if isinstance(body, dict) else None
    if not isinstance(operations, list):
        return False
    return any(isinstance(each, dict) and each.get("op") in ("Add", "Replace", "Remove") for each in operations)
