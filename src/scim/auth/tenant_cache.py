"""Cache the tenants that an execution environment has authenticated recently, in bounded memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from scim.auth.token_lookup_limiter import TokenLookupLimiter
from scim.service.model.tenant import Tenant

MAX_TENANTS = 10_000
MAX_CUSTOM_ATTRIBUTES = 100_000
"""The limits of the cache. A tenant takes about 1 KB, a custom attribute up to 2 KB.

See docs/decisions/tenants-and-tokens/size-of-the-tenant-cache.md.
"""


@dataclass(frozen=True, slots=True)
class ValidToken:
    """A valid token: its digest, when it expires (seconds since 1970), and the version of the secret that contains it.

    The token itself is not cached.
    """

    digest: bytes
    expires: float
    version_id: str


@dataclass(slots=True)
class CachedTenant:
    """A tenant and its valid tokens, as they were read at ``read_at`` (seconds since 1970).

    ``tenant`` is ``None`` if there is no valid token. The tenant may still be connected, with all tokens revoked.
    ``is_used`` says whether a request with a valid token has come since then.
    """

    read_at: float
    valid_tokens: Sequence[ValidToken]
    tenant: Tenant | None
    is_connected: bool
    is_used: bool = False
    lookup_limiter: TokenLookupLimiter = field(default_factory=TokenLookupLimiter)

    @property
    def custom_attribute_count(self) -> int:
        """The number of attributes in the tenant's custom schemas, including sub-attributes."""
        documents = self.tenant.custom_schemas if self.tenant else ()
        attributes = [attribute for document in documents for attribute in document["attributes"]]
        return len(attributes) + sum(len(attribute.get("subAttributes", ())) for attribute in attributes)


class TenantCache:
    """Caches tenants. A full cache removes the least recently used tenants, but never the one that was just added."""

    def __init__(self) -> None:
        self._tenants: OrderedDict[str, CachedTenant] = OrderedDict()  # least recently used first
        self._custom_attribute_count = 0

    def peek(self, tenant_id: str) -> CachedTenant | None:
        """Return a tenant without marking it as used, ``None`` if it is not cached."""
        return self._tenants.get(tenant_id)

    def get(self, tenant_id: str) -> CachedTenant | None:
        """Return a tenant and mark it as used, ``None`` if it is not cached."""
        if tenant_id in self._tenants:
            self._tenants.move_to_end(tenant_id)
        return self._tenants.get(tenant_id)

    def add(self, tenant_id: str, cached: CachedTenant) -> None:
        """Add or replace a tenant, and remove other tenants until the cache is within its limits."""
        self._remove(self._tenants.pop(tenant_id, None))
        self._tenants[tenant_id] = cached
        self._custom_attribute_count += cached.custom_attribute_count
        while self._is_full and len(self._tenants) > 1:
            self._remove(self._tenants.popitem(last=False)[1])

    @property
    def _is_full(self) -> bool:
        return len(self._tenants) > MAX_TENANTS or self._custom_attribute_count > MAX_CUSTOM_ATTRIBUTES

    def _remove(self, cached: CachedTenant | None) -> None:
        self._custom_attribute_count -= cached.custom_attribute_count if cached else 0
