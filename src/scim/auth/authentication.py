"""Authenticate a request: a bearer token becomes a tenant, or the one 401 that does not tell the reason.

A token that this stack did not make is rejected without any call of AWS (:mod:`scim.auth.tokens`). What is valid is
cached for at most a minute, so a revoked token stays valid for that long. A token that does not match the cache may be
newer than it, so the secret is read again. Only a token that has failed several times is not looked up for some
seconds: then the response is 429, never a false 401. The cache lives as long as the execution environment.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hmac import compare_digest

from scim.auth import tokens
from scim.auth.errors import MalformedSecret
from scim.auth.tenant_cache import CachedTenant, TenantCache, ValidToken
from scim.auth.token_secrets import TokenSecrets
from scim.protocol.errors import Rule, Unauthorized, Unavailable
from scim.service.model.tenant import Tenant
from scim.service.model.token import TokenVersion
from scim.service.ports import TenantReader

CACHE_S = 60.0
_FOREVER = float("inf")


class TokenRejected(Unauthorized):
    """A token that this stack made for a connected tenant is not valid. The client gets the same 401 as for any other.

    ``rule`` tells whether all of the tenant's tokens have expired.
    """

    def __init__(self, tenant_id: str, rule: Rule, answer: Unauthorized) -> None:
        super().__init__(answer.detail, answer.headers, rule=rule)
        self.tenant_id = tenant_id


class MalformedToken(Unauthorized):
    """The text names a tenant and is no token that this stack made: mistyped, cut off or forged.

    ``is_connected`` tells whether the tenant is cached as connected, so that somebody may want to know.
    """

    def __init__(self, tenant_id: str, is_connected: bool, answer: Unauthorized) -> None:
        super().__init__(answer.detail, answer.headers, rule=Rule.TOKEN_MALFORMED)
        self.tenant_id = tenant_id
        self.is_connected = is_connected


@dataclass(frozen=True, slots=True)
class Authentication:
    """The tenant that a request is for, and the version of the secret that its token is in.

    ``expires`` is when the tenant's current token ends, ``None`` for never. ``was_read`` tells whether the tenant was
    read for this request, which is once a minute in each execution environment: the time for what is not done more
    often.
    """

    tenant: Tenant
    version: str
    expires: float | None
    was_read: bool


class Authenticator:
    """``now`` returns the seconds since 1970; ``report`` receives faults that do not fail the request."""

    def __init__(self, secrets: TokenSecrets, now: Callable[[], float], report: Callable[[Exception], None]) -> None:
        self._secrets = secrets
        self._now = now
        self._report = report
        self._tenants = TenantCache()

    def authenticate(self, authorization: str | None, settings: TenantReader) -> Authentication:
        """Return who the request is from, by the token in its header ``Authorization``.

        Raise :class:`Unauthorized` (:class:`MalformedToken` or :class:`TokenRejected` where a tenant is named),
        :class:`TooManyRequests`, and :class:`Unavailable` where a store does not answer.
        """
        token = self._own_token(authorization or "")
        cached = self._tenants.get(token.tenant)
        now = self._now()
        if cached is not None:
            is_fresh = now - cached.read < CACHE_S
            if is_fresh and (opened := _match(cached, token, now, was_read=False)):
                return opened
            cached.failed.check(token.digest, now)
        cached = self._read(token.tenant, settings, now)
        opened = _match(cached, token, now, was_read=True)
        if opened is None:
            cached.failed.add(token.digest, now)
            raise _refused(token.tenant, cached, now)
        return opened

    def _own_token(self, authorization: str) -> tokens.Token:
        """Return a token that this stack has made. Raise :class:`Unauthorized` for anything else, without a call."""
        scheme, _, text = authorization.strip().partition(" ")
        token = tokens.parse(text.strip()) if scheme.lower() == "bearer" else None
        if token is not None and self._secrets.is_own(token):
            return token
        tenant_id = tokens.named_tenant(authorization)
        if tenant_id is None:
            raise _unauthorized()
        cached = self._tenants.peek(tenant_id)
        raise MalformedToken(tenant_id, cached is not None and cached.is_connected, _unauthorized())

    def _valid(self, current: TokenVersion, tenant: Tenant, now: float) -> list[ValidToken]:
        """Return the current token, and the previous one within its grace, without those that were ended."""
        versions = [(current, _FOREVER)]
        grace_ends = end_of_grace(current, tenant)
        if now < grace_ends and (previous := self._previous(tenant.id)):
            versions.append((previous, grace_ends))
        return [
            ValidToken(tokens.digest(version.token), min(until, _end(version)), version.id)
            for version, until in versions
            if version.id not in tenant.token.revoked_versions
        ]

    def _previous(self, tenant_id: str) -> TokenVersion | None:
        """Return the previous token. One that was damaged by hand must not lock out the current one."""
        try:
            return self._secrets.previous(tenant_id)
        except Unavailable as error:
            if not isinstance(error.__cause__, MalformedSecret):
                raise
            self._report(error.__cause__)
            return None

    def _read(self, tenant_id: str, settings: TenantReader, now: float) -> CachedTenant:
        # The secret first: the settings know of a version before it becomes current, and so when it did.
        current = self._secrets.current(tenant_id)
        tenant = settings.get(tenant_id) if current else None
        valid = self._valid(current, tenant, now) if current and tenant and tenant.is_connected else []
        read = CachedTenant(now, valid, tenant if valid else None, tenant is not None and tenant.is_connected)
        if (before := self._tenants.peek(tenant_id)) is not None:
            read.failed = before.failed
        self._tenants.add(tenant_id, read)
        return read


def _match(cached: CachedTenant, token: tokens.Token, now: float, *, was_read: bool) -> Authentication | None:
    """Return the authentication by one of the valid tokens, if it is one. All are compared, whichever matches."""
    matching = [valid for valid in cached.valid if compare_digest(valid.digest, token.digest) and now < valid.until]
    if cached.tenant is None or not matching:
        return None
    return Authentication(cached.tenant, matching[0].version, cached.tenant.token.expires, was_read)


def end_of_grace(current: TokenVersion, tenant: Tenant) -> float:
    """Until when the token before is valid: from when the settings tell that the current one became so.

    Of a version that was made past them, its own age is all that is known.
    """
    since = tenant.token.since if tenant.token.version == current.id else current.created
    return since + current.grace_s


def _end(version: TokenVersion) -> float:
    return _FOREVER if version.expires is None else version.expires


def _refused(tenant_id: str, cached: CachedTenant, now: float) -> Unauthorized:
    if not cached.is_connected:
        return _unauthorized()
    has_expired = cached.valid and all(valid.until <= now for valid in cached.valid)
    return TokenRejected(tenant_id, Rule.TOKEN_EXPIRED if has_expired else Rule.TOKEN, _unauthorized())


def _unauthorized() -> Unauthorized:
    return Unauthorized(
        "The bearer token is missing or not valid. Copy the token that Connect showed into the identity provider's "
        "secret token field, or have a new one made.",
        headers={"WWW-Authenticate": 'Bearer realm="SCIM"'},
    )
