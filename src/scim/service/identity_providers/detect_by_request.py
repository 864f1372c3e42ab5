"""Detect the identity provider that sent a request (docs/use/identity-providers).

The result affects only explanations, never how a request is processed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

from scim.protocol.leniency import Leniency
from scim.service.model.identity_provider import IdentityProvider

# The names of products in user agents (RFC 9110 section 10.1.5). In a user agent, a hyphen and more text may follow the
# name. The user agents of Okta and Google are recorded in tests/idp, authentik's is in its code
# (authentik/lib/utils/http.py). The others do not document theirs. "ping" alone is not in the list, since monitoring
# tools use it.
_PRODUCTS = {
    "okta": IdentityProvider.OKTA,
    "google-auto-provisioning": IdentityProvider.GOOGLE,
    "authentik": IdentityProvider.AUTHENTIK,
    "onelogin": IdentityProvider.ONELOGIN,
    "jumpcloud": IdentityProvider.JUMPCLOUD,
    "sailpoint": IdentityProvider.SAILPOINT,
    "auth0": IdentityProvider.AUTH0,
    "keycloak": IdentityProvider.KEYCLOAK,
    "pingfederate": IdentityProvider.PING,
    "pingone": IdentityProvider.PING,
    "pingidentity": IdentityProvider.PING,
}
_NAME_PARTS = re.compile(r"[-_.]")
_NAME_END = re.compile(r"[/@]")  # authentik writes authentik@<version>
_ENTRA_LENIENCIES = frozenset(
    leniency.label
    for leniency in (
        Leniency.PATH_AS_KEY,
        Leniency.DOTTED_URN,
        Leniency.CREATED_ELEMENT,
        Leniency.UNKNOWN_PATH,
    )
)
"""The leniencies that only Entra ID needs, as far as recorded requests show."""


def detect_request_provider(
    user_agent: str, query: str, leniencies: Collection[str], body: Any
) -> IdentityProvider | None:
    """Return the identity provider that sent a request, ``None`` if it is not detected.

    ``query`` is the query string, ``leniencies`` are the labels of the leniencies that the request needed, and ``body``
    is the parsed body. Pass empty values or ``None`` for those that are not known.
    """
    for product in _list_products(user_agent):
        if provider := _PRODUCTS.get(product) or _PRODUCTS.get(_NAME_PARTS.split(product, maxsplit=1)[0]):
            return provider
    is_entra = (
        "aadoptscim" in query.lower() or not _ENTRA_LENIENCIES.isdisjoint(leniencies) or _has_entra_operations(body)
    )
    return IdentityProvider.ENTRA if is_entra else None


def _list_products(user_agent: str) -> Iterator[str]:
    """Yield the names of the products in a user agent in lower case, without versions and comments."""
    for word in _remove_comments(user_agent).lower().split():
        yield _NAME_END.split(word, maxsplit=1)[0]


def _remove_comments(user_agent: str) -> str:
    """Return a user agent without comments. Comments are in parentheses, and may be nested (RFC 9110 section 5.6.5)."""
    characters: list[str] = []
    depth = 0
    for character in user_agent:
        if character == "(":
            depth += 1
        elif character == ")":
            depth = max(depth - 1, 0)
        elif not depth:
            characters.append(character)
    return "".join(characters)


def _has_entra_operations(body: Any) -> bool:
    """Return whether the body has PATCH operations with Entra ID's spelling: ``Add``, ``Replace``, ``Remove``."""
    operations = body.get("Operations") if isinstance(body, dict) else None
    if not isinstance(operations, list):
        return False
    return any(
        isinstance(operation, dict) and operation.get("op") in ("Add", "Replace", "Remove") for operation in operations
    )
