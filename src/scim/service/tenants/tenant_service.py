"""Manage tenants: connect, configure and disconnect a customer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from scim.service.model.attribute_types import merge_types
from scim.service.model.audit.audit_event import AuditAction
from scim.service.model.deactivations.brake import BrakeSettings
from scim.service.model.identity_provider import IdentityProvider
from scim.service.model.tenant import DEPLOYMENT_TEST_TENANT, TENANT_ID_PATTERN, Tenant
from scim.service.model.token import IdempotencyKey, IssuedToken
from scim.service.ports import TenantStore, TokenStore
from scim.service.tenants.custom_schemas import merge_schemas, parse_schemas
from scim.service.tenants.errors import TenantExists, UnknownSchema
from scim.service.tenants.tenant_writer import TenantWriter, check_not_purging
from scim.service.tenants.token_service import TokenService, check_unchanged

DEFAULT_RELEASE_S = 86_400.0
"""For how long deactivations are accepted after a release. Entra ID repeats a failed request within a day."""


@dataclass(frozen=True, slots=True)
class TenantService:
    """Connects, configures and disconnects tenants. ``tokens`` manages their tokens.

    ``actor`` is the actor in the audit events. ``now`` returns the seconds since 1970. ``new_id`` returns a random
    lower-case UUID.
    """

    tenant_store: TenantStore
    token_store: TokenStore
    actor: str
    now: Callable[[], float]
    new_id: Callable[[], str]

    def connect(
        self,
        tenant_id: str,
        custom_schemas: Sequence[Mapping[str, Any]] | None = None,
        *,
        is_strict: bool | None = None,
        lifetime_s: float | None = None,
        idempotency_key: IdempotencyKey | None = None,
    ) -> IssuedToken:
        """Create a tenant, or reconnect a disconnected one, and return its only token.

        A reconnected tenant keeps its users, and the settings that are not given. If the tenant is already connected
        but its token has not been shown, return that token.

        Args:
            tenant_id: 1 to 40 lowercase letters, digits and hyphens.
            custom_schemas: Schema documents that extend its users (:mod:`scim.service.tenants.custom_schemas`).
            is_strict: Whether strict mode is on. A new tenant is not strict by default.
            lifetime_s: The lifetime of its tokens in seconds. By default, the tokens of a new tenant do not expire.
            idempotency_key: The key of the form that the request comes from.

        Raises:
            TenantExists: The tenant is already connected.
            TenantPurging: A purge of the tenant has begun.
            ConcurrentChange: The settings have changed since the form with the ``idempotency_key`` was rendered.
            ValueError: The id is not valid or reserved, or a document or the lifetime is not valid.
        """
        if not TENANT_ID_PATTERN.fullmatch(tenant_id):
            raise ValueError("The id of a customer has 1 to 40 lowercase letters, digits and hyphens.")
        if tenant_id.startswith(DEPLOYMENT_TEST_TENANT):
            raise ValueError(f"Names that begin with {DEPLOYMENT_TEST_TENANT} are reserved for tests of new versions.")
        return self._connect(tenant_id, custom_schemas, is_strict, lifetime_s, idempotency_key)

    def connect_deployment_test(self) -> IssuedToken:
        """Connect the test customer :data:`DEPLOYMENT_TEST_TENANT`, and return its token.

        Every call returns the same token, unless it was shown to a person. Then raise :class:`TenantExists`.
        """
        return self._connect(DEPLOYMENT_TEST_TENANT, None, None, None, None)

    def _connect(
        self,
        tenant_id: str,
        custom_schemas: Sequence[Mapping[str, Any]] | None,
        is_strict: bool | None,
        lifetime_s: float | None,
        idempotency_key: IdempotencyKey | None,
    ) -> IssuedToken:
        before = self.tenant_store.get(tenant_id)
        check_not_purging(before)
        check_unchanged(before, idempotency_key)
        configured = _apply_settings(before or Tenant(tenant_id, version=0), is_strict, custom_schemas)
        if before is None or not before.is_connected:
            return self.tokens.issue_first_token(before, configured, lifetime_s, idempotency_key)
        if configured != before or not self.tokens.has_hidden_token(before):
            raise TenantExists(f"{tenant_id} is already connected.")
        return self.tokens.show_hidden_token(before)

    def disconnect(self, tenant_id: str) -> Tenant:
        """Revoke a tenant's tokens and invitations, and schedule its secret for deletion. Keep its users.

        This takes effect in all execution environments within a minute. Raise :class:`UnknownTenant`.
        """
        tenant = self.writer.change(tenant_id, AuditAction.DISCONNECT, self._revise_to_disconnected)
        self.tokens.remove_revoked_versions(tenant)
        self.token_store.delete_secret(tenant_id)
        # Another request may have reconnected the tenant between the two calls. It needs the secret.
        if (latest := self.tenant_store.get(tenant_id)) is not None and latest.is_connected:
            self.token_store.restore_secret(tenant_id)
        return tenant

    def revoke_invitations(self, tenant_id: str) -> Tenant:
        """Revoke all invitations of a tenant, and end the sessions of those who accepted one.

        Raise :class:`UnknownTenant`.
        """
        return self.writer.change(tenant_id, AuditAction.REVOKE_INVITATIONS, _end_invitations)

    def configure(
        self,
        tenant_id: str,
        *,
        is_strict: bool | None = None,
        custom_schemas: Sequence[Mapping[str, Any]] | None = None,
    ) -> Tenant:
        """Change the given settings of a tenant. This takes effect in all execution environments within a minute.

        If a schema is removed, users keep its values. They are hidden until the schema is added again.
        Raise :class:`UnknownTenant`. Raise ``ValueError`` if a document is not valid, or if it changes the type of an
        attribute of which users may have values.
        """
        return self.writer.change(
            tenant_id, AuditAction.CONFIGURE, lambda tenant: _apply_settings(tenant, is_strict, custom_schemas)
        )

    def add_schemas(self, tenant_id: str, documents: Sequence[Mapping[str, Any]]) -> Tenant:
        """Add schema documents, or replace those with the same id. Raise the errors of :meth:`configure`."""
        return self.writer.change(
            tenant_id,
            AuditAction.CONFIGURE,
            lambda tenant: _apply_settings(tenant, None, merge_schemas(tenant.custom_schemas, documents)),
        )

    def remove_schema(self, tenant_id: str, urn: str) -> Tenant:
        """Remove the schema document with the id ``urn``. Raise :class:`UnknownTenant` and :class:`UnknownSchema`."""

        def revise(tenant: Tenant) -> Tenant:
            remaining = [document for document in tenant.custom_schemas if document["id"].lower() != urn.lower()]
            if len(remaining) == len(tenant.custom_schemas):
                raise UnknownSchema(f"{tenant_id} has no custom schema {urn}.")
            return _apply_settings(tenant, None, remaining)

        return self.writer.change(tenant_id, AuditAction.CONFIGURE, revise)

    def choose_provider(self, tenant_id: str, provider: IdentityProvider | None) -> Tenant:
        """Choose the identity provider of a tenant, or let it be detected (``None``). Only explanations depend on it.

        Raise :class:`UnknownTenant`.
        """
        return self.writer.change(tenant_id, AuditAction.CONFIGURE, lambda tenant: replace(tenant, provider=provider))

    def set_brake(self, tenant_id: str, *, is_on: bool) -> Tenant:
        """Turn the brake of a tenant on or off. This takes effect in all execution environments within a minute.

        Raise :class:`UnknownTenant`.
        """

        def revise(tenant: Tenant) -> Tenant:
            if tenant.brake.is_on == is_on:
                return tenant
            return replace(tenant, brake=BrakeSettings(is_on=is_on, reset_at=self.now()))

        return self.writer.change(tenant_id, AuditAction.CONFIGURE, revise)

    def release_deactivations(self, tenant_id: str, duration_s: float = DEFAULT_RELEASE_S) -> Tenant:
        """Accept all deactivations of a tenant for a time, and end its alert.

        This takes effect in all execution environments within a minute. After that time, the count starts at zero.
        Raise :class:`UnknownTenant`.
        """
        now = self.now()

        def revise(tenant: Tenant) -> Tenant:
            brake = replace(tenant.brake, reset_at=now, released_until=now + duration_s)
            return replace(tenant, brake=brake)

        return self.writer.change(tenant_id, AuditAction.RELEASE, revise)

    @property
    def tokens(self) -> TokenService:
        """The service for the tokens of these tenants."""
        return TokenService(self.writer, self.token_store)

    @property
    def writer(self) -> TenantWriter:
        """The writer of the settings of these tenants."""
        return TenantWriter(self.tenant_store, self.actor, self.now, self.new_id)

    def _revise_to_disconnected(self, tenant: Tenant) -> Tenant:
        if not tenant.is_connected:
            return tenant
        return replace(_end_invitations(self.tokens.build_revoked_settings(tenant)), is_connected=False)


def _end_invitations(tenant: Tenant) -> Tenant:
    return replace(tenant, invitation_epoch=tenant.invitation_epoch + 1)


def _apply_settings(
    tenant: Tenant, is_strict: bool | None, custom_schemas: Sequence[Mapping[str, Any]] | None
) -> Tenant:
    """Return the tenant with the given settings. A setting that is ``None`` is unchanged."""
    documents = tenant.custom_schemas if custom_schemas is None else parse_schemas(custom_schemas)
    return replace(
        tenant,
        is_strict=tenant.is_strict if is_strict is None else is_strict,
        custom_schemas=documents,
        attribute_types=merge_types(tenant.attribute_types, documents),
    )
