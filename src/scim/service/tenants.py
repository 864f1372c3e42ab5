"""The use cases around a tenant: a customer whose identity provider is connected."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scim.protocol.schema import user_type
from scim.service.ports import Tenant, TenantStore, TokenStore

TENANT_ID = re.compile(r"[a-z0-9-]{1,40}")


class TenantExists(Exception):
    """The tenant is connected already."""


@dataclass(frozen=True, slots=True)
class Tenants:
    settings: TenantStore
    tokens: TokenStore

    def connect(self, tenant_id: str, extensions: Sequence[Mapping[str, Any]] = ()) -> str:
        """Make a tenant and return its bearer token, which is shown only here.

        ``extensions`` are schema documents (RFC 7643 section 7) that extend its users. The settings come last: until
        they are there, the token opens nothing, and what was begun can be begun again.
        Raises :class:`TenantExists`, and ``ValueError`` for an id that is not lower-case letters, digits and hyphens.
        """
        if not TENANT_ID.fullmatch(tenant_id):
            raise ValueError("A tenant's id is 1 to 40 lower-case letters, digits and hyphens.")
        user_type().extended(extensions)  # a document that can't be read is refused here and not at every request
        if self.settings.get(tenant_id) is not None:
            raise TenantExists(tenant_id)
        token = self.tokens.issue(tenant_id)
        if not self.settings.create(Tenant(tenant_id, extensions=extensions)):
            raise TenantExists(tenant_id)
        return token
