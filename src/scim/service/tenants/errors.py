"""Errors of the services for tenants, tokens and invitations. Each message says what to do."""

from __future__ import annotations


class TenantError(Exception):
    """The state of the tenant does not allow the operation."""


class TenantExists(TenantError):
    """The tenant is already connected."""


class UnknownTenant(TenantError):
    """No tenant with this id is connected."""


class TenantConnected(TenantError):
    """The tenant is connected, and the operation requires that it is disconnected."""


class TenantPurging(TenantError):
    """A purge of the tenant has begun, so nothing else can be done with it."""


class TenantReserved(TenantError):
    """The stack itself needs the tenant: that of the tests of new versions."""


class UnknownSchema(TenantError):
    """The tenant has no custom schema with this URN."""


class PreviousTokenValid(TenantError):
    """The previous token is still valid, and the operation would end its grace period."""


class ConcurrentChange(TenantError):
    """The tenant or its secret was changed at the same time by another request."""
