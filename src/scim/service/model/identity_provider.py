"""The identity providers that Muster detects by their requests."""

from __future__ import annotations

from enum import StrEnum


class IdentityProvider(StrEnum):
    """An identity provider. The value is stored and logged, and names its page in docs/use/identity-providers."""

    ENTRA = "entra"
    OKTA = "okta"
    GOOGLE = "google"
    AUTHENTIK = "authentik"
    ONELOGIN = "onelogin"
    JUMPCLOUD = "jumpcloud"
    SAILPOINT = "sailpoint"
    AUTH0 = "auth0"
    KEYCLOAK = "keycloak"
    PING = "ping"

    @property
    def display_name(self) -> str:
        """The name in texts for people, such as ``Microsoft Entra ID``."""
        return _DISPLAY_NAMES[self]


_DISPLAY_NAMES = {
    IdentityProvider.ENTRA: "Microsoft Entra ID",
    IdentityProvider.OKTA: "Okta",
    IdentityProvider.GOOGLE: "Google Workspace",
    IdentityProvider.AUTHENTIK: "authentik",
    IdentityProvider.ONELOGIN: "OneLogin",
    IdentityProvider.JUMPCLOUD: "JumpCloud",
    IdentityProvider.SAILPOINT: "SailPoint",
    IdentityProvider.AUTH0: "Auth0",
    IdentityProvider.KEYCLOAK: "Keycloak",
    IdentityProvider.PING: "PingFederate or PingOne",
}


def parse_identity_provider(name: str | None) -> IdentityProvider | None:
    """Return the identity provider with a stored value, ``None`` for no value or an unknown one."""
    return next((provider for provider in IdentityProvider if provider == name), None)
