"""Sign in operators with an OpenID provider: the authorization code flow with PKCE.

Sources: OpenID Connect Core 1.0 sections 3.1.2 and 3.1.3, Discovery 1.0, RFC 7636 (PKCE), RFC 9207 (``iss``).
"""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Any
from urllib.error import URLError
from urllib.parse import quote_plus, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

import jwt

from scim.auth.console_sign_in.document_cache import DocumentCache
from scim.protocol.errors import Unavailable

_ALGORITHMS = ["RS256", "ES256"]
_REQUIRED_CLAIMS = ["iss", "sub", "aud", "exp", "iat", "nonce"]
_LEEWAY_S = 60
_TIMEOUT_S = 5
_MAX_RESPONSE_BYTES = 1_000_000


class SignInDenied(Exception):
    """The user may not sign in, or the provider's response is not valid.

    The message says why. It never contains the value of a claim.
    """


@dataclass(frozen=True, slots=True)
class AuthenticatedUser:
    """A user that the provider has authenticated.

    ``auth_time`` is the time of the sign-in (seconds since 1970), ``None`` if the ID token has no such claim.

    The time of the token (``iat``) cannot replace it, because a new token may belong to an old sign-in. This happens if
    the provider ignores ``max_age`` (OpenID Connect Core section 3.1.2.1), or if the user removes it from the URL.
    """

    name: str
    auth_time: int | None


@dataclass(frozen=True, slots=True)
class SignInPolicy:
    """The conditions for signing in: membership in one of the groups, and an email address in one of the domains.

    An empty set means that the condition does not apply. At least one of the two sets must not be empty.
    ``groups_claim`` is the name of the claim that lists the user's groups.
    """

    groups: frozenset[str]
    domains: frozenset[str]
    groups_claim: str

    def check(self, claims: Mapping[str, Any]) -> None:
        """Raise :class:`SignInDenied` if the claims of an ID token do not satisfy the policy."""
        if not (self.groups or self.domains):
            raise SignInDenied(
                "Sign-in is disabled: the settings of the OpenID provider allow no groups and no domains."
            )
        if self.groups and self.groups.isdisjoint(_list_strings(claims.get(self.groups_claim))):
            raise SignInDenied(
                f"You are not in an allowed group. The console reads your groups from the claim {self.groups_claim}."
            )
        _, at, domain = str(claims.get("email", "")).rpartition("@")
        if self.domains and not (at and domain.lower() in self.domains and claims.get("email_verified") is True):
            raise SignInDenied(
                "Your email address is not in an allowed domain, or the OpenID provider has not verified it."
            )


@dataclass(frozen=True, slots=True)
class OpenIdProvider:
    """An OpenID provider, and the credentials of the console at this provider (OpenID Connect Core: relying party).

    ``documents`` caches its metadata and keys.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    sign_in_policy: SignInPolicy
    documents: DocumentCache = field(repr=False, compare=False)

    def serialize(self) -> str:
        """Return all settings as canonical JSON: equal settings give the same text in every process.

        The text contains the client secret, so only a keyed digest of it may leave the process. Sets become sorted
        lists, because the order of a set depends on the process's hash seed.
        """
        settings = {
            "issuer": self.issuer,
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            # The old name stays: sessions contain a digest of this text, so renaming a member would end all sessions.
            "admission": asdict(self.sign_in_policy),
        }
        return json.dumps(settings, default=sorted, sort_keys=True)

    def build_authorization_url(
        self, redirect_uri: str, state: str, nonce: str, verifier: str, *, is_reauthentication: bool
    ) -> str:
        """Return the URL of the authorization request (OpenID Connect Core section 3.1.2.1).

        ``state``, ``nonce`` and ``verifier`` are random texts. The caller keeps them to check the provider's response.
        If ``is_reauthentication``, the provider must authenticate the user again, even if it has a session.
        Raise :class:`Unavailable` if the provider does not respond.
        """
        challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        parameters = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": redirect_uri,
            "scope": "openid email profile",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **({"max_age": "0"} if is_reauthentication else {}),
        }
        endpoint = self._fetch_metadata(_create_opener())["authorization_endpoint"]
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(parameters)}"

    def authenticate_user(self, code: str, redirect_uri: str, nonce: str, verifier: str) -> AuthenticatedUser:
        """Exchange an authorization code for the authenticated user (OpenID Connect Core section 3.1.3).

        ``nonce`` and ``verifier`` are those of the authorization request. Raise :class:`SignInDenied` if the user may
        not sign in, and :class:`Unavailable` if the provider does not respond.
        """
        opener = _create_opener()
        metadata = self._fetch_metadata(opener)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
            "client_id": self.client_id,
        }
        # RFC 6749 section 2.3.1: the id and the secret are form-encoded before they are joined.
        credentials = f"{quote_plus(self.client_id)}:{quote_plus(self.client_secret)}"
        headers = {"Authorization": f"Basic {b64encode(credentials.encode()).decode()}"}
        response = self._fetch_json(opener, metadata["token_endpoint"], urlencode(form).encode(), headers)
        claims = self._verify_id_token(str(response.get("id_token", "")), opener, metadata["jwks_uri"], nonce)
        self.sign_in_policy.check(claims)
        auth_time = claims.get("auth_time")
        name = claims["email"] if claims.get("email_verified") is True else claims["sub"]
        return AuthenticatedUser(str(name), auth_time if isinstance(auth_time, int) else None)

    def _verify_id_token(self, token: str, opener: OpenerDirector, keys_url: str, nonce: str) -> Mapping[str, Any]:
        try:
            matching_keys = self._find_keys(token, opener, keys_url)
            if not matching_keys:  # the provider may have published a new key since the keys were cached
                self.documents.forget(keys_url)
                matching_keys = self._find_keys(token, opener, keys_url)
            if len(matching_keys) != 1:
                raise SignInDenied("The OpenID provider signed the ID token with a key that it does not publish.")
            claims: Mapping[str, Any] = jwt.decode(
                token,
                matching_keys[0],
                algorithms=_ALGORITHMS,
                audience=self.client_id,
                issuer=self.issuer,
                leeway=_LEEWAY_S,
                options={"require": _REQUIRED_CLAIMS},
            )
        except jwt.PyJWTError as error:
            raise SignInDenied(f"The ID token of the OpenID provider is not valid: {type(error).__name__}.") from error
        if claims["nonce"] != nonce:
            raise SignInDenied("The ID token of the OpenID provider belongs to another sign-in. Sign in again.")
        has_several_audiences = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if has_several_audiences else self.client_id) != self.client_id:
            raise SignInDenied("The OpenID provider issued the ID token for another application.")
        return claims

    def _find_keys(self, token: str, opener: OpenerDirector, keys_url: str) -> list[jwt.PyJWK]:
        """Return the provider's keys with the id in the header of a token: all keys if the header has no id."""
        keys = self.documents.get(keys_url, lambda: self._fetch_json(opener, keys_url))
        key_id = jwt.get_unverified_header(token).get("kid")
        return [key for key in jwt.PyJWKSet.from_dict(dict(keys)).keys if key_id in (None, key.key_id)]

    def _fetch_metadata(self, opener: OpenerDirector) -> Mapping[str, str]:
        """Return the metadata of the provider (OpenID Connect Discovery section 4). Only valid metadata is cached."""
        url = self.issuer.rstrip("/") + "/.well-known/openid-configuration"
        return self.documents.get(url, lambda: self._fetch_valid_metadata(opener, url))

    def _fetch_valid_metadata(self, opener: OpenerDirector, url: str) -> Mapping[str, str]:
        metadata = self._fetch_json(opener, url)
        if metadata.get("issuer") != self.issuer:
            raise SignInDenied(
                "The issuer in the metadata of the OpenID provider is not that of the parameter OidcIssuer."
            )
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if urlsplit(str(metadata.get(name))).scheme != urlsplit(self.issuer).scheme:
                raise SignInDenied(f"The {name} in the metadata of the OpenID provider is not an https URL.")
        return metadata

    def _fetch_json(
        self, opener: OpenerDirector, url: str, form: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Mapping[str, Any]:
        try:
            with opener.open(Request(url, form, dict(headers or {})), timeout=_TIMEOUT_S) as response:  # noqa: S310  # checked
                document = json.loads(response.read(_MAX_RESPONSE_BYTES))
        except (URLError, TimeoutError, ValueError) as error:
            raise Unavailable(
                "The OpenID provider did not answer, or sent an unexpected response. Try again."
            ) from error
        return document if isinstance(document, dict) else {}


class _NoRedirects(HTTPRedirectHandler):
    """Rejects redirects, so that the client secret is sent to the configured host only."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _create_opener() -> OpenerDirector:
    return build_opener(_NoRedirects)


def _list_strings(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
