"""The cache of tenants: which ones are removed, and what large custom schemas count."""

import pytest

from scim.auth import tenant_cache
from scim.auth.tenant_cache import CachedTenant, TenantCache
from scim.service.model.tenant import Tenant


def tenant(tenant_id: str, attributes: int = 0) -> CachedTenant:
    """A tenant with as many custom attributes, half of them sub-attributes."""
    complex_ = [{"name": "a", "subAttributes": [{"name": "b"}]} for _ in range(attributes // 2)]
    return CachedTenant(0.0, (), Tenant(tenant_id, custom_schemas=[{"attributes": complex_}]), is_connected=True)


@pytest.fixture(autouse=True)
def bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five tenants, and 100 custom attributes."""
    monkeypatch.setattr(tenant_cache, "MAX_TENANTS", 5)
    monkeypatch.setattr(tenant_cache, "MAX_CUSTOM_ATTRIBUTES", 100)


def cached(cache: TenantCache) -> str:
    return "".join(each for each in "abcdefgh" if cache.peek(each))


def test_least_recently_used_tenant_is_removed() -> None:
    cache = TenantCache()
    for each in "abcde":
        cache.add(each, tenant(each))
    cache.get("a")
    cache.peek("b")
    cache.add("f", tenant("f"))

    assert cached(cache) == "acdef"


def test_large_schemas_remove_more_tenants() -> None:
    cache = TenantCache()
    for each in "abcd":
        cache.add(each, tenant(each, 20))
    cache.add("e", tenant("e", 60))

    assert cached(cache) == "cde"


def test_schema_beyond_the_bound_is_cached_alone() -> None:
    cache = TenantCache()
    cache.add("a", tenant("a"))
    cache.add("b", tenant("b", 200))
    assert cached(cache) == "b"
    cache.add("c", tenant("c", 20))

    assert cached(cache) == "c"


def test_tenant_that_is_read_again_counts_once() -> None:
    cache = TenantCache()
    cache.add("a", tenant("a", 20))
    for _ in range(10):
        cache.add("b", tenant("b", 20))

    assert cached(cache) == "ab"
