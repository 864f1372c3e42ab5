"""The cache of tenants: which ones are removed, and how large custom schemas count."""

import pytest

from scim.auth import tenant_cache
from scim.auth.tenant_cache import CachedTenant, TenantCache
from scim.service.model.tenant import Tenant


def build_tenant(tenant_id: str, attributes: int = 0) -> CachedTenant:
    """Return a tenant with a number of custom attributes, half of them sub-attributes."""
    complex_attributes = [{"name": "a", "subAttributes": [{"name": "b"}]} for _ in range(attributes // 2)]
    return CachedTenant(
        0.0, (), Tenant(tenant_id, custom_schemas=[{"attributes": complex_attributes}]), is_connected=True
    )


@pytest.fixture(autouse=True)
def small_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five tenants, and 100 custom attributes."""
    monkeypatch.setattr(tenant_cache, "MAX_TENANTS", 5)
    monkeypatch.setattr(tenant_cache, "MAX_CUSTOM_ATTRIBUTES", 100)


def list_cached(cache: TenantCache) -> str:
    return "".join(name for name in "abcdefgh" if cache.peek(name))


def test_least_recently_used_tenant_is_removed() -> None:
    cache = TenantCache()
    for name in "abcde":
        cache.add(name, build_tenant(name))
    cache.get("a")
    cache.peek("b")
    cache.add("f", build_tenant("f"))

    assert list_cached(cache) == "acdef"


def test_large_schemas_remove_more_tenants() -> None:
    cache = TenantCache()
    for name in "abcd":
        cache.add(name, build_tenant(name, 20))
    cache.add("e", build_tenant("e", 60))

    assert list_cached(cache) == "cde"


def test_schema_above_the_limit_is_cached_alone() -> None:
    cache = TenantCache()
    cache.add("a", build_tenant("a"))
    cache.add("b", build_tenant("b", 200))
    assert list_cached(cache) == "b"
    cache.add("c", build_tenant("c", 20))

    assert list_cached(cache) == "c"


def test_updated_tenant_counts_once() -> None:
    cache = TenantCache()
    cache.add("a", build_tenant("a", 20))
    for _ in range(10):
        cache.add("b", build_tenant("b", 20))

    assert list_cached(cache) == "ab"
