"""Manage the token of a tenant: create, rotate, reveal and revoke it.

A token is created in three steps:

1. The new token is stored as a pending version of the tenant's secret. It is not valid yet.
2. The tenant's settings name this version as the current one. They are written in one transaction with the audit event,
   on the condition that the settings have not changed since they were read.
3. The version becomes the current one of the secret.

An interrupted operation can be repeated. Before step 2 nothing has changed. After step 2 the repetition does step 3.

A revocation writes the settings (step 2), and then takes the revoked versions out of the secret. So a token that was
revoked before the table was restored from a backup stays revoked, although the restored settings say otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from scim.service.model.audit.audit_event import AuditAction
from scim.service.model.stored_resource import VersionConflict
from scim.service.model.tenant import Tenant
from scim.service.model.timestamps import format_rfc3339
from scim.service.model.token import (
    DAY_S,
    EMPTY_VERSION_PREFIX,
    IdempotencyKey,
    IssuedToken,
    SecretNotFound,
    TokenStage,
    TokenState,
    compute_expiry,
)
from scim.service.ports import TokenStore
from scim.service.tenants.errors import ConcurrentChange, PreviousTokenValid, TenantExists
from scim.service.tenants.tenant_writer import TenantWriter, get_connected_tenant

DEFAULT_GRACE_S = DAY_S
REPEAT_WINDOW_S = 60.0
"""The number of seconds in which a repeated request with the same idempotency key gets the same token."""
_INTERRUPTED_AFTER_S = 60.0
"""The number of seconds after which an unfinished rotation counts as interrupted."""
_MAX_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class TokenService:
    """Creates, rotates, reveals and revokes tokens.

    ``writer`` writes the tenants' settings, ``token_store`` their tokens.
    """

    writer: TenantWriter
    token_store: TokenStore

    # Create

    def issue_first_token(
        self, before: Tenant | None, configured: Tenant, lifetime_s: float | None, key: IdempotencyKey | None
    ) -> IssuedToken:
        """Connect a tenant with the settings ``configured``, and return its only token.

        ``before`` are the stored settings, ``None`` for a new tenant. Raise :class:`TenantExists` if another request
        has changed the settings since they were read, and :class:`ConcurrentChange` if the secret has changed.
        """
        token = self._build_token_state(configured, 0.0, lifetime_s, key)
        try:
            self.token_store.create_secret(configured.id, token.version_id, token.expires)
        except SecretNotFound:
            raise ConcurrentChange(f"The secret of {configured.id} was changed at the same time. Try again.") from None
        token = replace(token, revoked_version_ids=self._list_other_version_ids(configured.id, token.version_id))
        try:
            after = self.writer.write(before, replace(configured, is_connected=True, token=token), AuditAction.CONNECT)
        except VersionConflict:
            raise TenantExists(f"{configured.id} was connected by someone else at the same time.") from None
        return self.finish_issuing(after)

    def rotate(
        self,
        tenant_id: str,
        *,
        grace_s: float = DEFAULT_GRACE_S,
        lifetime_s: float | None = None,
        is_forced: bool = False,
        idempotency_key: IdempotencyKey | None = None,
    ) -> IssuedToken:
        """Return a new token for a tenant.

        If the current token has not been shown yet, and ``grace_s`` is not 0, return the current token instead. It
        comes from an interrupted rotation, or from a rotation by Secrets Manager.

        Args:
            tenant_id: The tenant.
            grace_s: The grace period in seconds for the token that is replaced. With 0 it becomes invalid immediately.
            lifetime_s: The lifetime of the new token in seconds. By default it is that of the previous token.
            is_forced: Whether to end a grace period that is still running.
            idempotency_key: The key of the form that the request comes from.

        Raises:
            UnknownTenant: The tenant is not connected.
            PreviousTokenValid: A grace period is still running, ``grace_s`` is not 0 and ``is_forced`` is false.
            ConcurrentChange: The settings or the secret have changed.
            ValueError: The lifetime is not positive.
        """
        before = get_connected_tenant(self.writer.tenant_store, tenant_id)
        check_unchanged(before, idempotency_key)
        if grace_s and self.has_hidden_token(before):
            return self.show_hidden_token(before)
        if grace_s and not is_forced:
            self._check_grace_period(before)
        if before.token.is_revoked or self._has_empty_secret(tenant_id):
            grace_s = 0.0
        token = self._build_token_state(before, grace_s, lifetime_s, idempotency_key)
        self._add_pending(tenant_id, token.version_id, token.expires, grace_s)
        return self.finish_issuing(self._set_current(before, token))

    def has_hidden_token(self, tenant: Tenant) -> bool:
        """Return whether the current token was never shown, and can still be shown."""
        return not tenant.token.is_revealed and not self._is_superseded(tenant)

    def show_hidden_token(self, tenant: Tenant) -> IssuedToken:
        """Return the current token, which was never shown (:meth:`has_hidden_token`).

        Raise the errors of :meth:`finish_issuing`.
        """
        return replace(self.finish_issuing(tenant), is_new=False)

    def finish_issuing(self, tenant: Tenant) -> IssuedToken:
        """Do step 3 for the version that the settings name, and return its token.

        Raise :class:`ConcurrentChange` if the settings or the secret have changed.
        """
        token = self._promote_current(tenant).token
        stored = self.token_store.read(tenant.id, token.version_id)
        if stored is None:
            raise ConcurrentChange(f"The secret of {tenant.id} was changed at the same time. Try again.")
        previous_expires = token.grace_ends if self.writer.now() < token.grace_ends else None
        return IssuedToken(tenant.id, token.version_id, stored.token, token.expires, previous_expires)

    # Reveal

    def mark_revealed(self, issued: IssuedToken, key: IdempotencyKey | None = None) -> None:
        """Record that a token was shown. After that, only :meth:`find_token_of_repeated_request` returns it again."""

        def revise(tenant: Tenant) -> Tenant:
            if tenant.token.version_id != issued.version_id or tenant.token.is_revealed:
                return tenant
            return replace(tenant, token=replace(self._with_idempotency_key(tenant.token, key), is_revealed=True))

        self.writer.change(issued.tenant_id, AuditAction.REVEAL, revise)

    def find_token_of_repeated_request(self, tenant_id: str, key: IdempotencyKey) -> IssuedToken | None:
        """Return the token that the same form has created in the last :data:`REPEAT_WINDOW_S`, ``None`` for none.

        A browser that sends a form twice gets two responses and shows one of them. So both must contain the same token.
        Raise :class:`UnknownTenant` and :class:`ConcurrentChange`.
        """
        tenant = get_connected_tenant(self.writer.tenant_store, tenant_id)
        return self.finish_issuing(tenant) if self.is_repeated_request(tenant, key) else None

    def is_repeated_request(self, tenant: Tenant, key: IdempotencyKey) -> bool:
        """Return whether the same form has created the tenant's token in the last :data:`REPEAT_WINDOW_S`."""
        is_same = tenant.token.idempotency_key == key.name
        return is_same and self.writer.now() < tenant.token.idempotency_key_at + REPEAT_WINDOW_S

    # Revoke

    def revoke(self, tenant_id: str) -> Tenant:
        """Revoke all tokens of a tenant. It stays connected, and :meth:`rotate` creates a new token.

        A revoked token may keep working for up to a minute (:data:`scim.auth.authentication.MAX_CACHE_AGE_S`).
        Raise :class:`UnknownTenant`.
        """
        tenant = self.writer.change(tenant_id, AuditAction.REVOKE, self.build_revoked_settings)
        self.remove_revoked_versions(tenant)
        return tenant

    def remove_revoked_versions(self, tenant: Tenant) -> None:
        """Take the revoked versions out of the tenant's secret. If this is interrupted, repeat the revocation."""
        empty_version_id = EMPTY_VERSION_PREFIX + self.writer.new_id()
        self.token_store.remove_versions(tenant.id, tenant.token.revoked_version_ids, empty_version_id)

    def build_revoked_settings(self, tenant: Tenant) -> Tenant:
        """Return the settings of a tenant with all tokens revoked. If it is not connected, return them unchanged."""
        if not tenant.is_connected:
            return tenant
        revoked = self._list_other_version_ids(tenant.id, "", tenant.token.version_id)
        if tenant.token.is_revoked:
            revoked = tuple(sorted({*revoked, *tenant.token.revoked_version_ids}))
        return replace(tenant, token=TokenState(revoked_version_ids=revoked, lifetime_s=tenant.token.lifetime_s))

    # Rotation by Secrets Manager: the steps createSecret and finishSecret

    def create_pending(self, tenant_id: str, version_id: str) -> None:
        """Store a new token as the pending version ``version_id``. Its lifetime is that of the previous token.

        Do nothing if the version exists. Raise the errors of :meth:`rotate`.
        """
        tenant = get_connected_tenant(self.writer.tenant_store, tenant_id)
        if self.token_store.read(tenant_id, version_id) is None:
            self._check_grace_period(tenant)
            expires = compute_expiry(self.writer.now(), tenant.token.lifetime_s)
            self._add_pending(tenant_id, version_id, expires, DEFAULT_GRACE_S)

    def promote_pending(self, tenant_id: str, version_id: str) -> None:
        """Make a pending version the current one, and start the grace period. Do nothing if it is already current.

        Raise :class:`UnknownTenant`, and :class:`ConcurrentChange` if the version was revoked or is no longer pending.
        """
        tenant = get_connected_tenant(self.writer.tenant_store, tenant_id)
        if version_id in tenant.token.revoked_version_ids:
            self.token_store.cancel_pending(tenant_id, version_id)
            raise ConcurrentChange(f"The tokens of {tenant_id} were revoked while this one was created.")
        if tenant.token.version_id != version_id:
            pending = self.token_store.read(tenant_id, version_id)
            if pending is None or self.token_store.read_stages(tenant_id).get(TokenStage.PENDING) != version_id:
                raise ConcurrentChange(f"Another rotation of the token of {tenant_id} was completed first.")
            token = self._with_idempotency_key(tenant.token, None)
            token = replace(
                token,
                version_id=version_id,
                expires=pending.expires,
                grace_s=pending.grace_s,
                created_by=self.writer.actor,
            )
            tenant = self._set_current(tenant, token)
        self._promote_current(tenant)

    # The steps of creating a token

    def _check_grace_period(self, tenant: Tenant) -> None:
        """Raise :class:`PreviousTokenValid` if the grace period of the previous token has not ended."""
        if self.writer.now() < tenant.token.grace_ends:
            until = format_rfc3339(tenant.token.grace_ends)
            raise PreviousTokenValid(
                f"The previous token of {tenant.id} is still valid until {until}. Wait until then, or revoke it now "
                '(console: select "Revoke the previous token now"; command line: add --force).'
            )

    def _build_token_state(
        self, tenant: Tenant, grace_s: float, lifetime_s: float | None, key: IdempotencyKey | None
    ) -> TokenState:
        """Return the state of a new token, with a random version id."""
        now = self.writer.now()
        lifetime_s = tenant.token.lifetime_s if lifetime_s is None else lifetime_s
        expires = compute_expiry(now, lifetime_s)
        token = TokenState(
            self.writer.new_id(),
            now,
            grace_s,
            expires,
            is_revealed=False,
            lifetime_s=lifetime_s,
            created_by=self.writer.actor,
        )
        return self._with_idempotency_key(token, key)

    def _with_idempotency_key(self, token: TokenState, key: IdempotencyKey | None) -> TokenState:
        if key is None:
            return replace(token, idempotency_key="", idempotency_key_at=0.0)
        return replace(token, idempotency_key=key.name, idempotency_key_at=self.writer.now())

    def _add_pending(self, tenant_id: str, version_id: str, expires: float | None, grace_s: float) -> None:
        """Do step 1: store a new token as a pending version."""
        try:
            self.token_store.add_pending(tenant_id, version_id, expires, grace_s)
        except SecretNotFound:
            raise ConcurrentChange(
                f"The secret of {tenant_id} was deleted in Secrets Manager. Disconnect the customer and connect it "
                "again."
            ) from None

    def _set_current(self, before: Tenant, token: TokenState) -> Tenant:
        """Do step 2: write the settings with ``token`` as the current token from now on."""
        revoked = before.token.revoked_version_ids
        if not token.grace_s:
            revoked = self._list_other_version_ids(before.id, token.version_id, before.token.version_id)
        token = replace(token, current_since=self.writer.now(), is_revealed=False, revoked_version_ids=revoked)
        try:
            return self.writer.write(before, replace(before, token=token), AuditAction.ROTATE)
        except VersionConflict:
            raise ConcurrentChange(f"Someone else changed {before.id} at the same time. Try again.") from None

    def _promote_current(self, tenant: Tenant) -> Tenant:
        """Do step 3: make the version that the settings name the current one of the secret.

        Raise :class:`ConcurrentChange` if the settings name another version in the meantime.
        """
        version_id = tenant.token.version_id
        for _ in range(_MAX_ATTEMPTS):
            current_id = self.token_store.read_stages(tenant.id).get(TokenStage.CURRENT)
            latest = self.writer.tenant_store.get(tenant.id)
            if latest is None or latest.token.version_id != version_id or self._is_superseded(latest):
                break
            if current_id == version_id:
                return latest
            if self._is_interrupted(latest):
                self._restart_grace_period(latest)
            elif self.token_store.promote(tenant.id, version_id, current_id, keep_previous=latest.token.grace_s > 0):
                return latest
        raise ConcurrentChange(f"Someone else changed the token of {tenant.id} at the same time. Check its status.")

    def _is_superseded(self, tenant: Tenant) -> bool:
        """Return whether the version that the settings name was replaced or revoked, and must not be promoted again.

        The settings name such a version after the table was restored from a backup. A version that is promoted is
        pending, or not older than the current one.
        """
        version_id, stages = tenant.token.version_id, self.token_store.read_stages(tenant.id)
        current_id = stages.get(TokenStage.CURRENT)
        if current_id is None or version_id in (current_id, stages.get(TokenStage.PENDING)):
            return False
        current, named = (self.token_store.read(tenant.id, id_) for id_ in (current_id, version_id))
        return current is None or named is None or named.created < current.created

    def _has_empty_secret(self, tenant_id: str) -> bool:
        """Return whether all tokens were revoked, and no token was created since then, by the tenant's secret."""
        return self.token_store.read_stages(tenant_id).get(TokenStage.CURRENT, "").startswith(EMPTY_VERSION_PREFIX)

    def _is_interrupted(self, tenant: Tenant) -> bool:
        """Return whether a rotation with a grace period started so long ago that it must have been interrupted."""
        return tenant.token.grace_s > 0 and self.writer.now() - tenant.token.current_since > _INTERRUPTED_AFTER_S

    def _restart_grace_period(self, tenant: Tenant) -> None:
        """Start the grace period now, because an interrupted rotation is being finished."""

        def revise(latest: Tenant) -> Tenant:
            if latest.token.version_id != tenant.token.version_id:
                return latest
            return replace(latest, token=replace(latest.token, current_since=self.writer.now()))

        self.writer.change(tenant.id, AuditAction.RESUME, revise)

    def _list_other_version_ids(self, tenant_id: str, version_id: str, current_id: str = "") -> tuple[str, ...]:
        """Return ``current_id`` and the ids of all versions that have a stage and a token, without ``version_id``."""
        staged = self.token_store.read_stages(tenant_id).values()
        others = {*staged, current_id} - {version_id, ""}
        return tuple(sorted(id_ for id_ in others if not id_.startswith(EMPTY_VERSION_PREFIX)))


def check_unchanged(tenant: Tenant | None, key: IdempotencyKey | None) -> None:
    """Raise :class:`ConcurrentChange` if the settings have changed since the form with the key was rendered."""
    if tenant is not None and key is not None and str(tenant.version) != key.settings_version:
        raise ConcurrentChange(
            f"{tenant.id} was changed since this page was loaded, or its token was already displayed. Open Token again."
        )
