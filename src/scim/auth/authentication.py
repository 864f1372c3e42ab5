"""Authenticate a request: find the tenant of its bearer token (RFC 6750).

Any well-formed token that is not valid gets the same 401, or a 429 if it was sent too often. Neither gives a reason. If
the token was entered wrongly, such as with quotes, the 401 says so (:mod:`scim.auth.token_mistakes`).

- A token that this stack did not create is rejected without a call to AWS (:mod:`scim.auth.token_format`).
- Valid tokens are cached for up to a minute, so a revoked token may keep working for up to a minute.
- A token that is not in the cache may be newer than the cache, so the secret is read again.
- A token that has failed several times is not looked up for some seconds. The response is then 429 and not 401, because
  the token may have become valid.

The cache lives as long as the execution environment.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hmac import compare_digest
from math import inf

from scim.auth import token_format
from scim.auth.errors import MalformedSecret
from scim.auth.tenant_cache import CachedTenant, TenantCache, ValidToken
from scim.auth.token_mistakes import build_unauthorized_error, is_bearer, split_authorization
from scim.auth.token_store import SecretsManagerTokenStore
from scim.protocol.errors import Rule, Unauthorized, Unavailable
from scim.service.model.tenant import Tenant
from scim.service.model.token import TokenVersion
from scim.service.ports import TenantReader

MAX_CACHE_AGE_S = 60.0
"""The time for which a tenant and its valid tokens are cached."""


class TokenRejected(Unauthorized):
    """This stack created the token for a connected tenant, and the token is no longer valid.

    The client gets the same 401 as for any other token. ``rule`` is :attr:`Rule.TOKEN_EXPIRED` if all of the tenant's
    tokens have expired, else :attr:`Rule.TOKEN`.
    """

    def __init__(self, tenant_id: str, rule: Rule, response: Unauthorized) -> None:
        super().__init__(response.detail, response.headers, rule=rule)
        self.tenant_id = tenant_id


class MalformedToken(Unauthorized):
    """The text names a tenant, but is no token of this stack: it is mistyped, cut short, forged or entered wrongly.

    ``is_connected`` says whether the tenant is known as connected. Only then is the request counted in its audit log.
    ``is_genuine`` says whether the text contains a token, or the start of one, that this stack created for the tenant.
    ``rule`` is one of :data:`scim.protocol.errors.MALFORMED_TOKEN_RULES`.
    """

    def __init__(self, tenant_id: str, response: Unauthorized, *, is_connected: bool, is_genuine: bool) -> None:
        rule = Rule.TOKEN_MALFORMED if response.rule is Rule.TOKEN else response.rule
        super().__init__(response.detail, response.headers, rule=rule)
        self.tenant_id = tenant_id
        self.is_connected = is_connected
        self.is_genuine = is_genuine


@dataclass(frozen=True, slots=True)
class Authentication:
    """The tenant of a request, and the version of the tenant's secret that contains the request's token.

    ``expires`` is when the tenant's current token expires (seconds since 1970), ``None`` for never. ``is_first_use``
    says whether this is the first such request since the tenant was read. This happens about once a minute in each
    execution environment, so work that is needed only once a minute is done then. After
    :meth:`Authenticator.reset_first_use` it happens once more.
    """

    tenant: Tenant
    version_id: str
    expires: float | None
    is_first_use: bool


class Authenticator:
    """Authenticates requests by their bearer tokens, and caches their tenants.

    ``now`` returns the seconds since 1970. ``report_fault`` receives faults that do not fail the request.
    """

    def __init__(
        self, token_store: SecretsManagerTokenStore, now: Callable[[], float], report_fault: Callable[[Exception], None]
    ) -> None:
        self._token_store = token_store
        self._now = now
        self._report_fault = report_fault
        self._tenants = TenantCache()

    def authenticate(self, authorization: str | None, tenants: TenantReader) -> Authentication:
        """Return the tenant and the token of a request. ``authorization`` is its header ``Authorization``.

        Raise one of these errors:

        - :class:`MalformedToken` or :class:`TokenRejected` if the token is not valid and names a tenant;
        - :class:`Unauthorized` for any other text, and for a tenant that is not connected;
        - :class:`TooManyRequests` if the same token has failed several times within some seconds;
        - :class:`Unavailable` if DynamoDB or Secrets Manager does not respond.
        """
        authorization = authorization or ""
        token, now = _parse_bearer_token(authorization), self._now()
        cached = self._tenants.get(token.tenant_id) if token else None
        is_fresh = cached is not None and now - cached.read_at < MAX_CACHE_AGE_S
        # A valid token is genuine, so its checksum is not verified: most requests have one.
        if token and cached and is_fresh and (authentication := _match_token(cached, token, now)):
            return authentication
        if token is None or not self._token_store.is_genuine(token):
            raise self._build_malformed_error(authorization, tenants)
        if cached:
            cached.lookup_limiter.check_limit(token.digest, now)
        cached = self._read_tenant(token.tenant_id, tenants, now)
        authentication = _match_token(cached, token, now)
        if authentication is None:
            cached.lookup_limiter.count_failure(token.digest, now)
            raise _build_rejection(token.tenant_id, cached, now, build_unauthorized_error(authorization))
        return authentication

    def reset_first_use(self, tenant_id: str) -> None:
        """Let the next request with a valid token of a tenant be the first use again."""
        if (cached := self._tenants.peek(tenant_id)) is not None:
            cached.is_used = False

    def _build_malformed_error(self, authorization: str, tenants: TenantReader) -> Unauthorized:
        """Return the error for a header without a token that this stack created."""
        response = build_unauthorized_error(authorization)
        start = token_format.find_start(authorization)
        if start is None:
            return response
        contained = token_format.find_token(authorization)
        is_genuine = self._token_store.is_genuine(start)
        if contained is not None and contained.tenant_id == start.tenant_id:
            is_genuine = is_genuine or self._token_store.is_genuine(contained)
        is_connected = self._is_connected(start.tenant_id, tenants, can_read=is_genuine)
        return MalformedToken(start.tenant_id, response, is_connected=is_connected, is_genuine=is_genuine)

    def _is_connected(self, tenant_id: str, tenants: TenantReader, *, can_read: bool) -> bool:
        """Return whether the tenant that a malformed token names is connected.

        Anyone can send such a text, so the tenant is read only if the text contains a token that this stack created, or
        the start of one (``can_read``). Otherwise only the cache is used.
        """
        cached, now = self._tenants.peek(tenant_id), self._now()
        if can_read and (cached is None or now - cached.read_at >= MAX_CACHE_AGE_S):
            cached = self._read_tenant(tenant_id, tenants, now)
        return cached is not None and cached.is_connected

    def _read_tenant(self, tenant_id: str, tenants: TenantReader, now: float) -> CachedTenant:
        """Read the secret and the settings of a tenant, and cache them."""
        # The secret is read before the settings. A rotation writes the settings first. So if the new version was read
        # here, the settings already name it.
        current = self._token_store.read_current(tenant_id)
        tenant = tenants.get(tenant_id) if current else None
        is_connected = tenant is not None and tenant.is_connected
        valid_tokens = self._list_valid_tokens(current, tenant, now) if current and tenant and is_connected else []
        cached = CachedTenant(now, valid_tokens, tenant if valid_tokens else None, is_connected)
        if (replaced := self._tenants.peek(tenant_id)) is not None:
            cached.lookup_limiter = replaced.lookup_limiter
        self._tenants.add(tenant_id, cached)
        return cached

    def _list_valid_tokens(self, current: TokenVersion, tenant: Tenant, now: float) -> list[ValidToken]:
        """Return the current token, and the previous token during its grace period.

        Omit revoked tokens, and the version without a token that replaces them.
        """
        versions_and_ends = [(current, inf)]
        grace_ends = compute_grace_end(current, tenant)
        if now < grace_ends and (previous := self._read_previous(tenant.id)):
            versions_and_ends.append((previous, grace_ends))
        return [
            ValidToken(token_format.hash_token(version.token), min(end, _get_expiry(version)), version.id)
            for version, end in versions_and_ends
            if version.token and version.id not in tenant.token.revoked_version_ids
        ]

    def _read_previous(self, tenant_id: str) -> TokenVersion | None:
        """Return the previous token, ``None`` if there is none or its version of the secret is malformed.

        A malformed previous version must not make the current token invalid.
        """
        try:
            return self._token_store.read_previous(tenant_id)
        except Unavailable as error:
            if not isinstance(error.__cause__, MalformedSecret):
                raise
            self._report_fault(error.__cause__)
            return None


def _parse_bearer_token(authorization: str) -> token_format.Token | None:
    """Return the token in the header, ``None`` if there is none. Its checksum is not verified."""
    scheme, credentials = split_authorization(authorization)
    return token_format.parse_token(credentials) if is_bearer(scheme) else None


def _match_token(cached: CachedTenant, token: token_format.Token, now: float) -> Authentication | None:
    """Return the authentication, ``None`` if the token is not valid.

    The tenant may have been read for a request with a malformed token, which is no use of it. The token is compared
    with all valid tokens, so that the response time does not tell which one matches.
    """
    matching = [
        valid for valid in cached.valid_tokens if compare_digest(valid.digest, token.digest) and now < valid.expires
    ]
    if cached.tenant is None or not matching:
        return None
    is_first_use, cached.is_used = not cached.is_used, True
    return Authentication(cached.tenant, matching[0].version_id, cached.tenant.token.expires, is_first_use)


def compute_grace_end(current: TokenVersion, tenant: Tenant) -> float:
    """Return when the previous token expires (seconds since 1970).

    The grace period begins when the tenant's settings name the current version of the secret. If they name another
    version, a rotation is in progress, or an operator has moved the staging label in Secrets Manager. Then the grace
    period begins with the creation of the current version.
    """
    current_since = tenant.token.current_since if tenant.token.version_id == current.id else current.created
    return current_since + current.grace_s


def _get_expiry(version: TokenVersion) -> float:
    return inf if version.expires is None else version.expires


def _build_rejection(tenant_id: str, cached: CachedTenant, now: float, response: Unauthorized) -> Unauthorized:
    if not cached.is_connected:
        return response
    has_expired = cached.valid_tokens and all(valid.expires <= now for valid in cached.valid_tokens)
    return TokenRejected(tenant_id, Rule.TOKEN_EXPIRED if has_expired else Rule.TOKEN, response)
