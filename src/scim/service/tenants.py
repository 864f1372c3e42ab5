"""The use cases around a tenant: a customer whose identity provider is connected."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scim.service.extensions import check_compatible, read_extensions
from scim.service.ports import Tenant, TenantStore, TokenStore

TENANT_ID = re.compile(r"[a-z0-9-]{1,40}")


class TenantExists(Exception):
    """The tenant is connected already."""


class UnknownTenant(Exception):
    """No such tenant is connected."""


@dataclass(frozen=True, slots=True)
class Tenants:
    settings: TenantStore
    tokens: TokenStore

    def connect(self, tenant_id: str, extensions: Sequence[Mapping[str, Any]] = ()) -> str:
        """Make a tenant and return its bearer token, which is shown only here.

        ``extensions`` are schema documents that extend its users (:mod:`scim.service.extensions`). The settings come
        last: until they are there, the token opens nothing, and what was begun can be begun again.
        Raises :class:`TenantExists`, and ``ValueError`` for an id that is not lower-case letters, digits and hyphens,
        or for a wrong document.
        """
        if not TENANT_ID.fullmatch(tenant_id):
            raise ValueError("A tenant's id is 1 to 40 lower-case letters, digits and hyphens.")
        tenant = Tenant(tenant_id, extensions=read_extensions(extensions))
        if self.settings.get(tenant_id) is not None:
            raise TenantExists(tenant_id)
        token = self.tokens.issue(tenant_id)
        if not self.settings.create(tenant):
            raise TenantExists(tenant_id)
        return token

    def configure(
        self, tenant_id: str, *, strict: bool | None = None, extensions: Sequence[Mapping[str, Any]] | None = None
    ) -> Tenant:
        """Change what is given of a tenant's settings; execution environments follow within a minute.

        What users have of an extension that is gone stays with them until they are next written.
        Raises :class:`UnknownTenant`, and ``ValueError`` for a wrong document, or one that gives an attribute another
        type than users may have values of.
        """
        documents = None if extensions is None else read_extensions(extensions)
        tenant = self.settings.get(tenant_id)
        if tenant is None:
            raise UnknownTenant(tenant_id)
        check_compatible(tenant.extensions, documents or ())
        changed = Tenant(
            tenant_id,
            strict=tenant.strict if strict is None else strict,
            extensions=tenant.extensions if documents is None else documents,
        )
        if not self.settings.replace(changed):
            raise UnknownTenant(tenant_id)
        return changed
