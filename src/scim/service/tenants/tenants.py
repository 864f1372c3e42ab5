"""The use cases around a tenant: a customer whose identity provider is connected.

What is decided about a token is one transaction over the tenant's settings, conditional on what was read, and it holds
the record of who did it. Secrets Manager comes before (the new token is stored as a pending version, which opens
nothing) and after (its label makes it the current one). So whatever is interrupted can be done again: what was decided
is finished, and what was not has changed nothing. What ends access is decided at once; what labels say comes second.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from scim.service.model.attribute_shapes import remember_shapes
from scim.service.model.audit_event import AuditAction, AuditEvent
from scim.service.model.stored_resource import VersionConflict
from scim.service.model.tenant import Tenant
from scim.service.model.timestamps import format_rfc3339
from scim.service.model.token import DAY_S, SecretNotFound, TokenStage, TokenState, compute_expiry
from scim.service.ports import TenantReader, TenantStore, TokenStore
from scim.service.tenants.custom_schemas import merge_documents, read_extensions

TENANT_ID = re.compile(r"[a-z0-9-]{1,40}")
DEFAULT_GRACE_S = DAY_S
_ATTEMPTS = 5
_LATE_S = 60.0
_AGAIN_S = 60.0


class TenantError(Exception):
    """The tenant is not in the state that the act is for. The message says what to do."""


class TenantExists(TenantError):
    """The tenant is connected already."""


class UnknownTenant(TenantError):
    """No such tenant is connected."""


class UnknownSchema(TenantError):
    """The tenant's users have no such custom attributes."""


class GraceRunning(TenantError):
    """The token before the current one is still valid, and would end now."""


class ChangedMeanwhile(TenantError):
    """Somebody else has done something with the tenant at the same time."""


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token, to be shown once. Times in seconds since 1970; ``None`` is never.

    ``previous_until`` is until when the token before it is valid, ``None`` if it is not.
    """

    tenant: str
    version: str
    token: str = field(repr=False)
    expires: float | None
    previous_until: float | None


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A request for a token that may come twice: the one of a form. ``name`` is its own, and nobody else's.

    ``version`` is that of the settings that the form was made for, as the form has it.
    """

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Tenants:
    """``actor`` is who acts; ``now`` gives the seconds since 1970, ``new_id`` a random lower-case UUID."""

    settings: TenantStore
    tokens: TokenStore
    actor: str
    now: Callable[[], float]
    new_id: Callable[[], str]

    def connect(
        self,
        tenant_id: str,
        extensions: Sequence[Mapping[str, Any]] | None = None,
        *,
        strict: bool | None = None,
        lifetime_s: float | None = None,
        asked: IdempotencyKey | None = None,
    ) -> IssuedToken:
        """Make a tenant, or connect one again that was disconnected, and return its only token.

        ``extensions`` are schema documents that extend its users (:mod:`scim.service.tenants.custom_schemas`). A
        tenant that comes
        back keeps its users, and its settings where none are given; so does the lifetime of its tokens, which is
        :data:`scim.service.model.token.NEVER_EXPIRES` for a new one.
        Raises :class:`TenantExists`, unless the token was never shown: then it is this one that is returned;
        :class:`ChangedMeanwhile` where the settings are not those that were ``asked`` about; and ``ValueError`` for an
        id that is not lower-case letters, digits and hyphens, for a wrong document or lifetime.
        """
        if not TENANT_ID.fullmatch(tenant_id):
            raise ValueError("A tenant's id is 1 to 40 lower-case letters, digits and hyphens.")
        before = self.settings.get(tenant_id)
        _check_unchanged(before, asked)
        configured = _configured(before or Tenant(tenant_id, version=0), strict, extensions)
        if before is not None and before.is_connected:
            if before.token.is_revealed or configured != before:
                raise TenantExists(
                    f"{tenant_id} is connected already: make a new token to replace the one that it has."
                )
            return self._finish(before)
        token = self._new(configured, 0.0, lifetime_s, asked)
        try:
            self.tokens.create_secret(tenant_id, token.version, token.expires)
        except SecretNotFound:
            raise ChangedMeanwhile(f"The secret of {tenant_id} was changed just now; try again.") from None
        token = replace(token, revoked_versions=self._others(tenant_id, token.version))
        try:
            after = self._write(before, replace(configured, is_connected=True, token=token), AuditAction.CONNECT)
        except VersionConflict:
            raise TenantExists(f"{tenant_id} was connected by somebody else just now.") from None
        return self._finish(after)

    def rotate(
        self,
        tenant_id: str,
        *,
        grace_s: float = DEFAULT_GRACE_S,
        lifetime_s: float | None = None,
        force: bool = False,
        asked: IdempotencyKey | None = None,
    ) -> IssuedToken:
        """Return a new token; the one before stays valid for ``grace_s`` from now, and not at all with 0.

        It lives for ``lifetime_s``, where none is given for as long as the one before.

        With a grace, a token that was made and never shown is returned instead of another: that of a rotation that was
        interrupted, or of Secrets Manager's own.
        Raises :class:`UnknownTenant`, :class:`ChangedMeanwhile`, :class:`GraceRunning` where the token before the
        current one is still valid and would end now, unless ``force`` says so, and ``ValueError`` for a wrong lifetime.
        """
        before = get_connected_tenant(self.settings, tenant_id)
        _check_unchanged(before, asked)
        if grace_s and not before.token.is_revealed:
            return self._finish(before)
        if grace_s and not force:
            self._check_grace(before)
        if before.token.is_revoked:
            grace_s = 0.0
        token = self._new(before, grace_s, lifetime_s, asked)
        self._add(tenant_id, token.version, token.expires, grace_s)
        return self._finish(self._decide(before, token))

    def mark_revealed(self, issued: IssuedToken, asked: IdempotencyKey | None = None) -> None:
        """Say that a token was shown, so that it is not shown again, but for :meth:`replay_issue`."""

        def revise(tenant: Tenant) -> Tenant:
            if tenant.token.version != issued.version or tenant.token.is_revealed:
                return tenant
            return replace(tenant, token=replace(self._answering(tenant.token, asked), is_revealed=True))

        self._change(issued.tenant, AuditAction.SHOW, revise)

    def replay_issue(self, tenant_id: str, asked: IdempotencyKey) -> IssuedToken | None:
        """The token that the same request was answered with within the last minute; ``None`` if it was with none.

        A form that is sent twice at once has two answers, of which the browser shows one.
        Raises :class:`UnknownTenant` and :class:`ChangedMeanwhile`.
        """
        tenant = get_connected_tenant(self.settings, tenant_id)
        is_it = tenant.token.idempotency_key == asked.name and self.now() < tenant.token.idempotency_key_at + _AGAIN_S
        return self._finish(tenant) if is_it else None

    def revoke(self, tenant_id: str) -> Tenant:
        """End all tokens of a tenant, which stays connected: :meth:`rotate` makes a new one.

        Execution environments follow within a minute (:data:`scim.auth.authentication.CACHE_S`).
        Raises :class:`UnknownTenant`.
        """
        return self._change(tenant_id, AuditAction.REVOKE, self._without_tokens)

    def disconnect(self, tenant_id: str) -> Tenant:
        """End a tenant's access and have its secret deleted; its users and their ids stay. Follows as :meth:`revoke`.

        Its invitations end too.

        Raises :class:`UnknownTenant`.
        """
        tenant = self._change(tenant_id, AuditAction.DISCONNECT, self._without_access)
        self.tokens.delete_secret(tenant_id)
        # Somebody may have connected it again between the two, and needs the secret.
        if (latest := self.settings.get(tenant_id)) is not None and latest.is_connected:
            self.tokens.restore_secret(tenant_id)
        return tenant

    def revoke_invitations(self, tenant_id: str) -> Tenant:
        """End all invitations, and the sessions of whoever has used one. Raises :class:`UnknownTenant`."""
        return self._change(tenant_id, AuditAction.WITHDRAW, _without_guests)

    def configure(
        self, tenant_id: str, *, strict: bool | None = None, extensions: Sequence[Mapping[str, Any]] | None = None
    ) -> Tenant:
        """Change the given settings of a tenant; execution environments follow within a minute.

        Users keep their values of an extension that is removed: they are hidden, and shown again when it comes back.
        Raises :class:`UnknownTenant`, and ``ValueError`` for a wrong document, or one that gives an attribute another
        type than users may have values of.
        """
        return self._change(tenant_id, AuditAction.CONFIGURE, lambda tenant: _configured(tenant, strict, extensions))

    def add_schemas(self, tenant_id: str, documents: Sequence[Mapping[str, Any]]) -> Tenant:
        """Add schema documents, or put them in the place of those with the same id. Raises as :meth:`configure`."""
        return self._change(
            tenant_id,
            AuditAction.CONFIGURE,
            lambda tenant: _configured(tenant, None, merge_documents(tenant.custom_schemas, documents)),
        )

    def remove_schema(self, tenant_id: str, urn: str) -> Tenant:
        """Remove a schema document. Raises :class:`UnknownTenant` and :class:`UnknownSchema`."""

        def revise(tenant: Tenant) -> Tenant:
            kept = [document for document in tenant.custom_schemas if document["id"].lower() != urn.lower()]
            if len(kept) == len(tenant.custom_schemas):
                raise UnknownSchema(f"{tenant_id} has no schema {urn}.")
            return _configured(tenant, None, kept)

        return self._change(tenant_id, AuditAction.CONFIGURE, revise)

    # Secrets Manager's own rotation: the steps createSecret and finishSecret

    def create_pending(self, tenant_id: str, version: str) -> None:
        """Store a new token as the given version, which opens nothing yet. It lives as long as the one before.

        Raises as :meth:`rotate`; nothing happens where the version is there.
        """
        tenant = get_connected_tenant(self.settings, tenant_id)
        if self.tokens.read(tenant_id, version) is None:
            self._check_grace(tenant)
            self._add(tenant_id, version, compute_expiry(self.now(), tenant.token.lifetime_s), DEFAULT_GRACE_S)

    def promote_rotation(self, tenant_id: str, version: str) -> None:
        """Make a version that was prepared the current one; nothing happens where it is. The grace starts now.

        Raises :class:`UnknownTenant` and :class:`ChangedMeanwhile`.
        """
        tenant = get_connected_tenant(self.settings, tenant_id)
        if version in tenant.token.revoked_versions:
            self.tokens.drop_pending(tenant_id, version)
            raise ChangedMeanwhile(f"The tokens of {tenant_id} were revoked while this one was being made.")
        if tenant.token.version != version:
            pending = self.tokens.read(tenant_id, version)
            if pending is None or self.tokens.stages(tenant_id).get(TokenStage.PENDING) != version:
                raise ChangedMeanwhile(f"Another rotation of {tenant_id} has come before this one.")
            token = self._answering(tenant.token, None)
            token = replace(token, version=version, expires=pending.expires, grace_s=pending.grace_s)
            tenant = self._decide(tenant, token)
        self._promote(tenant)

    # What these have in common

    def _check_grace(self, tenant: Tenant) -> None:
        if self.now() < tenant.token.grace_ends:
            until = format_rfc3339(tenant.token.grace_ends)
            raise GraceRunning(
                f"The token before the current one of {tenant.id} is valid until {until} and would end now; wait, or "
                "force it."
            )

    def _new(
        self, tenant: Tenant, grace_s: float, lifetime_s: float | None, asked: IdempotencyKey | None
    ) -> TokenState:
        """A token to be made, which lives as long as the one before unless it is told otherwise."""
        now = self.now()
        lifetime_s = tenant.token.lifetime_s if lifetime_s is None else lifetime_s
        expires = compute_expiry(now, lifetime_s)
        token = TokenState(self.new_id(), now, grace_s, expires, is_revealed=False, lifetime_s=lifetime_s)
        return self._answering(token, asked)

    def _answering(self, token: TokenState, asked: IdempotencyKey | None) -> TokenState:
        return replace(
            token, idempotency_key=asked.name if asked else "", idempotency_key_at=self.now() if asked else 0.0
        )

    def _add(self, tenant_id: str, version: str, expires: float | None, grace_s: float) -> None:
        try:
            self.tokens.add(tenant_id, version, expires, grace_s)
        except SecretNotFound:
            raise ChangedMeanwhile(
                f"The secret of {tenant_id} was deleted in Secrets Manager; disconnect the tenant and connect it again."
            ) from None

    def _decide(self, before: Tenant, token: TokenState) -> Tenant:
        """Settle that a token is to be the current one, from now on."""
        ended = (
            before.token.revoked_versions
            if token.grace_s
            else self._others(before.id, token.version, before.token.version)
        )
        decided = replace(token, since=self.now(), is_revealed=False, revoked_versions=ended)
        try:
            return self._write(before, replace(before, token=decided), AuditAction.ROTATE)
        except VersionConflict:
            raise ChangedMeanwhile(f"Somebody else has changed {before.id} just now; try again.") from None

    def _finish(self, tenant: Tenant) -> IssuedToken:
        """Carry out what was decided, and return the token."""
        token = self._promote(tenant).token
        found = self.tokens.read(tenant.id, token.version)
        if found is None:
            raise ChangedMeanwhile(f"The secret of {tenant.id} was changed just now; try again.")
        previous_until = token.grace_ends if self.now() < token.grace_ends else None
        return IssuedToken(tenant.id, token.version, found.token, token.expires, previous_until)

    def _promote(self, tenant: Tenant) -> Tenant:
        """Make the version that was decided the current one, unless another was decided since."""
        version = tenant.token.version
        for _ in range(_ATTEMPTS):
            current = self.tokens.stages(tenant.id).get(TokenStage.CURRENT)
            latest = self.settings.get(tenant.id)
            if latest is None or latest.token.version != version:
                break
            if current == version:
                return latest
            if self._is_late(latest):
                self._decide_again(latest)
            elif self.tokens.promote(tenant.id, version, current, keep_previous=latest.token.grace_s > 0):
                return latest
        raise ChangedMeanwhile(f"Somebody else has changed the token of {tenant.id} just now; look at its status.")

    def _is_late(self, tenant: Tenant) -> bool:
        """Whether the decision was made too long ago for its grace: it was interrupted and is taken up again."""
        return tenant.token.grace_s > 0 and self.now() - tenant.token.since > _LATE_S

    def _decide_again(self, tenant: Tenant) -> None:
        """The grace starts when the rotation is finished, which is now."""

        def revise(latest: Tenant) -> Tenant:
            is_it = latest.token.version == tenant.token.version
            return replace(latest, token=replace(latest.token, since=self.now())) if is_it else latest

        self._change(tenant.id, AuditAction.RESUME, revise)

    def _others(self, tenant_id: str, version: str, decided: str = "") -> tuple[str, ...]:
        """All versions that could open the tenant, or come to, but for one."""
        labelled = self.tokens.stages(tenant_id).values()
        return tuple(sorted({*labelled, decided} - {version, ""}))

    def _without_tokens(self, tenant: Tenant) -> Tenant:
        if not tenant.is_connected:
            return tenant
        ended = self._others(tenant.id, "", tenant.token.version)
        return replace(tenant, token=TokenState(revoked_versions=ended, lifetime_s=tenant.token.lifetime_s))

    def _without_access(self, tenant: Tenant) -> Tenant:
        if not tenant.is_connected:
            return tenant
        return replace(_without_guests(self._without_tokens(tenant)), is_connected=False)

    def _change(self, tenant_id: str, action: AuditAction, revise: Callable[[Tenant], Tenant]) -> Tenant:
        """Write what ``revise`` makes of the settings; where that changes nothing, nothing is written."""
        for _ in range(_ATTEMPTS):
            before = self.settings.get(tenant_id)
            if before is None:
                raise UnknownTenant(f"There is no tenant {tenant_id}.")
            after = revise(before)
            if after == before:
                return before
            try:
                return self._write(before, after, action)
            except VersionConflict:
                continue
        raise ChangedMeanwhile(f"Others keep changing {tenant_id}; try again.")

    def _write(self, before: Tenant | None, after: Tenant, action: AuditAction) -> Tenant:
        written = replace(after, version=before.version + 1 if before else 1)
        act = AuditEvent(self.new_id(), format_rfc3339(self.now()), action, self.actor, _details(before, written))
        self.settings.write(before, written, act)
        return written


def get_connected_tenant(settings: TenantReader, tenant_id: str) -> Tenant:
    """Raises :class:`UnknownTenant`."""
    tenant = settings.get(tenant_id)
    if tenant is None or not tenant.is_connected:
        raise UnknownTenant(f"{tenant_id} is not connected: connect it first.")
    return tenant


def _check_unchanged(tenant: Tenant | None, asked: IdempotencyKey | None) -> None:
    if tenant is not None and asked is not None and str(tenant.version) != asked.version:
        raise ChangedMeanwhile(
            f"{tenant.id} has changed since this page was loaded, or has shown its token already. Load Connect again."
        )


def _without_guests(tenant: Tenant) -> Tenant:
    return replace(tenant, invitation_epoch=tenant.invitation_epoch + 1)


def _configured(tenant: Tenant, strict: bool | None, extensions: Sequence[Mapping[str, Any]] | None) -> Tenant:
    """Return the tenant with the settings that are given."""
    documents = tenant.custom_schemas if extensions is None else read_extensions(extensions)
    return replace(
        tenant,
        is_strict=tenant.is_strict if strict is None else strict,
        custom_schemas=documents,
        attribute_types=remember_shapes(tenant.attribute_types, documents),
    )


def _details(before: Tenant | None, after: Tenant) -> dict[str, str]:
    """What of the settings is other than it was, in words."""
    old, new = (_described(tenant) if tenant else {} for tenant in (before, after))
    return {name: value for name, value in new.items() if old.get(name) != value}


def _described(tenant: Tenant) -> dict[str, str]:
    token = tenant.token
    return {
        "mode": "strict" if tenant.is_strict else "tolerant",
        "extensions": " ".join(document["id"] for document in tenant.custom_schemas),
        "token": token.version or "none",
        "expires": "never" if token.expires is None else format_rfc3339(token.expires),
        "previous_until": format_rfc3339(token.grace_ends) if token.grace_s else "now",
    }
